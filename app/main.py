"""The only place where the parts of Hindsight meet."""

from dataclasses import dataclass
from typing import cast

from flask import Flask

from app.api import body, errors, health, history, metrics, request, versions
from app.api.v2 import image_data, images, schemas, tags
from app.auth import TokenAuthentication
from app.background import Background, Reaper
from app.catalog import Catalog
from app.metrics import CountedStore, Metrics
from app.settings import Settings
from app.uploads import Uploads
from projections import image_list
from projections.image_query import ImageQueries
from storage.blobs.filesystem import FilesystemBlobStore
from storage.blobs.protocol import BlobStore
from storage.database import open_engine, operational
from storage.events import EventLog
from storage.recorder import EventDatastore
from storage.tokens import Tokens


@dataclass(frozen=True)
class Hindsight:
    """The parts of one process, connected."""

    settings: Settings
    datastore: EventDatastore
    log: EventLog
    images: ImageQueries
    tokens: Tokens
    auth: TokenAuthentication
    store: BlobStore
    catalog: Catalog
    uploads: Uploads
    background: Background
    readiness: health.Readiness
    metrics: Metrics

    def create_tables(self) -> None:
        """Create what is missing of the tables.

        Not done by every process: one that starts while the database is away has to wait for it,
        not to fail.
        """
        self.log.create_tables(operational, image_list.read_models)

    def close(self) -> None:
        """Stop the background threads and close every connection."""
        self.background.stop()
        self.datastore.close()


def open_hindsight(settings: Settings, metrics: Metrics | None = None) -> Hindsight:
    """Connect the parts, creating what is missing of the data folder.

    To be called in the process that uses them: database connections do not survive a fork.
    Take the metrics of a process that shares them with others.
    """
    metrics = metrics or Metrics()
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    if settings.database_url is None:
        settings.sqlite_file.touch(mode=0o600)  # SQLite gives its other files the same mode
    engine = open_engine(settings.database)
    metrics.watch_pool(engine)
    datastore = EventDatastore(engine)
    log = EventLog(datastore, inline=[image_list.plan])
    images = ImageQueries(engine)
    tokens = Tokens(log)
    store = FilesystemBlobStore(settings.blobs)
    catalog = Catalog(log, store, lease=settings.lease, delayed_delete=settings.delayed_delete)
    uploads = Uploads(
        catalog, store, metrics, os_hash_algo=settings.os_hash_algo, cap=settings.image_size_cap
    )
    reaper = Reaper(catalog, log, images, delayed_delete=settings.delayed_delete)
    return Hindsight(
        settings=settings,
        datastore=datastore,
        log=log,
        images=images,
        tokens=tokens,
        auth=TokenAuthentication(tokens, cache=settings.token_cache),
        store=cast("BlobStore", CountedStore(store, metrics.sent)),  # it passes on all else
        catalog=catalog,
        uploads=uploads,
        background=Background(uploads, reaper, lease=settings.lease),
        readiness=health.Readiness(log, store),
        metrics=metrics,
    )


def create_app(hindsight: Hindsight) -> Flask:
    """Return the WSGI application over connected parts."""
    app = Flask("hindsight", static_folder=None)
    app.url_map.merge_slashes = False
    app.json.sort_keys = False  # type: ignore[attr-defined] # the default provider has it
    app.extensions["hindsight"] = hindsight
    request.install(app, log_access=hindsight.settings.access_log)
    errors.install(app)
    body.install(app)
    metrics.install(app, hindsight.metrics)
    v2 = (images.bp, image_data.bp, tags.bp, schemas.bp)
    for blueprint in (versions.bp, *v2, history.bp, health.bp, metrics.bp):
        app.register_blueprint(blueprint)
    return app

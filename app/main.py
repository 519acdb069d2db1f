"""The only place where the parts of Hindsight meet."""

from dataclasses import dataclass

from flask import Flask

from app.api import body, errors, history, request, versions
from app.api.v2 import image_data, images, schemas, tags
from app.auth import TokenAuthentication
from app.background import Background, Reaper
from app.catalog import Catalog
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

    def close(self) -> None:
        """Stop the background threads and close every connection."""
        self.background.stop()
        self.datastore.close()


def open_hindsight(settings: Settings) -> Hindsight:
    """Connect the parts, creating what is missing of the data folder and the tables.

    To be called in the process that uses them: database connections do not survive a fork.
    """
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    engine = open_engine(settings.database)
    datastore = EventDatastore(engine)
    log = EventLog(datastore, inline=[image_list.plan])
    log.create_tables(operational, image_list.read_models)
    images = ImageQueries(engine)
    tokens = Tokens(log)
    store = FilesystemBlobStore(settings.blobs)
    catalog = Catalog(log, store, lease=settings.lease)
    uploads = Uploads(
        catalog, store, os_hash_algo=settings.os_hash_algo, cap=settings.image_size_cap
    )
    return Hindsight(
        settings=settings,
        datastore=datastore,
        log=log,
        images=images,
        tokens=tokens,
        auth=TokenAuthentication(tokens, cache=settings.token_cache),
        store=store,
        catalog=catalog,
        uploads=uploads,
        background=Background(uploads, Reaper(catalog, log, images), lease=settings.lease),
    )


def create_app(hindsight: Hindsight) -> Flask:
    """Return the WSGI application over connected parts."""
    app = Flask("hindsight", static_folder=None)
    app.url_map.merge_slashes = False
    app.json.sort_keys = False  # type: ignore[attr-defined] # the default provider has it
    app.extensions["hindsight"] = hindsight
    request.install(app)
    errors.install(app)
    body.install(app)
    for blueprint in (versions.bp, images.bp, image_data.bp, tags.bp, schemas.bp, history.bp):
        app.register_blueprint(blueprint)
    return app

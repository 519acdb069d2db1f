"""The databases whose promises are tested; a new one joins by one more name and case."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from app.catalog import Catalog
from domain.image import Description, Image
from domain.origin import Actor, Origin
from projections import image_list
from projections.image_query import ImageQueries
from storage.blobs.filesystem import FilesystemBlobStore
from storage.database import open_engine, operational
from storage.events import EventLog
from storage.recorder import EventDatastore
from tests import postgres

DATABASES = ("sqlite", "postgresql")
only_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
only_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
ALICE = Origin(actor=Actor(user="alice", project="blue", roles=("member",)), request_id="req-1")


def url_of(database: str, directory: Path) -> str:
    """Return the URL of an empty database of its own."""
    match database:
        case "sqlite":
            return f"sqlite:///{directory / 'catalog.db'}"
        case "postgresql":
            return postgres.new_database()
        case _:
            raise ValueError(database)


@contextmanager
def connected(url: str) -> Iterator[EventDatastore]:
    """Connect to a database, from whichever process."""
    datastore = EventDatastore(open_engine(url))
    try:
        yield datastore
    finally:
        datastore.close()


def log_of(datastore: EventDatastore) -> EventLog:
    """Return the event log as the service sets it up; its tables may be missing."""
    return EventLog(datastore, inline=[image_list.plan])


def register(log: EventLog, image_id: UUID | None = None, *, name: str | None = None) -> Image:
    """Store a new image and return it."""
    image = Image.register(image_id or uuid4(), Description(owner="blue", name=name), ALICE)
    save(log, image)
    return image


def save(log: EventLog, image: Image) -> None:
    """Store what was decided on an image."""
    with log.transaction() as connection:
        log.append(connection, image.collect_events())


def tag(log: EventLog, image_id: UUID, *tags: str) -> Image:
    """Load an image, add tags and store that."""
    image = log.load(image_id)
    for each in tags:
        image.add_tag(each, by=ALICE)
    save(log, image)
    return image


@pytest.fixture(params=DATABASES)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return url_of(request.param, tmp_path)


@pytest.fixture
def datastore(database_url: str) -> Iterator[EventDatastore]:
    with connected(database_url) as datastore:
        yield datastore


@pytest.fixture
def log(datastore: EventDatastore) -> EventLog:
    log = log_of(datastore)
    log.create_tables(operational, image_list.read_models)
    return log


@pytest.fixture
def queries(datastore: EventDatastore) -> ImageQueries:
    return ImageQueries(datastore.engine)


@pytest.fixture
def catalog(log: EventLog, tmp_path: Path) -> Catalog:
    return Catalog(log, FilesystemBlobStore(tmp_path / "blobs"), lease=30)

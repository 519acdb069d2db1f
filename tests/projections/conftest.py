"""Images in a read model, made of events alone, and what tests look at there."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, Engine, select

from domain import events
from domain.events import ImageEvent
from domain.origin import Actor
from projections import image_list
from projections.image_query import ImageQueries
from projections.image_row import ImageRow, advance
from projections.runner import rebuild
from storage.database import operational
from storage.events import EventLog
from storage.recorder import EventDatastore
from tests.contract.conftest import DATABASES, connected, log_of, url_of

ACTOR = Actor(user="alice", project="blue", roles=("member",))
BEGINNING = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
IMAGE = UUID("1a6e0000-0000-4000-8000-000000000001")
ATTEMPT = UUID("a77e3b70-0000-4000-8000-000000000001")

NOTHING_SAID: dict[str, Any] = {
    "originator_topic": "hindsight.image",
    "name": None,
    "owner": "blue",
    "visibility": "shared",
    "disk_format": None,
    "container_format": None,
    "min_disk": 0,
    "min_ram": 0,
    "protected": False,
    "os_hidden": False,
    "tags": (),
    "properties": {},
}
DATA: dict[str, Any] = {
    "attempt": ATTEMPT,
    "store": "main",
    "size": 4096,
    "virtual_size": 8192,
    "checksum": "d41d8cd98f00b204e9800998ecf8427e",
    "os_hash_algo": "sha512",
    "os_hash_value": "cf83e1357eefb8bd",
}

Tables = dict[str, set[tuple[Any, ...]]]


def happened(
    event: type[ImageEvent],
    version: int = 2,
    *,
    image_id: UUID = IMAGE,
    at: datetime | None = None,
    **facts: Any,
) -> ImageEvent:
    """Return an event of an image; without a time, each version comes a minute after the last."""
    return event(
        originator_id=image_id,
        originator_version=version,
        timestamp=at or BEGINNING + timedelta(minutes=version - 1),
        actor=ACTOR,
        request_id="req-1",
        **facts,
    )


def registered(*, image_id: UUID = IMAGE, at: datetime | None = None, **facts: Any) -> ImageEvent:
    """Return the first event of an image of which only the given facts are said."""
    said = NOTHING_SAID | facts
    return happened(events.Registered, 1, image_id=image_id, at=at, **said)


def row_of(history: Iterable[ImageEvent]) -> ImageRow:
    """Return an image's row after its history."""
    row = None
    for event in history:
        row = advance(row, event)
    assert row is not None
    return row


def contents(connection: Connection) -> Tables:
    """Return everything that the read models hold."""
    return {
        name: {tuple(row) for row in connection.execute(select(table))}
        for name, table in image_list.read_models.tables.items()
    }


def live(engine: Engine) -> Tables:
    """Return what the read models hold now."""
    with engine.connect() as connection:
        return contents(connection)


def rebuilt(engine: Engine, log: EventLog, *, batch: int) -> Tables:
    """Return what the read models would hold after a rebuild, and leave them as they are."""
    with engine.connect().execution_options(writes=True) as connection:
        rebuild(connection, batches(log, batch))
        tables = contents(connection)
        connection.rollback()
    return tables


def batches(log: EventLog, size: int) -> Iterator[Sequence[ImageEvent]]:
    """Yield the whole log, some events at a time."""
    notes = log.read(after=0, limit=100_000)
    for start in range(0, len(notes), size):
        yield [note.event for note in notes[start : start + size]]


@pytest.fixture(params=DATABASES)
def datastore(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[EventDatastore]:
    with connected(url_of(request.param, tmp_path)) as datastore:
        yield datastore


@pytest.fixture
def log(datastore: EventDatastore) -> EventLog:
    log = log_of(datastore)
    log.create_tables(operational, image_list.read_models)
    return log


@pytest.fixture
def engine(datastore: EventDatastore, log: EventLog) -> Engine:
    """An engine on empty read models."""
    return datastore.engine


@pytest.fixture
def queries(engine: Engine) -> ImageQueries:
    return ImageQueries(engine)

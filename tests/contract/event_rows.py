"""What the event store holds, read past our own code."""

from typing import Any
from uuid import UUID

from sqlalchemy import Engine, text

from storage.events import EventLog
from storage.snapshots import SNAPSHOT_EVERY
from tests.contract.conftest import register, tag


def stored(engine: Engine, table: str = "image_events") -> list[tuple[Any, ...]]:
    """Return a table's rows as they are stored."""
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(f"SELECT * FROM {table}"))]  # noqa: S608 - our names


def versions(log: EventLog, image_id: UUID) -> list[int]:
    return [note.event.originator_version for note in log.history(image_id)]


def positions(log: EventLog) -> list[int]:
    return [note.position for note in log.read(after=0, limit=10_000)]


def image_with_many_events(log: EventLog) -> UUID:
    image = register(log, name="as recorded")
    tag(log, image.id, *(f"t{number:02}" for number in range(2 * SNAPSHOT_EVERY)))
    return image.id

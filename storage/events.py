"""The event store: append-only tables, their recorder, and the images loaded from them."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

from eventsourcing.persistence import EventStore, PersistenceError, StoredEvent
from eventsourcing_sqlalchemy.models import StoredEventRecord  # type: ignore[attr-defined]
from eventsourcing_sqlalchemy.recorders import (
    SQLAlchemyAggregateRecorder,
    SQLAlchemyApplicationRecorder,
)
from sqlalchemy import Connection, MetaData, Table, insert, select
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from domain.errors import ConcurrentChange, IdTaken, ImageNotFound
from domain.events import ImageEvent
from domain.image import Image
from storage.database import Datastore, refusal_of
from storage.mapper import EventMapper
from storage.snapshots import SNAPSHOT_EVERY, ImageSnapshot

EVENTS_TABLE = "image_events"
SNAPSHOTS_TABLE = "image_snapshots"

InlineProjection = Callable[[Connection, Sequence[ImageEvent]], None]

# PostgreSQL's twin comes with its schema; the tests try both actions.
APPEND_ONLY_SQLITE = """
CREATE TRIGGER IF NOT EXISTS {table}_no_{action} BEFORE {action} ON {table}
BEGIN SELECT RAISE(ABORT, 'events are append-only'); END
"""


class EventRecord(StoredEventRecord):  # type: ignore[misc] # the library's models are untyped
    """A row of the event store; its id, the position, is never used twice."""

    __abstract__ = True
    __table_args__ = (*StoredEventRecord.__table_args__, {"sqlite_autoincrement": True})


class EventDatastore(Datastore):
    """Our datastore, with our event table."""

    base_stored_event_record_cls = EventRecord


class EventRecorder(SQLAlchemyApplicationRecorder):
    """The library's recorder, appending and reading rows without the price of ORM objects."""

    @property
    def table(self) -> Table:
        return cast("Table", self.events_record_cls.__table__)

    def _insert_stored_events(
        self, session: Session, stored_events: Sequence[StoredEvent], **_: Any
    ) -> Sequence[int]:
        self._lock_table(session)
        rows = [vars(stored) for stored in stored_events]
        append = insert(self.table).returning(self.table.c.id, sort_by_parameter_order=True)
        positions = session.connection().execute(append, rows).scalars().all()
        self._notify_channel(session)
        return positions

    def select_events(
        self,
        originator_id: UUID | str,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> list[StoredEvent]:
        notes = self.select_history(originator_id, gt=gt, lte=lte, desc=desc, limit=limit)
        return [stored for _, stored in notes]

    def select_history(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> list[tuple[int, StoredEvent]]:
        """Return an image's stored events with their positions, in the order of versions."""
        columns = self.table.c
        version = columns.originator_version
        query = select(columns.id, columns.originator_version, columns.topic, columns.state)
        query = query.where(columns.originator_id == originator_id)
        if gt is not None:
            query = query.where(version > gt)
        if lte is not None:
            query = query.where(version <= lte)
        query = query.order_by(version.desc() if desc else version).limit(limit)
        with self.transaction(commit=False) as session:
            rows = session.connection().execute(query).all()
        return [(row[0], StoredEvent(originator_id, row[1], row[2], row[3])) for row in rows]


@dataclass(frozen=True)
class Notification:
    """An event and its position in the order of all events."""

    position: int
    event: ImageEvent


class EventLog:
    """Loads images from their events and appends what they decided."""

    def __init__(self, datastore: EventDatastore, *, inline: Sequence[InlineProjection]) -> None:
        """Take the projections that are written in the very transaction of the events."""
        self._datastore = datastore
        self._inline = inline
        self._recorder = EventRecorder(datastore, events_table_name=EVENTS_TABLE)
        self._snapshot_recorder = SQLAlchemyAggregateRecorder(
            datastore, events_table_name=SNAPSHOTS_TABLE, for_snapshots=True
        )
        self._mapper = EventMapper()
        self._events: EventStore[UUID] = EventStore(self._mapper, self._recorder)
        self._snapshots: EventStore[UUID] = EventStore(self._mapper, self._snapshot_recorder)

    def create_tables(self, *others: MetaData) -> None:
        """Create what is missing of the event store's tables and triggers, and of other tables."""
        with self.transaction() as connection:
            for table in (*self._recorder.tables, *self._snapshot_recorder.tables):
                table.create(connection, checkfirst=True)
            for metadata in others:
                metadata.create_all(connection)
            for action in ("UPDATE", "DELETE"):
                trigger = APPEND_ONLY_SQLITE.format(table=EVENTS_TABLE, action=action)
                connection.exec_driver_sql(trigger)

    @contextmanager
    def transaction(self, *, commit: bool = True) -> Iterator[Connection]:
        """Run what is inside as one transaction; on SQLite a committing one waits its turn.

        Raises:
            DatabaseFull, DatabaseUnavailable: nothing of it was stored.
        """
        try:
            with self._datastore.transaction(commit=commit) as session:
                yield session.connection()
        except (PersistenceError, DBAPIError) as error:
            raise refusal_of(error) from error

    def load(self, image_id: UUID, *, version: int | None = None) -> Image:
        """Return the image as it is, or as it was at a version; ImageNotFound if never there."""
        with self.transaction(commit=False):
            snapshot = None if version else self._latest_snapshot(image_id)
            image = snapshot.mutate(None) if snapshot else None
            start = image.version if image else 0
            for event in self._events.get(image_id, gt=start, lte=version):
                image = cast("ImageEvent", event).mutate(image)
        if image is None:
            raise ImageNotFound(image_id)
        if not version and image.version - start >= SNAPSHOT_EVERY:
            self._keep_snapshot(image)
        return image

    def append(self, connection: Connection, events: Sequence[ImageEvent]) -> None:
        """Append one image's events, as the last step of the caller's transaction.

        The inline projections come first: on PostgreSQL appending locks the table until COMMIT.

        Raises:
            IdTaken: the first event registers an id that has a history.
            ConcurrentChange: someone else appended first.
        """
        try:
            for project in self._inline:
                project(connection, events)
            self._events.put(events)
        except IntegrityError as error:
            first = events[0]
            refusal = IdTaken if first.originator_version == 1 else ConcurrentChange
            raise refusal(first.originator_id) from error

    def history(
        self, image_id: UUID, *, after_version: int = 0, limit: int | None = None
    ) -> list[Notification]:
        """Return an image's events after a version, oldest first."""
        with self.transaction(commit=False):
            rows = self._recorder.select_history(image_id, gt=after_version, limit=limit)
        return [Notification(position, self._event(stored)) for position, stored in rows]

    def read(self, *, after: int, limit: int) -> list[Notification]:
        """Return the events of all images after a position, in order of position."""
        with self.transaction(commit=False):
            notes = self._recorder.select_notifications(
                start=after, limit=limit, inclusive_of_start=False
            )
        return [Notification(note.id, self._event(note)) for note in notes]

    def _latest_snapshot(self, image_id: UUID) -> ImageSnapshot | None:
        for stored in self._snapshots.get(image_id, desc=True, limit=1):
            snapshot = cast("ImageSnapshot", stored)
            if snapshot.shape == Image.class_version:
                return snapshot
        return None

    def _keep_snapshot(self, image: Image) -> None:
        if self._datastore.in_transaction:
            return  # a snapshot that fails must not take the caller's transaction with it
        with suppress(PersistenceError):  # another process took it, or there is no room: no matter
            self._snapshots.put([ImageSnapshot.take(image)])

    def _event(self, stored: StoredEvent) -> ImageEvent:
        return cast("ImageEvent", self._mapper.to_domain_event(stored))

"""The event store: append-only tables, their recorder, and the images loaded from them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
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
from sqlalchemy import Connection, MetaData, Select, Table, bindparam, func, insert, select
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

Step = Callable[[Connection], None]
"""Something to be done in a transaction, prepared before."""

InlineProjection = Callable[[Connection, Sequence[ImageEvent]], Step]
"""Prepares what a read model writes in the events' transaction."""

# PostgreSQL's twin comes with its schema; the tests try both actions.
APPEND_ONLY_SQLITE = """
CREATE TRIGGER IF NOT EXISTS {table}_no_{action} BEFORE {action} ON {table}
BEGIN SELECT RAISE(ABORT, 'events are append-only'); END
"""

# INSERT OR REPLACE removes the rows in its way without asking a trigger on DELETE.
NO_REPLACE_SQLITE = """
CREATE TRIGGER IF NOT EXISTS {table}_no_REPLACE BEFORE INSERT ON {table}
WHEN EXISTS (SELECT 1 FROM {table} WHERE id = NEW.id) OR EXISTS (
    SELECT 1 FROM {table}
    WHERE originator_id = NEW.originator_id AND originator_version = NEW.originator_version
)
BEGIN SELECT RAISE(ABORT, 'events are append-only'); END
"""


class EventRecord(StoredEventRecord):  # type: ignore[misc] # the library's models are untyped
    """A row of the event store; its id, the position, is never used twice."""

    __abstract__ = True
    __table_args__ = (*StoredEventRecord.__table_args__, {"sqlite_autoincrement": True})


class EventDatastore(Datastore):
    """Our datastore, with our event table."""

    base_stored_event_record_cls = EventRecord


class LeanReads(SQLAlchemyAggregateRecorder):
    """Reads rows without the price of ORM objects."""

    datastore: Datastore

    @property
    def table(self) -> Table:
        return cast("Table", self.events_record_cls.__table__)

    def select_events(
        self,
        originator_id: UUID | str,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> list[StoredEvent]:
        columns = self.table.c
        version = columns.originator_version
        query = select(version, columns.topic, columns.state)
        query = query.where(columns.originator_id == originator_id)
        if gt is not None:
            query = query.where(version > gt)
        if lte is not None:
            query = query.where(version <= lte)
        query = query.order_by(version.desc() if desc else version).limit(limit)
        with self.datastore.reading() as connection:
            return [StoredEvent(originator_id, *row) for row in connection.execute(query)]


class EventRecorder(LeanReads, SQLAlchemyApplicationRecorder):
    """The library's recorder, appending without ORM objects, too."""

    _since: Select[tuple[int, str, bytes]] | None = None  # building it costs more than running it

    def _insert_stored_events(
        self, session: Session, stored_events: Sequence[StoredEvent], **_: Any
    ) -> Sequence[int]:
        self._lock_table(session)
        rows = [vars(stored) for stored in stored_events]
        append = insert(self.table).returning(self.table.c.id, sort_by_parameter_order=True)
        # For a single row SQLAlchemy has a shorter way.
        given = rows[0] if len(rows) == 1 else rows
        positions = session.connection().execute(append, given).scalars().all()
        self._notify_channel(session)
        return positions

    def select_since(self, image_id: UUID, snapshots: Table) -> list[StoredEvent]:
        """Return an image's events after its latest snapshot, or all where there is none."""
        if self._since is None:
            self._since = _since_snapshot(self.table, snapshots)
        with self.datastore.reading() as connection:
            rows = connection.execute(self._since, {"image_id": image_id})
            return [StoredEvent(image_id, *row) for row in rows]

    def positions(self, image_id: UUID) -> list[int]:
        """Return the positions of an image's events, in the order of versions."""
        columns = self.table.c
        query = select(columns.id).where(columns.originator_id == image_id)
        with self.datastore.reading() as connection:
            return list(connection.execute(query.order_by(columns.originator_version)).scalars())


def _since_snapshot(events: Table, snapshots: Table) -> Select[tuple[int, str, bytes]]:
    image_id = bindparam("image_id", type_=events.c.originator_id.type)
    latest = select(func.max(snapshots.c.originator_version))
    start = latest.where(snapshots.c.originator_id == image_id).scalar_subquery()
    version = events.c.originator_version
    return (
        select(version, events.c.topic, events.c.state)
        .where(events.c.originator_id == image_id, version > func.coalesce(start, 0))
        .order_by(version)
    )


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
        self._snapshot_recorder = LeanReads(
            datastore, events_table_name=SNAPSHOTS_TABLE, for_snapshots=True
        )
        self._mapper = EventMapper()
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
            connection.exec_driver_sql(NO_REPLACE_SQLITE.format(table=EVENTS_TABLE))

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
        if version is not None:
            stored = self._recorder.select_events(image_id, lte=version)
            image = _replay(None, map(self._event, stored))
        else:
            image = self._load_latest(image_id)
        if image is None:
            raise ImageNotFound(image_id)
        return image

    def prepare(self, events: Sequence[ImageEvent]) -> Step:
        """Return what appends one image's events, as the last step of a transaction.

        Whatever can be done before the transaction is done here: it holds up other writers. The
        inline projections are written first, since on PostgreSQL appending locks the table until
        COMMIT. The step raises:
            IdTaken: the first event registers an id that has a history.
            ConcurrentChange: someone else appended first.
        """
        with self._datastore.reading() as connection:
            projections = [plan(connection, events) for plan in self._inline]
        stored = [self._mapper.to_stored_event(event) for event in events]
        first = events[0]

        def append(connection: Connection) -> None:
            try:
                for write in projections:
                    write(connection)
                self._recorder.insert_events(stored)
            except IntegrityError as error:
                refusal = IdTaken if first.originator_version == 1 else ConcurrentChange
                raise refusal(first.originator_id) from error

        return append

    def append(self, connection: Connection, events: Sequence[ImageEvent]) -> None:
        """Append one image's events in the caller's transaction; see `prepare`."""
        self.prepare(events)(connection)

    def history(self, image_id: UUID) -> list[Notification]:
        """Return all events of an image, oldest first."""
        events = map(self._event, self._recorder.select_events(image_id))
        positions = self._recorder.positions(image_id)
        # Events appended between both reads are left to the next one.
        return [Notification(*pair) for pair in zip(positions, events, strict=False)]

    def read(self, *, after: int, limit: int) -> list[Notification]:
        """Return the events of all images after a position, in order of position."""
        with self.transaction(commit=False):
            notes = self._recorder.select_notifications(
                start=after, limit=limit, inclusive_of_start=False
            )
        return [Notification(note.id, self._event(note)) for note in notes]

    def _load_latest(self, image_id: UUID) -> Image | None:
        events = self._recorder.select_since(image_id, self._snapshot_recorder.table)
        image, start = None, 0
        if not events or events[0].originator_version > 1:
            image = self._from_snapshot(image_id)
            start = image.version if image else 0
            if not events or events[0].originator_version != start + 1:
                events = self._recorder.select_events(image_id, gt=start)
        image = _replay(image, map(self._event, events))
        if image is not None and image.version - start >= SNAPSHOT_EVERY:
            self._keep_snapshot(image)
        return image

    def _from_snapshot(self, image_id: UUID) -> Image | None:
        for stored in self._snapshots.get(image_id, desc=True, limit=1):
            snapshot = cast("ImageSnapshot", stored)
            if snapshot.shape == Image.class_version:
                return snapshot.mutate(None)
        return None

    def _keep_snapshot(self, image: Image) -> None:
        if self._datastore.in_transaction:
            return  # a snapshot that fails must not take the caller's transaction with it
        with suppress(PersistenceError):  # another process took it, or there is no room: no matter
            self._snapshots.put([ImageSnapshot.take(image)])

    def _event(self, stored: StoredEvent) -> ImageEvent:
        return cast("ImageEvent", self._mapper.to_domain_event(stored))


def _replay(image: Image | None, events: Iterable[ImageEvent]) -> Image | None:
    for event in events:
        image = event.mutate(image)
    return image

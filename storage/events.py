"""The event log: images loaded from their events, and what they decided appended."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import cast
from uuid import UUID

from eventsourcing.persistence import EventStore, PersistenceError, StoredEvent
from sqlalchemy import Connection, MetaData
from sqlalchemy.exc import DBAPIError, IntegrityError, TimeoutError

from domain.errors import ConcurrentChange, IdTaken, ImageNotFound
from domain.events import ImageEvent
from domain.image import Image
from storage.database import CREATING, hold, refusal_of
from storage.mapper import EventMapper
from storage.recorder import (
    EVENTS_TABLE,
    SNAPSHOTS_TABLE,
    EventDatastore,
    EventRecorder,
    LeanReads,
    keep_append_only,
)
from storage.snapshots import SNAPSHOT_EVERY, ImageSnapshot

Step = Callable[[Connection], None]
"""Something to be done in a transaction, prepared before."""

InlineProjection = Callable[[Connection, Sequence[ImageEvent]], Step]
"""Prepares what a read model writes in the events' transaction."""


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
            hold(connection, CREATING)  # of processes that start at once, one does it
            for table in (*self._recorder.tables, *self._snapshot_recorder.tables):
                table.create(connection, checkfirst=True)
            for metadata in others:
                metadata.create_all(connection)
            keep_append_only(connection)

    @contextmanager
    def transaction(self, *, commit: bool = True) -> Iterator[Connection]:
        """Run what is inside as one transaction; on SQLite a committing one waits its turn.

        Raises:
            DatabaseFull, DatabaseUnavailable: nothing of it was stored.
        """
        try:
            with self._datastore.transaction(commit=commit) as session:
                yield session.connection()
        except (PersistenceError, DBAPIError, TimeoutError) as error:
            raise refusal_of(error) from error

    @contextmanager
    def exclusive(self, image_id: UUID) -> Iterator[Connection]:
        """Run what is inside as one transaction, during which nobody else changes the image."""
        with self.transaction() as connection:
            hold(connection, image_id)
            yield connection

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

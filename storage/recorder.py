"""The event store's tables, and the recorders that append to them and read them."""

from collections.abc import Sequence
from typing import Any, cast
from uuid import UUID

from eventsourcing.persistence import StoredEvent
from eventsourcing_sqlalchemy.models import StoredEventRecord  # type: ignore[attr-defined]
from eventsourcing_sqlalchemy.recorders import (
    SQLAlchemyAggregateRecorder,
    SQLAlchemyApplicationRecorder,
)
from sqlalchemy import Connection, Select, Table, bindparam, func, insert, select
from sqlalchemy.orm import Session

from storage.database import Datastore

EVENTS_TABLE = "image_events"
SNAPSHOTS_TABLE = "image_snapshots"

# The log is append-only by force, whoever holds the connection.
APPEND_ONLY = {
    "sqlite": (
        """
        CREATE TRIGGER IF NOT EXISTS {table}_no_update BEFORE UPDATE ON {table}
        BEGIN SELECT RAISE(ABORT, 'events are append-only'); END
        """,
        """
        CREATE TRIGGER IF NOT EXISTS {table}_no_delete BEFORE DELETE ON {table}
        BEGIN SELECT RAISE(ABORT, 'events are append-only'); END
        """,
        # INSERT OR REPLACE removes the rows in its way without asking a trigger on DELETE.
        """
        CREATE TRIGGER IF NOT EXISTS {table}_no_replace BEFORE INSERT ON {table}
        WHEN EXISTS (SELECT 1 FROM {table} WHERE id = NEW.id) OR EXISTS (
            SELECT 1 FROM {table}
            WHERE originator_id = NEW.originator_id AND originator_version = NEW.originator_version
        )
        BEGIN SELECT RAISE(ABORT, 'events are append-only'); END
        """,
    ),
    "postgresql": (
        """
        CREATE OR REPLACE FUNCTION {table}_append_only() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'events are append-only'; END $$
        """,
        """
        CREATE OR REPLACE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
        FOR EACH STATEMENT EXECUTE FUNCTION {table}_append_only()
        """,
    ),
}


def keep_append_only(connection: Connection) -> None:
    """Have the database refuse every change of stored events."""
    for statement in APPEND_ONLY[connection.dialect.name]:
        connection.exec_driver_sql(statement.format(table=EVENTS_TABLE))


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

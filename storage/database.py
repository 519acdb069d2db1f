"""One SQLAlchemy engine for events, read models, leases and tokens."""

import fcntl
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Semaphore
from typing import Any, cast
from uuid import UUID

from eventsourcing.persistence import ProgrammingError
from eventsourcing_sqlalchemy.datastore import SQLAlchemyDatastore, Transaction, transactions
from sqlalchemy import (
    Connection,
    DateTime,
    Engine,
    MetaData,
    TypeDecorator,
    create_engine,
    event,
    make_url,
)
from sqlalchemy.orm import Session

from domain.errors import DatabaseFull, DatabaseUnavailable, HindsightError

operational = MetaData()
"""Tables that are neither history nor read model: leases, tokens."""


CREATING = 4851  # a number of our own, held while tables are created
BUSY_TIMEOUT = 30_000  # milliseconds to wait for another process's transaction
POOL_SIZE = 20  # connections kept by a process; SQLAlchemy opens up to 10 more under load


class UtcTime(TypeDecorator[datetime]):
    """An aware datetime, stored as UTC without a zone, since SQLite keeps none."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: object) -> datetime | None:
        return value.astimezone(UTC).replace(tzinfo=None) if value else None

    def process_result_value(self, value: datetime | None, dialect: object) -> datetime | None:
        return value.replace(tzinfo=UTC) if value else None


def open_engine(url: str) -> Engine:
    """Return the engine for a database URL; opens no connection yet.

    Reads outside of `Datastore.transaction` run without BEGIN and COMMIT: each of their statements
    sees one state of the database, and needs one round trip.
    """
    options: dict[str, Any] = {"pool_size": POOL_SIZE, "pool_use_lifo": True}
    if make_url(url).get_backend_name() == "postgresql":
        # The ping costs a round trip, and spares every process its first request after a restart.
        return create_engine(url, isolation_level="AUTOCOMMIT", pool_pre_ping=True, **options)
    engine = create_engine(url, **options)
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _set_up_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves, see `_begin_sqlite`
    for pragma in (
        f"busy_timeout = {BUSY_TIMEOUT}",
        "journal_mode = WAL",
        "synchronous = FULL",  # an acknowledged change survives a power cut
        "cache_size = -1000",  # KiB, for each connection: the system caches the file, too
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads first and writes later fails at once where another process wrote
    # in between, whatever the busy timeout: so those that write take the lock first.
    if connection.get_execution_options().get("writes", False):
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def writing(engine: Engine) -> Engine:
    """Return an engine whose connections are in a transaction that writes."""
    if engine.dialect.name == "postgresql":
        return engine.execution_options(isolation_level="READ COMMITTED")
    return engine.execution_options(writes=True)


def hold(connection: Connection, what: UUID | int) -> None:
    """Wait until no other transaction holds the same, and hold it until this one ends.

    On SQLite every writing transaction is alone from its start. PostgreSQL's advisory locks are
    taken before any other: so the order of all locks is the same in each transaction.
    """
    if connection.dialect.name == "postgresql":
        key = what if isinstance(what, int) else int.from_bytes(what.bytes[:8], signed=True)
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(%s)", (key,))


class WriterQueue:
    """Lets one thread of all processes at a time write to a SQLite file.

    SQLite itself would do, but its waiting writers sleep and poll: with this, they are woken.
    The kernel releases the lock of a process that dies.
    """

    def __init__(self, database: Path) -> None:
        self._threads = threading.Lock()
        self._file = database.with_name(f"{database.name}-writer").open("ab")

    def acquire(self) -> None:
        self._threads.acquire()
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX)
        except BaseException:
            self._threads.release()
            raise

    def release(self) -> None:
        fcntl.flock(self._file, fcntl.LOCK_UN)
        self._threads.release()

    def close(self) -> None:
        self._file.close()


class Datastore(SQLAlchemyDatastore):
    """The library's datastore on our engine, telling writing transactions from reading ones."""

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self.engine: Engine = engine
        self._writing = writing(engine)
        file = engine.url.database if engine.dialect.name == "sqlite" else None
        self._queue = WriterQueue(Path(file)) if file else None

    def transaction(self, commit: bool) -> Transaction:
        """Return this thread's open transaction, or a new one.

        As a context manager it gives the SQLAlchemy session; at its end it commits if commit is
        true, and rolls back otherwise and on any error.
        """
        running: Transaction | None = transactions.get(None)
        if running is None:
            return self._new_transaction(commit)
        if commit and not running.commit:
            raise ProgrammingError("a reading transaction can't write")
        return running

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give this thread's open transaction, or else a connection for single reads."""
        running: Transaction | None = transactions.get(None)
        if running is not None:
            yield running.session.connection()
        else:
            with self.engine.connect() as connection:
                yield connection

    @property
    def in_transaction(self) -> bool:
        """Whether this thread has a transaction open."""
        return transactions.get(None) is not None

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()
        if self._queue is not None:
            self._queue.close()

    def _new_transaction(self, commit: bool) -> Transaction:
        queue = self._queue if commit else None
        if queue is not None:
            queue.acquire()
        session = Session(self._writing if commit else self.engine)
        transaction = Transaction(session, commit, cast("Semaphore | None", queue))
        transaction.token = transactions.set(transaction)
        return transaction


def refusal_of(error: Exception) -> HindsightError:
    """Return what a failed database operation means to the one who asked for it."""
    if "disk is full" in str(error) or "No space left" in str(error):
        return DatabaseFull("the catalog has no room to record the change")
    if "not a database" in str(error) or "malformed" in str(error):
        return DatabaseUnavailable("the database's file is damaged, or is no database")
    return DatabaseUnavailable("the database does not answer: try again later")

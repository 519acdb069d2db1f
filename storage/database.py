"""One SQLAlchemy engine for events, read models, leases and tokens."""

import fcntl
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Semaphore
from typing import cast

from eventsourcing.persistence import ProgrammingError
from eventsourcing_sqlalchemy.datastore import SQLAlchemyDatastore, Transaction, transactions
from sqlalchemy import Connection, DateTime, Engine, MetaData, TypeDecorator, create_engine, event
from sqlalchemy.orm import Session

from domain.errors import DatabaseFull, DatabaseUnavailable, HindsightError

operational = MetaData()
"""Tables that are neither history nor read model: leases, tokens."""


BUSY_TIMEOUT = 30_000  # milliseconds to wait for another process's transaction
POOL_SIZE = 20  # connections, enough for a process's threads


class UtcTime(TypeDecorator[datetime]):
    """An aware datetime, stored as UTC without a zone, since SQLite keeps none."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: object) -> datetime | None:
        return value.astimezone(UTC).replace(tzinfo=None) if value else None

    def process_result_value(self, value: datetime | None, dialect: object) -> datetime | None:
        return value.replace(tzinfo=UTC) if value else None


def open_engine(url: str) -> Engine:
    """Return the engine for a database URL; opens no connection yet."""
    engine = create_engine(url, pool_size=POOL_SIZE, pool_use_lifo=True)
    if engine.dialect.name == "sqlite":
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
    # in between, whatever the busy timeout: so those that write take the lock first. Those that
    # only read need no BEGIN: each of their statements sees one state of the database.
    if connection.get_execution_options().get("writes", False):
        connection.exec_driver_sql("BEGIN IMMEDIATE")


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
        self._writing = engine.execution_options(writes=True)
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
    if "disk is full" in str(error):
        return DatabaseFull("the catalog has no room to record the change")
    return DatabaseUnavailable("the database does not answer: try again later")

"""What is counted, for Prometheus: in one process, or summed over the processes of a server."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import gettempdir, mkdtemp
from typing import Any, BinaryIO, cast

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, values
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector
from sqlalchemy import BigInteger, Connection, Engine, column, event, func, select, table

from domain.errors import DatabaseUnavailable
from storage.blobs.protocol import BlobStore
from storage.events import EventLog
from storage.leases import leases
from storage.recorder import EVENTS_TABLE

# A disk that is full would kill whoever writes to a file mapped from it.
MEMORY = Path("/dev/shm")  # noqa: S108 - the directory made in it is this user's alone
PREFIX = "hindsight-metrics-"

BUCKETS = (0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10)  # seconds
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


@contextmanager
def shared_directory() -> Iterator[Path]:
    """Give a directory in which this process's children keep what they count, until it ends.

    It is a new one for each start: what was counted by processes of an earlier one is not mixed in.
    """
    parent = MEMORY if os.access(MEMORY, os.W_OK) else Path(gettempdir())
    _sweep(parent)
    owner = os.getpid()
    directory = Path(mkdtemp(prefix=PREFIX, dir=parent))
    # The library takes the directory from this variable only, and chooses the class at import.
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(directory)  # noqa: TID251 - it is written here
    values.ValueClass = values.MultiProcessValue()  # type: ignore[no-untyped-call] # it has no types
    lock = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    fcntl.flock(lock, fcntl.LOCK_SH)  # until the last of the processes has ended
    try:
        yield directory
    finally:
        os.close(lock)
        if os.getpid() == owner:  # forked workers leave through here, too
            shutil.rmtree(directory, ignore_errors=True)


def _sweep(parent: Path) -> None:
    """Remove the directories of servers that were killed."""
    for directory in parent.glob(f"{PREFIX}*"):
        with suppress(OSError):  # it is in use, or another user's
            lock = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(directory)
            finally:
                os.close(lock)


def forget_process(directory: Path, pid: int) -> None:
    """Drop what a process that has ended was doing; what it has done stays counted."""
    mark_process_dead(pid, str(directory))  # type: ignore[no-untyped-call] # it has no types


class Metrics:
    """The counters and gauges of one process."""

    def __init__(self, shared: Path | None = None) -> None:
        """Take the directory of `shared_directory` in a process that shares what it counts."""
        self._shared = shared
        self._registry = registry = CollectorRegistry()
        self._requests = Counter(
            "hindsight_requests",
            "Requests answered.",
            ("method", "route", "status"),
            registry=registry,
        )
        self._seconds = Histogram(
            "hindsight_request_seconds",
            "Seconds from a request's head to its response's.",
            ("method", "route"),
            buckets=BUCKETS,
            registry=registry,
        )
        self._children: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self.received = Counter(
            "hindsight_image_data_received_bytes",
            "Bytes of image data that came in.",
            registry=registry,
        )
        self.sent = Counter(
            "hindsight_image_data_sent_bytes",
            "Bytes of image data that went out.",
            registry=registry,
        )
        self.uploads = Gauge(
            "hindsight_uploads_running",
            "Uploads that run.",
            multiprocess_mode="livesum",
            registry=registry,
        )
        self._connections = Gauge(
            "hindsight_database_connections_in_use",
            "Connections of the database pools that are in use.",
            multiprocess_mode="livesum",
            registry=registry,
        )

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request; route is the rule that its path matched, not the path."""
        key = (method, route, status)
        children = self._children.get(key)
        if children is None:  # finding them costs more than counting
            children = self._children[key] = self._find(*key)
        count, duration = children
        count.inc()
        duration.observe(seconds)

    def watch_pool(self, engine: Engine) -> None:
        """Count the connections of an engine's pool that are in use."""
        connections = self._connections
        event.listen(engine, "checkout", lambda *_: connections.inc())
        event.listen(engine, "checkin", lambda *_: connections.dec())

    def exposition(self, *readings: GaugeMetricFamily) -> bytes:
        """Return everything in Prometheus's text format, and what was read for this scrape."""
        counted: Collector = self._registry
        if self._shared is not None:
            counted = MultiProcessCollector(None, str(self._shared))  # type: ignore[no-untyped-call] # it has no types
        return generate_latest(counted) + generate_latest(_Readings(readings))

    def _find(self, method: str, route: str, status: int) -> tuple[Counter, Histogram]:
        method = method if method in METHODS else "other"  # clients make up any number of them
        return (
            self._requests.labels(method, route, status),
            self._seconds.labels(method, route),
        )


class CountedStore:
    """A blob store of which it is counted how many bytes are read."""

    def __init__(self, store: BlobStore, counter: Counter) -> None:
        self._store = store
        self._counter = counter

    def open(self, key: str, *, start: int = 0) -> BinaryIO:
        file = self._store.open(key, start=start)
        return cast("BinaryIO", _CountedFile(file, start, self._counter))  # as far as servers ask

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


class _CountedFile:
    """A file that counts how far it was read; `socket.sendfile` tells by seeking to its end."""

    def __init__(self, file: BinaryIO, start: int, counter: Counter) -> None:
        self._file = file
        self._reached = self._position = start
        self._counter = counter

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self._move(self._position + len(data))
        return data

    def seek(self, offset: int) -> int:
        self._move(offset)
        return self._file.seek(offset)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def _move(self, position: int) -> None:
        self._position = position
        if position > self._reached:
            self._counter.inc(position - self._reached)
            self._reached = position


class _Readings(Collector):
    """Gauges that were read for one scrape."""

    def __init__(self, families: tuple[GaugeMetricFamily, ...]) -> None:
        self._families = families

    def collect(self) -> Iterator[GaugeMetricFamily]:
        yield from self._families


def read_database(log: EventLog, *, lease: float) -> list[GaugeMetricFamily]:
    """Return what the database alone knows; lease is for how many seconds a lease holds."""
    try:
        with log.transaction(commit=False) as connection:
            position = _last_position(connection)
            age = _oldest_lease(connection, lease)
    except DatabaseUnavailable:
        return without_database()
    return [
        _is_up(1),
        _gauge("hindsight_events_position", "Position of the last event in the log.", position),
        _gauge(
            "hindsight_oldest_lease_age_seconds",
            "Seconds since the least recently renewed lease of an upload was renewed.",
            age,
        ),
    ]


def without_database() -> list[GaugeMetricFamily]:
    """Return what is known when the database does not answer."""
    return [_is_up(0)]


def _is_up(value: int) -> GaugeMetricFamily:
    return _gauge("hindsight_database_up", "Whether the database answers.", value)


def _gauge(name: str, documentation: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, documentation, value=value)


def _last_position(connection: Connection) -> int:
    position = column("id", BigInteger)
    query = select(func.max(position)).select_from(table(EVENTS_TABLE, position))
    return connection.execute(query).scalar() or 0


def _oldest_lease(connection: Connection, lease: float) -> float:
    expiry: datetime | None = connection.execute(select(func.min(leases.c.expires_at))).scalar()
    if expiry is None:
        return 0
    return (datetime.now(UTC) - expiry + timedelta(seconds=lease)).total_seconds()

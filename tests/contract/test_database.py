"""One engine for all: its times, its transactions, and SQLite's queue of writers."""

from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from multiprocessing import get_context
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from threading import Barrier, Event

import pytest
from eventsourcing.persistence import ProgrammingError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, Integer, MetaData, Table, insert, select, text
from sqlalchemy.exc import OperationalError

from domain.errors import DatabaseFull, DatabaseUnavailable
from storage.database import BUSY_TIMEOUT, UtcTime, WriterQueue, open_engine, refusal_of
from storage.events import EventLog
from storage.recorder import EventDatastore
from tests.contract.conftest import connected, log_of, register, tag

moments = Table(
    "moments", MetaData(), Column("id", Integer, primary_key=True), Column("at", UtcTime)
)
ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
TIMES = st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1), timezones=ZONES)  # noqa: DTZ001 - bounds


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(times=st.lists(st.none() | TIMES, min_size=1, max_size=5))
def test_a_time_comes_back_as_the_same_moment_in_utc(
    datastore: EventDatastore, times: list[datetime | None]
) -> None:
    with datastore.transaction(commit=True) as session:
        connection = session.connection()
        moments.drop(connection, checkfirst=True)
        moments.create(connection)
        connection.execute(insert(moments), [{"at": time} for time in times])

    with datastore.reading() as connection:
        found = connection.execute(select(moments.c.at).order_by(moments.c.id)).scalars().all()
        sorted_by_sql = select(moments.c.at).where(moments.c.at.is_not(None)).order_by(moments.c.at)
        in_order = list(connection.execute(sorted_by_sql).scalars())
    assert found == times
    assert all(time is None or time.utcoffset() == timedelta(0) for time in found)
    assert in_order == sorted(time for time in times if time is not None)


def test_every_sqlite_connection_is_set_up_for_durable_concurrent_work(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'catalog.db'}")

    def pragmas() -> dict[str, object]:
        with engine.connect() as connection:
            names = ("journal_mode", "synchronous", "busy_timeout")
            return {name: connection.execute(text(f"PRAGMA {name}")).scalar_one() for name in names}

    with engine.connect(), engine.connect():
        third = pragmas()
    again = pragmas()
    engine.dispose()

    assert third == again
    assert third == {"journal_mode": "wal", "synchronous": 2, "busy_timeout": BUSY_TIMEOUT}


def test_opening_an_engine_touches_nothing(tmp_path: Path) -> None:
    open_engine(f"sqlite:///{tmp_path / 'catalog.db'}").dispose()

    assert list(tmp_path.iterdir()) == []


def test_transactions_inside_of_one_are_the_same(datastore: EventDatastore) -> None:
    assert not datastore.in_transaction

    with datastore.transaction(commit=True) as outer:
        assert datastore.in_transaction
        with (
            datastore.transaction(commit=True) as inner,
            datastore.transaction(commit=False) as read,
        ):
            assert inner is outer
            assert read is outer
        with datastore.reading() as connection:
            assert connection is outer.connection()
        assert datastore.in_transaction

    assert not datastore.in_transaction


def test_a_reading_transaction_can_t_write(datastore: EventDatastore) -> None:
    with (
        datastore.transaction(commit=False),
        pytest.raises(ProgrammingError, match="reading transaction"),
    ):
        datastore.transaction(commit=True)

    assert not datastore.in_transaction


def test_a_transaction_that_fails_lets_the_next_one_in(log: EventLog) -> None:
    image = register(log)
    with pytest.raises(DatabaseUnavailable), log.transaction() as connection:
        connection.execute(text("SELECT * FROM no_such_table"))

    tag(log, image.id, "next")

    assert log.load(image.id).tags == {"next"}


def test_a_file_that_is_no_database_is_refused_and_leaves_no_lock(tmp_path: Path) -> None:
    (tmp_path / "catalog.db").write_bytes(b"no database " * 1000)

    with connected(f"sqlite:///{tmp_path / 'catalog.db'}") as datastore:
        log = log_of(datastore)
        for _ in range(2):  # a lock left behind would stop the second here
            with pytest.raises(DatabaseUnavailable), log.transaction():
                pass  # not reached

        assert not datastore.in_transaction


def test_a_full_database_is_told_from_one_that_does_not_answer(
    tmp_path: Path,
) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'catalog.db'}")
    with engine.connect() as connection:
        connection.execute(text("CREATE TABLE heap (data)"))
        connection.execute(text("PRAGMA max_page_count = 1"))
        with pytest.raises(OperationalError) as full:
            connection.execute(text("INSERT INTO heap VALUES (zeroblob(100000))"))
        with pytest.raises(OperationalError) as other:
            connection.execute(text("SELECT * FROM no_such_table"))
    engine.dispose()

    assert type(refusal_of(full.value)) is DatabaseFull
    assert type(refusal_of(other.value)) is DatabaseUnavailable
    assert "no_such_table" not in refusal_of(other.value).message


def count_up(queue: WriterQueue, counter: Path, times: int) -> None:
    """Read, add one, write: correct only while nobody else does."""
    for _ in range(times):
        queue.acquire()
        counter.write_text(str(int(counter.read_text()) + 1))
        queue.release()


def count_up_alone(database: Path, counter: Path, times: int) -> None:
    queue = WriterQueue(database)
    count_up(queue, counter, times)
    queue.close()


@pytest.fixture
def counter(tmp_path: Path) -> Path:
    counter = tmp_path / "counter"
    counter.write_text("0")
    return counter


def test_the_writer_queue_lets_one_thread_in_at_a_time(tmp_path: Path, counter: Path) -> None:
    queue = WriterQueue(tmp_path / "catalog.db")
    together = Barrier(4)

    def work(_: int) -> None:
        together.wait()
        count_up(queue, counter, 200)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    queue.close()

    assert counter.read_text() == "800"


def test_two_queues_of_one_file_are_one_queue(tmp_path: Path, counter: Path) -> None:
    together = Barrier(4)

    def work(_: int) -> None:
        together.wait()
        count_up_alone(tmp_path / "catalog.db", counter, 200)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))

    assert counter.read_text() == "800"


def test_the_writer_queue_lets_one_process_in_at_a_time(tmp_path: Path, counter: Path) -> None:
    with ProcessPoolExecutor(3, mp_context=get_context("spawn")) as pool:
        runs = [
            pool.submit(count_up_alone, tmp_path / "catalog.db", counter, 300) for _ in range(3)
        ]
        for run in runs:
            run.result()

    assert counter.read_text() == "900"


def hold(database: Path, ready: Pipe) -> None:
    WriterQueue(database).acquire()
    ready.send("in")
    Event().wait()


def test_the_turn_of_a_killed_process_is_over(tmp_path: Path, counter: Path) -> None:
    context = get_context("spawn")
    ready, its_end = context.Pipe()
    process = context.Process(target=hold, args=(tmp_path / "catalog.db", its_end))
    process.start()
    assert ready.recv() == "in"

    process.kill()

    count_up_alone(tmp_path / "catalog.db", counter, 1)
    process.join()
    ready.close()
    its_end.close()
    assert counter.read_text() == "1"


def test_a_failed_acquire_keeps_no_thread_out(tmp_path: Path) -> None:
    queue = WriterQueue(tmp_path / "catalog.db")
    queue.close()

    for _ in range(2):  # a lock kept would stop the second here
        with pytest.raises(ValueError, match="closed file"):
            queue.acquire()

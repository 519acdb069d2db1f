"""Several processes over one event store: nothing is lost, and nobody waits for the dead."""

import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from threading import Event
from uuid import UUID

import orjson

from app.catalog import Catalog, Change
from domain.events import PropertySet
from projections import image_list
from projections.image_query import ImageQueries
from storage.blobs.filesystem import FilesystemBlobStore
from storage.events import EventLog
from storage.recorder import EventDatastore
from tests.contract.conftest import ALICE, connected, log_of, register, tag
from tests.contract.event_rows import positions, stored, versions

PROCESSES = 8
CHANGES = 50  # by each of them


def change_often(url: str, image_id: UUID, name: str, folder: Path) -> None:
    with connected(url) as datastore:
        catalog = Catalog(log_of(datastore), FilesystemBlobStore(folder), lease=30)
        for count in range(CHANGES):
            catalog.patch_image(image_id, [Change("add", name, str(count))], by=ALICE)


def run_processes(url: str, images: Sequence[UUID], folder: Path) -> None:
    with ProcessPoolExecutor(len(images), mp_context=get_context("spawn")) as pool:
        runs = [
            pool.submit(change_often, url, image_id, f"p{number}", folder)
            for number, image_id in enumerate(images)
        ]
        for run in runs:
            run.result()


def test_processes_that_change_one_image_lose_nothing(
    log: EventLog, queries: ImageQueries, database_url: str, tmp_path: Path
) -> None:
    image = register(log)

    run_processes(database_url, [image.id] * PROCESSES, tmp_path / "blobs")

    events = [note.event for note in log.history(image.id)]
    sets = [event for event in events if isinstance(event, PropertySet)]
    assert versions(log, image.id) == list(range(1, 2 + PROCESSES * CHANGES))
    for number in range(PROCESSES):
        values = [event.value for event in sets if event.name == f"p{number}"]
        assert values == [str(count) for count in range(CHANGES)]
    shown = queries.show(image.id)
    assert shown is not None
    assert shown.version == 1 + PROCESSES * CHANGES
    document = orjson.loads(shown.document)
    assert {document[f"p{number}"] for number in range(PROCESSES)} == {str(CHANGES - 1)}


def test_processes_that_change_images_of_their_own_lose_nothing(
    log: EventLog, queries: ImageQueries, database_url: str, tmp_path: Path
) -> None:
    images = [register(log).id for _ in range(4)]

    run_processes(database_url, images, tmp_path / "blobs")

    seen = positions(log)
    assert len(seen) == len(set(seen)) == len(images) * (1 + CHANGES)
    assert seen == sorted(seen)
    for image_id in images:
        assert versions(log, image_id) == list(range(1, 2 + CHANGES))
        shown = queries.show(image_id)
        assert shown is not None
        assert shown.version == 1 + CHANGES


def wait_in_a_transaction(url: str, image_id: UUID, ready: Pipe) -> None:
    with connected(url) as datastore:
        log = log_of(datastore)
        with log.transaction():
            tag(log, image_id, "never")
            register(log)
            ready.send("in the middle")
            Event().wait()


@contextmanager
def process_in_a_transaction(url: str, image_id: UUID) -> Iterator[Callable[[], int | None]]:
    """Run a process that stops in the middle of a transaction; give what kills it."""
    context = get_context("spawn")
    ready, its_end = context.Pipe()
    process = context.Process(target=wait_in_a_transaction, args=(url, image_id, its_end))
    process.start()
    its_end.close()

    def kill() -> int | None:
        process.kill()
        process.join()
        return process.exitcode

    try:
        assert ready.recv() == "in the middle"
        yield kill
    finally:
        kill()
        ready.close()


def test_a_killed_process_leaves_nothing_of_its_transaction(
    log: EventLog, datastore: EventDatastore, queries: ImageQueries, database_url: str
) -> None:
    image = register(log)
    before = stored(datastore.engine), queries.show(image.id)

    with process_in_a_transaction(database_url, image.id) as kill:
        assert kill() == -signal.SIGKILL

    assert (stored(datastore.engine), queries.show(image.id)) == before
    assert len(stored(datastore.engine, image_list.images.name)) == 1


def test_a_killed_process_gives_the_others_their_turn(
    log: EventLog, queries: ImageQueries, database_url: str
) -> None:
    image = register(log)

    with process_in_a_transaction(database_url, image.id) as kill, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(tag, log, image.id, "next")
        kill()
        waiting.result()

    assert log.load(image.id).tags == {"next"}
    shown = queries.show(image.id)
    assert shown is not None
    assert orjson.loads(shown.document)["tags"] == ["next"]


def test_a_writer_that_takes_its_time_keeps_no_reader_waiting(
    log: EventLog, queries: ImageQueries, database_url: str
) -> None:
    image = register(log)
    before = queries.show(image.id)

    with process_in_a_transaction(database_url, image.id) as kill:
        assert log.load(image.id) == image
        assert versions(log, image.id) == [1]
        assert positions(log) == [1]
        assert queries.show(image.id) == before
        kill()


def test_readers_see_each_transaction_whole_while_writers_run(log: EventLog) -> None:
    pairs = [(register(log), register(log)) for _ in range(3)]
    done = Event()

    def write(who: int) -> None:
        for number in range(20):
            with log.transaction():
                for image in pairs[who]:
                    tag(log, image.id, f"t{number}")

    def read() -> list[int]:
        counts = []
        while not done.is_set():
            counts.append(len(log.read(after=0, limit=1000)))
        return counts

    with ThreadPoolExecutor(4) as pool:
        reading = pool.submit(read)
        writing = [pool.submit(write, who) for who in range(3)]
        try:
            for run in writing:
                run.result()
        finally:
            done.set()
        counts = reading.result()

    assert counts == sorted(counts)
    assert all(count % 2 == 0 for count in counts)
    assert len(positions(log)) == 6 + 120

"""What the event store promises, on every database."""

import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from app.catalog import Catalog
from domain.errors import ConcurrentChange, IdTaken, ImageNotFound
from domain.events import ImageEvent
from domain.image import Description, Image
from projections import image_list
from projections.image_query import ImageQueries
from storage.database import writing
from storage.events import EventLog, Step
from storage.recorder import EventDatastore
from storage.snapshots import SNAPSHOT_EVERY
from tests.contract.conftest import ALICE, log_of, only_sqlite, register, save, tag
from tests.contract.event_rows import positions, stored, versions

FORGERIES = [
    "UPDATE image_events SET topic = 'hindsight.image.deleted'",
    "UPDATE image_events SET topic = '' WHERE id = 1",
    "UPDATE image_events SET id = id + 100",
    "DELETE FROM image_events",
    "DELETE FROM image_events WHERE id = 2",
]
SQLITE_FORGERIES = [
    *FORGERIES,
    "UPDATE OR IGNORE image_events SET originator_version = 7",
    "UPDATE OR REPLACE image_events SET originator_version = 1",
    "INSERT OR REPLACE INTO image_events SELECT id, originator_id, originator_version, 'x', '' "
    "FROM image_events WHERE id = 1",
    "INSERT OR REPLACE INTO image_events SELECT 99, originator_id, originator_version, 'x', '' "
    "FROM image_events WHERE id = 1",
    "INSERT INTO image_events SELECT * FROM image_events WHERE true "
    "ON CONFLICT DO UPDATE SET topic = 'x'",
]
POSTGRESQL_FORGERIES = [
    *FORGERIES,
    "TRUNCATE image_events",
    "INSERT INTO image_events SELECT * FROM image_events "
    "ON CONFLICT (originator_id, originator_version) DO UPDATE SET topic = 'x'",
    "WITH gone AS (DELETE FROM image_events RETURNING id) SELECT * FROM gone",
]
REMOVE_BY_FORCE = {
    "sqlite": ["DROP TRIGGER image_events_no_delete", "DELETE FROM image_events WHERE id = {id}"],
    "postgresql": [
        "DROP TRIGGER image_events_no_change ON image_events",
        "DELETE FROM image_events WHERE id = {id}",
    ],
}


@pytest.mark.parametrize(
    ("database_url", "forgery"),
    [
        *(("sqlite", forgery) for forgery in SQLITE_FORGERIES),
        *(("postgresql", forgery) for forgery in POSTGRESQL_FORGERIES),
    ],
    indirect=["database_url"],
)
def test_stored_events_can_t_be_changed_or_removed(
    log: EventLog, datastore: EventDatastore, forgery: str
) -> None:
    image = register(log)
    tag(log, image.id, "a")
    before = stored(datastore.engine)

    with (
        pytest.raises(DBAPIError, match="append-only"),
        writing(datastore.engine).begin() as forger,
    ):
        forger.execute(text(forgery))

    assert stored(datastore.engine) == before


@only_sqlite
@pytest.mark.parametrize("forgery", SQLITE_FORGERIES)
def test_not_even_past_our_code(
    log: EventLog, datastore: EventDatastore, tmp_path: Path, forgery: str
) -> None:
    image = register(log)
    tag(log, image.id, "a")
    before = stored(datastore.engine)

    connection = sqlite3.connect(tmp_path / "catalog.db")
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        connection.execute(forgery)
    connection.commit()
    connection.close()

    assert stored(datastore.engine) == before


def test_opening_a_catalog_again_keeps_what_it_holds(
    log: EventLog, datastore: EventDatastore
) -> None:
    image = register(log)

    again = log_of(datastore)
    again.create_tables(image_list.read_models)

    assert again.load(image.id) == image


def test_positions_rise_over_all_images(log: EventLog) -> None:
    one, other = register(log), register(log)
    tag(log, one.id, "a", "b")
    tag(log, other.id, "c")

    notes = log.read(after=0, limit=10)

    assert [note.position for note in notes] == [1, 2, 3, 4, 5]
    assert [note.event.originator_id for note in notes] == [
        one.id,
        other.id,
        one.id,
        one.id,
        other.id,
    ]
    assert [note.position for note in log.history(one.id)] == [1, 3, 4]


def test_a_position_that_was_seen_is_never_used_again(
    log: EventLog, datastore: EventDatastore
) -> None:
    register(log)
    last = register(log)
    seen = positions(log)

    with datastore.engine.begin() as connection:  # as an intruder would
        for statement in REMOVE_BY_FORCE[connection.dialect.name]:
            connection.execute(text(statement.format(id=seen[-1])))
    register(log)

    assert seen[-1] not in positions(log)
    with pytest.raises(ImageNotFound):
        log.load(last.id)


def test_a_rolled_back_append_leaves_no_gap_in_versions_and_no_position_seen(
    log: EventLog,
) -> None:
    image = register(log)
    seen = positions(log)
    undone = log.load(image.id)
    undone.add_tag("undone", by=ALICE)

    undo_after(log, lambda: save(log, undone))
    tag(log, image.id, "a")

    assert versions(log, image.id) == [1, 2]
    assert positions(log)[0] == seen[0] < positions(log)[1]
    assert log.load(image.id).tags == {"a"}


def test_refused_appends_leave_no_gap_in_versions(log: EventLog) -> None:
    image = register(log)
    for number in range(5):
        late = log.load(image.id)
        late.add_tag("late", by=ALICE)
        tag(log, image.id, f"a{number}")
        with pytest.raises(ConcurrentChange):
            save(log, late)

    assert versions(log, image.id) == [1, 2, 3, 4, 5, 6]


class Injected(Exception):
    """The error of a projection that fails."""


def undo_after(log: EventLog, work: Callable[[], object]) -> None:
    """Do some work in a transaction that then fails."""

    def fail() -> None:
        with log.transaction():
            work()
            raise Injected

    with pytest.raises(Injected):
        fail()


def failing(_: Connection, __: Sequence[ImageEvent]) -> Step:
    def fail(_: Connection) -> None:
        raise Injected

    return fail


@pytest.mark.parametrize(
    "inline", [[image_list.plan, failing], [failing, image_list.plan]], ids=["after", "before"]
)
def test_when_a_projection_fails_neither_event_nor_row_is_stored(
    log: EventLog, datastore: EventDatastore, queries: ImageQueries, inline: list[Any]
) -> None:
    image = register(log)
    before = stored(datastore.engine), queries.show(image.id)

    with pytest.raises(Injected):
        tag(EventLog(datastore, inline=inline), image.id, "a")
    with pytest.raises(Injected):
        register(EventLog(datastore, inline=inline))

    assert (stored(datastore.engine), queries.show(image.id)) == before
    assert len(stored(datastore.engine, image_list.images.name)) == 1


def test_what_fails_after_the_append_takes_event_and_row_with_it(
    log: EventLog, datastore: EventDatastore, queries: ImageQueries
) -> None:
    image = register(log)
    before = stored(datastore.engine), queries.show(image.id)

    undo_after(log, lambda: tag(log, image.id, "a"))

    assert (stored(datastore.engine), queries.show(image.id)) == before


def test_a_writer_reads_its_own_events_before_they_are_committed(
    log: EventLog, queries: ImageQueries
) -> None:
    image = register(log)

    with log.transaction():
        tag(log, image.id, "a")
        tag(log, image.id, "b")

        assert log.load(image.id).tags == {"a", "b"}
        assert versions(log, image.id) == [1, 2, 3]

    shown = queries.show(image.id)
    assert shown is not None
    assert shown.version == 3


@pytest.mark.parametrize("inline", [[image_list.plan], []], ids=["projected", "events alone"])
def test_a_lost_race_is_a_concurrent_change(datastore: EventDatastore, inline: list[Any]) -> None:
    log = EventLog(datastore, inline=inline)
    log.create_tables(image_list.read_models)
    image = register(log)
    slow = log.load(image.id)
    slow.add_tag("slow", by=ALICE)
    tag(log, image.id, "fast")

    with pytest.raises(ConcurrentChange):
        save(log, slow)

    assert log.load(image.id).tags == {"fast"}


@pytest.mark.parametrize("inline", [[image_list.plan], []], ids=["projected", "events alone"])
def test_a_lost_race_inside_an_outer_transaction_is_a_concurrent_change(
    datastore: EventDatastore, inline: list[Any]
) -> None:
    log = EventLog(datastore, inline=inline)
    log.create_tables(image_list.read_models)
    image, other = register(log), register(log)
    slow = log.load(image.id)
    slow.add_tag("slow", by=ALICE)
    tag(log, image.id, "fast")

    def save_both() -> None:
        with log.transaction():
            tag(log, other.id, "before")
            save(log, slow)

    with pytest.raises(ConcurrentChange):
        save_both()

    assert log.load(image.id).tags == {"fast"}
    assert log.load(other.id).tags == set()


@pytest.mark.parametrize("inline", [[image_list.plan], []], ids=["projected", "events alone"])
def test_an_id_in_use_is_taken(datastore: EventDatastore, inline: list[Any]) -> None:
    log = EventLog(datastore, inline=inline)
    log.create_tables(image_list.read_models)
    image = register(log, name="first")

    with pytest.raises(IdTaken):
        register(log, image.id, name="second")
    with pytest.raises(IdTaken), log.transaction():
        register(log, image.id, name="third")

    assert log.load(image.id).name == "first"
    assert versions(log, image.id) == [1]


def test_the_id_of_a_deleted_image_stays_taken(catalog: Catalog, log: EventLog) -> None:
    image_id = catalog.create_image(Description(owner="blue"), image_id=None, by=ALICE)
    catalog.delete_image(image_id, by=ALICE)

    with pytest.raises(IdTaken):
        catalog.create_image(Description(owner="blue"), image_id=image_id, by=ALICE)

    assert log.load(image_id).status == "deleted"


def test_two_transactions_of_two_threads_do_not_mix(log: EventLog) -> None:
    pairs = [(register(log), register(log)) for _ in range(2)]
    before = len(positions(log))
    together = Barrier(2)

    def work(pair: tuple[Image, Image]) -> None:
        together.wait()
        for number in range(20):
            with log.transaction():
                for image in pair:
                    with log.transaction():
                        tag(log, image.id, f"t{number}")

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, pairs))

    owners = [note.event.originator_id for note in log.read(after=before, limit=1000)]
    ids = [tuple(image.id for image in pair) for pair in pairs]
    assert len(owners) == 80
    assert all(tuple(pair) in ids for pair in zip(owners[::2], owners[1::2], strict=True))


def test_an_image_is_loaded_as_it_was_at_each_version(log: EventLog) -> None:
    image = register(log)
    tag(log, image.id, *(f"t{number:02}" for number in range(2 * SNAPSHOT_EVERY)))
    log.load(image.id)  # keeps a snapshot

    for version in range(1, 2 + 2 * SNAPSHOT_EVERY):
        earlier = log.load(image.id, version=version)

        assert earlier.version == version
        assert earlier.tags == {f"t{number:02}" for number in range(version - 1)}
        assert earlier.collect_events() == []


def test_a_version_that_is_not_there_yet_is_the_latest(log: EventLog) -> None:
    image = register(log)

    assert log.load(image.id, version=7) == image


def test_an_image_that_never_was_is_not_found(log: EventLog) -> None:
    with pytest.raises(ImageNotFound):
        log.load(uuid4())
    with pytest.raises(ImageNotFound):
        log.load(uuid4(), version=1)
    with pytest.raises(ImageNotFound):
        log.load(register(log).id, version=0)

    assert log.history(uuid4()) == []


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 100])
def test_reading_page_by_page_gives_every_event_once(log: EventLog, limit: int) -> None:
    images = [register(log) for _ in range(3)]
    for number in range(3):
        for image in images:
            tag(log, image.id, f"a{number}", f"b{number}")

    pages, after = [], 0
    while page := log.read(after=after, limit=limit):
        pages.append(page)
        after = page[-1].position

    notes = [note for page in pages for note in page]
    assert all(len(page) == limit for page in pages[:-1])
    assert notes == log.read(after=0, limit=1000)
    assert len(notes) == 21
    assert log.read(after=after, limit=limit) == []
    for image in images:
        own = [note for note in notes if note.event.originator_id == image.id]
        assert own == log.history(image.id)

"""The read model beside its events: written with them, built again from them."""

from uuid import UUID

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError

from domain import events
from domain.errors import ConcurrentChange
from domain.events import ImageEvent
from projections import image_list
from projections.runner import rebuild
from storage.events import EventLog
from tests.projections.conftest import (
    ATTEMPT,
    DATA,
    IMAGE,
    contents,
    happened,
    live,
    rebuilt,
    registered,
)

OTHER = UUID("1a6e0000-0000-4000-8000-000000000002")

COMMANDS: list[list[ImageEvent]] = [
    [registered(tags=("a", "b"), properties={"zone": "1", "os": "linux"}, name="ü\N{SNOWMAN}")],
    [registered(image_id=OTHER, owner=None)],
    [
        happened(events.TagRemoved, 2, tag="a"),
        happened(events.TagAdded, 3, tag="c"),
        happened(events.PropertyRemoved, 4, name="zone"),
        happened(events.PropertySet, 5, name="zone", value="2"),
    ],
    [happened(events.PropertySet, 2, image_id=OTHER, name="os", value="x" * 60_000)],
    [happened(events.UploadStarted, 6, attempt=ATTEMPT, store="main")],
    [happened(events.DataCommitted, 7, **DATA)],
    [happened(events.AttributeChanged, 8, name="name", value=None)],
    [
        happened(events.DeletionRequested, 3, image_id=OTHER),
        happened(events.Deleted, 4, image_id=OTHER),
    ],
    [happened(events.DeletionRequested, 9)],
    [happened(events.DataPurged, 10)],
]
END = [happened(events.Deleted, 11)]


def append(log: EventLog, commands: list[list[ImageEvent]]) -> None:
    for decided in commands:
        with log.transaction() as connection:
            log.append(connection, decided)


@pytest.mark.parametrize("batch", [1, 2, 3, 5, 1000])
@pytest.mark.parametrize("until", range(1, len(COMMANDS) + 1))
def test_a_rebuilt_read_model_is_the_live_one(
    log: EventLog, engine: Engine, until: int, batch: int
) -> None:
    append(log, COMMANDS[:until])

    assert rebuilt(engine, log, batch=batch) == live(engine)


def test_the_live_read_model_holds_an_image_and_what_finds_it(
    log: EventLog, engine: Engine
) -> None:
    append(log, COMMANDS[:3])

    tables = live(engine)
    assert len(tables["image_list_v1"]) == 2
    assert tables["image_list_v1_tags"] == {("b", str(IMAGE)), ("c", str(IMAGE))}
    assert tables["image_list_v1_properties"] == {
        ("os", image_list.value_hash("linux"), str(IMAGE)),
        ("zone", image_list.value_hash("2"), str(IMAGE)),
    }


@pytest.mark.parametrize("batch", [1, 2, 1000])
def test_deleted_images_leave_no_row_behind(log: EventLog, engine: Engine, batch: int) -> None:
    append(log, [*COMMANDS, END])

    assert not any(live(engine).values())
    assert not any(rebuilt(engine, log, batch=batch).values())


def test_a_rebuild_counts_events_and_mends_what_was_damaged(log: EventLog, engine: Engine) -> None:
    append(log, COMMANDS)
    right = live(engine)
    with engine.begin() as connection:
        connection.execute(image_list.images.update().values(name="damaged", version=99))
        connection.execute(image_list.image_tags.delete())
    assert live(engine) != right

    with log.transaction() as connection:
        batch = [event for decided in COMMANDS for event in decided]
        count = rebuild(connection, [batch])

    assert count == len(batch)
    assert live(engine) == right


def test_rebuilding_twice_is_rebuilding_once(log: EventLog, engine: Engine) -> None:
    append(log, COMMANDS)

    with log.transaction() as connection:
        for _ in range(2):
            rebuild(connection, COMMANDS)
        twice = contents(connection)

    assert twice == live(engine) == rebuilt(engine, log, batch=2)


def test_a_rebuild_from_no_events_leaves_nothing(log: EventLog, engine: Engine) -> None:
    append(log, COMMANDS)

    with log.transaction() as connection:
        assert rebuild(connection, []) == 0

    assert not any(live(engine).values())


def test_readers_see_the_old_rows_until_a_rebuild_commits(log: EventLog, engine: Engine) -> None:
    append(log, COMMANDS)
    before = live(engine)

    with log.transaction() as connection:
        image_list.clear(connection)

        assert live(engine) == before


@pytest.mark.parametrize(
    "late",
    [
        happened(events.TagAdded, 1, tag="late"),
        happened(events.TagAdded, 3, tag="early"),
        happened(events.TagAdded, 2, image_id=OTHER, tag="of none"),
    ],
    ids=["seen already", "one too far", "of an image without a row"],
)
def test_events_that_do_not_follow_the_row_are_refused(engine: Engine, late: ImageEvent) -> None:
    with engine.begin() as connection:
        image_list.plan(connection, [registered()])(connection)
    before = live(engine)

    with pytest.raises(ConcurrentChange), engine.begin() as connection:
        image_list.plan(connection, [late])(connection)

    assert live(engine) == before


def test_an_image_is_registered_once(engine: Engine) -> None:
    with engine.begin() as connection:
        image_list.plan(connection, [registered()])(connection)

    with pytest.raises(IntegrityError), engine.begin() as connection:
        image_list.plan(connection, [registered()])(connection)

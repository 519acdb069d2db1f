"""Snapshots are a cache: a long history loads fast with them, and the same without."""

from collections.abc import Callable
from typing import Any

import orjson
import pytest
from sqlalchemy import Engine, text

from storage.events import EventLog
from storage.recorder import EventDatastore
from storage.snapshots import SNAPSHOT_EVERY
from tests.contract.conftest import register, tag
from tests.contract.event_rows import image_with_many_events

BREAK = {
    "sqlite": "CREATE TRIGGER broken BEFORE INSERT ON image_snapshots "
    "BEGIN SELECT RAISE(ABORT, 'no snapshots today'); END",
    "postgresql": "ALTER TABLE image_snapshots ADD CONSTRAINT broken CHECK (false) NOT VALID",
}


def snapshot_versions(engine: Engine) -> list[int]:
    with engine.connect() as connection:
        found = connection.execute(text("SELECT originator_version FROM image_snapshots"))
        return sorted(found.scalars())


def drop_snapshots(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM image_snapshots"))


def alter_snapshot(engine: Engine, alter: Callable[[dict[str, Any]], object]) -> None:
    """Change what the only snapshot says."""
    with engine.begin() as connection:
        found = connection.execute(text("SELECT state FROM image_snapshots")).scalar_one()
        state = orjson.loads(found)
        alter(state)
        changed = {"state": orjson.dumps(state)}
        connection.execute(text("UPDATE image_snapshots SET state = :state"), changed)


def test_a_long_history_is_loaded_from_a_snapshot(log: EventLog, datastore: EventDatastore) -> None:
    image_id = image_with_many_events(log)
    log.load(image_id)
    assert snapshot_versions(datastore.engine) == [2 * SNAPSHOT_EVERY + 1]

    alter_snapshot(datastore.engine, lambda state: state["state"].update(name="snapshot"))
    tag(log, image_id, "later")

    image = log.load(image_id)
    assert image.name == "snapshot"
    assert image.version == 2 * SNAPSHOT_EVERY + 2
    assert "later" in image.tags


@pytest.mark.parametrize("further", [0, 1, SNAPSHOT_EVERY - 1, SNAPSHOT_EVERY, SNAPSHOT_EVERY + 1])
def test_an_image_loads_the_same_without_its_snapshots(
    log: EventLog, datastore: EventDatastore, further: int
) -> None:
    image_id = image_with_many_events(log)
    log.load(image_id)
    if further:
        tag(log, image_id, *(f"u{number:02}" for number in range(further)))
    with_snapshot = log.load(image_id)

    drop_snapshots(datastore.engine)

    assert log.load(image_id) == with_snapshot
    assert log.load(image_id, version=with_snapshot.version) == with_snapshot


def test_a_short_history_needs_no_snapshot(log: EventLog, datastore: EventDatastore) -> None:
    image = register(log)
    for number in range(SNAPSHOT_EVERY - 2):
        tag(log, image.id, f"t{number}")

    log.load(image.id)

    assert snapshot_versions(datastore.engine) == []


def test_snapshots_follow_each_other(log: EventLog, datastore: EventDatastore) -> None:
    image = register(log)

    for number in range(3 * SNAPSHOT_EVERY):
        tag(log, image.id, f"t{number}")

    assert snapshot_versions(datastore.engine) == [
        SNAPSHOT_EVERY,
        2 * SNAPSHOT_EVERY,
        3 * SNAPSHOT_EVERY,
    ]


@pytest.mark.parametrize(
    "alter",
    [
        lambda state: state.update(shape=0),
        lambda state: (state.update(shape=0), state["state"].pop("protected")),
        lambda state: (state.update(shape=99), state["state"].update(members=["p1"])),
        lambda state: (state.update(shape=99), state["state"].update(min_disk="much")),
    ],
    ids=["another number", "an attribute less", "one more", "another type"],
)
def test_a_snapshot_of_another_shape_is_not_used(
    log: EventLog, datastore: EventDatastore, alter: Callable[[dict[str, Any]], object]
) -> None:
    image_id = image_with_many_events(log)
    expected = log.load(image_id)
    alter_snapshot(datastore.engine, lambda state: state["state"].update(name="snapshot"))
    alter_snapshot(datastore.engine, alter)

    assert log.load(image_id) == expected

    tag(log, image_id, "later")
    assert log.load(image_id).name == "as recorded"


def test_a_snapshot_that_can_t_be_kept_fails_no_command(
    log: EventLog, datastore: EventDatastore
) -> None:
    image_id = image_with_many_events(log)
    with datastore.engine.begin() as connection:
        connection.execute(text(BREAK[connection.dialect.name]))

    tag(log, image_id, "later")

    assert "later" in log.load(image_id).tags
    assert snapshot_versions(datastore.engine) == []


def test_inside_a_transaction_no_snapshot_is_kept(log: EventLog, datastore: EventDatastore) -> None:
    image_id = image_with_many_events(log)

    with log.transaction():
        log.load(image_id)

    assert snapshot_versions(datastore.engine) == []

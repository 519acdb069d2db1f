"""No room in the database: refusals that are whole, and service once there is room."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import pytest
from sqlalchemy import Engine, event

from app.catalog import Catalog, Change
from domain.errors import DatabaseFull
from domain.image import Description
from projections.image_query import ImageQueries
from storage.events import EventLog
from storage.recorder import EventDatastore
from storage.snapshots import SNAPSHOT_EVERY
from tests.contract.conftest import ALICE, only_sqlite
from tests.contract.event_rows import image_with_many_events, stored, versions


@contextmanager
def no_room(engine: Engine) -> Iterator[None]:
    """Let the database file grow no further."""

    def limit(connection: sqlite3.Connection, *_: object) -> None:
        connection.execute("PRAGMA max_page_count = 1").close()  # as many as there are

    event.listen(engine, "checkout", limit)
    try:
        yield
    finally:
        event.remove(engine, "checkout", limit)
        engine.dispose()  # new connections know no limit


@only_sqlite
def test_a_change_without_room_is_refused_whole_and_works_once_there_is_room(
    catalog: Catalog, log: EventLog, datastore: EventDatastore, queries: ImageQueries
) -> None:
    image_id = catalog.create_image(Description(owner="blue"), image_id=None, by=ALICE)
    large = Change("add", "note", "n" * 60_000)
    before = stored(datastore.engine), queries.show(image_id)

    with no_room(datastore.engine):
        with pytest.raises(DatabaseFull):
            catalog.patch_image(image_id, [Change("add", "a", "1"), large], by=ALICE)

        assert (stored(datastore.engine), queries.show(image_id)) == before
        assert versions(log, image_id) == [1]
    catalog.patch_image(image_id, [large], by=ALICE)

    assert versions(log, image_id) == [1, 2]
    assert log.load(image_id).properties == {"note": "n" * 60_000}


@only_sqlite
def test_without_room_images_still_load(
    log: EventLog, datastore: EventDatastore, catalog: Catalog
) -> None:
    image_id = image_with_many_events(log)
    expected = log.load(image_id, version=2 * SNAPSHOT_EVERY + 1)

    with no_room(datastore.engine):
        fill(catalog, image_id)

        assert log.load(image_id, version=expected.version) == expected
        assert log.load(image_id).tags == expected.tags


def fill(catalog: Catalog, image_id: UUID) -> None:
    """Make changes until not even a small one has room."""

    def change_on(size: int) -> None:
        for number in range(10_000):
            change = Change("add", f"fill{size}", str(number).rjust(size, "x"))
            catalog.patch_image(image_id, [change], by=ALICE)

    for size in (60_000, 3_000, 100, 1):
        with pytest.raises(DatabaseFull):
            change_on(size)

"""Random images for tests of queries: few values each, so that images tie and filters hit."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from hypothesis import strategies as st
from sqlalchemy import Engine

from domain import events
from domain.events import ImageEvent
from domain.origin import Actor
from domain.rules import VISIBILITIES
from projections import image_list
from projections.image_query import ImageQueries, ImageQuery
from projections.image_row import ImageRow
from tests.projections.conftest import BEGINNING, DATA, happened, registered, row_of

History = list[ImageEvent]

SECOND = 1_000_000  # microseconds
MOMENTS = st.sampled_from([0, 1, SECOND - 1, SECOND, SECOND + 1, 2 * SECOND]).map(
    lambda number: BEGINNING + timedelta(microseconds=number)
)
FACTS: dict[str, st.SearchStrategy[Any]] = {
    "name": st.sampled_from([None, "a", "B", "ü"]),
    "owner": st.sampled_from([None, "blue", "red"]),
    "visibility": st.sampled_from(VISIBILITIES),
    "disk_format": st.sampled_from([None, "raw", "qcow2"]),
    "container_format": st.sampled_from([None, "bare"]),
    "min_disk": st.integers(0, 1),
    "min_ram": st.integers(0, 1),
    "protected": st.booleans(),
    "os_hidden": st.booleans(),
    "tags": st.sets(st.sampled_from(["a", "b", "ü"])).map(lambda tags: tuple(sorted(tags))),
    "properties": st.dictionaries(st.sampled_from(["os", "zone"]), st.sampled_from(["", "1", "ü"])),
}
DATAS = st.none() | st.fixed_dictionaries({
    "size": st.sampled_from([0, 1, 2**40]),
    "virtual_size": st.sampled_from([None, 0, 2**41]),
    "checksum": st.sampled_from(["c1", "c2"]),
    "os_hash_algo": st.sampled_from(["sha256", "sha512"]),
    "os_hash_value": st.sampled_from(["v1", "v2"]),
})  # fmt: skip
VIEWERS = st.builds(
    Actor,
    user=st.just("viewer"),
    project=st.sampled_from(["blue", "red", "green", ""]),
    roles=st.sampled_from([(), ("reader",), ("member",), ("auditor",), ("admin",)]),
)
ADMIN = Actor(user="root", project="blue", roles=("admin",))


@st.composite
def histories(draw: st.DrawFn, *, image_id: UUID) -> History:
    """An image's history: registered, perhaps with data, perhaps on its way out or gone."""
    created = draw(MOMENTS)
    facts = {name: draw(values) for name, values in FACTS.items()}
    history = [registered(image_id=image_id, at=created, **facts)]

    def append(event: type[ImageEvent], at: datetime, **said: Any) -> None:
        version = len(history) + 1
        history.append(happened(event, version, image_id=image_id, at=at, **said))

    if data := draw(DATAS):
        updated = max(created, draw(MOMENTS))
        append(events.DataCommitted, updated, **DATA | data)
    ending = draw(st.sampled_from([(), (), (events.DeletionRequested,), ENDED]))
    for event in ending:
        append(event, history[-1].timestamp)
    return history


ENDED = (events.DeletionRequested, events.Deleted)


@st.composite
def catalogs(draw: st.DrawFn, *, least: int = 0, most: int = 8) -> list[History]:
    """The histories of some images."""
    numbers = st.lists(st.integers(1, 2**64), min_size=least, max_size=most, unique=True)
    return [draw(histories(image_id=UUID(int=number))) for number in draw(numbers)]


def fill(engine: Engine, catalog: Sequence[History]) -> list[ImageRow]:
    """Make the read model hold these images alone; return those that were not deleted."""
    with engine.begin() as connection:
        image_list.clear(connection)
        image_list.replay(connection, (event for history in catalog for event in history))
    rows = [row_of(history) for history in catalog]
    return [row for row in rows if row.status != "deleted"]


def listed(queries: ImageQueries, query: ImageQuery, viewer: Actor) -> list[UUID]:
    """Return the ids of one page."""
    return [UUID(orjson.loads(text)["id"]) for text in queries.page(query, viewer).documents]


def ids_of(rows: Iterable[ImageRow]) -> set[UUID]:
    return {row.id for row in rows}

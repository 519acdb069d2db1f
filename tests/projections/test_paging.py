"""Pages: every image once, in the order asked for, whatever ties there are."""

from datetime import datetime
from functools import partial
from itertools import permutations, product
from random import Random
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from domain import events
from domain.errors import InvalidValue
from domain.origin import Actor
from projections.image_list import SORT_KEYS, UNSET_SIZE, UNSET_TEXT, plan
from projections.image_query import Direction, ImageQueries, ImageQuery
from projections.image_row import ImageRow
from tests.projections.conftest import ATTEMPT, IMAGE, happened, registered
from tests.projections.images import ADMIN, History, catalogs, fill

DIRECTIONS: tuple[Direction, ...] = ("asc", "desc")
Sort = tuple[tuple[str, Direction], ...]

SORTS = st.lists(st.sampled_from(SORT_KEYS), min_size=1, max_size=4, unique=True).flatmap(
    lambda names: st.tuples(*(st.tuples(st.just(n), st.sampled_from(DIRECTIONS)) for n in names))
)
STRANGER = Actor(user="stranger", project="green", roles=("member",))


def walk(queries: ImageQueries, query: ImageQuery, viewer: Actor = ADMIN) -> list[UUID]:
    """Return the ids on all pages, one page after the other."""
    found: list[UUID] = []
    marker = query.marker
    while True:
        page = queries.page(with_marker(query, marker), viewer)
        found += [UUID(orjson.loads(text)["id"]) for text in page.documents]
        if page.next_marker is None:
            return found
        assert len(page.documents) == query.limit
        assert page.next_marker == str(found[-1])
        marker = UUID(page.next_marker)


def with_marker(query: ImageQuery, marker: UUID | None) -> ImageQuery:
    return ImageQuery(
        limit=query.limit, sort=query.sort, marker=marker, visibility=query.visibility
    )


def in_order(rows: list[ImageRow], sort: Sort) -> list[UUID]:
    """Return the ids as a plain sort has them; ties are broken by age, then by id."""
    named = [name for name, _ in sort]
    ties = [(name, sort[0][1]) for name in ("created_at", "id") if name not in named]
    rows = list(rows)
    for name, direction in reversed([*sort, *ties]):
        rows.sort(key=partial(sortable, name), reverse=direction == "desc")
    return [row.id for row in rows]


def sortable(name: str, row: ImageRow) -> str | int | datetime:
    value: Any = getattr(row, name)
    if value is None:
        return UNSET_SIZE if name == "size" else UNSET_TEXT
    return str(value) if isinstance(value, UUID) else value


def seeded(seed: str) -> Random:
    return Random(seed)  # noqa: S311 - the same images in every run


def many_images(random: Random) -> list[History]:
    """Twenty-five visible images with as many ties as there can be."""
    return [one_image(random) for _ in range(25)]


def one_image(random: Random) -> History:
    image_id = UUID(int=random.getrandbits(128))
    moments = [registered().timestamp.replace(microsecond=number) for number in (0, 1, 999_999)]
    said: dict[str, Any] = {
        "name": random.choice([None, "a", "B", "ü"]),
        "disk_format": random.choice([None, "raw"]),
        "container_format": random.choice([None, "bare"]),
    }
    created = random.choice(moments)
    history = [registered(image_id=image_id, at=created, **said)]
    if random.random() < 0.6:
        later = max(created, random.choice(moments))
        facts: dict[str, Any] = {"attempt": ATTEMPT, "store": "main"}
        history.append(happened(events.UploadStarted, 2, image_id=image_id, at=later, **facts))
    if random.random() < 0.6 and len(history) == 2:
        data = {
            "size": random.choice([0, 5]),
            "virtual_size": None,
            "checksum": "",
            "os_hash_algo": "",
            "os_hash_value": "",
        }
        history.append(
            happened(events.DataCommitted, 3, image_id=image_id, at=later, **facts | data)
        )
    return history


@pytest.mark.parametrize("name", SORT_KEYS)
def test_each_sort_key_and_pair_of_keys_pages_like_a_plain_sort(
    engine: Engine, queries: ImageQueries, name: str
) -> None:
    rows = fill(engine, many_images(seeded(name)))
    others = [second for first, second in permutations(SORT_KEYS, 2) if first == name]
    sorts: list[Sort] = [((name, direction),) for direction in DIRECTIONS]
    for other, (first, second) in product(others, product(DIRECTIONS, DIRECTIONS)):
        sorts.append(((name, first), (other, second)))

    for sort in sorts:
        query = ImageQuery(limit=7, sort=sort, visibility="all")
        assert walk(queries, query) == in_order(rows, sort), sort


@settings(
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(catalog=catalogs(most=12), sort=SORTS, limit=st.integers(1, 5))
def test_any_keys_page_like_a_plain_sort(
    engine: Engine, queries: ImageQueries, catalog: list[History], sort: Sort, limit: int
) -> None:
    rows = fill(engine, catalog)

    found = walk(queries, ImageQuery(limit=limit, sort=sort, visibility="all"))

    shown = [row for row in rows if not row.os_hidden and row.status != "pending_delete"]
    assert found == in_order(shown, sort)


def test_without_a_wish_the_newest_come_first(engine: Engine, queries: ImageQueries) -> None:
    rows = fill(engine, many_images(seeded("1")))

    found = walk(queries, ImageQuery(limit=4, visibility="all"))

    assert found == in_order(rows, (("created_at", "desc"),))


def test_the_last_page_names_no_next_one(engine: Engine, queries: ImageQueries) -> None:
    rows = fill(engine, many_images(seeded("2")))

    for limit in (len(rows), len(rows) + 1):
        page = queries.page(ImageQuery(limit=limit, visibility="all"), ADMIN)

        assert len(page.documents) == len(rows)
        assert page.next_marker is None


def test_a_page_of_nothing_is_empty(engine: Engine, queries: ImageQueries) -> None:
    fill(engine, many_images(seeded("3")))

    page = queries.page(ImageQuery(limit=0), ADMIN)

    assert page.documents == []
    assert page.next_marker is None


def test_images_that_come_and_change_meanwhile_shift_no_page(
    engine: Engine, queries: ImageQueries
) -> None:
    rows = fill(engine, many_images(seeded("4")))
    sort: Sort = (("created_at", "desc"),)
    first = queries.page(ImageQuery(limit=5, sort=sort, visibility="all"), ADMIN)
    assert first.next_marker is not None

    with engine.begin() as connection:
        plan(connection, [registered(image_id=IMAGE, at=rows[0].created_at.replace(year=2030))])(
            connection
        )
    rest = walk(
        queries,
        ImageQuery(limit=5, sort=sort, marker=UUID(first.next_marker), visibility="all"),
    )

    assert rest == in_order(rows, sort)[5:]


@pytest.mark.parametrize(
    ("viewer", "facts"),
    [
        (STRANGER, {"visibility": "private"}),
        (ADMIN, {"os_hidden": True}),
        (STRANGER, {"visibility": "community"}),
    ],
    ids=["of others", "hidden", "not in a plain list"],
)
def test_a_marker_that_the_list_does_not_show_is_refused(
    engine: Engine, queries: ImageQueries, viewer: Actor, facts: dict[str, Any]
) -> None:
    fill(engine, [[registered(**facts)]])

    with pytest.raises(InvalidValue) as refused:
        queries.page(ImageQuery(limit=1, marker=IMAGE), viewer)

    assert refused.value.field == "marker"


def test_an_unknown_marker_is_refused(queries: ImageQueries) -> None:
    with pytest.raises(InvalidValue):
        queries.page(ImageQuery(limit=1, marker=uuid4()), ADMIN)


def test_an_image_that_never_was_is_not_shown(queries: ImageQueries) -> None:
    assert queries.show(uuid4()) is None

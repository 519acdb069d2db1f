"""Filters: SQL finds what a plain loop over the images finds."""

import operator
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from projections import filters
from projections.filters import COMPARISONS, Comparison, Filter
from projections.image_query import ImageQueries, ImageQuery
from projections.image_row import ImageRow, shown
from tests.projections.conftest import BEGINNING, registered
from tests.projections.images import ADMIN, History, catalogs, fill, ids_of, listed

EVERYTHING = 1000  # images

COMPARE: dict[str, Callable[[datetime, datetime], bool]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
    "eq": operator.eq,
    "neq": operator.ne,
}
VALUES: dict[str, list[Any]] = {
    "name": ["", "a", "b", "ü"],
    "owner": ["blue", "red", "none of them"],
    "status": ["queued", "active", "killed"],
    "disk_format": ["", "raw", "vmdk"],
    "container_format": ["", "bare"],
    "min_disk": [0, 1, 2],
    "min_ram": [0, 1],
    "protected": [True, False],
    "size": [0, 1, 2**40],
    "virtual_size": [0, 2**41],
    "checksum": ["c1", ""],
    "os_hash_algo": ["sha512"],
    "os_hash_value": ["v1"],
}
UNSET_IS_EMPTY = {"name", "disk_format", "container_format"}

on_a_database = settings(
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@dataclass(frozen=True)
class Wish:
    """A filter, and whether a plain look at an image says the same."""

    filter: Filter
    holds: Callable[[ImageRow], bool]


def value_of(row: ImageRow, name: str) -> Any:
    value = getattr(row, name)
    return "" if value is None and name in UNSET_IS_EMPTY else value


def wish_for(name: str) -> st.SearchStrategy[Wish]:
    values = st.lists(st.sampled_from(VALUES[name]), min_size=1, max_size=3).map(tuple)
    return values.map(
        lambda asked: Wish(filters.one_of(name, asked), lambda row: value_of(row, name) in asked)
    )


def wish_of_tag(tag: str) -> Wish:
    return Wish(filters.tagged(tag), lambda row: tag in row.tags)


def wish_of_property(name: str, value: str) -> Wish:
    return Wish(filters.having(name, value), lambda row: row.properties.get(name) == value)


def wish_of_size_from(size: int) -> Wish:
    return Wish(filters.size_from(size), lambda row: row.size is not None and row.size >= size)


def wish_of_size_to(size: int) -> Wish:
    return Wish(filters.size_to(size), lambda row: row.size is not None and row.size <= size)


def wish_of_time(column: str, comparison: Comparison, moment: datetime) -> Wish:
    def holds(row: ImageRow) -> bool:
        text = shown(getattr(row, column))
        seen = datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        return COMPARE[comparison](seen, moment)

    return Wish(filters.time_is(column, comparison, moment), holds)


MOMENTS = st.sampled_from([-1, 0, 1, 999_999, 1_000_000, 1_500_000, 2_000_000, 3_000_000]).map(
    lambda number: BEGINNING + timedelta(microseconds=number)
)
SIZES = st.sampled_from([-1, 0, 1, 2**40, 2**41])
KINDS = {
    **{name: wish_for(name) for name in VALUES},
    "tag": st.sampled_from(["a", "ü", "none of them"]).map(wish_of_tag),
    "property": st.builds(
        wish_of_property, st.sampled_from(["os", "zone"]), st.sampled_from(["", "1"])
    ),
    "size_min": SIZES.map(wish_of_size_from),
    "size_max": SIZES.map(wish_of_size_to),
    "time": st.builds(
        wish_of_time,
        st.sampled_from(["created_at", "updated_at"]),
        st.sampled_from(COMPARISONS),
        MOMENTS,
    ),
}


def check(engine: Engine, queries: ImageQueries, catalog: list[History], *wishes: Wish) -> None:
    """Look for what fulfils all wishes, in SQL and in a plain loop."""
    rows = fill(engine, catalog)
    asked = tuple(wish.filter for wish in wishes)

    found = listed(queries, ImageQuery(limit=EVERYTHING, filters=asked, visibility="all"), ADMIN)

    fulfilling = [
        row
        for row in rows
        if not row.os_hidden
        and row.status != "pending_delete"
        and all(wish.holds(row) for wish in wishes)
    ]
    assert len(found) == len(fulfilling)
    assert set(found) == ids_of(fulfilling)


@on_a_database
@given(catalog=catalogs(), wishes=st.lists(st.one_of(*KINDS.values()), min_size=2, max_size=4))
def test_filters_together_find_what_a_plain_loop_finds(
    engine: Engine, queries: ImageQueries, catalog: list[History], wishes: list[Wish]
) -> None:
    check(engine, queries, catalog, *wishes)


@pytest.mark.parametrize("kind", KINDS)
def test_each_filter_finds_what_a_plain_loop_finds(
    engine: Engine, queries: ImageQueries, kind: str
) -> None:
    @settings(on_a_database, max_examples=60 if kind == "time" else 15)
    @given(catalog=catalogs(least=3), wish=KINDS[kind])
    def look(catalog: list[History], wish: Wish) -> None:
        check(engine, queries, catalog, wish)

    look()


@pytest.mark.parametrize(
    ("comparison", "at", "is_found"),
    [
        ("eq", 0, True),
        ("eq", 1, False),
        ("eq", 0.5, False),
        ("neq", 0, False),
        ("neq", 0.5, True),
        ("gt", 0, False),
        ("gt", -0.5, True),
        ("gte", 0, True),
        ("gte", 0.5, False),
        ("lt", 0, False),
        ("lt", 0.5, True),
        ("lte", 0, True),
        ("lte", -0.5, False),
    ],
)
def test_an_image_made_within_a_second_is_found_by_the_whole_second(
    engine: Engine, queries: ImageQueries, comparison: Comparison, at: float, is_found: bool
) -> None:
    fill(engine, [[registered(at=BEGINNING + timedelta(seconds=0.75))]])
    asked = filters.time_is("created_at", comparison, BEGINNING + timedelta(seconds=at))

    found = listed(queries, ImageQuery(limit=1, filters=(asked,), visibility="all"), ADMIN)

    assert bool(found) == is_found


def test_a_property_s_value_is_found_whole_however_long(
    engine: Engine, queries: ImageQueries
) -> None:
    long = "x" * 60_000
    fill(engine, [[registered(properties={"note": long})]])

    def found(value: str) -> int:
        asked = (filters.having("note", value),)
        return len(listed(queries, ImageQuery(limit=1, filters=asked, visibility="all"), ADMIN))

    assert found(long) == 1
    assert found(long[:-1]) == 0
    assert found("X" * 60_000) == 0


def test_queries_of_one_shape_keep_their_values_apart(
    engine: Engine, queries: ImageQueries
) -> None:
    """One statement serves them all, so each must bring its own values."""
    fill(engine, [[registered(name="a", tags=("t",), properties={"os": "1"})]])

    for name, tag, value in [("a", "t", "1"), ("b", "t", "1"), ("a", "u", "1"), ("a", "t", "2")]:
        asked = (
            filters.one_of("name", (name, "c")),
            filters.tagged(tag),
            filters.having("os", value),
        )
        found = listed(queries, ImageQuery(limit=1, filters=asked, visibility="all"), ADMIN)

        assert bool(found) == ((name, tag, value) == ("a", "t", "1"))

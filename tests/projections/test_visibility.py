"""Who sees what: the list's SQL says the same as `domain.access`."""

from datetime import timedelta
from itertools import product
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from domain import events
from domain.access import can_list, can_read, owns
from domain.origin import Actor
from domain.rules import VISIBILITIES
from projections.filters import one_of
from projections.image_query import ImageQueries, ImageQuery
from projections.image_row import ImageRow
from tests.projections.conftest import happened, registered
from tests.projections.images import VIEWERS, History, catalogs, fill, ids_of, listed

EVERYTHING = 1000  # images

ROLES = ((), ("reader",), ("member",), ("auditor",), ("admin",))
EVERY_VIEWER = [
    Actor(user="viewer", project=project, roles=roles)
    for project, roles in product(("blue", "green", ""), ROLES)
]
for_every_viewer = pytest.mark.parametrize(
    "viewer", EVERY_VIEWER, ids=lambda viewer: "-".join((viewer.project, *viewer.roles))
)


def every_kind_of_image() -> list[History]:
    """One image of each owner, visibility and status, shown and hidden."""
    kinds = product((None, "", "blue", "red"), VISIBILITIES, (True, False), (True, False))
    return [
        one_image(UUID(int=number), owner, visibility, is_hidden=is_hidden, is_going=is_going)
        for number, (owner, visibility, is_hidden, is_going) in enumerate(kinds)
    ]


def one_image(
    image_id: UUID, owner: str | None, visibility: str, *, is_hidden: bool, is_going: bool
) -> History:
    first = registered(image_id=image_id, owner=owner, visibility=visibility, os_hidden=is_hidden)
    return [first, happened(events.DeletionRequested, image_id=image_id)] if is_going else [first]


@pytest.fixture
def rows(engine: Engine) -> list[ImageRow]:
    return fill(engine, every_kind_of_image())


@for_every_viewer
@pytest.mark.parametrize("is_hidden", [False, True])
def test_a_plain_list_shows_what_can_be_listed(
    rows: list[ImageRow], queries: ImageQueries, viewer: Actor, is_hidden: bool
) -> None:
    shown = listed(queries, ImageQuery(limit=EVERYTHING, os_hidden=is_hidden), viewer)

    assert sorted(shown) == sorted(
        row.id for row in rows if row.os_hidden == is_hidden and can_list(viewer, row)
    )


@for_every_viewer
@pytest.mark.parametrize("visibility", [*VISIBILITIES, "all"])
def test_a_visibility_that_is_asked_for_shows_what_can_be_read_of_it(
    rows: list[ImageRow], queries: ImageQueries, viewer: Actor, visibility: str
) -> None:
    shown = listed(queries, ImageQuery(limit=EVERYTHING, visibility=visibility), viewer)

    assert sorted(shown) == sorted(
        row.id
        for row in rows
        if not row.os_hidden
        and row.status != "pending_delete"
        and can_read(viewer, row)
        and visibility in {"all", row.visibility}
    )


@for_every_viewer
def test_images_in_deletion_are_listed_for_those_who_ask_and_own_them(
    rows: list[ImageRow], queries: ImageQueries, viewer: Actor
) -> None:
    statuses = (one_of("status", ("queued", "pending_delete")),)
    query = ImageQuery(limit=EVERYTHING, visibility="all", in_deletion=True, filters=statuses)

    shown = listed(queries, query, viewer)

    assert sorted(shown) == sorted(
        row.id
        for row in rows
        if not row.os_hidden
        and (
            (row.status == "queued" and can_read(viewer, row))
            or (row.status == "pending_delete" and owns(viewer, row))
        )
    )


@for_every_viewer
def test_whatever_is_listed_can_be_read(
    rows: list[ImageRow], queries: ImageQueries, viewer: Actor
) -> None:
    known = {row.id: row for row in rows}
    query = ImageQuery(limit=EVERYTHING, visibility="all", in_deletion=True)

    for image_id in listed(queries, query, viewer):
        shown = queries.show(image_id)
        assert shown is not None
        assert can_read(viewer, shown)
        assert can_read(viewer, known[image_id])


def test_the_images_in_deletion_are_found_for_the_reaper_once_they_are_due(
    rows: list[ImageRow], queries: ImageQueries
) -> None:
    going = [row for row in rows if row.status == "pending_delete"]
    asked = [row.updated_at for row in going]

    assert sorted(queries.in_deletion(until=max(asked))) == sorted(row.id for row in going)
    assert queries.in_deletion(until=min(asked) - timedelta(microseconds=1)) == []


@settings(
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(catalog=catalogs(), viewer=VIEWERS, is_hidden=st.booleans())
def test_any_catalog_lists_what_can_be_listed(
    engine: Engine,
    queries: ImageQueries,
    catalog: list[History],
    viewer: Actor,
    is_hidden: bool,
) -> None:
    images = fill(engine, catalog)

    shown = listed(queries, ImageQuery(limit=EVERYTHING, os_hidden=is_hidden), viewer)

    visible = [row for row in images if row.os_hidden == is_hidden and can_list(viewer, row)]
    assert len(shown) == len(visible)
    assert set(shown) == ids_of(visible)

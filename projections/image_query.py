"""What can be asked of the images' read model, each as one SQL query.

Lists never load more than a page and never skip rows: a page starts after its marker's key.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Engine,
    Table,
    and_,
    bindparam,
    false,
    literal,
    not_,
    or_,
    select,
    tuple_,
)

from domain.errors import InvalidValue
from domain.origin import Actor
from domain.rules import Status
from projections.image_list import (
    EPOCH,
    image_properties,
    image_tags,
    images,
    value_hash,
)

Direction = Literal["asc", "desc"]
Comparison = Literal["gt", "gte", "lt", "lte", "eq", "neq"]
COMPARISONS = ("gt", "gte", "lt", "lte", "eq", "neq")

Condition = ColumnElement[bool]
Key = tuple[Column[Any], Direction]

SECOND = 1_000_000  # microseconds


@dataclass(frozen=True, kw_only=True)
class ImageQuery:
    """A list request, parsed (Images API v2, "List images")."""

    limit: int
    marker: UUID | None = None
    sort: tuple[tuple[str, Direction], ...] = (("created_at", "desc"),)
    one_of: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)  # column: allowed values
    times: tuple[tuple[str, Comparison, datetime], ...] = ()
    size_min: int | None = None  # bytes
    size_max: int | None = None  # bytes
    tags: tuple[str, ...] = ()  # all of them
    properties: Mapping[str, str] = field(default_factory=dict)
    visibility: str | None = None
    os_hidden: bool = False


@dataclass(frozen=True)
class Page:
    """Finished documents, as JSON texts, and the marker of the page behind them."""

    documents: list[str]
    next_marker: str | None


@dataclass(frozen=True)
class Shown:
    """What the read model says of one image."""

    id: UUID
    status: str
    owner: str | None
    visibility: str
    version: int
    size: int
    checksum: str | None
    store: str | None
    attempt: str | None
    document: str


_show = select(
    images.c.status,
    images.c.owner,
    images.c.visibility,
    images.c.version,
    images.c.size,
    images.c.checksum,
    images.c.store,
    images.c.attempt,
    images.c.document,
).where(images.c.id == bindparam("image_id"))


class ImageQueries:
    """Reads the images' read model."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def show(self, image_id: UUID) -> Shown | None:
        """Return an image's row, whoever asks; see `domain.access` for who may read it."""
        with self._engine.connect() as connection:
            row = connection.execute(_show, {"image_id": str(image_id)}).one_or_none()
        return Shown(image_id, *row) if row else None

    def in_deletion(self) -> list[UUID]:
        """Return the images whose deletion was asked for and has not ended."""
        waiting = select(images.c.id).where(images.c.status == Status.PENDING_DELETE.value)
        with self._engine.connect() as connection:
            return [UUID(image_id) for image_id in connection.execute(waiting).scalars()]

    def page(self, query: ImageQuery, viewer: Actor) -> Page:
        """Return one page of the images that the viewer may list.

        Raises:
            InvalidValue: the marker is no image that the viewer may list.
        """
        conditions = [*_listed_for(viewer, query), *_matching(query)]
        keys = _keys(query)
        with self._engine.connect() as connection:
            if query.marker is not None:
                conditions.append(_after(keys, _marker_key(connection, keys, query, viewer)))
            statement = select(images.c.id, images.c.document).where(*conditions)
            statement = statement.order_by(*(_ordered(*key) for key in keys))
            rows = connection.execute(statement.limit(query.limit + 1)).all()
        page = rows[: query.limit]
        has_more = len(rows) > query.limit > 0
        return Page([row.document for row in page], page[-1].id if has_more else None)


def _listed_for(viewer: Actor, query: ImageQuery) -> list[Condition]:
    # `domain.access.can_list`, and what an explicit visibility or status adds to it.
    own = images.c.owner == viewer.project
    not_going = images.c.status != Status.PENDING_DELETE.value
    conditions = [images.c.os_hidden == query.os_hidden]
    if not viewer.is_admin:
        conditions.append(or_(own, images.c.visibility.in_(_open_to_all(query))))
    elif query.visibility is None:
        conditions.append(or_(own, images.c.visibility != "community"))
    if Status.PENDING_DELETE not in query.one_of.get("status", ()):
        conditions.append(not_going)
    elif not viewer.is_admin:
        conditions.append(or_(own, not_going))
    return conditions


def _open_to_all(query: ImageQuery) -> tuple[str, ...]:
    asked_for_community = query.visibility in {"community", "all"}
    return ("public", "community") if asked_for_community else ("public",)


def _matching(query: ImageQuery) -> Iterator[Condition]:
    for name, values in query.one_of.items():
        column = images.c[name]
        yield column == values[0] if len(values) == 1 else column.in_(values)
    if query.visibility not in {None, "all"}:
        yield images.c.visibility == query.visibility
    if query.size_min is not None:
        yield images.c.size >= max(query.size_min, 0)
    if query.size_max is not None:
        yield and_(images.c.size <= query.size_max, images.c.size >= 0)
    for name, comparison, moment in query.times:
        yield _compare_shown(images.c[name], comparison, (moment - EPOCH).total_seconds())
    for tag in query.tags:
        yield _has(image_tags, tag=tag)
    for name, value in query.properties.items():
        yield _has(image_properties, name=name, value_hash=value_hash(value))


def _has(table: Table, **key: Any) -> Condition:
    same = (table.c[name] == value for name, value in key.items())
    return images.c.id.in_(select(table.c.image_id).where(*same))


def _compare_shown(column: Column[Any], comparison: Comparison, seconds: float) -> Condition:
    """Compare what the API shows of a time, whole seconds, although more is stored."""
    from_it = column >= math.ceil(seconds) * SECOND
    from_next = column >= (math.floor(seconds) + 1) * SECOND
    is_shown = and_(from_it, not_(from_next)) if seconds.is_integer() else false()
    by_name: dict[Comparison, Condition] = {
        "gt": from_next,
        "gte": from_it,
        "lt": not_(from_it),
        "lte": not_(from_next),
        "eq": is_shown,
        "neq": not_(is_shown),
    }
    return by_name[comparison]


def _keys(query: ImageQuery) -> list[Key]:
    # The id makes every key unique; before it, images of one value come newest first as in Glance.
    named = {name for name, _ in query.sort}
    direction = query.sort[0][1]
    ties = [name for name in ("created_at", "id") if name not in named]
    keys = [*query.sort, *((name, direction) for name in ties)]
    return [(images.c[name], direction) for name, direction in keys]


def _ordered(column: Column[Any], direction: Direction) -> ColumnElement[Any]:
    return column.desc() if direction == "desc" else column.asc()


def _marker_key(
    connection: Connection, keys: list[Key], query: ImageQuery, viewer: Actor
) -> tuple[Any, ...]:
    is_marker = images.c.id == str(query.marker)
    statement = select(*(column for column, _ in keys)).where(
        is_marker, *_listed_for(viewer, query)
    )
    row = connection.execute(statement).one_or_none()
    if row is None:
        raise InvalidValue("marker", f"no image with id {query.marker} in this list")
    return tuple(row)


def _after(keys: list[Key], marker: tuple[Any, ...]) -> Condition:
    columns = [column for column, _ in keys]
    if len({direction for _, direction in keys}) == 1:
        here, there = tuple_(*columns), tuple_(*map(literal, marker))
        return here < there if keys[0][1] == "desc" else here > there
    return or_(
        *(
            and_(
                *(column == value for column, value in zip(columns[:depth], marker, strict=False)),
                column < marker[depth] if direction == "desc" else column > marker[depth],
            )
            for depth, (column, direction) in enumerate(keys)
        )
    )

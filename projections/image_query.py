"""What can be asked of the images' read model, each as one SQL query.

Lists never load more than a page and never skip rows: a page starts after its marker's key.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Literal, NamedTuple
from uuid import UUID

from sqlalchemy import (
    BindParameter,
    Column,
    ColumnElement,
    Connection,
    Dialect,
    Engine,
    and_,
    bindparam,
    or_,
    select,
    tuple_,
)

from domain.errors import InvalidValue
from domain.origin import Actor
from domain.rules import Status
from projections.filters import Condition, Filter, condition
from projections.image_list import images, microseconds
from projections.prepared import STATEMENTS_MAX, Prepared, prepared

Direction = Literal["asc", "desc"]
Key = tuple[Column[Any], Direction]


@dataclass(frozen=True, kw_only=True)
class ImageQuery:
    """A list request, parsed (Images API v2, "List images")."""

    limit: int
    marker: UUID | None = None
    sort: tuple[tuple[str, Direction], ...] = (("created_at", "desc"),)
    filters: tuple[Filter, ...] = ()  # all of them hold
    visibility: str | None = None
    os_hidden: bool = False
    in_deletion: bool = False  # also images whose deletion was asked for


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


class Shape(NamedTuple):
    """What the SQL of a list depends on: all but the values in it."""

    is_admin: bool
    visibility: str | None
    in_deletion: bool
    filters: tuple[tuple[Any, ...], ...]
    sort: tuple[tuple[str, Direction], ...]
    is_continued: bool


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
            query = prepared(_show, connection.dialect)
            rows = query.rows(connection, {"image_id": str(image_id)})
        return Shown(image_id, *rows[0]) if rows else None

    def in_deletion(self, *, until: datetime) -> list[UUID]:
        """Return the images whose deletion was asked for until then and has not ended."""
        waiting = select(images.c.id).where(
            images.c.status == Status.PENDING_DELETE.value,
            images.c.updated_at <= microseconds(until),
        )
        with self._engine.connect() as connection:
            return [UUID(image_id) for image_id in connection.execute(waiting).scalars()]

    def page(self, query: ImageQuery, viewer: Actor) -> Page:
        """Return one page of the images that the viewer may list.

        Raises:
            InvalidValue: the marker is no image that the viewer may list.
        """
        shape = _shape(query, viewer)
        values = _values(query, viewer)
        with self._engine.connect() as connection:
            if query.marker is not None:
                values |= self._marker_key(connection, shape, query.marker, values)
            rows = _page_statement(shape, self._engine.dialect).rows(connection, values)
        page = rows[: query.limit]
        has_more = len(rows) > query.limit > 0
        return Page([row[1] for row in page], page[-1][0] if has_more else None)

    def _marker_key(
        self, connection: Connection, shape: Shape, marker: UUID, values: dict[str, Any]
    ) -> dict[str, Any]:
        statement = _marker_statement(shape._replace(filters=()), self._engine.dialect)
        rows = statement.rows(connection, {**values, "marker": str(marker)})
        if not rows:
            raise InvalidValue("marker", f"no image with id {marker} in this list")
        return {_marker_name(depth): value for depth, value in enumerate(rows[0])}


def _shape(query: ImageQuery, viewer: Actor) -> Shape:
    return Shape(
        is_admin=viewer.is_admin,
        visibility=query.visibility,
        in_deletion=query.in_deletion,
        filters=tuple(filter_.shape for filter_ in query.filters),
        sort=query.sort,
        is_continued=query.marker is not None,
    )


def _values(query: ImageQuery, viewer: Actor) -> dict[str, Any]:
    values = {
        "project": viewer.project,
        "os_hidden": query.os_hidden,
        "visibility": query.visibility,
        "rows": query.limit + 1,
    }
    for number, filter_ in enumerate(query.filters):
        values |= filter_.named_values(number)
    return values


@lru_cache(maxsize=STATEMENTS_MAX)
def _page_statement(shape: Shape, dialect: Dialect) -> Prepared:
    conditions = _listed(shape)
    conditions += [condition(number, of) for number, of in enumerate(shape.filters)]
    keys = _keys(shape)
    if shape.is_continued:
        conditions.append(_after_marker(keys))
    query = select(images.c.id, images.c.document).where(*conditions)
    query = query.order_by(*(_ordered(*key) for key in keys))
    return Prepared(query.limit(bindparam("rows")), dialect)


@lru_cache(maxsize=STATEMENTS_MAX)
def _marker_statement(shape: Shape, dialect: Dialect) -> Prepared:
    key = select(*(column for column, _ in _keys(shape)))
    return Prepared(key.where(images.c.id == bindparam("marker"), *_listed(shape)), dialect)


def _listed(shape: Shape) -> list[Condition]:
    # `domain.access.can_list`, and what an explicit visibility or status adds to it.
    own = images.c.owner == bindparam("project")
    not_going = images.c.status != Status.PENDING_DELETE.value
    conditions: list[Condition] = [images.c.os_hidden == bindparam("os_hidden")]
    if not shape.is_admin:
        conditions.append(or_(own, *(images.c.visibility == name for name in _open_to_all(shape))))
    elif shape.visibility is None:
        conditions.append(or_(own, images.c.visibility != "community"))
    if not shape.in_deletion:
        conditions.append(not_going)
    elif not shape.is_admin:
        conditions.append(or_(own, not_going))
    if shape.visibility not in {None, "all"}:
        conditions.append(images.c.visibility == bindparam("visibility"))
    return conditions


def _open_to_all(shape: Shape) -> tuple[str, ...]:
    asked_for_community = shape.visibility in {"community", "all"}
    return ("public", "community") if asked_for_community else ("public",)


def _keys(shape: Shape) -> list[Key]:
    # The id makes every key unique; before it, images of one value come newest first as in Glance.
    named = {name for name, _ in shape.sort}
    direction = shape.sort[0][1]
    ties = [name for name in ("created_at", "id") if name not in named]
    keys = [*shape.sort, *((name, direction) for name in ties)]
    return [(images.c[name], direction) for name, direction in keys]


def _ordered(column: Column[Any], direction: Direction) -> ColumnElement[Any]:
    return column.desc() if direction == "desc" else column.asc()


def _marker_name(depth: int) -> str:
    return f"marker_{depth}"


def _after_marker(keys: list[Key]) -> Condition:
    columns = [column for column, _ in keys]
    marker: list[BindParameter[Any]] = [
        bindparam(_marker_name(depth)) for depth in range(len(keys))
    ]
    if len({direction for _, direction in keys}) == 1:
        here, there = tuple_(*columns), tuple_(*marker)
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

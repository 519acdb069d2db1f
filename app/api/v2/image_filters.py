"""The query of a list: filters, sorting, paging (Images API v2, "List images")."""

import re
from collections.abc import Callable
from datetime import datetime
from typing import cast
from uuid import UUID

from werkzeug.datastructures import MultiDict

from app.api.request import parse_time, whole_number
from domain import rules
from domain.errors import InvalidValue
from domain.rules import Status
from projections import filters
from projections.filters import COMPARISONS, Comparison, Filter
from projections.image_list import SORT_KEYS
from projections.image_query import Direction, ImageQuery

LIMIT_DEFAULT = 25  # images
LIMIT_MAX = 1000
NUMBER_MAX = 2**63 - 1
ARGUMENTS_MAX = 500  # SQLite takes expressions of at most 1000 terms

REPEATABLE = frozenset({"tag", "sort_key", "sort_dir"})
NO_FILTERS = frozenset({
    "self", "file", "schema", "direct_url", "locations", "tags", "changes-since",
})  # fmt: skip
VISIBILITY_FILTERS = (*rules.VISIBILITIES, "all")
MEMBER_STATUSES = ("pending", "accepted", "rejected", "all")

# One value of `in:`: quoted when it holds a comma.
IN_VALUE = re.compile(r'\s*(?:"([^"]*)"|([^",]*))\s*(?:,|$)')


def parse_query(arguments: MultiDict[str, str]) -> ImageQuery:
    """Return what a list request asks for.

    Raises:
        InvalidValue: an argument that is given twice or has a value that can't be meant.
    """
    given = _given_once(arguments)
    statuses = given.get("status", "")
    visibility = given.pop("visibility", None)
    _one_of("member_status", given.pop("member_status", "accepted"), MEMBER_STATUSES)
    return ImageQuery(
        limit=_limit(given.pop("limit", None)),
        marker=_marker(given.pop("marker", None)),
        sort=_sort(arguments),
        visibility=visibility and _one_of("visibility", visibility, VISIBILITY_FILTERS),
        os_hidden=_boolean("os_hidden", given.pop("os_hidden", "false")),
        in_deletion=Status.PENDING_DELETE in _alternatives("status", statuses),
        filters=(
            *(filters.tagged(tag) for tag in arguments.getlist("tag")),
            *(_filter(name, value) for name, value in given.items()),
        ),
    )


def _given_once(arguments: MultiDict[str, str]) -> dict[str, str]:
    if sum(1 for _ in arguments.items(multi=True)) > ARGUMENTS_MAX:
        raise InvalidValue("query", f"has more than {ARGUMENTS_MAX} arguments")
    for name, values in arguments.lists():
        rules.check_text(name[: rules.TEXT_MAX], name)
        if len(values) > 1 and name not in REPEATABLE:
            raise InvalidValue(name, "may be given once only")
        for value in values:
            rules.check_text(name, value, longest=rules.VALUE_MAX)
    ours = REPEATABLE | {"sort"}
    return {name: value for name, value in arguments.items() if name not in ours}


def _filter(name: str, value: str) -> Filter:
    if name in NO_FILTERS:
        raise InvalidValue(name, "can't be used as a filter")
    return FILTERS.get(name, filters.having)(name, value)


def _alternatives(name: str, value: str) -> tuple[str, ...]:
    operator, colon, rest = value.partition(":")
    if colon and operator == "in":
        return _listed(name, rest)
    if colon and operator in COMPARISONS:
        if operator != "eq":
            raise InvalidValue(name, f"can't be compared with {operator}: use in or eq")
        value = rest
    return (value.lower() if name == "id" else value,)


def _listed(name: str, text: str) -> tuple[str, ...]:
    values, position = [], 0
    while position < len(text):
        match = IN_VALUE.match(text, position)
        if match is None:
            raise InvalidValue(name, 'in: takes values with commas between, quoted by pairs of "')
        values.append(match[1] if match[1] is not None else match[2].strip())
        position = match.end()
    return tuple(value.lower() if name == "id" else value for value in values) or ("",)


def _time(name: str, value: str) -> tuple[Comparison, datetime]:
    operator, colon, rest = value.partition(":")
    if not colon or operator not in COMPARISONS:
        operator, rest = "eq", value
    return cast("Comparison", operator), parse_time(name, rest)


def _sort(arguments: MultiDict[str, str]) -> tuple[tuple[str, Direction], ...]:
    if "sort" not in arguments:
        keys = arguments.getlist("sort_key") or ["created_at"]
        directions = arguments.getlist("sort_dir") or ["desc"]
        return _sorted_by(keys, directions, named=("sort_key", "sort_dir"))
    if "sort_key" in arguments or "sort_dir" in arguments:
        raise InvalidValue("sort", "can't be combined with sort_key and sort_dir")
    pairs = [pair.partition(":") for pair in arguments["sort"].split(",")]
    keys = [key.strip() for key, _, _ in pairs]
    directions = [direction.strip() or "desc" for _, _, direction in pairs]
    return _sorted_by(keys, directions, named=("sort", "sort"))


def _sorted_by(
    keys: list[str], directions: list[str], *, named: tuple[str, str]
) -> tuple[tuple[str, Direction], ...]:
    if len(directions) == 1:
        directions *= len(keys)
    if len(keys) != len(directions):
        raise InvalidValue(named[1], "must be given once, or once for each sort_key")
    for key, direction in zip(keys, directions, strict=True):
        _one_of(named[0], key, SORT_KEYS)
        _one_of(named[1], direction, ("asc", "desc"))
        if keys.count(key) > 1:
            raise InvalidValue(named[0], f"{key} is there twice")
    return tuple(zip(keys, cast("list[Direction]", directions), strict=True))


def _limit(value: str | None) -> int:
    return LIMIT_DEFAULT if value is None else min(whole_number("limit", value), LIMIT_MAX)


def _marker(value: str | None) -> UUID | None:
    try:
        return UUID(value) if value is not None else None
    except ValueError:
        raise InvalidValue("marker", "must be the id of an image") from None


def _number(name: str, value: str) -> int:
    return min(whole_number(name, value), NUMBER_MAX)


def _boolean(name: str, value: str) -> bool:
    return _one_of(name, value.lower(), ("true", "false")) == "true"


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise InvalidValue(name, f"must be one of {', '.join(allowed)}")
    return value


FILTERS: dict[str, Callable[[str, str], Filter]] = {
    **dict.fromkeys(
        ("id", "name", "status", "container_format", "disk_format"),
        lambda name, value: filters.one_of(name, _alternatives(name, value)),
    ),
    **dict.fromkeys(
        ("owner", "checksum", "os_hash_algo", "os_hash_value"),
        lambda name, value: filters.one_of(name, (value,)),
    ),
    **dict.fromkeys(
        ("min_disk", "min_ram", "size", "virtual_size"),
        lambda name, value: filters.one_of(name, (_number(name, value),)),
    ),
    **dict.fromkeys(
        ("created_at", "updated_at"),
        lambda name, value: filters.time_is(name, *_time(name, value)),
    ),
    "protected": lambda name, value: filters.one_of(name, (_boolean(name, value),)),
    "size_min": lambda name, value: filters.size_from(_number(name, value)),
    "size_max": lambda name, value: filters.size_to(_number(name, value)),
}
"""How each argument filters; every other one is a custom property's name."""

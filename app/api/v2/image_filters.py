"""The query of a list: filters, sorting, paging (Images API v2, "List images")."""

import re
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from werkzeug.datastructures import MultiDict

from app.api.request import parse_time, whole_number
from domain import rules
from domain.errors import InvalidValue
from projections.image_list import SORT_KEYS
from projections.image_query import COMPARISONS, Comparison, Direction, ImageQuery

LIMIT_DEFAULT = 25  # images
LIMIT_MAX = 1000
NUMBER_MAX = 2**63 - 1

REPEATABLE = frozenset({"tag", "sort_key", "sort_dir"})
ONE_OR_MORE = frozenset({"id", "name", "status", "container_format", "disk_format"})
EXACT = frozenset({"owner", "checksum", "os_hash_algo", "os_hash_value"})
NUMBERS = frozenset({"min_disk", "min_ram", "size", "virtual_size"})
TIMES = frozenset({"created_at", "updated_at"})
BOOLEANS = frozenset({"protected", "os_hidden"})
LINKS = frozenset({"self", "file", "schema", "direct_url", "locations", "tags"})
MEMBER_STATUSES = ("pending", "accepted", "rejected", "all")

# One value of `in:`: quoted when it holds a comma.
IN_VALUE = re.compile(r'\s*(?:"([^"]*)"|([^",]*))\s*(?:,|$)')


def parse_query(arguments: MultiDict[str, str]) -> ImageQuery:
    """Return what a list request asks for.

    Raises:
        InvalidValue: an argument that is given twice or has a value that can't be meant.
    """
    for name, values in arguments.lists():
        if len(values) > 1 and name not in REPEATABLE:
            raise InvalidValue(name, "may be given once only")
        for value in values:
            rules.check_text(name[: rules.TEXT_MAX], value, longest=rules.VALUE_MAX)
    given = arguments.to_dict()
    _check_member_status(given.pop("member_status", "accepted"))
    query: dict[str, Any] = {
        "limit": _limit(given.pop("limit", None)),
        "marker": _marker(given.pop("marker", None)),
        "sort": _sort(arguments),
        "tags": tuple(arguments.getlist("tag")),
    }
    for name in ("tag", "sort", "sort_key", "sort_dir"):
        given.pop(name, None)
    return ImageQuery(**query, **_filters(given))


def _filters(given: dict[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {"one_of": {}, "times": [], "properties": {}}
    for name, value in given.items():
        _filter(name, value, found)
    found["times"] = tuple(found["times"])
    return found


def _filter(name: str, value: str, found: dict[str, Any]) -> None:
    if name in ONE_OR_MORE:
        found["one_of"][name] = _alternatives(name, value)
    elif name in EXACT:
        found["one_of"][name] = (value,)
    elif name in NUMBERS:
        found["one_of"][name] = (_number(name, value),)
    elif name in TIMES:
        found["times"].append(_time(name, value))
    elif name in {"size_min", "size_max"}:
        found[name] = _number(name, value)
    else:
        _other_filter(name, value, found)


def _other_filter(name: str, value: str, found: dict[str, Any]) -> None:
    if name == "os_hidden":
        found["os_hidden"] = _boolean(name, value)
    elif name == "protected":
        found["one_of"]["protected"] = (_boolean(name, value),)
    elif name == "visibility":
        found["visibility"] = _one_of(name, value, (*rules.VISIBILITIES, "all"))
    elif name in LINKS or name == "changes-since":
        raise InvalidValue(name, "can't be used as a filter")
    else:
        found["properties"][name] = value


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


def _time(name: str, value: str) -> tuple[str, Comparison, datetime]:
    operator, colon, rest = value.partition(":")
    if not colon or operator not in COMPARISONS:
        operator, rest = "eq", value
    return name, cast("Comparison", operator), parse_time(name, rest)


def _sort(arguments: MultiDict[str, str]) -> tuple[tuple[str, Direction], ...]:
    if "sort" in arguments:
        if "sort_key" in arguments or "sort_dir" in arguments:
            raise InvalidValue("sort", "can't be combined with sort_key and sort_dir")
        pairs = [pair.partition(":") for pair in arguments["sort"].split(",")]
        keys = [key.strip() for key, _, _ in pairs]
        directions = [direction.strip() or "desc" for _, _, direction in pairs]
    else:
        keys = arguments.getlist("sort_key") or ["created_at"]
        directions = arguments.getlist("sort_dir") or ["desc"]
        if len(directions) == 1:
            directions *= len(keys)
    if len(keys) != len(directions):
        raise InvalidValue("sort_dir", "must be given once, or once for each sort_key")
    for key in keys:
        _one_of("sort_key", key, SORT_KEYS)
        if keys.count(key) > 1:
            raise InvalidValue("sort_key", f"{key} is there twice")
    return tuple(
        (key, cast("Direction", _one_of("sort_dir", direction, ("asc", "desc"))))
        for key, direction in zip(keys, directions, strict=True)
    )


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


def _check_member_status(value: str) -> None:
    _one_of("member_status", value, MEMBER_STATUSES)

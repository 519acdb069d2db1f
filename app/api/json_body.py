"""Strict reading of JSON bodies."""

import json
from typing import Any, NoReturn

from domain.errors import InvalidValue, LimitExceeded

BODY_MAX = 1 << 20  # bytes


def parse_json(body: bytes) -> Any:
    """Return what a JSON body holds.

    Raises:
        LimitExceeded: more than BODY_MAX bytes.
        InvalidValue: no JSON (RFC 8259), or a member twice in one object, which clients and
            servers would read differently.
    """
    if len(body) > BODY_MAX:
        raise LimitExceeded(f"body: {len(body)} bytes exceed the {BODY_MAX} allowed", field="body")
    try:
        return json.loads(body, object_pairs_hook=_object, parse_constant=_refuse_constant)
    except RecursionError:
        raise InvalidValue("body", "is nested too deep") from None
    except ValueError as error:
        raise InvalidValue("body", f"is not JSON: {error}") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise InvalidValue(twice, "is there twice")
    return members


def _refuse_constant(name: str) -> NoReturn:
    raise InvalidValue("body", f"is not JSON: {name} is no number")

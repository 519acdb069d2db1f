"""JSON patches of images (Images API v2, "Update image"; a subset of RFC 6902)."""

import re
from typing import Any, Literal, cast

from app.api.v2.image_body import ATTRIBUTES, validated
from app.catalog import Change
from domain import rules
from domain.errors import InvalidValue, ReadOnlyAttribute, ReservedAttribute

PATCH_2_0 = "application/openstack-images-v2.0-json-patch"  # draft 4 of RFC 6902
PATCH_2_1 = "application/openstack-images-v2.1-json-patch"
MEDIA_TYPES = (PATCH_2_1, PATCH_2_0)

OPERATIONS = ("add", "replace", "remove")
CHANGES_MAX = 1000

Operation = Literal["add", "replace", "remove"]


def parse_patch(operations: Any, media_type: str) -> list[Change]:
    """Return the changes that a patch asks for, in its order.

    Raises:
        InvalidValue: no array of operations, an unknown operation, path or value.
        ReadOnlyAttribute, ReservedAttribute: a change of what the service alone sets.
    """
    if not isinstance(operations, list):
        raise InvalidValue("body", "must be a JSON array of operations")
    if len(operations) > CHANGES_MAX:
        raise InvalidValue("body", f"has more than {CHANGES_MAX} operations")
    return [_change(operation, media_type) for operation in operations]


def _change(operation: Any, media_type: str) -> Change:
    if not isinstance(operation, dict):
        raise InvalidValue("body", "each operation must be a JSON object")
    op, pointer = _draft_4(operation) if media_type == PATCH_2_0 else _rfc_6902(operation)
    name = _name(pointer)
    if name in rules.READ_ONLY:
        raise ReadOnlyAttribute(name)
    if name in rules.RESERVED_NAMES or name.startswith(rules.RESERVED_PREFIX):
        raise ReservedAttribute(name)
    return Change(
        op=op,
        name=name,
        value=None if op == "remove" else _value(name, operation),
        is_attribute=name in ATTRIBUTES,
        must_be_new=op == "add" and media_type == PATCH_2_0,
    )


def _rfc_6902(operation: dict[str, Any]) -> tuple[Operation, Any]:
    op = operation.get("op")
    if op not in OPERATIONS:
        raise InvalidValue("op", f"must be one of {', '.join(OPERATIONS)}, not {op!r:.50}")
    return cast("Operation", op), operation.get("path")


def _draft_4(operation: dict[str, Any]) -> tuple[Operation, Any]:
    named = [op for op in OPERATIONS if op in operation]
    if len(named) != 1:
        raise InvalidValue("op", f"an operation has exactly one of {', '.join(OPERATIONS)}")
    return cast("Operation", named[0]), operation[named[0]]


def _name(pointer: Any) -> str:
    """Return the attribute or property that a JSON pointer (RFC 6901) of one token names."""
    if not isinstance(pointer, str) or not pointer.startswith("/"):
        raise InvalidValue("path", "must be a JSON pointer such as /name")
    token = pointer[1:]
    if not token or "/" in token or re.search("~(?![01])", token):
        raise InvalidValue("path", f"{pointer[:100]!r} names no attribute or property")
    return token.replace("~1", "/").replace("~0", "~")


def _value(name: str, operation: dict[str, Any]) -> Any:
    if "value" not in operation:
        raise InvalidValue(name, "the operation needs a value")
    value = operation["value"]
    image = validated({name: value})
    return value if name not in ATTRIBUTES else getattr(image, name)

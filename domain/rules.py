"""What values an image's attributes, properties and tags may have.

Sources: Images API v2, "Image schema" (types, lengths, formats); its reserved names.
"""

import re
from collections.abc import Mapping
from enum import StrEnum

from domain.errors import InvalidValue, LimitExceeded, ReadOnlyAttribute, ReservedAttribute

DISK_FORMATS = (
    "raw", "vhd", "vhdx", "vmdk", "vdi", "iso", "qcow2", "ploop", "aki", "ari", "ami",
)  # fmt: skip
CONTAINER_FORMATS = ("bare", "ovf", "ova", "docker", "compressed", "aki", "ari", "ami")
VISIBILITIES = ("public", "community", "shared", "private")
CHOICES = {
    "disk_format": DISK_FORMATS,
    "container_format": CONTAINER_FORMATS,
    "visibility": VISIBILITIES,
}
CHANGEABLE = frozenset({
    "name", "owner", "visibility", "disk_format", "container_format", "min_disk", "min_ram",
    "protected", "os_hidden", "tags",
})  # fmt: skip
"""Attributes that clients may set."""

TEXT_MAX = 255  # characters of a name, an owner, a tag, a property's name
VALUE_MAX = 65_535  # characters of a property's value
INTEGER_MAX = 2**31 - 1  # min_disk in GB, min_ram in MB
PROPERTIES_MAX = 128  # as Glance's default image_property_quota
TAGS_MAX = 128  # as Glance's default image_tag_quota

READ_ONLY = frozenset({
    "checksum", "created_at", "direct_url", "file", "id", "os_hash_algo", "os_hash_value",
    "schema", "self", "size", "status", "stores", "updated_at", "virtual_size",
})  # fmt: skip
"""Attributes that the service alone sets."""

RESERVED_NAMES = frozenset({"location", "locations", "deleted", "deleted_at"})
LINE_ENDS = re.compile("[\t\n\r]")
RESERVED_PREFIX = "os_glance"

# Control characters except tab and line ends, lone surrogates, and what UTF-8 writes in 4 bytes.
REFUSED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\U00010000-\U0010ffff]")


class Status(StrEnum):
    """Where an image is in its life (Images API v2, "Image status")."""

    QUEUED = "queued"
    SAVING = "saving"
    ACTIVE = "active"
    KILLED = "killed"
    DEACTIVATED = "deactivated"
    PENDING_DELETE = "pending_delete"
    DELETED = "deleted"


def check_text(field: str, value: str, *, longest: int = TEXT_MAX) -> str:
    """Return value, or refuse what clients and databases of this API can't carry.

    Raises:
        InvalidValue: too long, a control character, or a character that UTF-8 writes in
            four bytes (Glance refuses those, too).
    """
    if len(value) > longest:
        raise InvalidValue(field, f"is longer than {longest} characters")
    refused = REFUSED.search(value)
    if refused:
        raise InvalidValue(field, f"holds the character U+{ord(refused[0]):04X}, which is refused")
    return value


def printable(text: str) -> str:
    """Return text of any origin in a form that every database, log and terminal takes."""
    return REFUSED.sub("?", text)[:VALUE_MAX]


def check_attribute(name: str, value: object) -> None:
    """Refuse a value that an image's attribute may not have.

    Raises:
        InvalidValue: of the wrong type, too long, out of range, or none of the known ones.
        ReadOnlyAttribute: clients set no such attribute.
    """
    match name, value:
        case (("name" | "owner" | "disk_format" | "container_format"), None):
            return
        case (("name" | "owner"), str()):
            check_text(name, value)
        case (("min_disk" | "min_ram"), int()) if not isinstance(value, bool):
            if not 0 <= value <= INTEGER_MAX:
                raise InvalidValue(name, f"must be from 0 to {INTEGER_MAX}")
        case (("protected" | "os_hidden"), bool()):
            return
        case (("visibility" | "disk_format" | "container_format"), _) if value in CHOICES[name]:
            return
        case _ if name in CHANGEABLE:
            raise InvalidValue(name, f"can't be {value!r:.100}")
        case _:
            raise ReadOnlyAttribute(name)


def check_line(field: str, value: str) -> str:
    """Return value when it is one line that is not empty; else InvalidValue."""
    if not value.strip() or LINE_ENDS.search(value):
        raise InvalidValue(field, "must be one line that is not empty")
    return check_text(field, value)


def check_tag(tag: str) -> str:
    """Return tag when it can be addressed as `/v2/images/ID/tags/TAG`; else InvalidValue."""
    if not tag or tag in {".", ".."} or "/" in tag:
        raise InvalidValue("tags", 'a tag is not empty, not "." or "..", and has no "/"')
    return check_text("tags", tag)


def check_tags(tags: set[str]) -> set[str]:
    """Return tags, each of them and their number checked."""
    if len(tags) > TAGS_MAX:
        raise LimitExceeded(f"tags: {len(tags)} are more than the {TAGS_MAX} allowed", field="tags")
    return {check_tag(tag) for tag in tags}


def check_property(name: str, value: str) -> None:
    """Refuse a property that users may not set.

    Raises:
        ReservedAttribute: the name is the service's own.
        InvalidValue: the name or the value is too long or holds what `check_text` refuses.
    """
    if name in RESERVED_NAMES | READ_ONLY | CHANGEABLE or name.startswith(RESERVED_PREFIX):
        raise ReservedAttribute(name)
    if not name or name.strip() != name or LINE_ENDS.search(name):
        raise InvalidValue(name or "properties", "a property's name is one line, without padding")
    check_text(name[:TEXT_MAX], name)
    check_text(name, value, longest=VALUE_MAX)


def check_properties(properties: Mapping[str, str]) -> None:
    """Refuse a set of properties as `check_property` does, or for its number."""
    if len(properties) > PROPERTIES_MAX:
        raise LimitExceeded(
            f"properties: {len(properties)} are more than the {PROPERTIES_MAX} allowed",
            field="properties",
        )
    for name, value in properties.items():
        check_property(name, value)

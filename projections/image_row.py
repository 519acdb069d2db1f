"""An image's row in the read model: a pure fold of its events.

The same fold runs inside the events' transaction, on rebuild and for the image's history.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import singledispatch
from typing import Any
from uuid import UUID

import orjson

from domain.events import (
    AttributeChanged,
    DataCommitted,
    DataPurged,
    Deactivated,
    Deleted,
    DeletionRequested,
    ImageEvent,
    Killed,
    PropertyRemoved,
    PropertySet,
    Reactivated,
    Registered,
    Restored,
    TagAdded,
    TagRemoved,
    UploadStarted,
    VisibilityChanged,
)
from domain.rules import Status


@dataclass(frozen=True, kw_only=True)
class ImageRow:
    """What is listed and shown of an image."""

    id: UUID
    version: int
    created_at: datetime
    updated_at: datetime
    status: str
    name: str | None
    owner: str | None
    visibility: str
    disk_format: str | None
    container_format: str | None
    min_disk: int
    min_ram: int
    protected: bool
    os_hidden: bool
    size: int | None = None
    virtual_size: int | None = None
    checksum: str | None = None
    os_hash_algo: str | None = None
    os_hash_value: str | None = None
    store: str | None = None
    attempt: UUID | None = None
    tags: tuple[str, ...] = ()
    properties: Mapping[str, str]


def advance(row: ImageRow | None, event: ImageEvent) -> ImageRow:
    """Return an image's row after its next event; row is None before the first."""
    after = fold(event, row)
    return replace(after, version=event.originator_version, updated_at=event.timestamp)


def document(row: ImageRow) -> dict[str, Any]:
    """Return the image as the API shows it (Images API v2, "Show image")."""
    path = f"/v2/images/{row.id}"
    return dict(row.properties) | {
        "id": str(row.id),
        "name": row.name,
        "status": row.status,
        "visibility": row.visibility,
        "owner": row.owner,
        "disk_format": row.disk_format,
        "container_format": row.container_format,
        "size": row.size,
        "virtual_size": row.virtual_size,
        "min_disk": row.min_disk,
        "min_ram": row.min_ram,
        "checksum": row.checksum,
        "os_hash_algo": row.os_hash_algo,
        "os_hash_value": row.os_hash_value,
        "protected": row.protected,
        "os_hidden": row.os_hidden,
        "tags": list(row.tags),
        "created_at": shown(row.created_at),
        "updated_at": shown(row.updated_at),
        "self": path,
        "file": f"{path}/file",
        "schema": "/v2/schemas/image",
    }


def document_text(row: ImageRow) -> str:
    """Return `document` as JSON text."""
    return orjson.dumps(document(row)).decode()


def shown(moment: datetime) -> str:
    """Return a time as the API writes it: UTC, whole seconds."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


@singledispatch
def fold(event: ImageEvent, row: ImageRow | None) -> ImageRow:
    """Return an image's row after an event; each type of event is registered below."""
    raise NotImplementedError(f"the image's row does not know {event.TOPIC}")


@fold.register
def _(event: Registered, row: ImageRow | None) -> ImageRow:
    return ImageRow(
        id=event.originator_id,
        version=event.originator_version,
        created_at=event.timestamp,
        updated_at=event.timestamp,
        status=Status.QUEUED.value,
        name=event.name,
        owner=event.owner,
        visibility=event.visibility,
        disk_format=event.disk_format,
        container_format=event.container_format,
        min_disk=event.min_disk,
        min_ram=event.min_ram,
        protected=event.protected,
        os_hidden=event.os_hidden,
        tags=event.tags,
        properties=event.properties,
    )


@fold.register
def _(event: UploadStarted, row: ImageRow) -> ImageRow:
    return replace(row, status=Status.SAVING.value, attempt=event.attempt, store=event.store)


@fold.register
def _(event: DataCommitted, row: ImageRow) -> ImageRow:
    return replace(
        row,
        status=Status.ACTIVE.value,
        size=event.size,
        virtual_size=event.virtual_size,
        checksum=event.checksum,
        os_hash_algo=event.os_hash_algo,
        os_hash_value=event.os_hash_value,
    )


@fold.register
def _(event: Killed, row: ImageRow) -> ImageRow:
    return replace(row, status=Status.KILLED.value, attempt=None, store=None)


@fold.register
def _(event: AttributeChanged, row: ImageRow) -> ImageRow:
    changed: dict[str, Any] = {event.name: event.value}
    return replace(row, **changed)


@fold.register
def _(event: VisibilityChanged, row: ImageRow) -> ImageRow:
    return replace(row, visibility=event.visibility)


@fold.register
def _(event: PropertySet, row: ImageRow) -> ImageRow:
    return replace(row, properties={**row.properties, event.name: event.value})


@fold.register
def _(event: PropertyRemoved, row: ImageRow) -> ImageRow:
    kept = {name: value for name, value in row.properties.items() if name != event.name}
    return replace(row, properties=kept)


@fold.register
def _(event: TagAdded, row: ImageRow) -> ImageRow:
    return replace(row, tags=tuple(sorted({*row.tags, event.tag})))


@fold.register
def _(event: TagRemoved, row: ImageRow) -> ImageRow:
    return replace(row, tags=tuple(tag for tag in row.tags if tag != event.tag))


@fold.register
def _(event: Deactivated, row: ImageRow) -> ImageRow:
    return replace(row, status=Status.DEACTIVATED.value)


@fold.register
def _(event: Reactivated, row: ImageRow) -> ImageRow:
    return replace(row, status=Status.ACTIVE.value)


@fold.register
def _(event: DeletionRequested, row: ImageRow) -> ImageRow:
    return replace(row, status=Status.PENDING_DELETE.value)


@fold.register
def _(event: Restored, row: ImageRow) -> ImageRow:
    if event.status in {Status.ACTIVE, Status.DEACTIVATED}:
        return replace(row, status=event.status)
    return replace(row, status=event.status, attempt=None, store=None)


@fold.register
def _(event: DataPurged, row: ImageRow) -> ImageRow:
    return replace(row, attempt=None, store=None)


@fold.register
def _(event: Deleted, row: ImageRow) -> ImageRow:
    return replace(row, status=Status.DELETED.value)

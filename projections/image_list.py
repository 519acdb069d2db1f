"""The read model behind every list and show: one row an image, with its finished document.

`plan` prepares what one image's new events change, to be written in their transaction; `replay`
folds the whole log again. Both fold with `projections.image_row` and write with `_steps`.
"""

import hashlib
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Dialect,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Row,
    String,
    Table,
    Text,
    Update,
    bindparam,
    delete,
    insert,
    select,
    update,
)

from domain.errors import ConcurrentChange
from domain.events import ImageEvent, Registered
from domain.rules import Status
from projections.image_row import ImageRow, advance, document_text
from projections.prepared import Step, prepared

read_models = MetaData()

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def _text(length: int) -> String:
    """Return a type that every database sorts by code points, as SQLite does."""
    return String(length).with_variant(String(length, collation="C"), "postgresql")


UNSET_TEXT = ""  # stored for null, so that keyset paging needs no special case
UNSET_SIZE = -1

images = Table(
    "image_list_v1",
    read_models,
    Column("id", _text(36), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("status", _text(16), nullable=False),
    Column("name", _text(255), nullable=False),
    Column("owner", _text(255)),
    Column("visibility", _text(16), nullable=False),
    Column("disk_format", _text(16), nullable=False),
    Column("container_format", _text(16), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("virtual_size", BigInteger),
    Column("min_disk", Integer, nullable=False),
    Column("min_ram", Integer, nullable=False),
    Column("protected", Boolean, nullable=False),
    Column("os_hidden", Boolean, nullable=False),
    Column("checksum", _text(32)),
    Column("os_hash_algo", _text(64)),
    Column("os_hash_value", _text(128)),
    Column("created_at", BigInteger, nullable=False),  # microseconds since 1970
    Column("updated_at", BigInteger, nullable=False),
    Column("store", _text(255)),
    Column("attempt", _text(36)),
    Column("document", Text, nullable=False),
)

SORT_KEYS = (
    "name", "status", "container_format", "disk_format", "size", "id", "created_at", "updated_at",
)  # fmt: skip

for _key in ("name", "status", "container_format", "disk_format", "size", "updated_at"):
    Index(f"image_list_v1_{_key}", images.c[_key], images.c.created_at, images.c.id)
Index("image_list_v1_created_at", images.c.created_at, images.c.id)
Index("image_list_v1_owner", images.c.owner, images.c.created_at, images.c.id)

image_tags = Table(
    "image_list_v1_tags",
    read_models,
    Column("tag", _text(255), primary_key=True),
    Column("image_id", _text(36), primary_key=True),
    sqlite_with_rowid=False,  # the key is all there is
)

image_properties = Table(
    "image_list_v1_properties",
    read_models,
    Column("name", _text(255), primary_key=True),
    Column("value_hash", LargeBinary(16), primary_key=True),  # values may be too long for an index
    Column("image_id", _text(36), primary_key=True),
    sqlite_with_rowid=False,
)

SHOWN = (
    "status", "name", "owner", "visibility", "disk_format", "container_format", "min_disk",
    "min_ram", "protected", "os_hidden", "size", "virtual_size", "checksum", "os_hash_algo",
    "os_hash_value",
)  # fmt: skip
"""What a stored row takes back from its document."""

_read_rows = select(images).where(images.c.id.in_(bindparam("ids", expanding=True)))
_read_row = select(images).where(images.c.id == bindparam("image_id"))
_insert_image = insert(images)
_delete_image = delete(images).where(images.c.id == bindparam("key"))
_insert_narrow = {
    table.name: insert(table).values({c.name: bindparam(f"key_{c.name}") for c in table.c})
    for table in (image_tags, image_properties)
}
_delete_narrow = {
    table.name: delete(table).where(*(c == bindparam(f"key_{c.name}") for c in table.c))
    for table in (image_tags, image_properties)
}


def plan(connection: Connection, events: Sequence[ImageEvent]) -> Step:
    """Return what writes the change of one image's new events, inside their transaction.

    Reading, folding and rendering are done here, before a writing transaction holds up others.
    Should another change come in between, the events' own append fails, and takes this with it.

    Raises:
        ConcurrentChange: the events were decided on an image that has changed since.
    """
    first = events[0]
    before = None
    if not isinstance(first, Registered):
        before = _row(connection, first.originator_id)
        if before is None or before.version + 1 != first.originator_version:
            raise ConcurrentChange(first.originator_id)
    steps = _steps(connection.dialect, [(before, _after(before, events))])
    return lambda transaction: _take(steps, transaction)


def clear(connection: Connection) -> None:
    """Empty the read model, before a rebuild."""
    for table in (image_tags, image_properties, images):
        connection.execute(delete(table))


def replay(connection: Connection, events: Iterable[ImageEvent]) -> None:
    """Write what a stretch of the log, of any images, changes."""
    histories: dict[UUID, list[ImageEvent]] = {}
    for event in events:
        histories.setdefault(event.originator_id, []).append(event)
    rows = _rows(connection, histories)
    befores = [(rows.get(image_id), history) for image_id, history in histories.items()]
    changes = [(before, _after(before, history)) for before, history in befores]
    _take(_steps(connection.dialect, changes), connection)


def value_hash(value: str) -> bytes:
    """Return what stands for a property's value in the index."""
    return hashlib.blake2b(value.encode(), digest_size=16).digest()


def microseconds(moment: datetime) -> int:
    """Return a time as the read model stores it."""
    return (moment - EPOCH) // MICROSECOND


def _after(row: ImageRow | None, events: Iterable[ImageEvent]) -> ImageRow | None:
    for event in events:
        row = advance(row, event)
    # A deleted image has left the catalog: it has its history, but no row.
    return None if row is None or row.status == Status.DELETED else row


def _row(connection: Connection, image_id: UUID) -> ImageRow | None:
    query = prepared(_read_row, connection.dialect)
    found = query.rows(connection, {"image_id": str(image_id)})
    return _image_row(found[0]) if found else None


def _rows(connection: Connection, ids: Collection[UUID]) -> dict[UUID, ImageRow]:
    found = connection.execute(_read_rows, {"ids": [str(image_id) for image_id in ids]})
    return {row.id: row for row in map(_image_row, found)}


def _image_row(stored: Row[Any]) -> ImageRow:
    shown = orjson.loads(stored.document)
    own = {name: shown.pop(name) for name in SHOWN}
    for link in ("id", "self", "file", "schema", "created_at", "updated_at"):
        del shown[link]
    return ImageRow(
        id=UUID(stored.id),
        version=stored.version,
        created_at=EPOCH + stored.created_at * MICROSECOND,
        updated_at=EPOCH + stored.updated_at * MICROSECOND,
        store=stored.store,
        attempt=UUID(stored.attempt) if stored.attempt else None,
        tags=tuple(shown.pop("tags")),
        properties=shown,
        **own,
    )


def _columns(row: ImageRow) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "version": row.version,
        "status": row.status,
        "name": row.name or UNSET_TEXT,
        "owner": row.owner,
        "visibility": row.visibility,
        "disk_format": row.disk_format or UNSET_TEXT,
        "container_format": row.container_format or UNSET_TEXT,
        "size": UNSET_SIZE if row.size is None else row.size,
        "virtual_size": row.virtual_size,
        "min_disk": row.min_disk,
        "min_ram": row.min_ram,
        "protected": row.protected,
        "os_hidden": row.os_hidden,
        "checksum": row.checksum,
        "os_hash_algo": row.os_hash_algo,
        "os_hash_value": row.os_hash_value,
        "created_at": microseconds(row.created_at),
        "updated_at": microseconds(row.updated_at),
        "store": row.store,
        "attempt": str(row.attempt) if row.attempt else None,
        "document": document_text(row),
    }


def _tag_rows(row: ImageRow | None) -> set[tuple[Any, ...]]:
    return {(tag, str(row.id)) for tag in row.tags} if row else set()


def _property_rows(row: ImageRow | None) -> set[tuple[Any, ...]]:
    if row is None:
        return set()
    return {(name, value_hash(value), str(row.id)) for name, value in row.properties.items()}


Change = tuple[ImageRow | None, ImageRow | None]  # before, after


def _steps(dialect: Dialect, changes: Sequence[Change]) -> list[Step]:
    new = [_columns(after) for before, after in changes if after and not before]
    gone = [{"key": str(before.id)} for before, after in changes if before and not after]
    steps = [
        prepared(_insert_image, dialect).bound(new),
        prepared(_delete_image, dialect).bound(gone),
    ]
    for names, rows in _updates(changes).items():
        steps.append(prepared(_update_image(names), dialect).bound(rows))
    for table, narrow in ((image_tags, _tag_rows), (image_properties, _property_rows)):
        old = {key for before, _ in changes for key in narrow(before)}
        now = {key for _, after in changes for key in narrow(after)}
        keys = [f"key_{column.name}" for column in table.columns]
        removed = [dict(zip(keys, key, strict=True)) for key in old - now]
        added = [dict(zip(keys, key, strict=True)) for key in now - old]
        steps.append(prepared(_delete_narrow[table.name], dialect).bound(removed))
        steps.append(prepared(_insert_narrow[table.name], dialect).bound(added))
    return steps


def _take(steps: Iterable[Step], connection: Connection) -> None:
    for step in steps:
        step(connection)


def _updates(changes: Sequence[Change]) -> dict[tuple[str, ...], list[dict[str, Any]]]:
    """Return the rows to update, by the columns that differ: others' indexes stay untouched."""
    updates: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for before, after in changes:
        if before and after:
            old, now = _columns(before), _columns(after)
            changed = {name: value for name, value in now.items() if value != old[name]}
            updates.setdefault(tuple(changed), []).append({**changed, "key": old["id"]})
    return updates


@lru_cache
def _update_image(names: tuple[str, ...]) -> Update:
    columns: dict[str, Any] = {name: bindparam(name) for name in names}
    return update(images).where(images.c.id == bindparam("key")).values(columns)

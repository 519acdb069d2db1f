"""The fold: an image's row and an event in, the row after it out."""

from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from domain import events, rules
from domain.errors import ReservedAttribute
from domain.events import ImageEvent, type_of
from projections.image_row import ImageRow, advance, document, document_text, fold, shown
from tests.projections.conftest import (
    ATTEMPT,
    BEGINNING,
    DATA,
    IMAGE,
    happened,
    registered,
    row_of,
)

NEXT: dict[str, Any] = {"version": 2, "updated_at": BEGINNING + timedelta(minutes=1)}
"""What every event that follows the first changes."""


@pytest.fixture
def queued() -> ImageRow:
    facts: dict[str, Any] = {
        "name": "jammy",
        "tags": ("lts", "ubuntu"),
        "properties": {"os": "linux", "x": "1"},
    }
    return row_of([registered(**facts)])


@pytest.fixture
def saving(queued: ImageRow) -> ImageRow:
    return fold(happened(events.UploadStarted, attempt=ATTEMPT, store="main"), queued)


@pytest.fixture
def active(saving: ImageRow) -> ImageRow:
    return fold(happened(events.DataCommitted, **DATA), saving)


@pytest.mark.parametrize("topic", sorted(type_of))
def test_every_event_type_is_known_to_the_row(topic: str) -> None:
    assert fold.dispatch(type_of[topic]) is not fold.dispatch(object)


def test_an_unknown_event_stops_the_projection(
    queued: ImageRow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "type_of", {})  # what is made here stays here

    class Painted(ImageEvent):
        TOPIC = "hindsight.test.painted"

    with pytest.raises(NotImplementedError, match=r"hindsight\.test\.painted"):
        advance(queued, happened(Painted))


def test_a_registered_image_has_a_row_with_all_that_was_said() -> None:
    said: dict[str, Any] = {
        "name": "jammy",
        "owner": "red",
        "visibility": "public",
        "disk_format": "qcow2",
        "container_format": "bare",
        "min_disk": 3,
        "min_ram": 512,
        "protected": True,
        "os_hidden": True,
        "tags": ("a", "b"),
        "properties": {"os": "linux"},
    }

    row = advance(None, registered(**said))

    assert {name: getattr(row, name) for name in said} == said
    assert (row.id, row.version, row.status) == (IMAGE, 1, "queued")
    assert row.created_at == row.updated_at == BEGINNING
    no_data = (
        "size",
        "virtual_size",
        "checksum",
        "os_hash_algo",
        "os_hash_value",
        "store",
        "attempt",
    )
    assert all(getattr(row, name) is None for name in no_data)


def test_an_image_that_takes_data_is_saving(queued: ImageRow) -> None:
    after = advance(queued, happened(events.UploadStarted, attempt=ATTEMPT, store="main"))

    assert after == replace(queued, status="saving", attempt=ATTEMPT, store="main", **NEXT)


def test_an_image_with_data_is_active_and_says_what_it_holds(saving: ImageRow) -> None:
    after = advance(saving, happened(events.DataCommitted, **DATA))

    assert after == replace(saving, status="active", **DATA, **NEXT)


def test_a_failed_upload_leaves_no_claim(saving: ImageRow) -> None:
    after = advance(saving, happened(events.Killed, attempt=ATTEMPT, reason="cut"))

    assert after == replace(saving, status="killed", attempt=None, store=None, **NEXT)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("name", "noble"),
        ("name", None),
        ("owner", "red"),
        ("disk_format", "raw"),
        ("container_format", None),
        ("min_disk", 7),
        ("min_ram", 0),
        ("protected", True),
        ("os_hidden", True),
    ],
)
def test_a_changed_attribute_is_shown(queued: ImageRow, name: str, value: Any) -> None:
    after = advance(queued, happened(events.AttributeChanged, name=name, value=value))

    changed: dict[str, Any] = {name: value}
    assert after == replace(queued, **changed, **NEXT)
    assert document(after)[name] == value


def test_a_changed_visibility_is_shown(queued: ImageRow) -> None:
    after = advance(queued, happened(events.VisibilityChanged, visibility="private"))

    assert after == replace(queued, visibility="private", **NEXT)


@pytest.mark.parametrize(
    ("event", "properties"),
    [
        (
            happened(events.PropertySet, name="a", value="new"),
            {"os": "linux", "x": "1", "a": "new"},
        ),
        (happened(events.PropertySet, name="os", value="bsd"), {"os": "bsd", "x": "1"}),
        (happened(events.PropertyRemoved, name="os"), {"x": "1"}),
        (happened(events.PropertyRemoved, name="never there"), {"os": "linux", "x": "1"}),
    ],
    ids=["new", "changed", "removed", "removed in vain"],
)
def test_properties_follow_their_events(
    queued: ImageRow, event: ImageEvent, properties: Mapping[str, str]
) -> None:
    after = advance(queued, event)

    assert after == replace(queued, properties=properties, **NEXT)


@pytest.mark.parametrize(
    ("event", "tags"),
    [
        (happened(events.TagAdded, tag="m"), ("lts", "m", "ubuntu")),
        (happened(events.TagAdded, tag="lts"), ("lts", "ubuntu")),
        (happened(events.TagRemoved, tag="lts"), ("ubuntu",)),
        (happened(events.TagRemoved, tag="never there"), ("lts", "ubuntu")),
    ],
    ids=["added", "added again", "removed", "removed in vain"],
)
def test_tags_follow_their_events_and_stay_sorted(
    queued: ImageRow, event: ImageEvent, tags: tuple[str, ...]
) -> None:
    after = advance(queued, event)

    assert after == replace(queued, tags=tags, **NEXT)


@pytest.mark.parametrize(
    ("event", "status"),
    [
        (events.Deactivated, "deactivated"),
        (events.Reactivated, "active"),
        (events.DeletionRequested, "pending_delete"),
        (events.Deleted, "deleted"),
    ],
)
def test_a_status_follows_its_event(active: ImageRow, event: type[ImageEvent], status: str) -> None:
    after = advance(active, happened(event))

    assert after == replace(active, status=status, **NEXT)


def test_a_restored_image_has_its_data_again(active: ImageRow) -> None:
    gone = advance(active, happened(events.DeletionRequested))

    after = advance(gone, happened(events.Restored, status="active"))

    assert after == replace(active, **NEXT)


def test_a_restored_image_without_data_has_no_upload_either(active: ImageRow) -> None:
    gone = replace(active, status="pending_delete")

    after = advance(gone, happened(events.Restored, status="queued"))

    assert after == replace(active, status="queued", attempt=None, store=None, **NEXT)


def test_purged_data_is_nowhere(active: ImageRow) -> None:
    after = advance(active, happened(events.DataPurged))

    assert after == replace(active, attempt=None, store=None, **NEXT)


def test_the_document_shows_a_row_in_the_api_s_words(active: ImageRow) -> None:
    assert document(active) == {
        "os": "linux",
        "x": "1",
        "id": str(IMAGE),
        "name": "jammy",
        "status": "active",
        "visibility": "shared",
        "owner": "blue",
        "disk_format": None,
        "container_format": None,
        "size": 4096,
        "virtual_size": 8192,
        "min_disk": 0,
        "min_ram": 0,
        "checksum": "d41d8cd98f00b204e9800998ecf8427e",
        "os_hash_algo": "sha512",
        "os_hash_value": "cf83e1357eefb8bd",
        "protected": False,
        "os_hidden": False,
        "tags": ["lts", "ubuntu"],
        "created_at": "2026-02-03T04:05:06Z",
        "updated_at": "2026-02-03T04:05:06Z",
        "self": f"/v2/images/{IMAGE}",
        "file": f"/v2/images/{IMAGE}/file",
        "schema": "/v2/schemas/image",
    }
    assert orjson.loads(document_text(active)) == document(active)


def test_where_the_bytes_lie_is_not_shown(active: ImageRow) -> None:
    text = document_text(active)

    assert str(ATTEMPT) not in text
    assert "main" not in text


@pytest.mark.parametrize("name", sorted(document(row_of([registered()]))))
def test_no_custom_property_can_have_a_name_of_the_document(name: str) -> None:
    with pytest.raises(ReservedAttribute):
        rules.check_property(name, "x")


def test_every_field_of_a_row_but_its_bookkeeping_is_shown(queued: ImageRow) -> None:
    names = {field.name for field in fields(ImageRow)}

    assert names - set(document(queued)) == {"version", "store", "attempt", "properties"}


def test_a_time_is_shown_in_whole_seconds() -> None:
    assert shown(datetime(2026, 1, 2, 3, 4, 59, 999999, tzinfo=UTC)) == "2026-01-02T03:04:59Z"

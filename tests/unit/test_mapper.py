"""Events come back from their rows as they were, and old rows in today's shape."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any, ClassVar
from uuid import UUID

import orjson
import pytest
from eventsourcing.persistence import StoredEvent
from eventsourcing.utils import TopicError
from pydantic import ValidationError

from domain.events import AttributeChanged, Deactivated, ImageEvent, TagAdded, type_of
from domain.origin import Actor
from storage.mapper import EventMapper, upcast
from tests.golden.samples import SAMPLES

IMAGE = UUID("1a6e0000-0000-4000-8000-000000000001")
ORIGIN: dict[str, Any] = {
    "timestamp": datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC),
    "actor": Actor(user="alice", project="blue", roles=("member",)),
    "request_id": "req-1",
}
STORED_ORIGIN = {
    "timestamp": "2026-01-02T03:04:05.000678Z",
    "actor": {"user": "alice", "project": "blue", "roles": ["member"]},
    "request_id": "req-1",
}


class Resized(ImageEvent):
    """An event type of these tests, whose shape has changed twice."""

    TOPIC = "test.image.resized"
    class_version: ClassVar[int] = 3

    bytes: int
    reason: str | None

    @staticmethod
    def upcast_v1_v2(state: dict[str, Any]) -> None:
        """Count bytes, where version 1 counted MiB."""
        state["bytes"] = state.pop("mebibytes") * 2**20

    @staticmethod
    def upcast_v2_v3(state: dict[str, Any]) -> None:
        """Leave the reason open, which version 2 did not ask for."""
        state["reason"] = None


# The catalogue is the product's; the mapper finds this type by its topic all the same.
del type_of[Resized.TOPIC]


def stored_as(topic: str, state: dict[str, Any], version: int = 2) -> StoredEvent:
    return StoredEvent(IMAGE, version, topic, orjson.dumps(state))


@pytest.mark.parametrize("event", SAMPLES, ids=lambda event: event.kind)
def test_an_event_comes_back_as_it_was(event: ImageEvent) -> None:
    stored = EventMapper().to_stored_event(event)

    assert EventMapper().to_domain_event(stored) == event


@pytest.mark.parametrize("value", ["512", "", 512, 0, 1, True, False, None], ids=repr)
def test_an_attribute_s_value_comes_back_with_its_type(value: str | int | bool | None) -> None:
    event = AttributeChanged(
        originator_id=IMAGE, originator_version=2, name="any", value=value, **ORIGIN
    )

    loaded = EventMapper().to_domain_event(EventMapper().to_stored_event(event))

    assert isinstance(loaded, AttributeChanged)
    assert loaded.value == value
    assert type(loaded.value) is type(value)


def test_a_row_holds_the_image_and_version_in_columns_only() -> None:
    event = TagAdded(originator_id=IMAGE, originator_version=7, tag="é", **ORIGIN)

    stored = EventMapper().to_stored_event(event)

    assert (stored.originator_id, stored.originator_version) == (IMAGE, 7)
    assert stored.topic == "hindsight.image.tag_added"
    assert orjson.loads(stored.state) == STORED_ORIGIN | {"tag": "é"}


def test_a_time_of_another_zone_comes_back_as_the_same_moment() -> None:
    moment = datetime(2026, 1, 1, 1, 0, tzinfo=timezone(timedelta(hours=2)))
    event = Deactivated(
        originator_id=IMAGE, originator_version=2, **(ORIGIN | {"timestamp": moment})
    )

    loaded = EventMapper().to_domain_event(EventMapper().to_stored_event(event))

    assert loaded == event


def test_the_state_of_a_first_version_says_no_version() -> None:
    stored = EventMapper().to_stored_event(SAMPLES[0])

    assert "class_version" not in orjson.loads(stored.state)


def test_the_state_of_a_later_version_says_its_version() -> None:
    event = Resized(originator_id=IMAGE, originator_version=2, bytes=1, reason="x", **ORIGIN)

    stored = EventMapper().to_stored_event(event)

    assert orjson.loads(stored.state)["class_version"] == 3


@pytest.mark.parametrize(
    ("state", "size", "reason"),
    [
        ({"mebibytes": 3}, 3 * 2**20, None),
        ({"bytes": 5, "class_version": 2}, 5, None),
        ({"bytes": 5, "reason": "grown", "class_version": 3}, 5, "grown"),
    ],
    ids=["v1", "v2", "v3"],
)
def test_a_state_of_any_version_loads_in_today_s_shape(
    state: dict[str, Any], size: int, reason: str | None
) -> None:
    stored = stored_as(Resized.TOPIC, STORED_ORIGIN | state)

    event = EventMapper().to_domain_event(stored)

    assert event == Resized(
        originator_id=IMAGE, originator_version=2, bytes=size, reason=reason, **ORIGIN
    )


def test_an_upcast_state_is_stored_again_in_today_s_shape() -> None:
    old = stored_as(Resized.TOPIC, STORED_ORIGIN | {"mebibytes": 1})

    stored = EventMapper().to_stored_event(EventMapper().to_domain_event(old))

    assert orjson.loads(stored.state) == STORED_ORIGIN | {
        "bytes": 2**20,
        "reason": None,
        "class_version": 3,
    }


def test_a_missing_upcaster_is_an_error_rather_than_a_wrong_event() -> None:
    class Torn:
        class_version = 2

    with pytest.raises(AttributeError, match="upcast_v1_v2"):
        upcast(Torn, {})


def test_a_state_with_a_field_that_nobody_knows_does_not_load() -> None:
    stored = stored_as(TagAdded.TOPIC, STORED_ORIGIN | {"tag": "a", "colour": "red"})

    with pytest.raises(ValidationError, match="colour"):
        EventMapper().to_domain_event(stored)


def test_a_state_without_its_origin_does_not_load() -> None:
    stored = stored_as(TagAdded.TOPIC, {"tag": "a"})

    with pytest.raises(ValidationError, match="actor"):
        EventMapper().to_domain_event(stored)


def test_a_topic_that_nobody_knows_does_not_load() -> None:
    stored = stored_as("hindsight.image.never_heard_of", STORED_ORIGIN)

    with pytest.raises(TopicError):
        EventMapper().to_domain_event(stored)

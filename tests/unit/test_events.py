"""Events stay what they are: their topics, their shapes, and every row that was ever stored."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from eventsourcing.utils import TopicError, resolve_topic
from pydantic import ValidationError

from domain.events import ImageEvent, type_of
from storage.mapper import EventMapper
from tests.golden.files import add_missing, golden_files, path_of, read, render
from tests.golden.samples import SAMPLE_OF, SAMPLES

every_event_type = pytest.mark.parametrize("topic", sorted(type_of))


def versions() -> list[tuple[str, int]]:
    """Return every event type with each of its versions up to today's."""
    return [
        (topic, version)
        for topic, event_type in sorted(type_of.items())
        for version in range(1, event_type.class_version + 1)
    ]


def fields_of(event: ImageEvent) -> dict[str, Any]:
    return {name: getattr(event, name) for name in type(event).model_fields}


@pytest.mark.parametrize(("topic", "version"), versions())
def test_every_version_of_every_event_type_has_its_golden_file(topic: str, version: int) -> None:
    assert path_of(topic, version).is_file()


@pytest.mark.parametrize("path", golden_files(), ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_every_golden_file_still_loads_as_today_s_class(path: Path) -> None:
    event = EventMapper().to_domain_event(read(path))

    assert type(event) is type_of[path.parent.name]
    assert type(event) is type(SAMPLE_OF[path.parent.name])


@every_event_type
def test_today_s_event_is_stored_exactly_like_the_newest_golden_file(topic: str) -> None:
    newest = path_of(topic, type_of[topic].class_version)

    assert render(SAMPLE_OF[topic]) == newest.read_text(encoding="utf-8")


@every_event_type
def test_the_newest_golden_file_loads_as_the_event_it_was_made_of(topic: str) -> None:
    newest = path_of(topic, type_of[topic].class_version)

    assert EventMapper().to_domain_event(read(newest)) == SAMPLE_OF[topic]


def test_golden_files_that_exist_are_left_alone() -> None:
    assert add_missing(SAMPLES) == []


@every_event_type
def test_an_event_type_is_found_by_a_topic_of_its_own(topic: str) -> None:
    event_type = type_of[topic]

    assert vars(event_type)["TOPIC"] == topic
    assert topic == f"hindsight.image.{SAMPLE_OF[topic].kind}"
    assert resolve_topic(topic) is event_type


@every_event_type
def test_an_event_type_says_what_it_means(topic: str) -> None:
    assert vars(type_of[topic])["__doc__"]


@every_event_type
@pytest.mark.parametrize("field", ["actor", "request_id", "timestamp"])
def test_an_event_can_t_be_made_without_its_origin(topic: str, field: str) -> None:
    fields = fields_of(SAMPLE_OF[topic])
    del fields[field]

    with pytest.raises(ValidationError, match=field):
        type_of[topic](**fields)


def test_an_event_takes_no_fact_that_its_type_does_not_know() -> None:
    fields = fields_of(SAMPLES[0]) | {"surprise": 1}

    with pytest.raises(ValidationError, match="surprise"):
        type(SAMPLES[0])(**fields)


def test_an_event_can_t_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        SAMPLES[0].__setattr__("request_id", "req-forged")


def test_an_event_s_time_says_its_zone() -> None:
    fields = fields_of(SAMPLES[0]) | {"timestamp": datetime(2026, 1, 1)}  # noqa: DTZ001 # the fault

    with pytest.raises(ValidationError, match="timezone"):
        type(SAMPLES[0])(**fields)


def test_a_type_without_a_topic_fails_where_it_is_made() -> None:
    with pytest.raises(AttributeError, match="TOPIC"):

        class Nameless(ImageEvent):
            pass


def test_a_type_with_another_one_s_topic_fails_where_it_is_made() -> None:
    taken = "hindsight.image.deleted"
    owner = type_of[taken]

    with pytest.raises(TopicError):

        class Usurper(ImageEvent):
            TOPIC = taken

    assert type_of[taken] is owner

"""What an image says about itself changes by small facts."""

import pytest

from domain.errors import (
    InvalidValue,
    LimitExceeded,
    PropertyMissing,
    ReservedAttribute,
    StatusConflict,
    TagNotFound,
)
from domain.events import (
    AttributeChanged,
    PropertyRemoved,
    PropertySet,
    TagAdded,
    TagRemoved,
    VisibilityChanged,
)
from domain.image import Image
from domain.origin import Actor, Origin
from domain.rules import PROPERTIES_MAX, TAGS_MAX, TEXT_MAX

ALICE = Origin(actor=Actor(user="alice", project="blue", roles=("member",)), request_id="req-1")

CHANGES: dict[str, str | int | bool] = {
    "name": "noble",
    "owner": "green",
    "disk_format": "raw",
    "container_format": "ova",
    "min_disk": 20,
    "min_ram": 2048,
    "protected": True,
    "os_hidden": True,
}


@pytest.mark.parametrize("name", CHANGES)
def test_an_attribute_takes_another_value(queued: Image, name: str) -> None:
    queued.change_attribute(name, CHANGES[name], by=ALICE)

    [event] = queued.collect_events()
    assert isinstance(event, AttributeChanged)
    assert (event.name, event.value) == (name, CHANGES[name])
    assert getattr(queued, name) == CHANGES[name]


@pytest.mark.parametrize("name", CHANGES)
def test_giving_an_attribute_the_value_it_has_records_nothing(queued: Image, name: str) -> None:
    queued.change_attribute(name, getattr(queued, name), by=ALICE)

    assert queued.collect_events() == []


@pytest.mark.parametrize("name", ["name", "owner", "disk_format", "container_format"])
def test_an_attribute_can_be_emptied(queued: Image, name: str) -> None:
    queued.change_attribute(name, None, by=ALICE)

    assert getattr(queued, name) is None


def test_a_text_that_is_too_long_is_refused(queued: Image) -> None:
    with pytest.raises(InvalidValue) as refusal:
        queued.change_attribute("name", "x" * (TEXT_MAX + 1), by=ALICE)

    assert refusal.value.field == "name"
    assert queued.name == "jammy"


@pytest.mark.parametrize("name", ["disk_format", "container_format"])
def test_a_format_is_fixed_while_data_comes(saving: Image, name: str) -> None:
    with pytest.raises(StatusConflict):
        saving.change_attribute(name, "ami", by=ALICE)

    assert getattr(saving, name) != "ami"


@pytest.mark.parametrize("name", ["disk_format", "container_format"])
def test_a_format_is_fixed_once_data_has_come(active: Image, name: str) -> None:
    with pytest.raises(StatusConflict):
        active.change_attribute(name, "ami", by=ALICE)

    assert getattr(active, name) != "ami"


def test_repeating_the_format_of_an_active_image_records_nothing(active: Image) -> None:
    active.change_attribute("disk_format", "qcow2", by=ALICE)

    assert active.collect_events() == []


def test_a_format_can_be_corrected_after_a_failed_upload(saving: Image) -> None:
    assert saving.attempt
    saving.kill(saving.attempt, "the data is not qcow2", by=ALICE)

    saving.change_attribute("disk_format", "raw", by=ALICE)

    assert saving.disk_format == "raw"


def test_other_attributes_of_an_active_image_can_change(active: Image) -> None:
    active.change_attribute("min_disk", 40, by=ALICE)

    assert active.min_disk == 40


def test_others_may_come_to_see_the_image(queued: Image) -> None:
    queued.change_visibility("public", by=ALICE)

    [event] = queued.collect_events()
    assert isinstance(event, VisibilityChanged)
    assert event.visibility == queued.visibility == "public"


def test_the_same_visibility_records_nothing(queued: Image) -> None:
    queued.change_visibility("shared", by=ALICE)

    assert queued.collect_events() == []


def test_a_property_can_be_added(queued: Image) -> None:
    queued.set_property("hw_disk_bus", "virtio", by=ALICE)

    [event] = queued.collect_events()
    assert isinstance(event, PropertySet)
    assert (event.name, event.value) == ("hw_disk_bus", "virtio")
    assert queued.properties == {"os_distro": "ubuntu", "hw_disk_bus": "virtio"}


def test_a_property_can_get_another_value(queued: Image) -> None:
    queued.set_property("os_distro", "debian", by=ALICE)

    assert queued.properties == {"os_distro": "debian"}


def test_setting_a_property_to_the_value_it_has_records_nothing(queued: Image) -> None:
    queued.set_property("os_distro", "ubuntu", by=ALICE)

    assert queued.collect_events() == []


def test_a_reserved_property_is_refused(queued: Image) -> None:
    with pytest.raises(ReservedAttribute):
        queued.set_property("os_glance_stage", "1", by=ALICE)

    assert queued.properties == {"os_distro": "ubuntu"}


def test_an_image_takes_no_more_properties_than_the_quota(queued: Image) -> None:
    for number in range(PROPERTIES_MAX - 1):
        queued.set_property(f"p{number}", "", by=ALICE)

    with pytest.raises(LimitExceeded):
        queued.set_property("one_more", "", by=ALICE)

    assert len(queued.properties) == PROPERTIES_MAX


def test_an_image_at_its_quota_still_changes_the_properties_it_has(queued: Image) -> None:
    for number in range(PROPERTIES_MAX - 1):
        queued.set_property(f"p{number}", "", by=ALICE)

    queued.set_property("p0", "new", by=ALICE)

    assert queued.properties["p0"] == "new"


def test_a_property_can_be_removed(queued: Image) -> None:
    queued.remove_property("os_distro", by=ALICE)

    [event] = queued.collect_events()
    assert isinstance(event, PropertyRemoved)
    assert event.name == "os_distro"
    assert queued.properties == {}


def test_a_property_that_is_not_there_can_t_be_removed(queued: Image) -> None:
    with pytest.raises(PropertyMissing) as refusal:
        queued.remove_property("hw_disk_bus", by=ALICE)

    assert refusal.value.field == "hw_disk_bus"


def test_a_tag_can_be_added(queued: Image) -> None:
    queued.add_tag("new", by=ALICE)

    [event] = queued.collect_events()
    assert isinstance(event, TagAdded)
    assert event.tag == "new"
    assert queued.tags == {"lts", "new"}


def test_adding_a_tag_that_is_there_records_nothing(queued: Image) -> None:
    queued.add_tag("lts", by=ALICE)

    assert queued.collect_events() == []


def test_a_tag_that_can_t_be_addressed_is_refused(queued: Image) -> None:
    with pytest.raises(InvalidValue):
        queued.add_tag("a/b", by=ALICE)

    assert queued.tags == {"lts"}


def test_an_image_takes_no_more_tags_than_the_quota(queued: Image) -> None:
    queued.replace_tags({f"t{number}" for number in range(TAGS_MAX)}, by=ALICE)

    with pytest.raises(LimitExceeded):
        queued.add_tag("one_more", by=ALICE)

    assert len(queued.tags) == TAGS_MAX


def test_a_tag_can_be_removed(queued: Image) -> None:
    queued.remove_tag("lts", by=ALICE)

    [event] = queued.collect_events()
    assert isinstance(event, TagRemoved)
    assert event.tag == "lts"
    assert queued.tags == set()


def test_a_tag_that_is_not_there_can_t_be_removed(queued: Image) -> None:
    with pytest.raises(TagNotFound) as refusal:
        queued.remove_tag("new", by=ALICE)

    assert refusal.value.field == "tag"


def test_replacing_the_tags_records_the_differences_only(queued: Image) -> None:
    queued.add_tag("keep", by=ALICE)
    queued.collect_events()

    queued.replace_tags({"keep", "b", "a"}, by=ALICE)

    removed, *added = queued.collect_events()
    assert isinstance(removed, TagRemoved)
    assert removed.tag == "lts"
    assert [event.tag for event in added if isinstance(event, TagAdded)] == ["a", "b"]
    assert queued.tags == {"keep", "a", "b"}


def test_replacing_the_tags_with_themselves_records_nothing(queued: Image) -> None:
    queued.replace_tags({"lts"}, by=ALICE)

    assert queued.collect_events() == []


def test_one_bad_tag_refuses_all_of_them(queued: Image) -> None:
    with pytest.raises(InvalidValue):
        queued.replace_tags({"fine", ""}, by=ALICE)

    assert queued.tags == {"lts"}
    assert queued.collect_events() == []

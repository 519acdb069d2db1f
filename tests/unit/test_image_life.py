"""An image is registered, withheld, released and deleted; its history says who, and when."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from domain.errors import (
    AttemptSuperseded,
    ImageProtected,
    InvalidValue,
    LimitExceeded,
    ReservedAttribute,
)
from domain.events import (
    DataPurged,
    Deactivated,
    Deleted,
    DeletionRequested,
    ImageEvent,
    Reactivated,
    Registered,
    Restored,
)
from domain.image import Description, Image, StoredData
from domain.origin import Actor, Origin
from domain.rules import PROPERTIES_MAX, TAGS_MAX, TEXT_MAX, Status

ALICE = Origin(actor=Actor(user="alice", project="blue", roles=("member",)), request_id="req-1")
IMAGE = UUID("1a6e0000-0000-4000-8000-000000000002")


def test_a_registered_image_waits_for_its_data() -> None:
    image = Image.register(IMAGE, Description(owner="blue"), ALICE)

    assert (image.id, image.version, image.status) == (IMAGE, 1, Status.QUEUED)
    assert not image.has_data


def test_an_image_of_which_only_the_owner_is_said_has_the_defaults_of_the_api() -> None:
    image = Image.register(IMAGE, Description(owner="blue"), ALICE)

    assert (image.name, image.owner, image.visibility) == (None, "blue", "shared")
    assert (image.disk_format, image.container_format) == (None, None)
    assert (image.min_disk, image.min_ram) == (0, 0)
    assert (image.protected, image.os_hidden) == (False, False)
    assert (image.tags, image.properties) == (set(), {})


def test_registering_records_all_that_the_request_set_in_one_event() -> None:
    description = Description(
        owner="blue",
        name="jammy",
        visibility="private",
        disk_format="raw",
        container_format="bare",
        min_disk=1,
        min_ram=2,
        protected=True,
        os_hidden=True,
        tags=("b", "a", "b"),
        properties={"os_distro": "ubuntu"},
    )

    image = Image.register(IMAGE, description, ALICE)

    [event] = image.collect_events()
    assert isinstance(event, Registered)
    assert event.tags == ("a", "b")
    for name in vars(description).keys() - {"tags"}:
        assert getattr(event, name) == getattr(image, name) == getattr(description, name)


def test_an_image_does_not_share_its_properties_with_its_first_event() -> None:
    image = Image.register(IMAGE, Description(owner="blue", properties={"a": "1"}), ALICE)

    image.set_property("a", "2", by=ALICE)

    registered = image.collect_events()[0]
    assert isinstance(registered, Registered)
    assert registered.properties == {"a": "1"}


@pytest.mark.parametrize(
    ("description", "field"),
    [
        (Description(owner=None, name="x" * (TEXT_MAX + 1)), "name"),
        (Description(owner="x" * (TEXT_MAX + 1)), "owner"),
    ],
    ids=["name", "owner"],
)
def test_a_description_with_a_text_that_is_too_long_is_refused(
    description: Description, field: str
) -> None:
    with pytest.raises(InvalidValue) as refusal:
        Image.register(IMAGE, description, ALICE)

    assert refusal.value.field == field


def test_a_description_with_a_reserved_property_is_refused() -> None:
    description = Description(owner="blue", properties={"deleted": "no"})

    with pytest.raises(ReservedAttribute):
        Image.register(IMAGE, description, ALICE)


def test_a_description_with_too_many_properties_is_refused() -> None:
    properties = {f"p{number}": "" for number in range(PROPERTIES_MAX + 1)}

    with pytest.raises(LimitExceeded):
        Image.register(IMAGE, Description(owner="blue", properties=properties), ALICE)


def test_a_description_with_too_many_tags_is_refused() -> None:
    tags = tuple(f"t{number}" for number in range(TAGS_MAX + 1))

    with pytest.raises(LimitExceeded):
        Image.register(IMAGE, Description(owner="blue", tags=tags), ALICE)


def test_a_tag_that_is_said_twice_counts_once() -> None:
    tags = ("a",) * (TAGS_MAX + 1)

    image = Image.register(IMAGE, Description(owner="blue", tags=tags), ALICE)

    assert image.tags == {"a"}


def test_deactivating_an_active_image_says_who_did_it(active: Image) -> None:
    active.deactivate(by=ALICE)

    [event] = active.collect_events()
    assert isinstance(event, Deactivated)
    assert event.actor == ALICE.actor


def test_a_deactivated_image_keeps_its_data(active: Image, attempt: UUID) -> None:
    active.deactivate(by=ALICE)

    assert active.has_data
    assert (active.attempt, active.store) == (attempt, "main")


def test_deactivating_twice_records_nothing_more(active: Image) -> None:
    active.deactivate(by=ALICE)
    active.collect_events()

    active.deactivate(by=ALICE)

    assert active.collect_events() == []


def test_a_deactivated_image_can_be_released_again(active: Image) -> None:
    active.deactivate(by=ALICE)
    active.collect_events()

    active.reactivate(by=ALICE)

    [event] = active.collect_events()
    assert isinstance(event, Reactivated)
    assert active.status == Status.ACTIVE


def test_reactivating_an_active_image_records_nothing(active: Image) -> None:
    active.reactivate(by=ALICE)

    assert active.collect_events() == []


def test_a_protected_image_can_t_be_deleted(active: Image) -> None:
    active.change_attribute("protected", True, by=ALICE)

    with pytest.raises(ImageProtected):
        active.request_deletion(by=ALICE)

    assert active.status == Status.ACTIVE


def test_an_image_is_protected_no_longer_than_it_says(active: Image) -> None:
    active.change_attribute("protected", True, by=ALICE)
    active.change_attribute("protected", False, by=ALICE)

    active.request_deletion(by=ALICE)

    assert active.status == Status.PENDING_DELETE


def test_an_image_to_be_deleted_keeps_where_its_data_lies(active: Image, attempt: UUID) -> None:
    active.request_deletion(by=ALICE)

    [event] = active.collect_events()
    assert isinstance(event, DeletionRequested)
    assert (active.attempt, active.store) == (attempt, "main")
    assert not active.has_data


def test_an_image_with_data_ends_with_the_purge_of_its_data(active: Image) -> None:
    active.request_deletion(by=ALICE)
    active.collect_events()

    active.finish_deletion(by=ALICE)

    assert [type(event) for event in active.collect_events()] == [DataPurged, Deleted]
    assert (active.status, active.attempt, active.store) == (Status.DELETED, None, None)


def test_the_rest_of_a_cut_off_upload_is_purged_too(saving: Image) -> None:
    saving.request_deletion(by=ALICE)
    saving.collect_events()

    saving.finish_deletion(by=ALICE)

    assert [type(event) for event in saving.collect_events()] == [DataPurged, Deleted]


def test_an_image_without_data_ends_without_a_purge(queued: Image) -> None:
    queued.request_deletion(by=ALICE)
    queued.collect_events()

    queued.finish_deletion(by=ALICE)

    assert [type(event) for event in queued.collect_events()] == [Deleted]


def a_whole_life(attempt: UUID, data: StoredData) -> Image:
    image = Image.register(
        IMAGE, Description(owner="blue", disk_format="raw", container_format="bare"), ALICE
    )
    image.start_upload(attempt, store="main", by=ALICE)
    image.commit_data(attempt, data, by=ALICE)
    image.request_deletion(by=ALICE)
    image.finish_deletion(by=ALICE)
    return image


def test_every_event_says_who_asked_and_in_which_request(attempt: UUID, data: StoredData) -> None:
    image = a_whole_life(attempt, data)

    origins = [(event.actor, event.request_id) for event in image.collect_events()]

    assert origins == [(ALICE.actor, "req-1")] * image.version


def test_every_event_has_its_place_in_the_image_s_history(attempt: UUID, data: StoredData) -> None:
    image = a_whole_life(attempt, data)

    events = image.collect_events()

    assert {event.originator_id for event in events} == {IMAGE}
    assert [event.originator_version for event in events] == list(range(1, image.version + 1))


def test_every_event_says_when_it_happened(attempt: UUID, data: StoredData) -> None:
    before = datetime.now(UTC)

    image = a_whole_life(attempt, data)

    after = datetime.now(UTC)
    times = [event.timestamp for event in image.collect_events()]
    assert sorted([before, *times, after]) == [before, *times, after]
    assert (image.created_on, image.modified_on) == (times[0], times[-1])


def test_an_image_s_time_stands_still_when_the_clock_steps_back(
    queued: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = queued.modified_on
    stepped_back = before - timedelta(hours=1)
    monkeypatch.setattr(ImageEvent, "create_timestamp", staticmethod(lambda: stepped_back))

    queued.add_tag("new", by=ALICE)

    [event] = queued.collect_events()
    assert event.timestamp == queued.modified_on == before


def test_an_image_s_time_goes_on_when_the_clock_has_caught_up(
    queued: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = queued.modified_on + timedelta(hours=1)
    monkeypatch.setattr(ImageEvent, "create_timestamp", staticmethod(lambda: later))

    queued.add_tag("new", by=ALICE)

    [event] = queued.collect_events()
    assert event.timestamp == queued.modified_on == later


@pytest.mark.parametrize("was", ["active", "deactivated"])
def test_a_restored_image_has_its_data_again(active: Image, was: str) -> None:
    if was == "deactivated":
        active.deactivate(by=ALICE)
    before = active.attempt, active.store
    active.request_deletion(by=ALICE)
    active.collect_events()

    active.restore(by=ALICE)

    [event] = active.collect_events()
    assert isinstance(event, Restored)
    assert (event.status, active.status) == (was, was)
    assert (active.attempt, active.store) == before


def test_an_upload_does_not_outlive_the_deletion_of_its_image(saving: Image, attempt: UUID) -> None:
    saving.request_deletion(by=ALICE)

    saving.restore(by=ALICE)

    assert (saving.status, saving.attempt) == ("queued", None)
    with pytest.raises(AttemptSuperseded):
        saving.kill(attempt, "too late", by=ALICE)

"""A snapshot is the image that was taken, no more and no less."""

from uuid import UUID

import pytest

from domain.image import Description, Image, StoredData
from domain.origin import Actor, Origin
from storage.mapper import EventMapper
from storage.snapshots import ImageSnapshot

ALICE = Origin(actor=Actor(user="alice", project="blue", roles=("member",)), request_id="req-1")


def test_a_snapshot_restores_a_new_image() -> None:
    image = Image.register(UUID(int=1), Description(owner=None), ALICE)
    image.collect_events()

    assert ImageSnapshot.take(image).mutate(None) == image


def test_a_snapshot_restores_an_image_with_data(active: Image) -> None:
    assert ImageSnapshot.take(active).mutate(None) == active


def test_a_snapshot_restores_a_deleted_image(active: Image) -> None:
    active.request_deletion(by=ALICE)
    active.finish_deletion(by=ALICE)
    active.collect_events()

    assert ImageSnapshot.take(active).mutate(None) == active


def test_a_snapshot_names_its_place_in_the_history(active: Image) -> None:
    snapshot = ImageSnapshot.take(active)

    assert (snapshot.originator_id, snapshot.originator_version) == (active.id, active.version)
    assert snapshot.shape == Image.class_version


def test_a_snapshot_holds_no_pending_events(queued: Image) -> None:
    queued.add_tag("new", by=ALICE)

    restored = ImageSnapshot.take(queued).mutate(None)

    assert restored.collect_events() == []
    assert restored.tags == {"lts", "new"}


def test_a_snapshot_does_not_follow_the_image(queued: Image) -> None:
    snapshot = ImageSnapshot.take(queued)

    queued.add_tag("new", by=ALICE)
    queued.set_property("os_distro", "debian", by=ALICE)

    restored = snapshot.mutate(None)
    assert restored.tags == {"lts"}
    assert restored.properties == {"os_distro": "ubuntu"}


@pytest.mark.parametrize("status", ["queued", "saving", "active"])
def test_a_stored_snapshot_restores_the_same_image(
    request: pytest.FixtureRequest, status: str
) -> None:
    image: Image = request.getfixturevalue(status)

    stored = EventMapper().to_stored_event(ImageSnapshot.take(image))

    snapshot = EventMapper().to_domain_event(stored)
    assert isinstance(snapshot, ImageSnapshot)
    assert snapshot.mutate(None) == image


def test_a_restored_image_goes_on_like_the_live_one(
    saving: Image, attempt: UUID, data: StoredData
) -> None:
    restored = ImageSnapshot.take(saving).mutate(None)

    restored.commit_data(attempt, data, by=ALICE)

    [event] = restored.collect_events()
    assert event.originator_version == saving.version + 1
    assert event.mutate(saving) == restored

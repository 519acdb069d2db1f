"""An image gets its data: one attempt at a time, and only the running one counts."""

from uuid import UUID

import pytest

from domain.errors import AttemptSuperseded, MissingFormats, StatusConflict
from domain.events import DataCommitted, Killed, UploadStarted
from domain.image import Description, Image, StoredData
from domain.origin import Actor, Origin
from domain.rules import Status

ALICE = Origin(actor=Actor(user="alice", project="blue", roles=("member",)), request_id="req-1")
ANOTHER_ATTEMPT = UUID("a77e3b70-0000-4000-8000-000000000002")


def test_a_queued_image_takes_an_upload(queued: Image, attempt: UUID) -> None:
    queued.start_upload(attempt, store="main", by=ALICE)

    [event] = queued.collect_events()
    assert isinstance(event, UploadStarted)
    assert (event.attempt, event.store) == (attempt, "main")
    assert (queued.status, queued.attempt, queued.store) == (Status.SAVING, attempt, "main")


@pytest.mark.parametrize("missing", ["disk_format", "container_format"])
def test_an_upload_waits_until_the_image_says_what_it_is(
    missing: str, queued: Image, attempt: UUID
) -> None:
    queued.change_attribute(missing, None, by=ALICE)

    with pytest.raises(MissingFormats) as refusal:
        queued.start_upload(attempt, store="main", by=ALICE)

    assert refusal.value.field == missing
    assert queued.status == Status.QUEUED


def test_an_image_says_that_it_can_t_be_uploaded_before_it_asks_for_formats(attempt: UUID) -> None:
    image = Image.register(UUID(int=1), Description(owner="blue"), ALICE)
    image.request_deletion(by=ALICE)

    with pytest.raises(StatusConflict):
        image.start_upload(attempt, store="main", by=ALICE)


def test_a_second_upload_is_refused_while_the_first_runs(saving: Image, attempt: UUID) -> None:
    with pytest.raises(StatusConflict):
        saving.start_upload(ANOTHER_ATTEMPT, store="main", by=ALICE)

    assert saving.attempt == attempt


def test_the_running_upload_makes_the_image_active(
    saving: Image, attempt: UUID, data: StoredData
) -> None:
    saving.commit_data(attempt, data, by=ALICE)

    assert saving.status == Status.ACTIVE
    assert saving.has_data


def test_committed_data_is_recorded_with_size_hashes_and_where_it_lies(
    saving: Image, attempt: UUID, data: StoredData
) -> None:
    saving.commit_data(attempt, data, by=ALICE)

    [event] = saving.collect_events()
    assert isinstance(event, DataCommitted)
    assert (event.attempt, event.store) == (attempt, "main")
    assert (event.size, event.virtual_size) == (data.size, data.virtual_size)
    assert (event.checksum, event.os_hash_algo) == (data.checksum, data.os_hash_algo)
    assert event.os_hash_value == data.os_hash_value


def test_the_running_upload_can_fail(saving: Image, attempt: UUID) -> None:
    saving.kill(attempt, "the disk is full", by=ALICE)

    [event] = saving.collect_events()
    assert isinstance(event, Killed)
    assert (event.attempt, event.reason) == (attempt, "the disk is full")
    assert (saving.status, saving.attempt, saving.store) == (Status.KILLED, None, None)


def test_another_attempt_can_t_commit(saving: Image, attempt: UUID, data: StoredData) -> None:
    with pytest.raises(AttemptSuperseded):
        saving.commit_data(ANOTHER_ATTEMPT, data, by=ALICE)

    assert (saving.status, saving.attempt) == (Status.SAVING, attempt)


def test_another_attempt_can_t_kill(saving: Image, attempt: UUID) -> None:
    with pytest.raises(AttemptSuperseded):
        saving.kill(ANOTHER_ATTEMPT, "mistaken", by=ALICE)

    assert (saving.status, saving.attempt) == (Status.SAVING, attempt)


def test_after_a_failure_a_new_attempt_can_succeed(
    saving: Image, attempt: UUID, data: StoredData
) -> None:
    saving.kill(attempt, "timeout", by=ALICE)

    saving.start_upload(ANOTHER_ATTEMPT, store="second", by=ALICE)
    saving.commit_data(ANOTHER_ATTEMPT, data, by=ALICE)

    assert (saving.status, saving.store) == (Status.ACTIVE, "second")
    assert saving.attempt == ANOTHER_ATTEMPT


@pytest.fixture
def retried(saving: Image, attempt: UUID) -> Image:
    """An image whose first attempt was given up, and whose second one runs."""
    saving.kill(attempt, "its lease ran out", by=ALICE)
    saving.start_upload(ANOTHER_ATTEMPT, store="main", by=ALICE)
    saving.collect_events()
    return saving


def test_a_superseded_attempt_can_t_commit_over_its_retry(
    retried: Image, attempt: UUID, data: StoredData
) -> None:
    with pytest.raises(AttemptSuperseded):
        retried.commit_data(attempt, data, by=ALICE)

    assert (retried.status, retried.attempt) == (Status.SAVING, ANOTHER_ATTEMPT)


def test_a_superseded_attempt_can_t_kill_its_retry(retried: Image, attempt: UUID) -> None:
    with pytest.raises(AttemptSuperseded):
        retried.kill(attempt, "timeout", by=ALICE)

    assert (retried.status, retried.attempt) == (Status.SAVING, ANOTHER_ATTEMPT)


def test_a_finished_upload_can_t_commit_twice(
    active: Image, attempt: UUID, data: StoredData
) -> None:
    with pytest.raises(AttemptSuperseded):
        active.commit_data(attempt, data, by=ALICE)

    assert active.collect_events() == []


def test_a_finished_upload_can_t_be_killed(active: Image, attempt: UUID) -> None:
    with pytest.raises(AttemptSuperseded):
        active.kill(attempt, "too late", by=ALICE)

    assert active.status == Status.ACTIVE


def test_an_upload_loses_its_image_to_a_deletion(
    saving: Image, attempt: UUID, data: StoredData
) -> None:
    saving.request_deletion(by=ALICE)

    with pytest.raises(AttemptSuperseded):
        saving.commit_data(attempt, data, by=ALICE)

    assert saving.status == Status.PENDING_DELETE

"""Every command in every status: what it records, or how it is refused.

Statuses and commands are listed from the code, so a new one without its row fails here.
"""

import inspect
from collections.abc import Callable
from copy import deepcopy
from itertools import product
from uuid import UUID

import pytest

from domain import errors, events
from domain.errors import HindsightError
from domain.events import ImageEvent
from domain.image import Description, Image, StoredData
from domain.origin import Actor, Origin
from domain.rules import Status

Outcome = type[ImageEvent] | type[HindsightError] | None

ALICE = Origin(actor=Actor(user="alice", project="blue", roles=("member",)), request_id="req-1")
ATTEMPT = UUID("a77e3b70-0000-4000-8000-000000000001")
DATA = StoredData(
    size=1, virtual_size=None, checksum="c4ca", os_hash_algo="sha512", os_hash_value="4dff"
)

COMMANDS: dict[str, Callable[[Image], None]] = {
    "start_upload": lambda image: image.start_upload(ATTEMPT, store="main", by=ALICE),
    "commit_data": lambda image: image.commit_data(ATTEMPT, DATA, by=ALICE),
    "kill": lambda image: image.kill(ATTEMPT, "timeout", by=ALICE),
    "change_attribute": lambda image: image.change_attribute("min_ram", 512, by=ALICE),
    "change_visibility": lambda image: image.change_visibility("public", by=ALICE),
    "set_property": lambda image: image.set_property("new", "1", by=ALICE),
    "remove_property": lambda image: image.remove_property("old", by=ALICE),
    "add_tag": lambda image: image.add_tag("new", by=ALICE),
    "remove_tag": lambda image: image.remove_tag("old", by=ALICE),
    "replace_tags": lambda image: image.replace_tags({"old", "new"}, by=ALICE),
    "deactivate": lambda image: image.deactivate(by=ALICE),
    "reactivate": lambda image: image.reactivate(by=ALICE),
    "request_deletion": lambda image: image.request_deletion(by=ALICE),
    "restore": lambda image: image.restore(by=ALICE),
    "finish_deletion": lambda image: image.finish_deletion(by=ALICE),
}

WAY_TO: dict[Status, list[str]] = {
    Status.QUEUED: [],
    Status.SAVING: ["start_upload"],
    Status.KILLED: ["start_upload", "kill"],
    Status.ACTIVE: ["start_upload", "commit_data"],
    Status.DEACTIVATED: ["start_upload", "commit_data", "deactivate"],
    Status.PENDING_DELETE: ["request_deletion"],
    Status.DELETED: ["request_deletion", "finish_deletion"],
}

ALIVE = {Status.QUEUED, Status.SAVING, Status.KILLED, Status.ACTIVE, Status.DEACTIVATED}
ENDING = {Status.PENDING_DELETE, Status.DELETED}
NOT_SAVING = {Status.QUEUED, Status.KILLED, Status.ACTIVE, Status.DEACTIVATED} | ENDING
WITHOUT_DATA = {Status.QUEUED, Status.SAVING, Status.KILLED} | ENDING

OUTCOMES: dict[str, dict[Outcome, set[Status]]] = {
    "start_upload": {
        events.UploadStarted: {Status.QUEUED, Status.KILLED},
        errors.StatusConflict: {Status.SAVING, Status.ACTIVE, Status.DEACTIVATED} | ENDING,
    },
    "commit_data": {
        events.DataCommitted: {Status.SAVING},
        errors.AttemptSuperseded: NOT_SAVING,
    },
    "kill": {
        events.Killed: {Status.SAVING},
        errors.AttemptSuperseded: NOT_SAVING,
    },
    "change_attribute": {events.AttributeChanged: ALIVE, errors.BeingDeleted: ENDING},
    "change_visibility": {events.VisibilityChanged: ALIVE, errors.BeingDeleted: ENDING},
    "set_property": {events.PropertySet: ALIVE, errors.BeingDeleted: ENDING},
    "remove_property": {events.PropertyRemoved: ALIVE, errors.BeingDeleted: ENDING},
    "add_tag": {events.TagAdded: ALIVE, errors.BeingDeleted: ENDING},
    "remove_tag": {events.TagRemoved: ALIVE, errors.BeingDeleted: ENDING},
    "replace_tags": {events.TagAdded: ALIVE, errors.BeingDeleted: ENDING},
    "deactivate": {
        events.Deactivated: {Status.ACTIVE},
        None: {Status.DEACTIVATED},
        errors.WrongStatusForAction: WITHOUT_DATA,
    },
    "reactivate": {
        events.Reactivated: {Status.DEACTIVATED},
        None: {Status.ACTIVE},
        errors.WrongStatusForAction: WITHOUT_DATA,
    },
    "request_deletion": {events.DeletionRequested: ALIVE, errors.BeingDeleted: ENDING},
    "restore": {
        events.Restored: {Status.PENDING_DELETE},
        errors.StatusConflict: ALIVE | {Status.DELETED},
    },
    "finish_deletion": {
        events.Deleted: {Status.PENDING_DELETE},
        errors.StatusConflict: ALIVE | {Status.DELETED},
    },
}

STATUS_AFTER: dict[type[ImageEvent], Status] = {
    events.UploadStarted: Status.SAVING,
    events.DataCommitted: Status.ACTIVE,
    events.Killed: Status.KILLED,
    events.Deactivated: Status.DEACTIVATED,
    events.Reactivated: Status.ACTIVE,
    events.DeletionRequested: Status.PENDING_DELETE,
    events.Restored: Status.QUEUED,
    events.Deleted: Status.DELETED,
}
"""Every other event leaves the status as it is."""


def commands_of_an_image() -> list[str]:
    """Return the names of Image's command methods: public, and told by whom."""
    return [
        name
        for name, method in inspect.getmembers(Image, inspect.isfunction)
        if not name.startswith("_") and "by" in inspect.signature(method).parameters
    ]


def image_that_is(status: Status) -> Image:
    description = Description(
        owner="blue",
        disk_format="raw",
        container_format="bare",
        tags=("old",),
        properties={"old": "1"},
    )
    image = Image.register(UUID(int=1), description, ALICE)
    for command in WAY_TO[status]:
        COMMANDS[command](image)
    image.collect_events()
    return image


def outcome_of(command: str, status: Status) -> Outcome:
    [outcome] = [known for known, statuses in OUTCOMES[command].items() if status in statuses]
    return outcome


CASES = list(product(commands_of_an_image(), Status))
EXPECTED = [(command, status, outcome_of(command, status)) for command, status in CASES]
RECORDED = [case for case in EXPECTED if case[2] and issubclass(case[2], ImageEvent)]
REFUSED = [case for case in EXPECTED if case[2] and issubclass(case[2], HindsightError)]
IGNORED = [case[:2] for case in EXPECTED if case[2] is None]


@pytest.mark.parametrize("status", Status)
def test_an_image_comes_to_every_status(status: Status) -> None:
    assert image_that_is(status).status == status


@pytest.mark.parametrize(("command", "status", "event"), RECORDED)
def test_a_command_records_one_fact(command: str, status: Status, event: type[ImageEvent]) -> None:
    image = image_that_is(status)

    COMMANDS[command](image)

    assert [type(recorded) for recorded in image.collect_events()] == [event]
    assert image.status == STATUS_AFTER.get(event, status)


@pytest.mark.parametrize(("command", "status", "refusal"), REFUSED)
def test_a_refused_command_leaves_the_image_as_it_was(
    command: str, status: Status, refusal: type[HindsightError]
) -> None:
    image = image_that_is(status)
    before = deepcopy(image)

    with pytest.raises(refusal) as raised:
        COMMANDS[command](image)

    assert type(raised.value) is refusal
    assert image == before


@pytest.mark.parametrize(("command", "status"), IGNORED)
def test_asking_for_what_is_so_records_nothing(command: str, status: Status) -> None:
    image = image_that_is(status)
    before = deepcopy(image)

    COMMANDS[command](image)

    assert image == before

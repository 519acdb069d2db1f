"""An image's history: its events in order, and the image as it was."""

from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest

from tests.api.conftest import NewProject
from tests.api.project import NOBODYS_ID, Json, Project, refusal


@pytest.fixture(scope="module")
def owner(new_project: NewProject) -> Project:
    return new_project()


@pytest.fixture(scope="module")
def lived(owner: Project, admin: Project) -> Json:
    """An image with an eventful life, deleted in the end."""
    image = owner.create(
        name="born", disk_format="raw", container_format="bare", os_distro="debian", tags=["old"]
    )
    owner.upload(image, b"12345", x_openstack_image_size="6")
    owner.upload(image, b"12345")
    owner.patch(
        image,
        {"op": "replace", "path": "/name", "value": "renamed"},
        {"op": "replace", "path": "/visibility", "value": "community"},
        {"op": "replace", "path": "/os_distro", "value": "ubuntu"},
        {"op": "replace", "path": "/tags", "value": ["new"]},
        {"op": "remove", "path": "/os_distro"},
    )
    admin.post(f"{image['self']}/actions/deactivate")
    admin.post(f"{image['self']}/actions/reactivate")
    owner.delete(image["self"])
    return image


@pytest.fixture(scope="module")
def events(owner: Project, lived: Json) -> list[Json]:
    return owner.events(lived)


def history(image: Json, rest: str = "") -> str:
    return f"/history/v1/images/{image['id']}{rest}"


LIFE = [
    "registered", "upload_started", "killed", "upload_started", "data_committed",
    "attribute_changed", "visibility_changed", "property_set", "tag_removed", "tag_added",
    "property_removed", "deactivated", "reactivated", "deletion_requested", "data_purged",
    "deleted",
]  # fmt: skip


def test_all_that_happened_is_told_in_order(events: list[Json]) -> None:
    assert [event["type"] for event in events] == LIFE
    assert [event["version"] for event in events] == list(range(1, len(LIFE) + 1))
    positions = [event["position"] for event in events]
    assert positions == sorted(set(positions))
    times = [datetime.fromisoformat(event["time"]) for event in events]
    assert times == sorted(times)
    assert all(time.utcoffset() == timedelta(0) for time in times)


def test_every_event_says_who_did_it(events: list[Json], owner: Project) -> None:
    for event in events:
        is_admins = event["type"] in {"deactivated", "reactivated"}
        assert event["actor"]["project"] == ("admin" if is_admins else owner.name)
        assert event["actor"]["roles"] == (["admin"] if is_admins else ["member"])
        assert event["actor"]["user"]


def test_an_event_names_the_request_that_the_client_saw(project: Project) -> None:
    response = project.post("/v2/images", json={"name": "traced"})
    image = response.json()
    change = project.patch(
        image,
        {"op": "replace", "path": "/name", "value": "x"},
        {"op": "replace", "path": "/min_ram", "value": 1},
    )

    told = [event["request_id"] for event in project.events(image)]

    wanted = [answered.headers["x-openstack-request-id"] for answered in (response, change, change)]
    assert told == wanted


@pytest.mark.parametrize(
    ("version", "change"),
    [
        (2, {"field": "status", "before": "queued", "after": "saving"}),
        (3, {"field": "status", "before": "saving", "after": "killed"}),
        (6, {"field": "name", "before": "born", "after": "renamed"}),
        (7, {"field": "visibility", "before": "shared", "after": "community"}),
        (8, {"field": "os_distro", "before": "debian", "after": "ubuntu"}),
        (9, {"field": "tags", "before": ["old"], "after": []}),
        (10, {"field": "tags", "before": [], "after": ["new"]}),
        (11, {"field": "os_distro", "before": "ubuntu", "after": None}),
        (12, {"field": "status", "before": "active", "after": "deactivated"}),
        (16, {"field": "status", "before": "pending_delete", "after": "deleted"}),
    ],
)
def test_an_event_tells_what_changed(events: list[Json], version: int, change: Json) -> None:
    assert events[version - 1]["changes"] == [change]


def test_the_first_event_tells_all_that_was_set(events: list[Json], lived: Json) -> None:
    changes = {change["field"]: change for change in events[0]["changes"]}

    assert {change["before"] for change in changes.values()} == {None}
    for name in ("id", "name", "owner", "os_distro", "tags", "disk_format", "status"):
        assert changes[name]["after"] == lived[name]


def test_the_arrival_of_data_tells_what_it_is(events: list[Json]) -> None:
    committed = events[4]

    assert {change["field"] for change in committed["changes"]} == {
        "status", "size", "virtual_size", "checksum", "os_hash_algo", "os_hash_value"
    }  # fmt: skip
    assert committed["details"]["size"] == 5
    assert committed["details"]["attempt"] == events[3]["details"]["attempt"]
    assert committed["details"]["attempt"] != events[1]["details"]["attempt"]
    assert "announces 6 bytes" in events[2]["details"]["reason"]


@pytest.mark.parametrize("limit", [1, 2, 5, 15, 16, 17, 5000])
def test_following_next_tells_the_whole_life(
    owner: Project, lived: Json, events: list[Json], limit: int
) -> None:
    told: list[Json] = []
    path = history(lived, f"/events?limit={limit}")
    while path:
        page = owner.get(path).json()
        assert 1 <= len(page["events"]) <= limit
        told, path = told + page["events"], page["next"]

    assert told == events


def test_a_page_after_the_end_is_empty(owner: Project, lived: Json) -> None:
    response = owner.get(history(lived, "/events?after=16"))

    assert response.json() == {"events": [], "next": None}


def test_an_image_is_shown_as_it_was_at_each_version(
    owner: Project, lived: Json, events: list[Json]
) -> None:
    known: Json = {}
    for event in events:
        known |= {change["field"]: change["after"] for change in event["changes"]}

        shown = owner.get(history(lived, f"?version={event['version']}")).json()

        assert {name: shown[name] for name in ("version", "position", "time")} == {
            name: event[name] for name in ("version", "position", "time")
        }
        assert {name: shown["image"].get(name) for name in known} == known


def test_an_image_as_it_was_looks_as_it_did_then(project: Project, image: Json) -> None:
    project.patch(image, {"op": "replace", "path": "/name", "value": "later"})

    assert project.get(history(image, "?version=1")).json()["image"] == image
    assert project.get(history(image)).json()["image"] == project.show(image)


@pytest.mark.parametrize("spelled", ["{:%Y-%m-%dT%H:%M:%S.%f}+00:00", "{:%Y-%m-%dT%H:%M:%S.%f}Z"])
@pytest.mark.parametrize("is_escaped", [True, False])
def test_an_image_is_shown_as_it_was_at_a_time(
    owner: Project, lived: Json, events: list[Json], spelled: str, is_escaped: bool
) -> None:
    for event in events:
        time = spelled.format(datetime.fromisoformat(event["time"]))
        latest = max(e["version"] for e in events if e["time"] == event["time"])

        response = owner.get(history(lived, f"?at={quote(time) if is_escaped else time}"))

        assert response.json()["version"] == latest


def test_times_of_other_zones_are_understood(owner: Project, lived: Json) -> None:
    tomorrow = datetime.now(UTC) + timedelta(days=1)

    response = owner.get(history(lived, f"?at={quote(f'{tomorrow:%Y-%m-%dT%H:%M:%S}-09:30')}"))

    assert response.json()["version"] == len(LIFE)


def test_before_its_registration_an_image_was_not_there(
    owner: Project, lived: Json, events: list[Json]
) -> None:
    earlier = datetime.fromisoformat(events[0]["time"]) - timedelta(microseconds=1)

    for time in (earlier.isoformat(), "2016-04-18T21:38:54Z", "0001-01-01"):
        assert refusal(owner.get(history(lived, f"?at={quote(time)}"))) == (404, "at")


@pytest.mark.parametrize(
    ("query", "status", "field"),
    [
        ("?version=1&at=2016-04-18T21:38:54Z", 400, "version"),
        ("?version=17", 404, "version"),
        ("?version=9223372036854775807", 404, "version"),
        ("?version=0", 400, "version"),
        ("?version=-1", 400, "version"),
        ("?version=one", 400, "version"),
        ("?version=", 400, "version"),
        ("?at=", 400, "at"),
        ("?at=yesterday", 400, "at"),
        ("?at=2016-13-01T00:00:00Z", 400, "at"),
        ("?at=0001-01-01T00:00:00%2B14:00", 400, "at"),
        ("/events?limit=0", 400, "limit"),
        ("/events?limit=-1", 400, "limit"),
        ("/events?limit=1.5", 400, "limit"),
        ("/events?after=-1", 400, "after"),
        ("/events?after=x", 400, "after"),
        (f"/events?after={'9' * 3000}", 400, "after"),
    ],
    ids=lambda value: str(value)[:40],
)  # fmt: skip
def test_what_can_not_be_shown_is_explained(
    owner: Project, lived: Json, query: str, status: int, field: str
) -> None:
    assert refusal(owner.get(history(lived, query))) == (status, field)


def test_history_is_for_owners_admins_and_auditors(
    new_project: NewProject, owner: Project, lived: Json, admin: Project, other: Project
) -> None:
    readers = [new_project("reader", name=owner.name), new_project("auditor"), admin, owner]
    strangers = [other, new_project("reader"), new_project("member", "reader")]

    for path in (history(lived), history(lived, "/events"), history(lived, "?version=1")):
        assert [user.get(path).status_code for user in readers] == [200] * 4
        for user in strangers:
            assert refusal(user.get(path)) == (404, "image_id")


def test_others_may_read_a_public_image_but_not_its_history(
    other: Project, project: Project, admin: Project, image: Json
) -> None:
    project.patch(image, {"op": "replace", "path": "/visibility", "value": "community"})

    assert other.get(image["self"]).status_code == 200
    assert refusal(other.get(history(image))) == (404, "image_id")


def test_what_never_was_has_no_history(admin: Project) -> None:
    for rest in ("", "/events"):
        response = admin.get(f"/history/v1/images/{NOBODYS_ID}{rest}")

        assert refusal(response) == (404, "image_id")


def test_nobody_changes_history(admin: Project, image: Json) -> None:
    for path in (history(image), history(image, "/events")):
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            assert admin.request(method, path).status_code == 405


@pytest.mark.parametrize("query", ["version=1&version=2", "versoin=1", "at=2020-01-01&limit=1"])
def test_the_image_as_it_was_takes_no_unknown_or_repeated_argument(
    project: Project, query: str
) -> None:
    image_id = project.create()["id"]

    assert project.get(f"/history/v1/images/{image_id}?{query}").status_code == 400

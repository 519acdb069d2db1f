"""`hindsight history`."""

from uuid import uuid4

import pytest

from tests.cli.shell import Shell


@pytest.fixture
def image_id(member: Shell) -> str:
    """An image with a life: registered, filled, changed, deleted."""
    image = member.pushed(name="before", os="debian", id=str(uuid4()))
    assert member("images", "set", image["id"], "--name", "after", "--tag", "t").code == 0
    assert member("images", "delete", image["id"]).code == 0
    return str(image["id"])


def test_a_deleted_images_life_is_told_line_by_line(member: Shell, image_id: str) -> None:
    done = member("history", image_id)

    lines = done.out.splitlines()
    headings = [line.split() for line in lines if "  by mara@project-" in line]
    assert [heading[0] for heading in headings] == [str(n) for n in range(1, len(headings) + 1)]
    told = [" ".join(heading[2:-2]) for heading in headings]
    assert told[:3] == ["registered", "upload started", "data committed"]
    assert sorted(told[3:5]) == ["attribute changed", "tag added"]
    assert told[5:] == ["deletion requested", "data purged", "deleted"]
    assert "      name: before -> after" in lines
    assert "      os: - -> debian" in lines
    assert "      status: saving -> active" in lines
    assert f"      id: - -> {image_id}" not in lines


def test_machines_get_all_events(member: Shell, image_id: str) -> None:
    events = member("history", image_id, "--json").json

    assert [event["version"] for event in events] == list(range(1, 9))
    assert events[0]["actor"]["user"] == "mara"


def test_a_long_life_is_read_to_its_end(member: Shell) -> None:
    image_id = member.pushed()["id"]
    token = member.variables["HINDSIGHT_TOKEN"]
    with member.server.client(token) as api:
        media_type = {"Content-Type": "application/openstack-images-v2.1-json-patch"}
        for batch in range(3):
            patch = [
                {"op": "add", "path": "/count", "value": f"{batch}-{number}"}
                for number in range(70)
            ]
            api.patch(f"/v2/images/{image_id}", json=patch, headers=media_type).raise_for_status()

    events = member("history", image_id, "--json").json

    assert [event["version"] for event in events] == list(range(1, 214))


def test_the_image_is_shown_as_a_version_left_it(member: Shell, image_id: str) -> None:
    as_json = member("history", image_id, "--version", 3, "--json").json
    done = member("history", image_id, "--version", 3)

    assert as_json["image"]["name"] == "before"
    assert done.out.startswith("As version 3 left it, ")
    assert "status            active" in done.out.splitlines()


def test_the_image_is_shown_as_it_was_at_a_time(member: Shell, image_id: str) -> None:
    events = member("history", image_id, "--json").json

    for spelled in (events[2]["time"], events[2]["time"].replace("+00:00", "Z")):
        then = member("history", image_id, "--at", spelled, "--json").json
        assert then["version"] == 3


def test_a_name_leads_to_the_history_while_the_image_lives(member: Shell) -> None:
    image = member.pushed(name=f"alive-{uuid4()}")

    assert len(member("history", image["name"], "--json").json) == 3


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (("--version", "99"), 3, "has the versions 1 to 8"),
        (("--at", "2001-01-01"), 3, "has the versions 1 to 8"),
        (("--at", "yesterday"), 1, "at: must be a time of ISO 8601"),
        (("--at", "2001-01-01", "--version", "1"), 2, "not for both"),
        (("--version", "0"), 2, "--version"),
    ],
)
def test_moments_that_never_were_are_refused(
    member: Shell, image_id: str, options: tuple[str, ...], code: int, words: str
) -> None:
    done = member("history", image_id, *options)

    assert done.code == code
    assert words in done.err


def test_others_do_not_see_it(member: Shell, admin: Shell) -> None:
    image = admin.pushed()

    assert member("history", image["id"]).code == 3
    assert admin("history", image["id"]).code == 0


def test_the_reason_of_a_failed_upload_is_told(member: Shell) -> None:
    member.file("not.iso")
    failed = member("images", "push", "not.iso", "--disk-format", "iso", "--id", made := uuid4())
    assert failed.code == 1

    told = member("history", made).out

    assert "reason: disk_format is declared as iso" in told

"""An image's life as a user of `openstack image ...` leads it."""

from typing import Any
from uuid import uuid4

import pytest

from tests.clients.conftest import ImageFile
from tests.clients.openstackclient import OpenStack
from tests.images import image
from tests.server import Server

PATCH = "application/openstack-images-v2.1-json-patch"
Json = dict[str, Any]


@pytest.fixture
def v3(server: Server, member: OpenStack) -> Json:
    """An active image of the member, under a name of its own."""
    with server.client(member.token) as http:
        created = http.post(
            "/v2/images",
            json={
                "name": f"v3-{uuid4()}",
                "disk_format": "qcow2",
                "container_format": "bare",
                "tags": ["old", "kept"],
                "os_distro": "debian",
                "colour": "red",
            },
        ).json()
        http.put(
            created["file"],
            content=image("v3.qcow2"),
            headers={"Content-Type": "application/octet-stream"},
        ).raise_for_status()
        return shown(server, member, created["id"])


def shown(server: Server, user: OpenStack, image_id: str) -> Json:
    """Return an image as the API shows it."""
    with server.client(user.token) as http:
        document: Json = http.get(f"/v2/images/{image_id}").raise_for_status().json()
        return document


def test_create_passes_every_option_on(
    admin: OpenStack, image_file: ImageFile, server: Server
) -> None:
    image_id = str(uuid4())

    admin.run(
        *("image", "create", "Debian 12 ä", "--file", image_file("v3.qcow2")),
        *("--disk-format", "qcow2", "--container-format", "bare", "--id", image_id),
        *("--min-disk", "3", "--min-ram", "256", "--protected", "--public"),
        *("--property", "os_distro=debian", "--property", "note=a=b, c"),
        *("--tag", "one", "--tag", "two words"),
    )

    created = shown(server, admin, image_id)
    assert created["status"] == "active"
    assert created["name"] == "Debian 12 ä"
    assert (created["disk_format"], created["container_format"]) == ("qcow2", "bare")
    assert (created["min_disk"], created["min_ram"]) == (3, 256)
    assert created["protected"] is True
    assert created["visibility"] == "public"
    assert (created["os_distro"], created["note"]) == ("debian", "a=b, c")
    assert sorted(created["tags"]) == ["one", "two words"]
    assert created["owner"] == "admin"


def test_show_finds_an_image_by_id_and_by_name(member: OpenStack, v3: Json) -> None:
    by_id = member.json("image", "show", v3["id"])
    by_name = member.json("image", "show", v3["name"])

    assert by_id == by_name
    assert by_id["checksum"] == v3["checksum"]
    assert by_id["properties"]["colour"] == "red"


def test_show_says_that_there_is_no_such_image(member: OpenStack) -> None:
    said = member.refusal("image", "show", "no such image")

    assert "No Image found for no such image" in said


def test_set_and_unset_change_what_they_name(member: OpenStack, v3: Json, server: Server) -> None:
    member.run(
        *("image", "set", v3["id"], "--name", "renamed", "--min-disk", "4", "--min-ram", "512"),
        *("--property", "colour=green", "--property", "size_class=L", "--os-version", "12"),
        *("--tag", "new", "--protected", "--community", "--hidden"),
    )
    member.run("image", "unset", v3["id"], "--tag", "old", "--property", "os_distro")

    changed = shown(server, member, v3["id"])
    assert changed["name"] == "renamed"
    assert (changed["min_disk"], changed["min_ram"]) == (4, 512)
    assert (changed["colour"], changed["size_class"]) == ("green", "L")
    assert changed["os_version"] == "12"
    assert sorted(changed["tags"]) == ["kept", "new"]
    assert (changed["protected"], changed["os_hidden"]) == (True, True)
    assert changed["visibility"] == "community"
    assert "os_distro" not in changed
    assert changed["checksum"] == v3["checksum"]


def test_an_admin_gives_an_image_to_another_project(
    admin: OpenStack, v3: Json, server: Server
) -> None:
    # `--project` asks a Keystone for the project, and there is none.
    admin.run("image", "set", v3["id"], "--property", "owner=others")

    assert shown(server, admin, v3["id"])["owner"] == "others"


def test_save_gives_the_bytes_back(member: OpenStack, v3: Json) -> None:
    file = member.home / "saved"

    member.run("image", "save", "--file", file, v3["name"])
    printed = member.run("image", "save", v3["id"])

    assert file.read_bytes() == image("v3.qcow2")
    assert printed == image("v3.qcow2")


def test_delete_refuses_a_protected_image_and_says_why(
    member: OpenStack, v3: Json, server: Server
) -> None:
    with server.client(member.token) as http:
        change = [{"op": "replace", "path": "/protected", "value": True}]
        http.patch(v3["self"], json=change, headers={"Content-Type": PATCH}).raise_for_status()

    said = member.refusal("image", "delete", v3["id"])

    assert f"image {v3['id']} is protected" in said
    assert shown(server, member, v3["id"])["status"] == "active"


def test_delete_removes_an_image(member: OpenStack, v3: Json, server: Server) -> None:
    member.run("image", "delete", v3["name"])

    assert server.client(member.token).get(v3["self"]).status_code == 404
    assert server.client(member.token).get(v3["file"]).status_code == 404


def test_an_admin_withholds_an_image_and_releases_it(
    admin: OpenStack, member: OpenStack, v3: Json, server: Server
) -> None:
    admin.run("image", "set", v3["id"], "--deactivate")

    assert shown(server, member, v3["id"])["status"] == "deactivated"
    assert server.client(member.token).get(v3["file"]).status_code == 403

    admin.run("image", "set", v3["id"], "--activate")

    assert shown(server, member, v3["id"])["status"] == "active"


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--public"], "visibility: only an admin may make images public"),
        (["--min-disk", "-1"], "min_disk: "),
    ],
    ids=["forbidden", "bad request"],
)
def test_a_refused_request_tells_its_user_why(
    options: list[str], reason: str, member: OpenStack, image_file: ImageFile
) -> None:
    said = member.refusal("image", "create", "--file", image_file("plain.raw"), "no", *options)

    assert reason in said


def test_an_unknown_token_is_told_so(member: OpenStack) -> None:
    stranger = OpenStack(member.url, "unknown", member.home)

    assert "the token is unknown, expired or revoked" in stranger.refusal("image", "list")

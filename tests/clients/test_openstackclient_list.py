"""`openstack image list` and its filters."""

from typing import Any

import pytest

from tests.clients.openstackclient import OpenStack
from tests.images import image
from tests.server import Server

FORMATS = {"disk_format": "qcow2", "container_format": "bare"}
SHELF: dict[str, dict[str, Any]] = {
    "shelf-a": {"tags": ["shelf", "left"], "colour": "red"},
    "shelf-b": {"tags": ["shelf"], "visibility": "private", "colour": "blue"},
    "shelf-c": {"tags": ["shelf", "left"], "visibility": "public"},
    "shelf-d": {"tags": ["shelf"], "os_hidden": True},
    "shelf-e": {"tags": ["shelf"], "visibility": "community"},
}


@pytest.fixture(scope="module")
def librarian(server: Server, tmp_path_factory: pytest.TempPathFactory) -> OpenStack:
    """An admin whose project has the images of SHELF; of these shelf-a has data."""
    token = server.token(user="libby", project="library", roles=("admin",))
    with server.client(token) as http:
        for name, facts in SHELF.items():
            created = http.post("/v2/images", json={"name": name, **FORMATS, **facts})
            if name == "shelf-a":
                file = created.json()["file"]
                headers = {"Content-Type": "application/octet-stream"}
                http.put(file, content=image("v3.qcow2"), headers=headers).raise_for_status()
    return OpenStack(server.url, token, tmp_path_factory.mktemp("librarian"))


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ("", "a b c e"),
        ("--name shelf-b", "b"),
        ("--tag left --status active", "a"),
        ("--property colour=blue", "b"),
        ("--public", "c"),
        ("--private", "b"),
        ("--hidden", "d"),
        ("--max-items 2 --sort-column Name --sort-descending", "e c"),
        ("--limit 2 --sort name:desc", "e c"),
        ("--marker shelf-b", "a"),
    ],
)
def test_list_shows_what_the_options_ask_for(
    options: str, names: str, librarian: OpenStack
) -> None:
    found = librarian.names("--tag", "shelf", *options.split())

    assert found == [f"shelf-{name}" for name in names.split()]


def test_a_long_list_describes_each_image(librarian: OpenStack) -> None:
    [row] = librarian.json("image", "list", "--long", "--name", "shelf-a")

    assert row["Disk Format"] == "qcow2"
    assert row["Container Format"] == "bare"
    assert row["Size"] == len(image("v3.qcow2"))
    assert row["Status"] == "active"
    assert row["Visibility"] == "shared"
    assert row["Protected"] is False
    assert row["Project"] == "library"
    assert row["Hash Algorithm"] == "sha512"
    assert row["Tags"] == ["left", "shelf"]

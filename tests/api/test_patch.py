"""Changing images (Images API v2, "Update image")."""

from typing import Any

import pytest

from tests.api.project import PATCH_2_0, PATCH_2_1, Json, Project, refusal

ATTRIBUTES = {
    "name": "another name",
    "disk_format": "iso",
    "container_format": "ovf",
    "min_disk": 7,
    "min_ram": 512,
    "protected": True,
    "os_hidden": True,
    "visibility": "community",
    "tags": ["one", "two"],
}


@pytest.mark.parametrize("op", ["add", "replace"])
@pytest.mark.parametrize("name", ATTRIBUTES)
def test_an_attribute_gets_another_value(project: Project, image: Json, name: str, op: str) -> None:
    value: Any = ATTRIBUTES[name]

    response = project.patch(image, {"op": op, "path": f"/{name}", "value": value})

    assert response.status_code == 200
    assert response.json() == {**image, name: value, "updated_at": response.json()["updated_at"]}
    assert project.show(image) == response.json()


@pytest.mark.parametrize("name", ["name", "disk_format", "container_format"])
def test_some_attributes_may_be_unset(project: Project, image: Json, name: str) -> None:
    response = project.patch(image, {"op": "replace", "path": f"/{name}", "value": None})

    assert response.json()[name] is None


def test_properties_come_change_and_go(project: Project, image: Json) -> None:
    added = project.patch(image, {"op": "add", "path": "/os_distro", "value": "debian"})
    again = project.patch(image, {"op": "add", "path": "/os_distro", "value": "ubuntu"})
    replaced = project.patch(image, {"op": "replace", "path": "/os_distro", "value": "fedora"})
    removed = project.patch(image, {"op": "remove", "path": "/os_distro"})

    assert [r.json().get("os_distro") for r in (added, again, replaced, removed)] == [
        "debian",
        "ubuntu",
        "fedora",
        None,
    ]
    assert "os_distro" not in removed.json()


def test_a_pointer_may_escape_slashes_and_tildes(project: Project, image: Json) -> None:
    response = project.patch(image, {"op": "add", "path": "/a~1b~0c~01", "value": "x"})

    assert response.json()["a/b~c~1"] == "x"


def test_a_patch_of_nothing_changes_nothing(project: Project, image: Json) -> None:
    response = project.patch(image)

    assert response.json() == image
    assert len(project.events(image)) == 1


def test_what_is_so_already_is_no_change(project: Project, image: Json) -> None:
    response = project.patch(image, {"op": "replace", "path": "/name", "value": image["name"]})

    assert response.json() == image
    assert len(project.events(image)) == 1


def test_the_changes_of_a_patch_follow_each_other(project: Project, image: Json) -> None:
    response = project.patch(
        image,
        {"op": "add", "path": "/first", "value": "1"},
        {"op": "replace", "path": "/first", "value": "2"},
        {"op": "remove", "path": "/first"},
        {"op": "add", "path": "/second", "value": "3"},
    )

    assert "first" not in response.json()
    assert response.json()["second"] == "3"


@pytest.mark.parametrize(
    "last",
    [
        {"op": "remove", "path": "/missing"},
        {"op": "remove", "path": "/name"},
        {"op": "replace", "path": "/status", "value": "active"},
        {"op": "replace", "path": "/visibility", "value": "public"},
        {"op": "replace", "path": "/min_ram", "value": "much"},
        {"op": "move", "path": "/name", "value": "x"},
    ],
    ids=lambda change: f"{change['op']} {change['path']}",
)
def test_a_patch_happens_whole_or_not_at_all(project: Project, image: Json, last: Json) -> None:
    response = project.patch(
        image,
        {"op": "replace", "path": "/name", "value": "changed"},
        {"op": "add", "path": "/os_distro", "value": "debian"},
        last,
    )

    assert response.status_code in {400, 403, 409}
    assert project.show(image) == image
    assert len(project.events(image)) == 1


@pytest.mark.parametrize("op", ["add", "replace", "remove"])
@pytest.mark.parametrize(
    "name",
    ["id", "status", "size", "virtual_size", "checksum", "os_hash_algo", "os_hash_value",
     "created_at", "updated_at", "self", "file", "schema", "direct_url",
     "os_glance_import_task", "locations", "location", "deleted", "deleted_at"],
)  # fmt: skip
def test_read_only_and_reserved_attributes_stay(
    project: Project, image: Json, name: str, op: str
) -> None:
    response = project.patch(image, {"op": op, "path": f"/{name}", "value": "x"})

    assert refusal(response) == (403, name)
    assert project.show(image) == image


@pytest.mark.parametrize("name", [*ATTRIBUTES, "owner"])
def test_what_every_image_has_is_not_removed(project: Project, image: Json, name: str) -> None:
    assert refusal(project.patch(image, {"op": "remove", "path": f"/{name}"})) == (403, name)


@pytest.mark.parametrize("op", ["replace", "remove"])
def test_a_property_that_is_not_there_is_a_conflict(project: Project, image: Json, op: str) -> None:
    response = project.patch(image, {"op": op, "path": "/missing", "value": "x"})

    assert refusal(response) == (409, "missing")


def test_only_admins_publish_and_give_away(
    project: Project, other: Project, admin: Project, image: Json
) -> None:
    publish = {"op": "replace", "path": "/visibility", "value": "public"}
    give = {"op": "replace", "path": "/owner", "value": other.name}

    assert refusal(project.patch(image, publish)) == (403, "visibility")
    assert refusal(project.patch(image, give)) == (403, "owner")
    assert admin.patch(image, give).json()["owner"] == other.name
    assert other.show(image)["owner"] == other.name
    assert project.get(image["self"]).status_code == 404


def test_the_owner_of_a_published_image_may_go_on_changing_it(
    project: Project, admin: Project, image: Json
) -> None:
    admin.patch(image, {"op": "replace", "path": "/visibility", "value": "public"})

    renamed = project.patch(image, {"op": "replace", "path": "/name", "value": "renamed"})
    same = project.patch(image, {"op": "replace", "path": "/visibility", "value": "public"})
    hidden = project.patch(image, {"op": "replace", "path": "/visibility", "value": "private"})

    assert [r.status_code for r in (renamed, same, hidden)] == [200, 200, 200]
    again = project.patch(image, {"op": "replace", "path": "/visibility", "value": "public"})
    assert refusal(again) == (403, "visibility")


@pytest.mark.parametrize("name", ["disk_format", "container_format"])
def test_formats_are_fixed_once_data_has_come(project: Project, active: Json, name: str) -> None:
    response = project.patch(active, {"op": "replace", "path": f"/{name}", "value": "ami"})

    assert refusal(response) == (409, "status")
    same = project.patch(active, {"op": "replace", "path": f"/{name}", "value": active[name]})
    assert same.status_code == 200


def test_draft_4_patches_are_understood(project: Project, image: Json) -> None:
    response = project.patch(
        image,
        {"replace": "/name", "value": "another"},
        {"add": "/os_distro", "value": "debian"},
        {"add": "/short_lived", "value": "x"},
        {"remove": "/short_lived"},
        media_type=PATCH_2_0,
    )

    assert response.status_code == 200
    assert response.json()["name"] == "another"
    assert response.json()["os_distro"] == "debian"
    assert "short_lived" not in response.json()


@pytest.mark.parametrize("name", ["name", "tags", "os_distro"])
def test_draft_4_adds_only_what_is_not_there(project: Project, name: str) -> None:
    image = project.create(os_distro="debian")
    value = ["x"] if name == "tags" else "x"

    response = project.patch(image, {"add": f"/{name}", "value": value}, media_type=PATCH_2_0)

    assert refusal(response) == (409, name)


@pytest.mark.parametrize(
    ("media_type", "change"),
    [
        (PATCH_2_1, {"replace": "/name", "value": "x"}),
        (PATCH_2_0, {"op": "replace", "path": "/name", "value": "x"}),
        (PATCH_2_0, {"add": "/a", "remove": "/b", "value": "x"}),
    ],
    ids=["2.0 as 2.1", "2.1 as 2.0", "two operations in one"],
)
def test_each_media_type_has_its_own_form(
    project: Project, image: Json, media_type: str, change: Json
) -> None:
    assert refusal(project.patch(image, change, media_type=media_type)) == (400, "op")


@pytest.mark.parametrize(
    "media_type", ["application/json", "application/json-patch+json", "text/plain", ""]
)
def test_other_media_types_are_told_what_would_do(
    project: Project, image: Json, media_type: str
) -> None:
    change = {"op": "replace", "path": "/name", "value": "x"}

    response = project.patch(image, change, media_type=media_type)

    assert refusal(response) == (415, "Content-Type")
    assert set(response.headers["Accept-Patch"].split(", ")) == {PATCH_2_0, PATCH_2_1}

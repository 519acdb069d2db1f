"""Registering, showing and deleting images (Images API v2, "Images")."""

from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from tests.api.conftest import NewProject
from tests.api.project import NOBODYS_ID, Json, Project, refusal
from tests.server import Server


def test_an_image_needs_nothing_said_about_it(project: Project) -> None:
    document = project.create()

    image_id = str(UUID(document.pop("id")))
    assert document.pop("created_at") == document.pop("updated_at")
    assert document == {
        "name": None,
        "status": "queued",
        "visibility": "shared",
        "owner": project.name,
        "disk_format": None,
        "container_format": None,
        "size": None,
        "virtual_size": None,
        "min_disk": 0,
        "min_ram": 0,
        "checksum": None,
        "os_hash_algo": None,
        "os_hash_value": None,
        "protected": False,
        "os_hidden": False,
        "tags": [],
        "self": f"/v2/images/{image_id}",
        "file": f"/v2/images/{image_id}/file",
        "schema": "/v2/schemas/image",
    }


EVERYTHING: Json = {
    "name": "Ubuntu, für alle",
    "visibility": "private",
    "disk_format": "qcow2",
    "container_format": "bare",
    "min_disk": 10,
    "min_ram": 2**31 - 1,
    "protected": True,
    "os_hidden": True,
    "tags": ["ready", "töstet"],
    "os_distro": "ubuntu",
    "a property / with ~ odd characters": "",
}


def test_what_was_said_about_an_image_is_shown_again(project: Project) -> None:
    document = project.create(**EVERYTHING)

    assert {name: document[name] for name in EVERYTHING} == EVERYTHING
    assert project.show(document) == document


def test_the_location_of_a_new_image_leads_to_it(project: Project, server: Server) -> None:
    response = project.post("/v2/images", json={"name": "found"})

    location = response.headers["Location"]
    assert location == f"{server.url}/v2/images/{response.json()['id']}"
    assert project.get(location).json() == response.json()


@pytest.mark.parametrize("spelled", [str.lower, str.upper])
def test_a_client_may_choose_the_id(project: Project, spelled: Any) -> None:
    chosen = str(uuid4())

    document = project.create(id=spelled(chosen))

    assert document["id"] == chosen
    assert project.get(f"/v2/images/{chosen.upper()}").json() == document


def test_an_id_is_given_once(project: Project, other: Project, image: Json) -> None:
    for creator in (project, other):
        response = creator.post("/v2/images", json={"id": image["id"], "name": "a double"})

        assert refusal(response) == (409, "id")
    assert project.show(image) == image


def test_the_id_of_a_deleted_image_is_not_given_again(project: Project, image: Json) -> None:
    project.delete(image["self"])

    response = project.post("/v2/images", json={"id": image["id"]})

    assert refusal(response) == (409, "id")


@pytest.mark.parametrize("visibility", ["community", "shared", "private"])
def test_members_choose_who_sees_their_images(project: Project, visibility: str) -> None:
    assert project.create(visibility=visibility)["visibility"] == visibility


def test_only_admins_make_public_images(project: Project, admin: Project) -> None:
    response = project.post("/v2/images", json={"visibility": "public"})

    assert refusal(response) == (403, "visibility")
    image = admin.create(visibility="public")
    assert project.show(image) == image
    assert admin.delete(image["self"]).status_code == 204


def test_only_admins_register_images_for_others(
    project: Project, other: Project, admin: Project
) -> None:
    response = project.post("/v2/images", json={"owner": other.name})

    assert refusal(response) == (403, "owner")
    image = admin.create(owner=other.name)
    assert other.show(image)["owner"] == other.name
    assert project.get(image["self"]).status_code == 404


def test_members_may_name_themselves_as_owners(project: Project) -> None:
    assert project.create(owner=project.name)["owner"] == project.name


@pytest.mark.parametrize(
    "name",
    ["status", "size", "virtual_size", "checksum", "os_hash_algo", "os_hash_value", "created_at",
     "updated_at", "self", "file", "schema", "direct_url", "stores"],
)  # fmt: skip
def test_what_the_service_sets_is_no_clients_to_set(project: Project, name: str) -> None:
    assert refusal(project.post("/v2/images", json={name: "active"})) == (403, name)


@pytest.mark.parametrize("name", ["os_glance_import_task", "locations", "deleted", "deleted_at"])
def test_reserved_names_are_no_properties(project: Project, name: str) -> None:
    assert refusal(project.post("/v2/images", json={name: "x"})) == (403, name)


def test_an_image_that_never_was_is_not_found(project: Project) -> None:
    for method in ("GET", "DELETE"):
        response = project.request(method, f"/v2/images/{NOBODYS_ID}")

        assert refusal(response) == (404, "image_id")


def test_showing_an_image_tells_its_length_without_a_body(project: Project, image: Json) -> None:
    whole = project.get(image["self"])

    response = project.request("HEAD", image["self"])

    assert response.status_code == 200
    assert response.content == b""
    assert response.headers["Content-Length"] == str(len(whole.content))


def test_a_deleted_image_is_gone(project: Project, active: Json) -> None:
    response = project.delete(active["self"])

    assert response.status_code == 204
    assert response.content == b""
    for method, path in (
        ("GET", active["self"]),
        ("DELETE", active["self"]),
        ("GET", active["file"]),
        ("PUT", f"{active['self']}/tags/late"),
    ):
        assert project.request(method, path).status_code == 404
    assert project.patch(active, {"op": "add", "path": "/name", "value": "x"}).status_code == 404
    assert project.upload(active, b"again").status_code == 404
    assert project.page()["images"] == []


def test_a_deleted_images_bytes_are_gone(project: Project, active: Json, server: Server) -> None:
    stored = list((server.data / "blobs").rglob(f"*{active['id']}*/*"))
    assert stored

    project.delete(active["self"])

    assert not any(path.exists() for path in stored)


def test_a_protected_image_is_not_deleted(project: Project) -> None:
    image = project.active(protected=True)

    response = project.delete(image["self"])

    assert refusal(response) == (403, "protected")
    assert project.get(image["file"]).content == b"some bytes"
    project.patch(image, {"op": "replace", "path": "/protected", "value": False})
    assert project.delete(image["self"]).status_code == 204


def test_what_one_connection_writes_every_other_reads_at_once(
    project: Project, server: Server
) -> None:
    """Several processes answer: which one is a matter of the connection."""
    headers = {"X-Auth-Token": project.token}
    image = project.create(name="0")

    for step in range(1, 25):
        change = {"op": "replace", "path": "/name", "value": str(step)}
        assert project.patch(image, change).json()["name"] == str(step)
        shown = httpx.get(f"{server.url}{image['self']}", headers=headers, verify=False)  # noqa: S501 - no TLS
        assert shown.json()["name"] == str(step)
        assert project.names(f"name={step}") == [str(step)]


def test_every_response_has_an_id_of_its_own(project: Project, http: httpx.Client) -> None:
    responses = [
        project.get("/v2/images"),
        project.get("/v2/images"),
        project.post("/v2/images", json={}),
        project.get("/nowhere"),
        project.get(f"/v2/images/{NOBODYS_ID}"),
        project.put("/v2/images"),
        project.request("OPTIONS", "/v2/images"),
        http.get("/v2/images"),
    ]

    assert [r.status_code for r in responses] == [200, 200, 201, 404, 404, 405, 200, 401]
    ids = {response.headers["x-openstack-request-id"] for response in responses}
    assert len(ids) == len(responses)


def test_an_unknown_method_is_told_which_ones_there_are(project: Project, image: Json) -> None:
    response = project.request("BREW", image["self"])

    assert response.status_code == 405
    assert {"GET", "PATCH", "DELETE"} <= set(response.headers["Allow"].split(", "))


def test_roles_add_up(new_project: NewProject) -> None:
    both = new_project("auditor", "member")

    assert both.create(name="mine")["owner"] == both.name

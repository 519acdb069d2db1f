"""The JSON Schemas, and that what the API gives keeps to them (Images API v2, "Image schemas")."""

from typing import Any

import pytest
from jsonschema import Draft4Validator, Draft202012Validator
from jsonschema.exceptions import ValidationError

from domain import rules
from tests.api.conftest import NewProject
from tests.api.project import Json, Project

VALIDATORS = [Draft4Validator, Draft202012Validator]


@pytest.fixture(scope="module")
def owner(new_project: NewProject) -> Project:
    return new_project()


@pytest.fixture(scope="module")
def documents(owner: Project, admin: Project) -> list[Json]:
    """Images in every state that lasts, with little and with much said about them."""
    plain = owner.create()
    much = owner.create(
        name="x" * 255,
        visibility="community",
        disk_format="qcow2",
        container_format="bare",
        min_disk=2**31 - 1,
        min_ram=1,
        protected=True,
        os_hidden=True,
        tags=["x" * 255, "ü"],
        os_distro="debian",
        empty="",
    )
    killed = owner.create(disk_format="raw", container_format="bare")
    owner.upload(killed, b"12345", x_openstack_image_size="6")
    active, empty, withheld = owner.active(), owner.active(b""), owner.active()
    admin.post(f"{withheld['self']}/actions/deactivate")
    changed = owner.create(name="x")
    owner.patch(changed, {"op": "replace", "path": "/name", "value": None})
    return [owner.show(i) for i in (plain, much, killed, active, empty, withheld, changed)]


def schema(project: Project, name: str) -> Json:
    response = project.get(f"/v2/schemas/{name}")
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/json"
    document: Json = response.json()
    return document


@pytest.mark.parametrize("name", ["image", "images"])
@pytest.mark.parametrize("validator", VALIDATORS)
def test_a_schema_is_a_json_schema(owner: Project, name: str, validator: Any) -> None:
    described = schema(owner, name)

    validator.check_schema(described)
    assert described["name"] == name


@pytest.mark.parametrize("validator", VALIDATORS)
def test_every_image_keeps_to_the_schema(
    owner: Project, documents: list[Json], validator: Any
) -> None:
    against = validator(schema(owner, "image"))

    for document in documents:
        against.validate(document)


@pytest.mark.parametrize("validator", VALIDATORS)
@pytest.mark.parametrize("query", ["", "limit=2", "os_hidden=true", "limit=0", "name=nothing"])
def test_every_page_keeps_to_the_schema(
    owner: Project, documents: list[Json], validator: Any, query: str
) -> None:
    validator(schema(owner, "images")).validate(owner.page(query))


@pytest.mark.parametrize("validator", VALIDATORS)
def test_images_of_every_version_keep_to_the_schema(
    owner: Project, documents: list[Json], validator: Any
) -> None:
    against = validator(schema(owner, "image"))

    for document in documents:
        for event in owner.events(document):
            path = f"/history/v1/images/{document['id']}?version={event['version']}"
            against.validate(owner.get(path).json()["image"])


def test_every_member_of_an_image_is_described(owner: Project, documents: list[Json]) -> None:
    described = schema(owner, "image")["properties"]

    assert set(documents[0]) == set(described)
    assert all(member["description"] for member in described.values())


def test_the_schema_says_what_the_service_sets(owner: Project) -> None:
    described = schema(owner, "image")["properties"]
    read_only = {name for name, member in described.items() if member.get("readOnly")}

    assert read_only == {
        "status", "size", "virtual_size", "checksum", "os_hash_algo", "os_hash_value",
        "created_at", "updated_at", "self", "file", "schema",
    }  # fmt: skip
    for name in read_only:
        assert owner.post("/v2/images", json={name: None}).status_code == 403


@pytest.mark.parametrize("name", ["disk_format", "container_format", "visibility"])
def test_every_choice_that_the_schema_gives_is_taken(
    owner: Project, admin: Project, name: str
) -> None:
    for choice in schema(owner, "image")["properties"][name]["enum"]:
        image = admin.create(**{name: choice, "owner": owner.name})

        assert image[name] == choice
        admin.delete(image["self"])


def test_the_formats_are_those_of_the_rules(owner: Project) -> None:
    described = schema(owner, "image")["properties"]

    assert described["disk_format"]["enum"] == [None, *rules.DISK_FORMATS]
    assert described["container_format"]["enum"] == [None, *rules.CONTAINER_FORMATS]


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("name", 1),
        ("name", "x" * 256),
        ("min_ram", -1),
        ("min_ram", 2**31),
        ("visibility", "secret"),
        ("tags", ["x" * 256]),
        ("protected", "true"),
        ("id", "x"),
        ("disk_format", "floppy"),
        ("os_distro", 1),
        ("os_distro", None),
    ],
)
@pytest.mark.parametrize("validator", VALIDATORS)
def test_what_the_api_refuses_the_schema_refuses(
    owner: Project, documents: list[Json], member: str, value: object, validator: Any
) -> None:
    against = validator(schema(owner, "image"))

    with pytest.raises(ValidationError):
        against.validate({**documents[0], member: value})
    assert owner.post("/v2/images", json={member: value}).status_code == 400

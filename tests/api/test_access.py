"""Who may do what: every route, as everyone who may ask."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.main import create_app, open_hindsight
from app.settings import load_settings
from tests.api.conftest import NewProject
from tests.api.project import BYTES, PATCH_2_1, Json, Project, refusal

OPEN = {
    ("GET", "/"),
    ("GET", "/versions"),
    ("GET", "/v2"),
    ("GET", "/v2/"),
    ("GET", "/healthcheck"),
    ("GET", "/metrics"),
}
FOR_ALL_WHO_HAVE_A_TOKEN = {
    ("GET", "/v2/images"),
    ("GET", "/v2/schemas/image"),
    ("GET", "/v2/schemas/images"),
}
REGISTERING = ("POST", "/v2/images")

IMAGE = "/v2/images/<uuid:image_id>"
HISTORY = "/history/v1/images/<uuid:image_id>"
READING = {("GET", IMAGE), ("GET", f"{IMAGE}/file")}
AUDITING = {("GET", HISTORY), ("GET", f"{HISTORY}/events")}
CHANGING = {
    ("PATCH", IMAGE),
    ("DELETE", IMAGE),
    ("PUT", f"{IMAGE}/file"),
    ("PUT", f"{IMAGE}/tags/<tag>"),
    ("DELETE", f"{IMAGE}/tags/<tag>"),
    ("POST", f"{IMAGE}/actions/deactivate"),
    ("POST", f"{IMAGE}/actions/reactivate"),
    ("POST", f"{IMAGE}/actions/restore"),
}
ABOUT_AN_IMAGE = READING | AUDITING | CHANGING
EVERY_ROUTE = OPEN | FOR_ALL_WHO_HAVE_A_TOKEN | {REGISTERING} | ABOUT_AN_IMAGE

Route = tuple[str, str]


def test_every_route_is_in_the_table_above(tmp_path: Path) -> None:
    hindsight = open_hindsight(load_settings(data=tmp_path / "data"))
    try:
        rules = list(create_app(hindsight).url_map.iter_rules())
    finally:
        hindsight.close()

    routes = {
        (method, rule.rule)
        for rule in rules
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert routes == EVERY_ROUTE


def each(routes: set[Route]) -> pytest.MarkDecorator:
    named = sorted(routes)
    return pytest.mark.parametrize("route", named, ids=[" ".join(route) for route in named])


def ask(user: Project, route: Route, image: Json, **headers: str) -> tuple[int, str | None]:
    """Send a request that its route would take, and return its status and refused field."""
    method, rule = route
    path = rule.replace("<uuid:image_id>", image["id"]).replace("<tag>", "old")
    body, media_type = b"", "application/json"
    if route == REGISTERING:
        body = b"{}"
    elif method == "PATCH":
        body = b'[{"op": "replace", "path": "/name", "value": "stolen"}]'
        media_type = PATCH_2_1
    elif path.endswith("/file"):
        body, media_type = b"stolen", BYTES
    response = user.request(
        method, path, content=body, headers={"Content-Type": media_type, **headers}
    )
    return (response.status_code, None) if response.is_success else refusal(response)


@pytest.fixture(params=["private", "shared"])
def secret(request: pytest.FixtureRequest, project: Project) -> Json:
    """An image that only its project may see."""
    return project.create(
        visibility=request.param, tags=["old"], disk_format="raw", container_format="bare"
    )


@pytest.fixture(params=["public", "community"])
def published(request: pytest.FixtureRequest, project: Project, admin: Project) -> Iterator[Json]:
    """An image with data that all may read."""
    image = project.active(tags=["old"], name=f"published by {project.name}")
    visible = {"op": "replace", "path": "/visibility", "value": request.param}
    yield admin.patch(image, visible).json()
    admin.delete(image["self"])


@each(ABOUT_AN_IMAGE)
def test_what_others_may_not_see_is_not_there(
    project: Project, other: Project, secret: Json, route: Route
) -> None:
    assert ask(other, route, secret) == (404, "image_id")
    assert project.show(secret) == secret
    assert len(project.events(secret)) == 1


@each(CHANGING)
def test_what_others_may_not_see_is_not_there_for_auditors(
    project: Project, new_project: NewProject, secret: Json, route: Route
) -> None:
    assert ask(new_project("auditor"), route, secret) == (404, "image_id")
    assert project.show(secret) == secret


def test_what_others_may_not_see_is_in_no_list(other: Project, secret: Json) -> None:
    for query in (
        "limit=1000",
        f"id={secret['id']}",
        f"owner={secret['owner']}",
        f"visibility={secret['visibility']}&owner={secret['owner']}",
        f"visibility=all&owner={secret['owner']}",
        f"tag=old&owner={secret['owner']}",
    ):
        ids = [image["id"] for image in other.page(query)["images"]]
        assert secret["id"] not in ids
    response = other.get(f"/v2/images?marker={secret['id']}")
    assert refusal(response) == (400, "marker")


def test_a_hidden_marker_and_one_that_never_was_are_told_apart_by_nobody(
    other: Project, secret: Json
) -> None:
    never = "11111111-2222-4333-8444-555555555555"
    messages = [
        other.get(path.format(image_id)).json()["error"]["message"].replace(image_id, "ID")
        for path in ("/v2/images?marker={}", "/v2/images/{}", "/history/v1/images/{}")
        for image_id in (secret["id"], never)
    ]

    assert messages[::2] == messages[1::2]


@each(READING)
def test_published_images_may_be_read(other: Project, published: Json, route: Route) -> None:
    assert ask(other, route, published) == (200, None)


@each(AUDITING)
def test_the_history_of_published_images_stays_their_owners(
    other: Project, published: Json, route: Route
) -> None:
    assert ask(other, route, published) == (404, "image_id")


@each(CHANGING)
def test_published_images_are_changed_by_their_owners_only(
    project: Project, other: Project, published: Json, route: Route
) -> None:
    status, _ = ask(other, route, published)

    assert status == 403
    assert project.show(published) == published


@each(CHANGING | {REGISTERING})
@pytest.mark.parametrize("role", ["reader", "auditor"])
def test_readers_and_auditors_change_nothing(
    project: Project, new_project: NewProject, image: Json, role: str, route: Route
) -> None:
    project.put(f"{image['self']}/tags/old")
    user = new_project(role, name=project.name)
    before = project.show(image)

    status, _ = ask(user, route, image)

    assert status == 403
    assert project.show(image) == before


@each(READING | AUDITING | FOR_ALL_WHO_HAVE_A_TOKEN)
@pytest.mark.parametrize("role", ["reader", "member", "auditor", "admin"])
def test_every_role_reads_what_is_its_projects(
    project: Project, new_project: NewProject, active: Json, role: str, route: Route
) -> None:
    assert ask(new_project(role, name=project.name), route, active) == (200, None)


@each(ABOUT_AN_IMAGE)
def test_admins_may_do_everything(
    project: Project, admin: Project, image: Json, route: Route
) -> None:
    project.put(f"{image['self']}/tags/old")
    if "actions" in route[1]:
        project.upload(image, b"some bytes")

    status, _ = ask(admin, route, image)

    nothing_to_restore = {409}
    assert status in (nothing_to_restore if route[1].endswith("/restore") else {200, 204})


@each(EVERY_ROUTE - OPEN)
@pytest.mark.parametrize("token", ["", "unknown", "x" * 4000], ids=["none", "unknown", "long"])
def test_without_a_valid_token_nothing_is_done(
    project: Project, image: Json, route: Route, token: str
) -> None:
    nobody = Project(project.http, "nobody", token)

    assert ask(nobody, route, image) == (401, "X-Auth-Token")
    assert project.show(image) == image


@each(OPEN)
@pytest.mark.parametrize("token", ["", "unknown"])
def test_what_is_open_is_told_whatever_the_token(
    image: Json, project: Project, route: Route, token: str
) -> None:
    response = project.http.request(*route, headers={"X-Auth-Token": token})

    assert response.status_code in {200, 300}

"""Tags, deactivating and reactivating (Images API v2, "Image tags", "Deactivate image")."""

import pytest

from tests.api.project import Json, Project, refusal


def tag(project: Project, image: Json, name: str, method: str = "PUT") -> int:
    return project.request(method, f"{image['self']}/tags/{name}").status_code


def test_tags_come_and_go(project: Project, image: Json) -> None:
    assert [tag(project, image, name) for name in ("b", "a", "b")] == [204, 204, 204]
    assert project.show(image)["tags"] == ["a", "b"]

    assert tag(project, image, "a", "DELETE") == 204

    assert project.show(image)["tags"] == ["b"]
    assert [event["type"] for event in project.events(image)][1:] == [
        "tag_added",
        "tag_added",
        "tag_removed",
    ]


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("two%20words", "two words"),
        ("a+b", "a+b"),
        ("%C3%BCber", "über"),
        ("100%25", "100%"),
        ("what%3F", "what?"),
        ("%23one", "#one"),
        ("back%5Cslash", "back\\slash"),
        ("x" * 255, "x" * 255),
        ("...", "..."),
    ],
    ids=["space", "plus", "umlaut", "percent", "question", "hash", "backslash", "long", "dots"],
)
def test_a_tag_may_hold_what_a_url_escapes(
    project: Project, image: Json, path: str, shown: str
) -> None:
    assert tag(project, image, path) == 204
    assert project.show(image)["tags"] == [shown]
    assert tag(project, image, path, "DELETE") == 204
    assert project.show(image)["tags"] == []


def test_a_tag_that_is_not_there_is_not_found(project: Project, image: Json) -> None:
    response = project.delete(f"{image['self']}/tags/missing")

    assert refusal(response) == (404, "tag")


def test_tags_given_twice_count_once(project: Project) -> None:
    assert project.create(tags=["b", "a", "b"])["tags"] == ["a", "b"]


def test_an_image_has_at_most_128_tags(project: Project) -> None:
    image = project.create(tags=[f"t{number}" for number in range(128)])

    response = project.put(f"{image['self']}/tags/one-more")

    assert refusal(response) == (413, "tags")
    assert len(project.show(image)["tags"]) == 128


def test_an_admin_withholds_an_images_data(project: Project, admin: Project, active: Json) -> None:
    response = admin.post(f"{active['self']}/actions/deactivate")

    assert response.status_code == 204
    assert project.show(active)["status"] == "deactivated"
    assert refusal(project.get(active["file"])) == (403, "status")
    assert admin.get(active["file"]).content == b"some bytes"


def test_an_admin_releases_the_data_again(project: Project, admin: Project, active: Json) -> None:
    admin.post(f"{active['self']}/actions/deactivate")

    response = admin.post(f"{active['self']}/actions/reactivate")

    assert response.status_code == 204
    assert project.show(active)["status"] == "active"
    assert project.get(active["file"]).content == b"some bytes"


@pytest.mark.parametrize("action", ["deactivate", "reactivate"])
def test_doing_it_twice_is_doing_it_once(
    project: Project, admin: Project, active: Json, action: str
) -> None:
    admin.post(f"{active['self']}/actions/deactivate")
    first = admin.post(f"{active['self']}/actions/{action}")
    told = len(project.events(active))

    second = admin.post(f"{active['self']}/actions/{action}")

    assert (first.status_code, second.status_code) == (204, 204)
    assert len(project.events(active)) == told


@pytest.mark.parametrize("action", ["deactivate", "reactivate"])
def test_only_admins_withhold_and_release(project: Project, active: Json, action: str) -> None:
    response = project.post(f"{active['self']}/actions/{action}")

    assert refusal(response) == (403, "status")
    assert project.show(active)["status"] == "active"


@pytest.mark.parametrize("action", ["deactivate", "reactivate"])
def test_without_data_there_is_nothing_to_withhold(
    project: Project, admin: Project, image: Json, action: str
) -> None:
    response = admin.post(f"{image['self']}/actions/{action}")

    assert refusal(response) == (403, "status")
    assert project.show(image) == image


def test_a_deactivated_image_can_be_changed_and_deleted(
    project: Project, admin: Project, active: Json
) -> None:
    admin.post(f"{active['self']}/actions/deactivate")

    renamed = project.patch(active, {"op": "replace", "path": "/name", "value": "renamed"})

    assert renamed.json()["status"] == "deactivated"
    assert project.upload(active, b"other bytes").status_code == 409
    assert project.delete(active["self"]).status_code == 204


@pytest.mark.parametrize("tag", ["%FF", "a%80b", "%ED%A0%80"])
def test_a_tag_that_is_no_utf_8_is_refused(project: Project, tag: str) -> None:
    image = project.create()

    assert refusal(project.put(f"/v2/images/{image['id']}/tags/{tag}")) == (400, "tag")
    assert project.show(image)["tags"] == []

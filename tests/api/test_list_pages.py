"""Order and pages of a list (Images API v2, "Pagination" and "Sorting")."""

from itertools import pairwise
from typing import Literal
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from projections.image_list import SORT_KEYS
from tests.api.conftest import NewProject
from tests.api.project import NOBODYS_ID, Json, Project, refusal

Direction = Literal["asc", "desc"]
Sort = list[tuple[str, Direction]]

SPECS = st.lists(
    st.tuples(st.sampled_from(SORT_KEYS), st.sampled_from(["asc", "desc"])),
    min_size=1,
    max_size=4,
    unique_by=lambda key: key[0],
)


@pytest.fixture(scope="module")
def owner(new_project: NewProject) -> Project:
    return new_project()


@pytest.fixture(scope="module")
def images(owner: Project) -> list[Json]:
    """Images with ties in every key, and with null names, formats and sizes."""
    return [
        owner.create(),
        owner.create(),
        owner.create(name="b", disk_format="raw"),
        owner.create(name="b", disk_format="qcow2", container_format="bare"),
        owner.create(name="a", disk_format="qcow2", container_format="ovf"),
        owner.create(name="B"),
        owner.active(b"22", name="b"),
        owner.active(b"22", name="a"),
        owner.active(b"1"),
        owner.active(b"", name=None),
        owner.active(b"4444", name="ä", disk_format="iso", container_format="docker"),
    ]


def own(project: Project, query: str = "") -> Json:
    """Return a page of a project's own images, whatever others publish."""
    return project.page(f"{query}&owner={project.name}")


def walk(project: Project, query: str) -> tuple[list[Json], int]:
    """Return all images of a list and the number of its pages, following `next`."""
    page = project.page(query)
    found, pages = page["images"], 1
    while "next" in page:
        page = project.get(page["next"]).json()
        assert page["images"], "a page that was announced is empty"
        found, pages = found + page["images"], pages + 1
    return found, pages


def in_order(images: list[Json], sort: Sort) -> bool:
    """Whether images are in an order, as far as their documents tell."""
    return all(_may_follow(one, two, sort) for one, two in pairwise(images))


def _may_follow(one: Json, two: Json, sort: Sort) -> bool:
    for key, direction in sort:
        left, right = _comparable(one[key]), _comparable(two[key])
        if left != right:
            return left < right if direction == "asc" else left > right
        if key.endswith("_at"):
            return True  # stored finer than it is shown: the next key may never count
    return True


def _comparable(value: str | int | None) -> tuple[bool, bytes | int]:
    """Return what compares as the catalog does: null first, texts by their code points."""
    if value is None:
        return False, b""
    return True, value.encode() if isinstance(value, str) else value


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(sort=SPECS, limit=st.integers(1, 12), is_new_syntax=st.booleans())
def test_walking_all_pages_shows_every_image_once(
    owner: Project, images: list[Json], sort: Sort, limit: int, is_new_syntax: bool
) -> None:
    if is_new_syntax:
        query = urlencode({"sort": ",".join(f"{key}:{direction}" for key, direction in sort)})
    else:
        query = urlencode(
            [("sort_key", key) for key, _ in sort] + [("sort_dir", d) for _, d in sort]
        )

    found, pages = walk(owner, f"{query}&limit={limit}&owner={owner.name}")

    ids = [image["id"] for image in found]
    assert sorted(ids) == sorted(image["id"] for image in images)
    assert pages == -(-len(images) // limit)
    assert in_order(found, sort)


@pytest.mark.parametrize("direction", ["asc", "desc"])
@pytest.mark.parametrize("key", SORT_KEYS)
def test_both_syntaxes_mean_the_same(
    owner: Project, images: list[Json], key: str, direction: str
) -> None:
    new = own(owner, f"sort={key}:{direction}")["images"]
    classic = own(owner, f"sort_key={key}&sort_dir={direction}")["images"]

    assert new == classic
    assert len(new) == len(images)


@pytest.mark.parametrize(
    ("query", "same"),
    [
        ("", "sort=created_at:desc"),
        ("sort=name", "sort=name:desc"),
        ("sort_key=name", "sort=name:desc"),
        ("sort_dir=asc", "sort=created_at:asc"),
        ("sort_key=name&sort_key=size&sort_dir=asc", "sort=name:asc,size:asc"),
        ("sort=name:asc,size", "sort=name:asc,size:desc"),
        ("sort=name:asc,%20size:desc", "sort=name:asc,size:desc"),
    ],
)  # fmt: skip
def test_what_is_left_out_has_a_default(
    owner: Project, images: list[Json], query: str, same: str
) -> None:
    assert own(owner, query)["images"] == own(owner, same)["images"]


def test_the_newest_image_comes_first(owner: Project, images: list[Json]) -> None:
    listed = [image["id"] for image in own(owner)["images"]]

    assert listed == [image["id"] for image in reversed(images)]


def test_a_page_links_to_the_first_and_the_next(owner: Project, images: list[Json]) -> None:
    asked = {"limit": ["2"], "sort": ["created_at:asc"], "owner": [owner.name]}
    page = own(owner, "limit=2&sort=created_at:asc")

    assert page["schema"] == "/v2/schemas/images"
    assert parse_qs(urlsplit(page["first"]).query) == asked
    assert parse_qs(urlsplit(page["next"]).query) == {**asked, "marker": [images[1]["id"]]}
    assert owner.get(owner.get(page["next"]).json()["first"]).json() == page


def test_links_keep_every_argument(project: Project) -> None:
    odd = 'über, "quoted" & 100%'
    for _ in range(2):
        project.create(name=odd, tags=["a", "b c"], odd=odd)
    query = [("name", odd), ("tag", "a"), ("tag", "b c"), ("odd", odd), ("limit", "1")]

    page = project.page(urlencode(query))

    assert len(page["images"]) == 1
    assert parse_qs(urlsplit(page["first"]).query) == parse_qs(urlencode(query))
    second = project.get(page["next"]).json()
    assert second["images"][0]["id"] != page["images"][0]["id"]
    assert "next" not in second


@pytest.mark.parametrize("limit", [11, 12, 1000, 1001, 9_999_999_999])
def test_the_last_page_links_to_no_other(owner: Project, images: list[Json], limit: int) -> None:
    page = own(owner, f"limit={limit}")

    assert len(page["images"]) == len(images)
    assert "next" not in page


def test_an_empty_list_has_no_next_page(project: Project) -> None:
    assert project.page("name=nobody-has-it") == {
        "images": [],
        "first": "/v2/images?name=nobody-has-it",
        "schema": "/v2/schemas/images",
    }


def test_a_limit_of_nothing_shows_nothing(owner: Project, images: list[Json]) -> None:
    page = own(owner, "limit=0")

    assert page["images"] == []
    assert "next" not in page


def test_a_page_has_25_images_unless_asked(project: Project) -> None:
    created = [project.create(name=str(number))["id"] for number in range(27)]

    page = own(project, "sort=created_at:asc")

    assert [image["id"] for image in page["images"]] == created[:25]
    assert [i["id"] for i in project.get(page["next"]).json()["images"]] == created[25:]


def test_a_page_starts_after_its_marker(owner: Project, images: list[Json]) -> None:
    page = own(owner, f"marker={images[-2]['id']}&limit=2")

    assert [image["id"] for image in page["images"]] == [images[-3]["id"], images[-4]["id"]]


def test_what_is_added_while_walking_does_not_shift_the_pages(project: Project) -> None:
    old = [project.create(name="old")["id"] for _ in range(4)]
    page = own(project, "limit=2")
    project.create(name="new")

    rest = project.get(page["next"]).json()

    assert [image["id"] for image in (*page["images"], *rest["images"])] == old[::-1]


@pytest.mark.parametrize("marker", [str(NOBODYS_ID), "not-an-id", ""])
def test_a_marker_must_be_an_image_of_the_list(project: Project, marker: str) -> None:
    assert refusal(project.get(f"/v2/images?marker={marker}")) == (400, "marker")


def test_a_deleted_image_is_no_marker(project: Project, image: Json) -> None:
    project.delete(image["self"])

    assert refusal(project.get(f"/v2/images?marker={image['id']}")) == (400, "marker")

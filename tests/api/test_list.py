"""Filters of a list (Images API v2, "List images")."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from operator import eq, ge, gt, le, lt, ne
from urllib.parse import quote, urlencode

import pytest

from tests.api.conftest import NewProject
from tests.api.project import NOBODYS_ID, Json, Project, refusal

Shelf = dict[str, Json]


@pytest.fixture(scope="module")
def owner(new_project: NewProject) -> Project:
    return new_project()


@pytest.fixture(scope="module")
def shelf(owner: Project, admin: Project) -> Shelf:
    """A project's images, by name, differing in all that can be asked for."""
    images = [
        owner.create(name="queued", tags=["ready"], min_disk=1),
        owner.create(name="glass, darkly", tags=["ready", "approved"], min_ram=64),
        owner.create(name="share me", os_distro="debian", protected=True),
        owner.create(name='say "please"', os_distro="debian", os_version="12"),
        owner.create(name="hidden", os_hidden=True, tags=["ready"]),
        owner.create(name="private", visibility="private", disk_format="qcow2"),
        owner.create(name="community", visibility="community", container_format="ovf"),
        owner.active(b"0123456789", name="ten bytes"),
        owner.active(b"0" * 1000, name="thousand bytes"),
        owner.active(b"", name="no bytes"),
        owner.active(b"x", name="withheld"),
    ]
    admin.post(f"{images[-1]['self']}/actions/deactivate")
    return {image["name"]: owner.show(image) for image in images}


def found(project: Project, **filters: str) -> set[str]:
    """Return the names of a project's own images that some filters find."""
    return set(project.names(urlencode({"owner": project.name, **filters})))


ALL = {"queued", "glass, darkly", "share me", 'say "please"', "private", "community",
       "ten bytes", "thousand bytes", "no bytes", "withheld"}  # fmt: skip
WITH_DATA = {"ten bytes", "thousand bytes", "no bytes", "withheld"}

FILTERS: list[tuple[str, set[str]]] = [
    ("", ALL),
    ("name=queued", {"queued"}),
    ("name=QUEUED", set()),
    ("name=glass,%20darkly", {"glass, darkly"}),
    ("name=glass", set()),
    ("name=eq:queued", {"queued"}),
    ('name=in:"glass,%20darkly",share%20me', {"glass, darkly", "share me"}),
    ('name=in:"glass,%20darkly"', {"glass, darkly"}),
    ("name=in:glass,darkly", set()),
    ("name=in:queued,missing, share me", {"queued", "share me"}),
    ("status=active", {"ten bytes", "thousand bytes", "no bytes"}),
    ("status=in:active,deactivated", WITH_DATA),
    ("status=in:saving,queued", ALL - WITH_DATA),
    ("status=no-such-status", set()),
    ("disk_format=qcow2", {"private"}),
    ("disk_format=in:qcow2,raw", {"private", *WITH_DATA}),
    ("container_format=ovf", {"community"}),
    ("container_format=in:ovf,bare", {"community", *WITH_DATA}),
    ("min_disk=1", {"queued"}),
    ("min_ram=64", {"glass, darkly"}),
    ("protected=true", {"share me"}),
    ("protected=True", {"share me"}),
    ("protected=false", ALL - {"share me"}),
    ("os_hidden=true", {"hidden"}),
    ("os_hidden=false", ALL),
    ("visibility=private", {"private"}),
    ("visibility=community", {"community"}),
    ("visibility=shared", ALL - {"private", "community"}),
    ("size=10", {"ten bytes"}),
    ("size_min=10", {"ten bytes", "thousand bytes"}),
    ("size_max=10", {"ten bytes", "no bytes", "withheld"}),
    ("size_min=1&size_max=999", {"ten bytes", "withheld"}),
    ("size_min=0", WITH_DATA),
    ("size_min=9223372036854775807", set()),
    ("tag=ready", {"queued", "glass, darkly"}),
    ("tag=ready&tag=approved", {"glass, darkly"}),
    ("tag=ready&tag=missing", set()),
    ("tag=ready&os_hidden=true", {"hidden"}),
    ("os_distro=debian", {"share me", 'say "please"'}),
    ("os_distro=debian&os_version=12", {'say "please"'}),
    ("os_distro=Debian", set()),
    ("os_distro=debian&os_version=13", set()),
    ("no_such_property=x", set()),
    ("member_status=all", ALL),
]


@pytest.mark.usefixtures("shelf")
@pytest.mark.parametrize(("query", "names"), FILTERS, ids=[query or "none" for query, _ in FILTERS])
def test_a_filter_finds_what_it_asks_for(owner: Project, query: str, names: set[str]) -> None:
    listed = owner.names(f"{query}&owner={owner.name}")

    assert set(listed) == names
    assert len(listed) == len(names)


def test_a_name_with_quotes_is_found_by_equality(owner: Project, shelf: Shelf) -> None:
    assert found(owner, name='say "please"') == {'say "please"'}


def test_images_are_found_by_id(owner: Project, shelf: Shelf) -> None:
    one, two = shelf["queued"]["id"], shelf["private"]["id"]

    assert found(owner, id=one) == {"queued"}
    assert found(owner, id=one.upper()) == {"queued"}
    assert found(owner, id=f"in:{one},{two},{NOBODYS_ID}") == {"queued", "private"}
    assert found(owner, id=str(NOBODYS_ID)) == set()


@pytest.mark.parametrize("name", ["checksum", "os_hash_value"])
def test_images_are_found_by_what_they_hold(owner: Project, shelf: Shelf, name: str) -> None:
    assert found(owner, **{name: shelf["ten bytes"][name]}) == {"ten bytes"}


def test_images_are_found_by_the_hash_that_is_kept(owner: Project, shelf: Shelf) -> None:
    assert found(owner, os_hash_algo="sha512") == WITH_DATA
    assert found(owner, os_hash_algo="sha256") == set()


@pytest.mark.parametrize("virtual_size", ["10", "1000"])
def test_images_are_found_by_virtual_size(owner: Project, shelf: Shelf, virtual_size: str) -> None:
    expected = {n for n, image in shelf.items() if str(image["virtual_size"]) == virtual_size}

    assert found(owner, virtual_size=virtual_size) == expected


COMPARISONS: dict[str, Callable[[str, str], bool]] = {
    "gt": gt, "gte": ge, "lt": lt, "lte": le, "eq": eq, "neq": ne
}  # fmt: skip


@pytest.mark.parametrize("name", ["created_at", "updated_at"])
@pytest.mark.parametrize("comparison", COMPARISONS)
def test_times_are_compared_as_they_are_shown(
    owner: Project, shelf: Shelf, name: str, comparison: str
) -> None:
    moments = {image[name] for image in shelf.values()}
    moments |= {"2016-04-18T21:38:54Z", "2999-01-01T00:00:00Z"}

    for moment in moments:
        expected = {n for n in ALL if COMPARISONS[comparison](shelf[n][name], moment)}
        assert found(owner, **{name: f"{comparison}:{moment}"}) == expected


def test_a_time_alone_means_that_time(owner: Project, shelf: Shelf) -> None:
    moment = shelf["queued"]["created_at"]
    expected = {n for n in ALL if shelf[n]["created_at"] == moment}

    assert found(owner, created_at=moment) == expected


def test_a_time_may_name_its_zone(owner: Project, shelf: Shelf) -> None:
    moment = shelf["queued"]["created_at"]
    here = datetime.fromisoformat(moment) + timedelta(hours=5, minutes=30)
    spelled = f"{here:%Y-%m-%dT%H:%M:%S}+05:30"
    expected = {n for n in ALL if shelf[n]["created_at"] == moment}

    # A plus sign that is not escaped stands for a space: what is meant is clear all the same.
    for value in (quote(spelled), spelled):
        assert set(owner.names(f"created_at=eq:{value}&owner={owner.name}")) == expected
        assert set(owner.names(f"created_at={value}&owner={owner.name}")) == expected


def test_a_fraction_of_a_second_is_no_time_that_is_shown(owner: Project, shelf: Shelf) -> None:
    whole = shelf["queued"]["created_at"].removesuffix("Z")

    assert found(owner, created_at=f"eq:{whole}.5Z") == set()
    assert found(owner, created_at=f"neq:{whole}.5Z") == ALL


def test_both_times_narrow_the_list(owner: Project, shelf: Shelf) -> None:
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")

    both = {"created_at": "gt:2016-04-18T21:38:54Z", "updated_at": f"gt:{tomorrow}"}

    assert found(owner, **both) == set()
    assert found(owner, created_at=f"lt:{tomorrow}") == ALL


def test_links_are_no_filters(owner: Project, shelf: Shelf) -> None:
    for name in ("self", "file", "schema"):
        response = owner.get(f"/v2/images?{name}=x")

        assert refusal(response) == (400, name)


def test_lists_and_shows_agree(owner: Project, shelf: Shelf) -> None:
    listed = {image["name"]: image for image in owner.page(f"owner={owner.name}")["images"]}

    assert listed == {name: shelf[name] for name in ALL}


def test_other_projects_see_what_is_open_to_all(
    owner: Project, other: Project, admin: Project, shelf: Shelf
) -> None:
    mine = f"owner={owner.name}"

    assert other.names(mine) == []
    assert other.names(f"visibility=community&{mine}") == ["community"]
    assert other.names(f"visibility=all&{mine}") == ["community"]
    assert other.names(f"visibility=private&{mine}") == []
    assert set(admin.names(mine)) == ALL - {"community"}
    assert admin.names(f"visibility=community&{mine}") == ["community"]
    assert set(admin.names(f"visibility=all&{mine}")) == ALL


def test_public_images_are_in_everyones_list(project: Project, admin: Project) -> None:
    image = admin.create(name=f"public {project.name}", visibility="public")

    assert project.names(f"name={image['name']}") == [image["name"]]
    assert image["name"] in project.names()
    admin.delete(image["self"])
    assert project.names() == []

"""Lists of images through openstacksdk."""

from collections.abc import Iterator
from typing import Any

import pytest
from openstack import exceptions
from openstack.image.v2._proxy import Proxy

from tests.clients.sdk import SDK_WARNINGS, image_service
from tests.server import Server

pytestmark = SDK_WARNINGS

SHELF: dict[str, dict[str, Any]] = {
    "a": {"tags": ["left", "red"], "min_disk": 1},
    "b": {"tags": ["left"], "visibility": "private", "disk_format": "raw"},
    "c": {"meta": {"is_hidden": True}, "tags": ["left"]},  # a keyword is sent as a string
    "d": {"data": b"some bytes", "disk_format": "raw", "is_protected": True},
    "e": {},
    "f": {"visibility": "community"},
    "g": {"tags": ["two words"]},
}


@pytest.fixture(scope="module")
def sdk(server: Server) -> Iterator[Proxy]:
    """A member's connection; the member's project has the images of SHELF, in that order."""
    token = server.token(user="lisa", project="sdk-list")
    with image_service(f"{server.url}/v2", token) as proxy:
        for name, facts in SHELF.items():
            proxy.create_image(name, allow_duplicates=True, **{"disk_format": "iso", **facts})
        yield proxy


def names(sdk: Proxy, **filters: Any) -> str:
    """Return the names of the project's images that pass the filters, in their order."""
    found = sdk.images(owner="sdk-list", **filters)
    return " ".join(str(image.name) for image in found)


@pytest.mark.parametrize("limit", [1, 2, 3, 6, 7, None])
def test_walking_all_pages_shows_each_image_once(limit: int | None, sdk: Proxy) -> None:
    pages = {} if limit is None else {"limit": limit}

    assert names(sdk, **pages) == "g f e d b a"
    assert names(sdk, sort="name:asc", **pages) == "a b d e f g"
    assert names(sdk, sort="disk_format:asc,name:desc", **pages) == "g f e a d b"


def test_a_walk_may_end_early(sdk: Proxy) -> None:
    assert names(sdk, limit=2, max_items=3) == "g f e"
    assert names(sdk, limit=2, paginated=False) == "g f"


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"name": "a"}, "a"),
        ({"name": "in:a,b"}, "b a"),
        ({"status": "active"}, "d"),
        ({"visibility": "private"}, "b"),
        ({"visibility": "community"}, "f"),
        ({"tag": "left"}, "b a"),
        ({"tag": ["left", "red"]}, "a"),
        ({"tag": "two words"}, "g"),
        ({"protected": True}, "d"),
        ({"is_hidden": True}, "c"),
        ({"disk_format": "raw"}, "d b"),
        ({"min_disk": 1}, "a"),
        ({"size_min": 1, "size_max": 10}, "d"),
        ({"created_at": "gt:2020-01-01T00:00:00Z", "status": "active"}, "d"),
        ({"updated_at": "lt:2020-01-01T00:00:00Z"}, ""),
    ],
    ids=str,
)
def test_filters_select(filters: dict[str, Any], expected: str, sdk: Proxy) -> None:
    assert names(sdk, **filters) == expected


def test_a_filter_that_can_not_be_meant_is_refused(sdk: Proxy) -> None:
    with pytest.raises(exceptions.BadRequestException) as refusal:
        names(sdk, created_at="yesterday")

    assert str(refusal.value.details).startswith("created_at: must be a time of ISO 8601")

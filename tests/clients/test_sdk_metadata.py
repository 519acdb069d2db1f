"""What openstacksdk does with an image besides its data."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from openstack import exceptions
from openstack.image.v2._proxy import Proxy
from openstack.image.v2.image import Image

from tests.clients.sdk import SDK_WARNINGS, image_service
from tests.server import Server

pytestmark = SDK_WARNINGS


@pytest.fixture(scope="module")
def sdk(server: Server) -> Iterator[Proxy]:
    """A member's connection."""
    token = server.token(user="sue", project="sdk")
    with image_service(f"{server.url}/v2", token) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def admin_sdk(server: Server) -> Iterator[Proxy]:
    """An admin's connection."""
    with image_service(f"{server.url}/v2", server.admin_token) as proxy:
        yield proxy


@pytest.fixture
def queued(sdk: Proxy) -> Image:
    """An image of the member without data."""
    return sdk.create_image(f"image-{uuid4()}", disk_format="raw")


@pytest.fixture
def active(sdk: Proxy) -> Image:
    """An image of the member with data."""
    return sdk.create_image(f"image-{uuid4()}", data=b"some bytes", disk_format="raw")


@pytest.mark.parametrize("path", ["", "/", "/v2", "/v2/"])
def test_the_image_service_is_discovered_below_any_endpoint(path: str, server: Server) -> None:
    with image_service(f"{server.url}{path}", server.admin_token) as proxy:
        assert str(proxy.get_endpoint()).rstrip("/") == f"{server.url}/v2"
        assert proxy.get_api_major_version() == (2, 0)
        assert list(proxy.images(name="no such image")) == []


def test_create_passes_every_attribute_on(sdk: Proxy) -> None:
    image_id = str(uuid4())

    sdk.create_image(
        "described",
        id=image_id,
        allow_duplicates=True,
        disk_format="qcow2",
        container_format="ovf",
        tags=["a", "b"],
        min_disk=1,
        min_ram=2,
        visibility="private",
        is_protected=True,
        meta={"is_hidden": True},  # by keyword, openstacksdk sends it as a string
        os_distro="debian",
        colour="red",
    )

    found = sdk.get_image(image_id)
    assert (found.name, found.status) == ("described", "queued")
    assert (found.disk_format, found.container_format) == ("qcow2", "ovf")
    assert sorted(found.tags) == ["a", "b"]
    assert (found.min_disk, found.min_ram) == (1, 2)
    assert (found.is_protected, found.is_hidden) == (True, True)
    assert (found.owner, found.visibility) == ("sdk", "private")
    assert (found.os_distro, found.properties["colour"]) == ("debian", "red")


def test_update_changes_what_it_names(sdk: Proxy, active: Image) -> None:
    sdk.update_image(active.id, name="new", min_disk=7, os_distro="debian", colour="red")
    sdk.update_image(active.id, visibility="community", is_hidden=True, colour="blue")

    found = sdk.get_image(active.id)
    assert (found.name, found.min_disk) == ("new", 7)
    assert (found.os_distro, found.properties["colour"]) == ("debian", "blue")
    assert (found.visibility, found.is_hidden) == ("community", True)
    assert found.status == "active"


def test_an_admin_publishes_an_image_and_gives_it_away(admin_sdk: Proxy, active: Image) -> None:
    admin_sdk.update_image(active.id, visibility="public", owner_id="others")

    found = admin_sdk.get_image(active.id)
    assert (found.visibility, found.owner) == ("public", "others")


def test_tags_come_and_go(sdk: Proxy, queued: Image) -> None:
    sdk.add_tag(queued, "one")
    sdk.add_tag(queued, "two wörds")
    sdk.remove_tag(queued, "one")

    assert sdk.get_image(queued.id).tags == ["two wörds"]


def test_an_admin_withholds_an_image_and_releases_it(
    sdk: Proxy, admin_sdk: Proxy, active: Image
) -> None:
    admin_sdk.deactivate_image(active.id)

    assert sdk.get_image(active.id).status == "deactivated"
    assert sdk.download_image(active, stream=True).status_code == 403

    admin_sdk.reactivate_image(active.id)

    assert sdk.get_image(active.id).status == "active"


def test_an_image_is_found_by_id_and_by_name(sdk: Proxy, queued: Image) -> None:
    assert sdk.find_image(queued.id, ignore_missing=False).id == queued.id
    assert sdk.find_image(queued.name, ignore_missing=False).id == queued.id
    assert sdk.find_image("no such image") is None


def test_a_hidden_image_is_found_by_name(sdk: Proxy, queued: Image) -> None:
    sdk.update_image(queued.id, is_hidden=True)

    assert sdk.find_image(queued.name, ignore_missing=False).id == queued.id


def test_a_name_of_two_images_is_ambiguous(sdk: Proxy, queued: Image) -> None:
    sdk.create_image(queued.name, allow_duplicates=True)

    with pytest.raises(exceptions.DuplicateResource):
        sdk.find_image(queued.name)


def test_a_deleted_image_is_gone(sdk: Proxy, active: Image) -> None:
    sdk.delete_image(active.id, ignore_missing=False)

    with pytest.raises(exceptions.NotFoundException) as missing:
        sdk.get_image(active.id)
    with pytest.raises(exceptions.NotFoundException):
        sdk.delete_image(active.id, ignore_missing=False)
    assert missing.value.details == f"no image found with id {active.id}"


def test_a_refusal_names_its_reason_and_its_request(sdk: Proxy, active: Image) -> None:
    with pytest.raises(exceptions.BadRequestException) as invalid:
        sdk.update_image(active.id, min_disk=-1)
    with pytest.raises(exceptions.ForbiddenException) as forbidden:
        sdk.update_image(active.id, visibility="public")
    with pytest.raises(exceptions.ConflictException) as conflict:
        sdk.update_image(active.id, disk_format="qcow2")

    assert str(invalid.value.details).startswith("min_disk: ")
    assert forbidden.value.details == "visibility: only an admin may make images public"
    assert (
        conflict.value.details
        == "an image that is active can't become of another disk_format: it has its data already"
    )
    for refusal in (invalid, forbidden, conflict):
        assert str(refusal.value.request_id).startswith("req-")
        assert str(refusal.value.details) in str(refusal.value)


def test_an_id_is_never_used_twice(sdk: Proxy, queued: Image) -> None:
    sdk.delete_image(queued)

    with pytest.raises(exceptions.ConflictException) as refusal:
        sdk.create_image("again", id=queued.id, allow_duplicates=True)

    assert refusal.value.details == f"id: {queued.id} has been used already"


def test_a_protected_image_is_not_deleted(sdk: Proxy, queued: Image) -> None:
    sdk.update_image(queued.id, is_protected=True)

    with pytest.raises(exceptions.ForbiddenException) as refusal:
        sdk.delete_image(queued)

    assert f"image {queued.id} is protected" in str(refusal.value.details)


def test_an_unknown_token_is_told_so(server: Server) -> None:
    with (
        image_service(f"{server.url}/v2", "unknown") as proxy,
        pytest.raises(exceptions.HttpException) as refusal,
    ):
        list(proxy.images())

    assert refusal.value.status_code == 401
    assert refusal.value.details == "the token is unknown, expired or revoked"


def test_the_schemas_describe_images(sdk: Proxy) -> None:
    image = sdk.get_image_schema()
    images = sdk.get_images_schema()

    assert image.name == "image"
    assert {"id", "disk_format", "os_hash_value"} <= image.properties.keys()
    assert images.name == "images"
    assert images.properties["images"]["items"]["name"] == "image"

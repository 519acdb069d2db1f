"""Image data through openstacksdk."""

import hashlib
import io
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from openstack import exceptions
from openstack.image.v2._proxy import Proxy

from tests.clients.conftest import ImageFile
from tests.clients.samples import ACCEPTED, REFUSED, Accepted, Refused
from tests.clients.sdk import SDK_WARNINGS, connected, image_service, upload_file
from tests.images import image
from tests.server import Server

pytestmark = SDK_WARNINGS


@pytest.fixture(scope="module")
def sdk(server: Server) -> Iterator[Proxy]:
    """A member's connection."""
    token = server.token(user="sid", project="sdk-data")
    with image_service(f"{server.url}/v2", token) as proxy:
        yield proxy


@pytest.mark.parametrize(
    "sample", ACCEPTED, ids=lambda sample: f"{sample.name} {sample.disk_format}"
)
def test_an_image_goes_up_and_comes_back(
    sample: Accepted, sdk: Proxy, image_file: ImageFile
) -> None:
    name = f"{sample.name}-{uuid4()}"

    upload_file(
        sdk,
        name,
        image_file(sample.name),
        disk_format=sample.disk_format,
        validate_checksum=True,
    )

    data = image(sample.name)
    found = sdk.find_image(name, ignore_missing=False)
    assert (found.status, found.size) == ("active", len(data))
    assert found.virtual_size == sample.virtual_size
    assert found.hash_algo == "sha512"
    assert found.hash_value == hashlib.sha512(data).hexdigest()
    assert sdk.download_image(found).content == data


@pytest.mark.parametrize(
    "sample", REFUSED, ids=lambda sample: f"{sample.name} {sample.disk_format}"
)
def test_a_refused_image_says_why_and_leaves_nothing(sample: Refused, sdk: Proxy) -> None:
    name = f"{sample.name}-{uuid4()}"

    with pytest.raises(exceptions.HttpException) as refusal:
        sdk.create_image(name, data=image(sample.name), disk_format=sample.disk_format)

    assert refusal.value.status_code == 415
    assert sample.reason in str(refusal.value.details)
    assert list(sdk.images(name=name)) == []


def test_data_comes_from_anything_that_can_be_read(sdk: Proxy) -> None:
    data = image("v3.qcow2")

    uploaded = sdk.upload_image(
        "bare", "qcow2", io.BytesIO(data), name="from a stream", size=len(data)
    )

    found = sdk.get_image(uploaded.id)
    assert (found.status, found.size) == ("active", len(data))


def test_an_image_takes_its_data_later(sdk: Proxy) -> None:
    queued = sdk.create_image(f"later-{uuid4()}", disk_format="qcow2")
    assert queued.status == "queued"

    queued.upload(sdk, data=image("v3.qcow2"))

    assert sdk.get_image(queued.id).status == "active"


def test_an_announced_size_that_is_wrong_is_refused(sdk: Proxy) -> None:
    with pytest.raises(exceptions.BadRequestException) as refusal:
        sdk.create_image("short", data=b"four", disk_format="raw", size=5)

    assert "announces 5 bytes, but 4 came" in str(refusal.value.details)


def test_a_download_is_streamed(sdk: Proxy) -> None:
    data = image("plain.vhdx")
    uploaded = sdk.create_image(f"streamed-{uuid4()}", data=data, disk_format="vhdx")

    with sdk.download_image(uploaded, stream=True) as response:
        chunks = list(response.iter_content(chunk_size=1 << 20))

    assert len(chunks) > 1
    assert b"".join(chunks) == data


def test_a_download_into_a_file_is_verified(sdk: Proxy, tmp_path: Path) -> None:
    data = image("plain.iso")
    uploaded = sdk.create_image(f"file-{uuid4()}", data=data, disk_format="iso")

    sdk.download_image(uploaded, output=str(tmp_path / "saved"))

    assert (tmp_path / "saved").read_bytes() == data


def test_the_cloud_layer_knows_images_by_name(server: Server, tmp_path: Path) -> None:
    name, data = f"cloud-{uuid4()}", image("v3.qcow2")

    with connected(f"{server.url}/v2", server.admin_token) as cloud:
        cloud.create_image(name, data=data, disk_format="qcow2", wait=True)
        cloud.download_image(name, output_path=str(tmp_path / "saved"))
        was_deleted = cloud.delete_image(name)
        left = cloud.get_image(name)

    assert (tmp_path / "saved").read_bytes() == data
    assert was_deleted
    assert left is None


def test_an_image_that_is_up_to_date_is_not_uploaded_again(
    sdk: Proxy, image_file: ImageFile
) -> None:
    name = f"same-{uuid4()}"
    file = image_file("v3.qcow2")

    first = upload_file(sdk, name, file, disk_format="qcow2", validate_checksum=True)
    second = upload_file(sdk, name, file, disk_format="qcow2", validate_checksum=True)

    assert second.id == first.id

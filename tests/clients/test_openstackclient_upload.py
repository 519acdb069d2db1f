"""`openstack image create` with every kind of image."""

import hashlib

import pytest

from tests.clients.conftest import ImageFile
from tests.clients.openstackclient import OpenStack
from tests.clients.samples import ACCEPTED, REFUSED, Accepted, Refused
from tests.images import image
from tests.server import Server


@pytest.mark.parametrize(
    "sample", ACCEPTED, ids=lambda sample: f"{sample.name} {sample.disk_format}"
)
def test_an_image_is_uploaded_and_described(
    sample: Accepted, member: OpenStack, image_file: ImageFile, server: Server
) -> None:
    file = image_file(sample.name)

    created = member.json(
        "image", "create", "--disk-format", sample.disk_format, "--file", file, sample.name
    )

    data = image(sample.name)
    assert created["status"] == "active"
    assert created["size"] == len(data)
    assert created["virtual_size"] == sample.virtual_size
    assert created["checksum"] == hashlib.md5(data, usedforsecurity=False).hexdigest()
    assert created["properties"]["os_hash_value"] == hashlib.sha512(data).hexdigest()
    assert server.client(member.token).get(created["file"]).content == data


# The first of them: openstacksdk, which this client is made of, tries all.
@pytest.mark.parametrize("sample", REFUSED[:2], ids=lambda sample: sample.name)
def test_a_refused_image_tells_its_user_why_and_leaves_nothing(
    sample: Refused, member: OpenStack, image_file: ImageFile, server: Server
) -> None:
    name = f"refused {sample.name}"
    file = image_file(sample.name)

    said = member.refusal(
        "image", "create", "--disk-format", sample.disk_format, "--file", file, name
    )

    assert sample.reason in said
    images = server.client(member.token).get("/v2/images", params={"name": name}).json()
    assert images["images"] == []


def test_an_image_is_uploaded_through_a_pipe(member: OpenStack, image_file: ImageFile) -> None:
    data = image("v3.qcow2")

    with image_file("v3.qcow2").open("rb") as stdin:
        created = member.json("image", "create", "--disk-format", "qcow2", "piped", stdin=stdin)

    assert created["status"] == "active"
    assert created["size"] == len(data)


def test_an_image_without_data_is_queued(member: OpenStack) -> None:
    created = member.json("image", "create", "--community", "--disk-format", "iso", "empty")

    assert created["status"] == "queued"
    assert created["visibility"] == "community"
    assert created["disk_format"] == "iso"
    assert created.get("checksum") is None

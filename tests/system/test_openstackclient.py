"""A real image's whole life through `openstack image ...`."""

import hashlib
from pathlib import Path

import pytest

from tests.clients.openstackclient import OpenStack
from tests.system.disks import FORMATS, ISO, Disks

pytestmark = pytest.mark.system


@pytest.mark.parametrize("disk_format", FORMATS)
def test_a_real_image_lives_and_comes_back_identical(
    disk_format: str, openstack: OpenStack, disks: Disks, tmp_path: Path
) -> None:
    file, saved, name = disks[disk_format], tmp_path / "saved", f"ipxe {disk_format}"

    created = openstack.json(
        *("image", "create", "--disk-format", disk_format, "--file", file),
        *("--property", f"made_as={disk_format}", "--tag", f"was-{disk_format}", name),
    )
    listed = openstack.names(
        *("--name", name, "--status", "active", "--tag", f"was-{disk_format}"),
        *("--property", f"made_as={disk_format}"),
    )
    openstack.run("image", "set", "--min-disk", "1", "--property", "os_type=linux", name)
    shown = openstack.json("image", "show", created["id"])
    openstack.run("image", "save", "--file", saved, name)
    openstack.run("image", "delete", created["id"])

    data = file.read_bytes()
    assert created["status"] == "active"
    assert created["size"] == len(data)
    assert created["properties"]["os_hash_value"] == hashlib.sha512(data).hexdigest()
    assert listed == [name]
    assert shown["min_disk"] == 1
    assert shown["properties"]["os_type"] == "linux"
    assert shown["checksum"] == created["checksum"]
    if disk_format != "iso":  # a CD says how big its file system is
        assert shown["virtual_size"] == ISO.stat().st_size
    assert saved.read_bytes() == data
    assert disks.is_same_disk(disk_format, saved)
    assert openstack.names("--name", name) == []

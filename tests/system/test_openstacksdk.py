"""Real images through openstacksdk."""

import hashlib
from pathlib import Path

import pytest
from openstack import exceptions

from tests.clients.sdk import SDK_WARNINGS, image_service, upload_file
from tests.server import Server
from tests.system.disks import FORMATS, Disks

pytestmark = [pytest.mark.system, *SDK_WARNINGS]


@pytest.mark.parametrize("disk_format", FORMATS)
def test_a_real_image_lives_and_comes_back_identical(
    disk_format: str, server: Server, token: str, disks: Disks, tmp_path: Path
) -> None:
    file, saved, name = disks[disk_format], tmp_path / "saved", f"sdk {disk_format}"

    with image_service(f"{server.url}/v2", token) as sdk:
        created = upload_file(sdk, name, file, disk_format=disk_format, validate_checksum=True)
        sdk.update_image(created.id, min_disk=1, os_type="linux")
        [listed] = sdk.images(name=name, status="active", owner="system")
        sdk.download_image(created.id, output=str(saved))
        sdk.delete_image(created.id, ignore_missing=False)
        with pytest.raises(exceptions.NotFoundException):
            sdk.get_image(created.id)

    assert (listed.id, listed.disk_format) == (created.id, disk_format)
    assert (listed.min_disk, listed.os_type) == (1, "linux")
    assert listed.hash_value == hashlib.sha512(file.read_bytes()).hexdigest()
    assert saved.read_bytes() == file.read_bytes()

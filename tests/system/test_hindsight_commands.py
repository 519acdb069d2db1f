"""Real images through `hindsight images push` and `pull`."""

import json
from pathlib import Path

import pytest

from tests.server import Server
from tests.system.disks import FORMATS, Disks

pytestmark = pytest.mark.system


@pytest.mark.parametrize("disk_format", FORMATS)
def test_a_pushed_image_is_pulled_back_identical(
    disk_format: str, server: Server, disks: Disks, tmp_path: Path
) -> None:
    file, saved = disks[disk_format], tmp_path / "saved"

    pushed = json.loads(server.run("images", "push", "--json", "--disk-format", disk_format, file))
    server.run("images", "pull", pushed["id"], saved)
    server.run("images", "delete", pushed["id"])

    assert (pushed["status"], pushed["disk_format"]) == ("active", disk_format)
    assert pushed["size"] == file.stat().st_size
    assert saved.read_bytes() == file.read_bytes()
    assert disks.is_same_disk(disk_format, saved)


@pytest.mark.parametrize(
    ("disk_format", "recognised"),
    [("qcow2", "qcow2"), ("vmdk", "vmdk"), ("iso", "iso"), ("raw", "iso")],
)
def test_push_recognises_the_format_by_the_bytes(
    disk_format: str, recognised: str, server: Server, disks: Disks
) -> None:
    # The raw disk holds the same bytes as the CD.
    pushed = json.loads(server.run("images", "push", "--json", disks[disk_format]))

    assert pushed["disk_format"] == recognised

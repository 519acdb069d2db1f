"""What is refused and what is taken, with files as users bring them."""

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.clients.openstackclient import OpenStack
from tests.system.disks import Disks, qemu_img

pytestmark = pytest.mark.system

MBR_SIGNATURE = b"\x55\xaa"  # at byte 510 of a disk that a BIOS boots


def a_qcow2(disks: Disks, _folder: Path) -> Path:
    return disks["qcow2"]


def a_text(_disks: Disks, folder: Path) -> Path:
    file = folder / "notes.txt"
    file.write_text("This is no disk.\n" * 100)
    return file


def a_qcow2_with_a_backing_file(disks: Disks, folder: Path) -> Path:
    file = folder / "overlay.qcow2"
    qemu_img("create", "-f", "qcow2", "-b", disks["raw"], "-F", "raw", file)
    return file


@pytest.mark.parametrize(
    ("make", "disk_format", "reason"),
    [
        (a_qcow2, "raw", "disk_format is declared as raw, but the data is qcow2"),
        (a_text, "qcow2", "disk_format is declared as qcow2, but the data is not recognised"),
        (a_qcow2_with_a_backing_file, "qcow2", "it needs a backing file"),
    ],
)
def test_what_is_not_what_it_says_is_refused_with_the_reason(
    *,
    make: Callable[[Disks, Path], Path],
    disk_format: str,
    reason: str,
    disks: Disks,
    http: httpx.Client,
    openstack: OpenStack,
    tmp_path: Path,
) -> None:
    file = make(disks, tmp_path)

    uploaded, image = uploaded_as(disk_format, file, http)
    said = openstack.refusal(
        "image", "create", "--disk-format", disk_format, "--file", file, "refused"
    )

    assert uploaded.status_code == 415
    assert reason in uploaded.json()["error"]["message"]
    assert reason in said
    assert image["status"] == "killed"
    assert image["size"] is None


@pytest.mark.parametrize("disk_format", ["iso", "raw"])
def test_a_cd_that_is_also_a_disk_is_taken_as_either(
    disk_format: str, disks: Disks, http: httpx.Client
) -> None:
    assert disks["iso"].read_bytes()[510:512] == MBR_SIGNATURE

    uploaded, image = uploaded_as(disk_format, disks["iso"], http)

    assert uploaded.status_code == 204
    assert image["status"] == "active"


def uploaded_as(
    disk_format: str, file: Path, http: httpx.Client
) -> tuple[httpx.Response, dict[str, object]]:
    """Upload a file as of a format; return the answer, and the image afterwards."""
    facts = {"name": file.name, "disk_format": disk_format, "container_format": "bare"}
    created = http.post("/v2/images", json=facts).raise_for_status().json()
    uploaded = http.put(
        created["file"],
        content=file.read_bytes(),
        headers={"Content-Type": "application/octet-stream"},
    )
    return uploaded, http.get(created["self"]).raise_for_status().json()

"""One real CD, and disks that qemu-img makes of it."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

ISO = Path("/usr/lib/ipxe/ipxe.iso")
FORMATS = ("iso", "qcow2", "vmdk", "raw")


@dataclass(frozen=True)
class Disks:
    """The files of a folder, named for their format."""

    folder: Path

    def __getitem__(self, disk_format: str) -> Path:
        return self.folder / f"ipxe.{disk_format}"

    def is_same_disk(self, disk_format: str, file: Path) -> bool:
        """Say whether a machine sees the same disk in a file as in the one made here."""
        kind = {"iso": "raw"}.get(disk_format, disk_format)
        done = subprocess.run(
            ["qemu-img", "compare", "-q", "-f", kind, "-F", kind, self[disk_format], file],
            check=False,
        )
        return done.returncode == 0


def make_disks(folder: Path) -> Disks:
    """Fill a folder with the CD in each format; fails with what to install."""
    if shutil.which("qemu-img") is None:
        pytest.fail("qemu-img is missing: install the Debian package qemu-utils", pytrace=False)
    if not ISO.is_file():
        pytest.fail(f"{ISO} is missing: install the Debian package ipxe", pytrace=False)
    disks = Disks(folder)
    shutil.copyfile(ISO, disks["iso"])
    for disk_format in ("qcow2", "vmdk", "raw"):
        qemu_img("convert", "-f", "raw", "-O", disk_format, disks["iso"], disks[disk_format])
    return disks


def qemu_img(*arguments: str | Path) -> None:
    """Run a qemu-img command that succeeds."""
    done = subprocess.run(["qemu-img", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

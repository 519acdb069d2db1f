"""What a file's bytes say of its disk_format; imported late, since the inspectors load slowly."""

from pathlib import Path

from domain.rules import DISK_FORMATS
from storage.format_check import FormatMismatch, Inspection

TAIL = 512  # bytes at the end that tell a VHD of fixed size
DISKS_WITH_MARKS = {"gpt"}  # a partition table: a raw disk, but surely a disk


def recognise(head: bytes, tail: bytes = b"") -> str | None:
    """Return the format that bytes show, None when nothing does (they may still be raw).

    It may be one that the catalog does not take, such as qed.
    """
    for declared in ("iso", "raw", "gpt"):
        found = _found(declared, head, tail)
        if found in DISKS_WITH_MARKS:
            return "raw"
        if found not in {"unknown", "raw"}:
            return found
    return None


def tail_of(path: Path, head: bytes) -> bytes:
    """Return the end of a file beyond its head."""
    with path.open("rb") as stream:
        size = stream.seek(0, 2)
        stream.seek(max(size - TAIL, len(head)))
        return stream.read(TAIL)


def is_taken(disk_format: str) -> bool:
    """Say whether the catalog has the format."""
    return disk_format in DISK_FORMATS


def _found(declared: str, head: bytes, tail: bytes) -> str:
    inspection = Inspection(declared)
    try:
        inspection.feed(head)
        inspection.feed(tail)
        inspection.verdict()
    except FormatMismatch as mismatch:
        return mismatch.found
    return declared

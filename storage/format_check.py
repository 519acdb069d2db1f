"""Holds an image's bytes against the disk_format that it is declared to be."""

import re
import struct

from oslo_utils.imageutils.format_inspector import (
    ALL_FORMATS,
    FileInspector,
    SafetyCheckFailed,
)

_HEAD_BYTES = 1024 * 1024  # what tells every format; given in one piece, however it arrived
_SECTOR_BYTES = 512
_LARGEST_SIZE = 2**63 - 1  # bytes; what file systems, hypervisors and databases can count

_WITHOUT_MARKS = {"raw", "ploop"}  # any bytes may be these, unless they are recognised as another

# Bytes that may look like more than they are declared as: a disk holds a partition table or a CD's
# file system, and a CD that also boots from a stick begins with a partition table.
_MAY_ALSO_BE = {
    "raw": {"gpt", "iso"},
    "ploop": {"gpt", "iso"},
    "vhd": {"gpt", "iso"},  # of fixed size: a raw disk with a footer
    "iso": {"gpt"},
}

_UNSAFE = {
    "backing_file": "it needs a backing file; make it complete with `qemu-img convert`",
    "data_file": "its data is in another file; make it complete with `qemu-img convert`",
    "unknown_features": "it uses qcow2 features or a version that are not known to be safe",
    "descriptor": "it is not a single file of the kind monolithicSparse or streamOptimized",
    "footer": "its footer contradicts its header",
}

_DAMAGED = "its header is damaged or cut short"
_SAID_AS = {"gpt": "a raw disk with a partition table"}

# Where VHD and VDI keep the type of disk, and its values there.
_TYPE_AT = {"vhd": (">I", 60), "vdi": ("<I", 76)}
_FIXED = 2  # VHD
_DIFFERENCING = 4  # both

# What qemu takes for a VMDK descriptor: a text that names the files with the data.
_DESCRIPTOR = re.compile(
    rb"(?>#[^\n]*+\n|[ \t\r]*+\n)*+[ \t]*+version[ \t]*+=[ \t]*+[1-3]\s", re.IGNORECASE
)


class FormatMismatch(Exception):
    """The bytes are not what the image's disk_format says, or are unsafe to use as such."""

    def __init__(self, declared: str, found: str, reason: str) -> None:
        super().__init__(f"disk_format is declared as {declared}, but {reason}.")
        self.declared = declared
        self.found = found
        self.reason = reason


class Inspection:
    """Compares the bytes with the declared format.

    All inspectors get the first MiB in one piece: it tells the format, some of them see less when
    it comes in small pieces, and the rest of the stream then costs next to nothing. Of that only
    the declared format's inspector sees something, and only while it wants more.
    """

    def __init__(self, declared: str) -> None:
        self._declared = declared
        self._size = 0
        self._head = bytearray()
        self._tail = b""
        self._found: set[str] | None = None
        self._inspector: FileInspector | None = None  # of the declared format, if it was found
        self._is_damaged = False

    def feed(self, chunk: bytes) -> None:
        self._size += len(chunk)
        self._tail = (self._tail + chunk[-_SECTOR_BYTES:])[-_SECTOR_BYTES:]
        if self._found is None:
            room = _HEAD_BYTES - len(self._head)
            self._head += chunk[:room]
            if len(self._head) < _HEAD_BYTES:
                return
            self._found = self._recognise(bytes(self._head))
            chunk = chunk[room:]
        if self._inspector and not self._inspector.complete:
            self._is_damaged |= not _eat(self._inspector, chunk)

    def verdict(self) -> int | None:
        """Return the virtual size in bytes if the format tells it, or raise FormatMismatch."""
        found = self._recognise(bytes(self._head)) if self._found is None else self._found
        is_fixed_vhd = _is_fixed_vhd(self._tail)
        if is_fixed_vhd:
            self._refuse_strangers(found | {"vhd"})
        if self._declared in _WITHOUT_MARKS:
            return self._size if self._declared == "raw" else None
        if self._declared == "vhd" and "vhd" not in found and is_fixed_vhd:
            return self._plausible(_vhd_size(self._tail))
        if self._declared not in found:
            raise self._unrecognised()
        return self._plausible(self._inspected_size())

    def _recognise(self, head: bytes) -> set[str]:
        found = {"vmdk"} if _DESCRIPTOR.match(head) else set()
        padded = head.ljust(2 * _SECTOR_BYTES, b"\0")  # as qemu reads a file that is too short
        for name, kind in ALL_FORMATS.items():
            inspector = kind()
            is_sound = _eat(inspector, head if name == "vmdk" else padded)
            if name == "raw" or not _matches(inspector):
                continue
            found.add(name)
            if name == self._declared:
                self._inspector, self._is_damaged = inspector, not is_sound
        self._refuse_strangers(found)
        if self._declared not in found | _WITHOUT_MARKS | {"vhd"}:
            raise self._unrecognised()
        return found

    def _refuse_strangers(self, found: set[str]) -> None:
        strangers = found - {self._declared} - _MAY_ALSO_BE.get(self._declared, set())
        if strangers:
            shown = strangers | (found & {self._declared})
            names = " and ".join(_SAID_AS.get(name, name) for name in sorted(shown))
            raise FormatMismatch(self._declared, min(strangers), f"the data is {names}")

    def _inspected_size(self) -> int:
        inspector = self._inspector
        if _DESCRIPTOR.match(self._head):
            raise self._unsafe(_UNSAFE["descriptor"])
        if inspector is None or self._is_damaged or self._size < _SECTOR_BYTES:
            raise self._unsafe(_DAMAGED)
        if _has_parent(self._declared, self._head):
            raise self._unsafe(_UNSAFE["backing_file"])
        inspector.finish()
        try:
            inspector.safety_check()
            size = inspector.virtual_size
        except SafetyCheckFailed as error:
            reasons = (_UNSAFE.get(name, name) for name in error.failures)
            raise self._unsafe("; ".join(reasons)) from error
        except Exception as error:  # as in _eat
            raise self._unsafe(_DAMAGED) from error
        return size

    def _plausible(self, size: int) -> int | None:
        if size > _LARGEST_SIZE:
            raise self._unsafe("it claims a virtual size that no disk can have")
        return size or None

    def _unrecognised(self) -> FormatMismatch:
        reason = f"the data is not recognised as {self._declared}"
        return FormatMismatch(self._declared, "unknown", reason)

    def _unsafe(self, reason: str) -> FormatMismatch:
        return FormatMismatch(self._declared, self._declared, f"the data is refused: {reason}")


def _eat(inspector: FileInspector, chunk: bytes) -> bool:
    try:
        inspector.eat_chunk(chunk)
    except Exception:  # the library trips over strange bytes in many ways, not all of them its own
        return False
    return True


def _matches(inspector: FileInspector) -> bool:
    try:
        return inspector.format_match
    except Exception:  # as in _eat
        return False


def _has_parent(declared: str, head: bytearray) -> bool:
    """Say whether a disk holds only what differs from another; the library does not look."""
    if declared not in _TYPE_AT:
        return False
    layout, offset = _TYPE_AT[declared]
    return struct.unpack_from(layout, head, offset) == (_DIFFERENCING,)


def _is_fixed_vhd(tail: bytes) -> bool:
    """Recognise the footer that alone tells a VHD of fixed size from a raw disk.

    Source: Virtual Hard Disk Image Format Specification 1.0, "Hard Disk Footer Format".
    """
    if len(tail) < _SECTOR_BYTES or not tail.startswith(b"conectix"):
        return False
    checksum = ~(sum(tail) - sum(tail[64:68])) & 0xFFFFFFFF
    return struct.unpack_from(">II", tail, 60) == (_FIXED, checksum)


def _vhd_size(footer: bytes) -> int:
    size: int = struct.unpack_from(">Q", footer, 48)[0]
    return size

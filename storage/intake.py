"""What an image's bytes run past on their way into a blob store: two hashes and a format check."""

import hashlib
import re
import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from queue import Queue
from threading import Thread

from oslo_utils.imageutils.format_inspector import (
    ALL_FORMATS,
    FileInspector,
    SafetyCheckFailed,
)

_QUEUED_CHUNKS = 8  # per hash: enough to ride out a slow write, little enough to stay small
_HEAD_BYTES = 1024 * 1024  # what tells every format; given in one piece, however it arrived
_SECTOR_BYTES = 512
_LARGEST_SIZE = 2**63 - 1  # bytes; what file systems, hypervisors and databases can count

_UNINSPECTED = {"ami", "aki", "ari"}
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


@dataclass(frozen=True)
class Facts:
    """What was learned from an image's bytes."""

    size: int  # bytes
    checksum: str  # MD5, hex
    os_hash_algo: str
    os_hash_value: str  # hex
    virtual_size: int | None  # bytes; None when the format does not tell


class Intake:
    """Learn size, hashes and format from one stream of bytes, in constant memory.

    Each hash is computed on a thread of its own, while the caller writes. No thread outlives watch.
    """

    def __init__(
        self, *, os_hash_algo: str = "sha512", disk_format: str, container_format: str
    ) -> None:
        """Prepare for an image that is declared to be of these formats.

        Raises:
            ValueError: hashlib does not know os_hash_algo.
        """
        self._os_hash_algo = os_hash_algo
        self._checksum = hashlib.md5(usedforsecurity=False)
        self._os_hash = hashlib.new(os_hash_algo)
        is_inspected = container_format == "bare" and disk_format not in _UNINSPECTED
        self._inspection = _Inspection(disk_format) if is_inspected else None
        self._size = 0
        self._was_read = False

    def watch(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the same chunks, and look at each on its way. To be used once.

        Raises:
            FormatMismatch: as soon as the beginning shows it.
        """
        workers = [_HashWorker(self._checksum.update), _HashWorker(self._os_hash.update)]
        try:
            for worker in workers:
                worker.start()
            for chunk in chunks:
                for worker in workers:
                    worker.put(chunk)
                self._look_at(chunk)
                yield chunk
        finally:
            for worker in workers:
                worker.stop()
        for worker in workers:
            worker.raise_error()
        self._was_read = True

    def finish(self) -> Facts:
        """Return what was learned, once watch has yielded everything.

        Raises:
            FormatMismatch: the bytes are not of the declared format, or unsafe.
            RuntimeError: watch was not read to its end.
        """
        if not self._was_read:
            raise RuntimeError("The stream was not read to its end.")
        return Facts(
            size=self._size,
            checksum=self._checksum.hexdigest(),
            os_hash_algo=self._os_hash_algo,
            os_hash_value=self._os_hash.hexdigest(),
            virtual_size=self._inspection.verdict() if self._inspection else None,
        )

    def _look_at(self, chunk: bytes) -> None:
        self._size += len(chunk)
        if self._inspection:
            self._inspection.feed(chunk)


class _HashWorker(Thread):
    """Feeds one hash; hashlib lets other threads run meanwhile."""

    def __init__(self, update: Callable[[bytes], None]) -> None:
        super().__init__(name="intake-hash", daemon=True)
        self._update = update
        self._chunks: Queue[bytes | None] = Queue(_QUEUED_CHUNKS)
        self._error: Exception | None = None

    def run(self) -> None:
        while (chunk := self._chunks.get()) is not None:
            try:
                self._update(chunk)
            except Exception as error:  # whatever it is, it belongs to the thread that reads
                self._error = error

    def put(self, chunk: bytes) -> None:
        self.raise_error()
        self._chunks.put(chunk)

    def stop(self) -> None:
        """Finish what is queued, and end the thread if it was started."""
        if self.is_alive():
            self._chunks.put(None)
            self.join()

    def raise_error(self) -> None:
        if self._error:
            raise self._error


class _Inspection:
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

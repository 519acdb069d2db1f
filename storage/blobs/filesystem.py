"""Blobs as files: ROOT/IMAGE/ATTEMPT, written first as ROOT/.partial/IMAGE.ATTEMPT."""

import errno
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path
from typing import BinaryIO

from storage.blobs.protocol import (
    BlobError,
    BlobNotFound,
    InvalidKey,
    KeyTaken,
    StoreFull,
    StoreUnavailable,
    checked,
)

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_WRITEBACK_BYTES = 32 * 1024 * 1024


class FilesystemBlobStore:
    """A BlobStore in a directory of one Linux file system that knows hard links.

    A blob is written under a temporary name, synced, and published by a hard link, which unlike a
    rename never replaces a file. The temporary name follows from the key, so that sweep finds it.
    """

    def __init__(self, root: Path) -> None:
        """Use the directory root, and create it when it is missing.

        Raises:
            StoreUnavailable: root can't be created.
        """
        self._root = root
        self._partials = root / ".partial"
        with _faults():
            self._partials.mkdir(mode=0o700, parents=True, exist_ok=True)

    def write(self, key: str, chunks: Iterable[bytes]) -> int:
        blob, partial = self._blob(key), self._partial(key)
        with _faults(taken=KeyTaken(key)):
            file = _create(partial, unless=blob)
        try:
            with file:
                size = _fill(file, chunks)
            self._publish(key)
        finally:
            with _faults():
                partial.unlink(missing_ok=True)
        return size

    def open(self, key: str, *, start: int = 0) -> BinaryIO:
        """Open the blob as a real file, so that a server can send it with sendfile.

        What is open stays readable to its end, even when the blob is deleted meanwhile.
        """
        with _faults(missing=BlobNotFound(key)):
            file = self._blob(key).open("rb")
        file.seek(start)
        return file

    def size(self, key: str) -> int:
        with _faults(missing=BlobNotFound(key)):
            return self._blob(key).stat().st_size

    def delete(self, key: str) -> bool:
        blob = self._blob(key)
        with _faults():
            try:
                blob.unlink()
            except FileNotFoundError:
                return False
            self._tidy(blob.parent)
        return True

    def keys(self) -> Iterator[str]:
        with _faults():
            images = [entry.name for entry in self._root.iterdir()]
        for image in images:
            for attempt in self._attempts(image):
                with suppress(InvalidKey):
                    yield checked(f"{image}/{attempt}")

    def sweep(self, key: str) -> None:
        with _faults():
            self._partial(key).unlink(missing_ok=True)

    def check(self) -> None:
        try:
            with _faults(), tempfile.TemporaryFile(dir=self._partials, buffering=0) as probe:
                probe.write(b"Is there room?")
        except StoreFull as error:
            raise StoreUnavailable(str(error)) from error

    def _blob(self, key: str) -> Path:
        return self._root / checked(key)

    def _partial(self, key: str) -> Path:
        return self._partials / checked(key).replace("/", ".")

    def _attempts(self, image: str) -> list[str]:
        with _faults():
            try:
                return [entry.name for entry in (self._root / image).iterdir()]
            except (FileNotFoundError, NotADirectoryError):
                return []

    def _publish(self, key: str) -> None:
        blob = self._blob(key)
        with _faults(missing=BlobNotFound(key), taken=KeyTaken(key)):
            _link(self._partial(key), blob)
            try:
                _sync(blob.parent)
                _sync(self._root)
            except OSError:
                blob.unlink(missing_ok=True)
                raise

    def _tidy(self, image: Path) -> None:
        """Make a deletion durable, and remove the image's directory when it was the last blob."""
        with suppress(FileNotFoundError):
            _sync(image)
        with suppress(OSError):
            image.rmdir()
        _sync(self._root)


def _create(path: Path, *, unless: Path) -> FileIO:
    if unless.exists():
        raise FileExistsError(errno.EEXIST, "The blob exists", str(unless))
    return FileIO(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _fill(file: FileIO, chunks: Iterable[bytes]) -> int:
    """Write and sync all chunks; only the file's own errors are translated, not those of chunks."""
    size = handed_over = 0
    for chunk in chunks:
        with _faults():
            _write_all(file, chunk)
        size += len(chunk)
        if size - handed_over >= _WRITEBACK_BYTES:
            _start_writeback(file, handed_over, size)
            handed_over = size
    with _faults():
        os.fsync(file.fileno())
    return size


def _write_all(file: FileIO, chunk: bytes) -> None:
    rest = memoryview(chunk)
    while rest:
        rest = rest[file.write(rest) :]


def _start_writeback(file: FileIO, start: int, end: int) -> None:
    """Let the disk work while bytes still arrive, so that the fsync at the end is short.

    Linux answers DONTNEED for pages that are dirty by starting to write them; they stay cached.
    """
    with _faults():
        os.posix_fadvise(file.fileno(), start, end - start, os.POSIX_FADV_DONTNEED)


def _link(partial: Path, blob: Path) -> None:
    """Give the blob its name; again, when a deletion removes the image's directory in between."""
    while partial.exists():
        with suppress(FileExistsError):
            blob.parent.mkdir(mode=0o700)
        with suppress(FileNotFoundError):
            os.link(partial, blob)
            return
    raise FileNotFoundError(errno.ENOENT, "The unfinished blob was swept away", str(partial))


def _sync(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _faults(*, missing: BlobError | None = None, taken: BlobError | None = None) -> Iterator[None]:
    """Turn what the operating system reports into what the protocol promises."""
    try:
        yield
    except OSError as error:
        if missing and isinstance(error, FileNotFoundError):
            raise missing from error
        if taken and isinstance(error, FileExistsError):
            raise taken from error
        refusal = StoreFull if error.errno in _NO_ROOM else StoreUnavailable
        raise refusal(f"The blob directory can't be used: {error}.") from error

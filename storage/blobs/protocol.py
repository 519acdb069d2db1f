"""What a blob store promises; tests/contract/test_blob_store.py proves it on every backend."""

import re
from collections.abc import Iterable, Iterator
from typing import BinaryIO, Protocol

_UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_KEY = re.compile(f"{_UUID}/{_UUID}")


class BlobError(Exception):
    """A blob store could not do what it was asked to."""


class KeyTaken(BlobError):
    """The key holds a blob already, or another write of it is unfinished."""

    def __init__(self, key: str) -> None:
        super().__init__(f"The key {key} is taken already.")
        self.key = key


class BlobNotFound(BlobError):
    """Nothing is stored under the key."""

    def __init__(self, key: str) -> None:
        super().__init__(f"No blob is stored under the key {key}.")
        self.key = key


class InvalidKey(BlobError):
    """The key is not of the form IMAGE/ATTEMPT, two UUIDs in lower case."""

    def __init__(self, key: str) -> None:
        super().__init__(f"A key is IMAGE/ATTEMPT, two UUIDs, and not {key[:100]!r}.")
        self.key = key


class StoreFull(BlobError):
    """The store has no room left for the blob: a disk, a quota or a size limit ran out."""


class StoreUnavailable(BlobError):
    """The store can't be used now; the message says why."""


def checked(key: str) -> str:
    """Return key when it is of the one form that stores accept, so that none can lead elsewhere.

    Raises:
        InvalidKey: key is not two UUIDs in lower case with one slash between them.
    """
    if not _KEY.fullmatch(key):
        raise InvalidKey(key)
    return key


class BlobStore(Protocol):
    """Bytes under keys; a key is `IMAGE/ATTEMPT`, the UUIDs of an image and of an upload to it.

    A blob appears complete or not at all, and never changes afterwards. Any number of threads and
    processes may use one store at the same time. Every method that takes a key raises InvalidKey,
    and every method raises StoreUnavailable when the store can't be reached or is broken.
    """

    def write(self, key: str, chunks: Iterable[bytes]) -> int:
        """Store all chunks under key, durably, or nothing.

        Returns the number of bytes. Readers see the blob only once it is complete. When chunks
        raises, its error passes through and no trace remains. Memory does not grow with the blob.

        Raises:
            KeyTaken: key holds a blob already, which is left as it was, or is being written.
            BlobNotFound: the unfinished write was swept away by another process.
            StoreFull: there is no room for the blob; no trace of it remains.
        """

    def open(self, key: str, *, start: int = 0) -> BinaryIO:
        """Open the blob for reading, positioned at byte start; from its end on there is nothing.

        Raises:
            BlobNotFound: nothing is stored under key.
        """

    def size(self, key: str) -> int:
        """Return the blob's size in bytes.

        Raises:
            BlobNotFound: nothing is stored under key.
        """

    def delete(self, key: str) -> bool:
        """Remove the blob, durably; say whether there was one."""

    def keys(self) -> Iterator[str]:
        """Yield the key of each complete blob, in no particular order."""

    def sweep(self, key: str) -> None:
        """Remove what an unfinished write of key left behind; a complete blob is left as it is.

        For the reaper: a write of key that is still running elsewhere may fail with BlobNotFound.
        """

    def check(self) -> None:
        """Prove that the store can be written to at this moment.

        Raises:
            StoreUnavailable: it can't; the message says why.
        """

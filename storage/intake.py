"""What an image's bytes run past on their way into a blob store: two hashes and a format check."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from queue import Queue
from threading import Thread

from storage.format_check import Inspection

_QUEUED_CHUNKS = 4  # per hash: enough to ride out a slow write, little enough to stay small
_UNINSPECTED = {"ami", "aki", "ari"}


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
        self._inspection = Inspection(disk_format) if is_inspected else None
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

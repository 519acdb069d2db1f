"""An image's bytes on their way: counted, hashed beside the network, shown as progress."""

import hashlib
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from app.cli.exits import Failure, clean
from app.cli.terminal import words

CHUNK = 1 << 20  # bytes read at a time
MD5 = "md5"


class RunningHash:
    """A hash that is computed on a thread of its own, one chunk behind at most."""

    def __init__(self, algorithm: str) -> None:
        """Begin; ValueError when hashlib does not know the algorithm."""
        self._hash = hashlib.new(algorithm, usedforsecurity=False)
        self._thread = ThreadPoolExecutor(1)
        self._last: Future[None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: object, trace: TracebackType | None
    ) -> None:
        self._thread.shutdown()

    def update(self, chunk: bytes) -> None:
        """Add a chunk, once the one before is done."""
        self._wait()
        self._last = self._thread.submit(self._hash.update, chunk)

    def value(self) -> str:
        """Return the hash of all that was added, in hex."""
        self._wait()
        return self._hash.hexdigest()

    def _wait(self) -> None:
        if self._last is not None:
            self._last.result()


def head_of(stream: BinaryIO) -> bytes:
    """Return the first bytes of a stream, waiting for them if need be."""
    head = bytearray()
    while len(head) < CHUNK and (chunk := stream.read(CHUNK - len(head))):
        head += chunk
    return bytes(head)


def read_in_chunks(stream: BinaryIO) -> Iterator[bytes]:
    """Yield what is left of a stream."""
    while chunk := stream.read(CHUNK):
        yield chunk


def hash_of(path: Path, algorithm: str) -> str:
    """Return the hash of a file's bytes, in hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.new(algorithm)).hexdigest()


@contextmanager
def progress(label: str, total: int | None, *, is_quiet: bool) -> Iterator[Progress]:
    """Show how far a transfer of total bytes is, on a terminal's standard error only."""
    console = words(stderr=True)
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(binary_units=True),
        TransferSpeedColumn(),
    )
    is_shown = console.is_terminal and not is_quiet
    with Progress(*columns, console=console, transient=True, disable=not is_shown) as shown:
        shown.add_task(clean(label), total=total)
        yield shown


def watched(
    chunks: Iterable[bytes], hashes: Iterable[RunningHash], shown: Progress
) -> Iterator[bytes]:
    """Yield the same chunks, and hash and count each on its way."""
    [task] = shown.task_ids
    for chunk in chunks:
        for running in hashes:
            running.update(chunk)
        yield chunk
        shown.advance(task, len(chunk))


def hash_name(image: dict[str, Any]) -> str:
    """Return which hash tells most about an image's data."""
    name = image.get("os_hash_algo") or MD5
    if name not in hashlib.algorithms_available:
        raise Failure(f"this machine can't compute {name}, the hash of image {image['id']}")
    return str(name)


def recorded(image: dict[str, Any], algorithm: str) -> str | None:
    """Return the hash of an image's data as the server says it, in hex."""
    value = image.get("os_hash_value" if algorithm == image.get("os_hash_algo") else "checksum")
    return None if value is None else str(value)

"""What every blob store promises; a new one joins by one more parameter and an open_store case."""

import hashlib
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Barrier
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage.blobs.filesystem import FilesystemBlobStore
from storage.blobs.protocol import BlobNotFound, BlobStore, InvalidKey, KeyTaken
from tests import s3

MIB = 1024 * 1024
IMAGE = "0f9d4bb2-6a3c-4a3e-8a4c-2f1d7b5a9e01"
KEY = f"{IMAGE}/7d1c0f6e-92b5-4f0a-b6f3-5b8e3c2a1d40"
OTHER_KEY = f"{IMAGE}/b3a8e5d2-1c47-4d9b-9f62-8e0d4c7b6a15"

HOSTILE_KEYS = [
    "",
    "/",
    "..",
    "../" + KEY,
    "/" + KEY,
    KEY + "/",
    KEY + "/..",
    KEY + "\n",
    KEY + "\0",
    KEY.upper(),
    KEY.replace("/", "\\"),
    KEY.replace("/", "//"),
    KEY.replace("/", "/./"),
    f"{IMAGE}/..",
    f"../{IMAGE}",
    f"{IMAGE}/",
    f"{IMAGE}",
    f".partial/{IMAGE}",
    f"{IMAGE}/{'a' * 5000}",
    f"{IMAGE}/\u0660{IMAGE[1:]}",
    f"{KEY}?versionId=1",
    "C:\\Windows",
    "\ud800",
]


@contextmanager
def open_store(name: str, directory: Path) -> Iterator[BlobStore]:
    match name:
        case "filesystem":
            yield FilesystemBlobStore(directory / "blobs")
        case "s3":
            with s3.new_bucket() as bucket:
                yield s3.server().open(bucket)
        case _:
            raise ValueError(name)


@pytest.fixture(params=["filesystem", "s3"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[BlobStore]:
    with open_store(request.param, tmp_path) as store:
        yield store


def read(blobs: BlobStore, key: str, *, start: int = 0) -> bytes:
    with blobs.open(key, start=start) as file:
        return file.read()


def new_key() -> str:
    return f"{uuid4()}/{uuid4()}"


def torn(*chunks: bytes) -> Iterator[bytes]:
    yield from chunks
    raise ConnectionResetError("The client went away.")


def test_a_blob_reads_back_as_it_was_written(blobs: BlobStore) -> None:
    written = blobs.write(KEY, [b"half of it, ", b"and the rest"])

    assert written == 24
    assert blobs.size(KEY) == 24
    assert read(blobs, KEY) == b"half of it, and the rest"


@pytest.mark.parametrize("chunks", [[], [b""], [b"", b""]])
def test_an_empty_blob_is_a_blob(blobs: BlobStore, chunks: list[bytes]) -> None:
    assert blobs.write(KEY, chunks) == 0

    assert blobs.size(KEY) == 0
    assert read(blobs, KEY) == b""
    assert list(blobs.keys()) == [KEY]


def test_a_large_blob_reads_back_in_size_and_hash(blobs: BlobStore) -> None:
    chunks = [hashlib.shake_128(bytes([n])).digest(MIB) for n in range(33)] + [b"!"]

    blobs.write(KEY, iter(chunks))

    assert blobs.size(KEY) == 33 * MIB + 1
    stored = hashlib.sha512()
    with blobs.open(KEY) as file:
        while piece := file.read(MIB):
            stored.update(piece)
    assert stored.digest() == hashlib.sha512(b"".join(chunks)).digest()


def test_memory_does_not_grow_with_the_blob(blobs: BlobStore) -> None:
    tracemalloc.start()
    try:
        blobs.write(KEY, (bytes(MIB) for _ in range(64)))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 32 * MIB


@given(chunks=st.lists(st.binary(max_size=64), max_size=20))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_how_the_bytes_are_cut_makes_no_difference(blobs: BlobStore, chunks: list[bytes]) -> None:
    key = new_key()

    size = blobs.write(key, chunks)

    assert size == blobs.size(key) == len(b"".join(chunks))
    assert read(blobs, key) == b"".join(chunks)


@pytest.mark.parametrize("start", [0, 1, 5, 9, 10, 11, 10_000])
def test_reading_starts_anywhere_up_to_the_end_and_finds_nothing_behind_it(
    blobs: BlobStore, start: int
) -> None:
    blobs.write(KEY, [b"0123456789"])

    assert read(blobs, KEY, start=start) == b"0123456789"[start:]


def test_a_range_is_read_by_its_length(blobs: BlobStore) -> None:
    blobs.write(KEY, [b"0123456789"])

    with blobs.open(KEY, start=3) as file:
        assert file.read(4) == b"3456"


def test_an_unknown_key_has_no_blob(blobs: BlobStore) -> None:
    blobs.write(OTHER_KEY, [b"another attempt of the same image"])

    with pytest.raises(BlobNotFound):
        blobs.open(KEY)
    with pytest.raises(BlobNotFound):
        blobs.size(KEY)
    assert blobs.delete(KEY) is False


@pytest.mark.parametrize("key", HOSTILE_KEYS)
def test_a_hostile_key_is_refused_everywhere(blobs: BlobStore, key: str) -> None:
    with pytest.raises(InvalidKey):
        blobs.write(key, [b"evil"])
    with pytest.raises(InvalidKey):
        blobs.open(key)
    with pytest.raises(InvalidKey):
        blobs.size(key)
    with pytest.raises(InvalidKey):
        blobs.delete(key)
    with pytest.raises(InvalidKey):
        blobs.sweep(key)
    assert list(blobs.keys()) == []


def test_a_key_is_written_once(blobs: BlobStore) -> None:
    blobs.write(KEY, [b"first"])

    with pytest.raises(KeyTaken):
        blobs.write(KEY, [b"second"])

    assert read(blobs, KEY) == b"first"


def test_deleting_twice_is_fine(blobs: BlobStore) -> None:
    blobs.write(KEY, [b"bytes"])

    assert blobs.delete(KEY) is True
    assert blobs.delete(KEY) is False

    assert list(blobs.keys()) == []
    with pytest.raises(BlobNotFound):
        blobs.open(KEY)


def test_deleting_one_attempt_leaves_the_others(blobs: BlobStore) -> None:
    blobs.write(KEY, [b"this"])
    blobs.write(OTHER_KEY, [b"that"])

    blobs.delete(KEY)

    assert list(blobs.keys()) == [OTHER_KEY]
    assert read(blobs, OTHER_KEY) == b"that"


def test_all_blobs_are_listed(blobs: BlobStore) -> None:
    keys = [KEY, OTHER_KEY, *(new_key() for _ in range(20))]

    for key in keys:
        blobs.write(key, [b"bytes"])

    assert sorted(blobs.keys()) == sorted(keys)


def test_a_blob_is_not_seen_before_it_is_complete(blobs: BlobStore) -> None:
    def chunks() -> Iterator[bytes]:
        yield bytes(MIB)
        assert list(blobs.keys()) == []
        with pytest.raises(BlobNotFound):
            blobs.open(KEY)
        with pytest.raises(BlobNotFound):
            blobs.size(KEY)
        yield b"the end"

    blobs.write(KEY, chunks())

    assert list(blobs.keys()) == [KEY]


@pytest.mark.parametrize("before", [[], [b"half of it"], [bytes(MIB)] * 12])
def test_an_interrupted_write_leaves_nothing(blobs: BlobStore, before: list[bytes]) -> None:
    with pytest.raises(ConnectionResetError, match="The client went away"):
        blobs.write(KEY, torn(*before))

    assert list(blobs.keys()) == []
    with pytest.raises(BlobNotFound):
        blobs.open(KEY)
    assert blobs.write(KEY, [b"again"]) == 5


def test_sweeping_leaves_complete_blobs_and_may_be_repeated(blobs: BlobStore) -> None:
    blobs.write(KEY, [b"bytes"])

    for _ in range(2):
        blobs.sweep(KEY)
        blobs.sweep(OTHER_KEY)

    assert read(blobs, KEY) == b"bytes"


def test_of_many_writers_of_one_key_one_wins_whole(blobs: BlobStore) -> None:
    start = Barrier(8)

    def contend(mark: int) -> bytes | None:
        content = bytes([mark]) * 100_000
        start.wait()
        try:
            blobs.write(KEY, [content[:50_000], content[50_000:]])
        except KeyTaken:
            return None
        return content

    with ThreadPoolExecutor(8) as threads:
        [winner] = [content for content in threads.map(contend, range(8)) if content]

    assert read(blobs, KEY) == winner
    assert list(blobs.keys()) == [KEY]


def test_writers_readers_and_deleters_of_one_image_do_not_disturb_each_other(
    blobs: BlobStore,
) -> None:
    def write_read_delete(mark: int) -> str:
        kept = f"{IMAGE}/{uuid4()}"
        for _ in range(25):
            doomed = f"{IMAGE}/{uuid4()}"
            blobs.write(doomed, [bytes([mark])] * 3)
            assert read(blobs, doomed) == bytes([mark]) * 3
            assert blobs.delete(doomed)
        blobs.write(kept, [kept.encode()])
        return kept

    with ThreadPoolExecutor(4) as threads:
        kept = list(threads.map(write_read_delete, range(4)))

    assert sorted(blobs.keys()) == sorted(kept)
    assert [read(blobs, key) for key in kept] == [key.encode() for key in kept]


def test_a_store_that_works_is_healthy(blobs: BlobStore) -> None:
    blobs.check()

    assert list(blobs.keys()) == []

"""What is the file system's own: temporary files, crashes, a full disk, permissions."""

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.blobs.filesystem import FilesystemBlobStore
from storage.blobs.protocol import BlobNotFound, KeyTaken, StoreUnavailable

PROJECT = Path(__file__).parents[2]
MIB = 1024 * 1024
IMAGE = "0f9d4bb2-6a3c-4a3e-8a4c-2f1d7b5a9e01"
ATTEMPT = "7d1c0f6e-92b5-4f0a-b6f3-5b8e3c2a1d40"
KEY = f"{IMAGE}/{ATTEMPT}"

# The process ends as by `kill -9` when everything is written and nothing is published.
DIES_WHILE_WRITING = """
import os, signal, sys
from pathlib import Path
from storage.blobs.filesystem import FilesystemBlobStore

def chunks():
    yield bytes(1024 * 1024)
    yield b"the end"
    os.kill(os.getpid(), signal.SIGKILL)

FilesystemBlobStore(Path(sys.argv[1])).write(sys.argv[2], chunks())
"""

# A limit on the size of files fails a write like a full disk, and needs neither root nor mount.
FINDS_NO_ROOM = """
import resource, sys
from pathlib import Path
from storage.blobs.filesystem import FilesystemBlobStore
from storage.blobs.protocol import StoreFull

store = FilesystemBlobStore(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (1_500_000, 1_500_000))
try:
    store.write(sys.argv[2], [bytes(1024 * 1024)] * 2)
except StoreFull as error:
    sys.stdout.write(str(error))
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "blobs"


@pytest.fixture
def blobs(root: Path) -> FilesystemBlobStore:
    return FilesystemBlobStore(root)


def run(script: str, root: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", script, str(root), KEY]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)


def files(root: Path) -> list[str]:
    return [str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()]


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_crash_before_publishing_shows_nothing_and_is_swept(
    blobs: FilesystemBlobStore, root: Path
) -> None:
    crashed = run(DIES_WHILE_WRITING, root)

    assert crashed.returncode == -signal.SIGKILL
    assert list(blobs.keys()) == []
    assert files(root) == [f".partial/{IMAGE}.{ATTEMPT}"]

    blobs.sweep(KEY)

    assert files(root) == []
    assert blobs.write(KEY, [b"again"]) == 5


def test_a_crash_right_after_publishing_keeps_the_blob(
    blobs: FilesystemBlobStore, root: Path
) -> None:
    blobs.write(KEY, [b"bytes"])
    os.link(root / KEY, root / ".partial" / f"{IMAGE}.{ATTEMPT}")

    blobs.sweep(KEY)

    assert files(root) == [KEY]


def test_an_unfinished_write_holds_its_key(blobs: FilesystemBlobStore, root: Path) -> None:
    def slow() -> Iterator[bytes]:
        yield b"slow"
        with pytest.raises(KeyTaken):
            blobs.write(KEY, [b"fast"])

    blobs.write(KEY, slow())

    assert (root / KEY).read_bytes() == b"slow"


def test_a_write_that_was_swept_and_overtaken_leaves_the_newer_blob_alone(
    blobs: FilesystemBlobStore, root: Path
) -> None:
    def overtaken() -> Iterator[bytes]:
        yield b"slow"
        blobs.sweep(KEY)
        blobs.write(KEY, [b"fast"])

    with pytest.raises(BlobNotFound):
        blobs.write(KEY, overtaken())

    assert (root / KEY).read_bytes() == b"fast"
    assert files(root) == [KEY]


def test_a_write_that_was_swept_away_fails_and_leaves_nothing(
    blobs: FilesystemBlobStore, root: Path
) -> None:
    def swept() -> Iterator[bytes]:
        yield b"bytes"
        blobs.sweep(KEY)

    with pytest.raises(BlobNotFound):
        blobs.write(KEY, swept())

    assert files(root) == []


def test_a_full_disk_is_reported_and_leaves_nothing(blobs: FilesystemBlobStore, root: Path) -> None:
    full = run(FINDS_NO_ROOM, root)

    assert "File too large" in full.stdout, full.stderr
    assert list(blobs.keys()) == []
    assert files(root) == []


def test_an_interrupted_write_leaves_no_file(blobs: FilesystemBlobStore, root: Path) -> None:
    def torn() -> Iterator[bytes]:
        yield bytes(MIB)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        blobs.write(KEY, torn())

    assert files(root) == []


def test_an_error_of_the_source_is_not_taken_for_one_of_the_disk(
    blobs: FilesystemBlobStore,
) -> None:
    def torn() -> Iterator[bytes]:
        yield b"bytes"
        raise OSError(28, "no space left at the sender")

    with pytest.raises(OSError, match="at the sender"):
        blobs.write(KEY, torn())


def test_only_the_owner_can_read_what_is_stored(blobs: FilesystemBlobStore, root: Path) -> None:
    before = os.umask(0)
    try:
        blobs.write(KEY, [b"secret"])
    finally:
        os.umask(before)

    assert mode(root / KEY) == 0o600
    assert mode(root / IMAGE) == 0o700
    assert mode(root / ".partial") == 0o700


def test_the_last_blob_takes_its_directory_along(blobs: FilesystemBlobStore, root: Path) -> None:
    blobs.write(KEY, [b"bytes"])

    blobs.delete(KEY)

    assert not (root / IMAGE).exists()


def test_an_open_blob_is_a_real_file_at_its_position(blobs: FilesystemBlobStore) -> None:
    blobs.write(KEY, [b"0123456789"])

    with blobs.open(KEY, start=4) as file:
        assert os.lseek(file.fileno(), 0, os.SEEK_CUR) == 4
        assert os.fstat(file.fileno()).st_size == 10


def test_an_open_blob_stays_readable_when_it_is_deleted(blobs: FilesystemBlobStore) -> None:
    blobs.write(KEY, [b"bytes"])

    with blobs.open(KEY) as file:
        blobs.delete(KEY)
        assert file.read() == b"bytes"


def test_what_is_not_a_blob_is_not_listed(blobs: FilesystemBlobStore, root: Path) -> None:
    blobs.write(KEY, [b"bytes"])
    (root / "lost+found").mkdir()
    (root / "lost+found" / "file").touch()
    (root / "README").touch()
    (root / IMAGE / "note").touch()

    assert list(blobs.keys()) == [KEY]


def test_a_directory_that_went_away_is_unavailable(blobs: FilesystemBlobStore, root: Path) -> None:
    root.rename(root.with_name("unmounted"))

    with pytest.raises(StoreUnavailable):
        blobs.check()
    with pytest.raises(StoreUnavailable):
        blobs.write(KEY, [b"bytes"])
    with pytest.raises(StoreUnavailable):
        list(blobs.keys())
    assert not root.exists()


def test_a_directory_that_cannot_be_made_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(StoreUnavailable, match="Not a directory"):
        FilesystemBlobStore(tmp_path / "file" / "blobs")

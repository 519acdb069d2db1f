"""What Intake learns from real images, what it refuses, and that it leaves no thread behind."""

import hashlib
import threading
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.format_check import FormatMismatch
from storage.intake import Facts, Intake
from tests.images import image

MIB = 1024 * 1024

# image, declared disk_format, virtual_size in bytes
ACCEPTED = [
    ("plain.raw", "raw", MIB),
    ("gpt.raw", "raw", MIB),
    ("plain.iso", "raw", 376832),
    ("hybrid.iso", "raw", 475136),
    ("plain.iso", "iso", 376832),
    ("hybrid.iso", "iso", 69632),
    ("v3.qcow2", "qcow2", MIB),
    ("v2.qcow2", "qcow2", MIB),
    ("lazy.qcow2", "qcow2", MIB),
    ("sparse.vmdk", "vmdk", MIB),
    ("stream.vmdk", "vmdk", MIB),
    ("plain.vdi", "vdi", MIB),
    ("dynamic.vhd", "vhd", 1079296),
    ("fixed.vhd", "vhd", MIB),
    ("plain.vhdx", "vhdx", MIB),
    ("plain.raw", "ploop", None),
    ("v3.qcow2", "ami", None),
    ("plain.raw", "aki", None),
    ("plain.raw", "ari", None),
]

# image, declared disk_format, what the data turned out to be
MISTAKEN = [
    *(
        (name, "raw", name.partition(".")[2])
        for name in (
            "v3.qcow2",
            "v2.qcow2",
            "backing.qcow2",
            "plain.qed",
            "sparse.vmdk",
            "stream.vmdk",
            "flat.vmdk",
            "plain.vdi",
            "dynamic.vhd",
            "fixed.vhd",
            "plain.vhdx",
            "v1.luks",
            "v2.luks",
        )
    ),
    ("v3.qcow2", "iso", "qcow2"),
    ("v3.qcow2", "vmdk", "qcow2"),
    ("v3.qcow2", "vhd", "qcow2"),
    ("v3.qcow2", "ploop", "qcow2"),
    ("plain.vhdx", "vhd", "vhdx"),
    ("dynamic.vhd", "vhdx", "vhd"),
    ("plain.iso", "qcow2", "iso"),
    ("gpt.raw", "qcow2", "gpt"),
    ("gpt.raw", "iso", "unknown"),
    ("gpt.raw", "vhd", "unknown"),
    *(
        ("plain.raw", declared, "unknown")
        for declared in ("qcow2", "vmdk", "vdi", "vhd", "vhdx", "iso")
    ),
]

UNSAFE = [
    ("backing.qcow2", "qcow2", "backing file"),
    ("datafile.qcow2", "qcow2", "in another file"),
    ("flat.vmdk", "vmdk", "not a single file"),
]


def take_in(
    chunks: Iterable[bytes], disk_format: str = "raw", container_format: str = "bare"
) -> Facts:
    intake = Intake(disk_format=disk_format, container_format=container_format)
    for _ in intake.watch(chunks):
        pass
    return intake.finish()


def cut(data: bytes, places: Iterable[int]) -> list[bytes]:
    bounds = [0, *sorted(place for place in places if place < len(data)), len(data)]
    return [data[start:end] for start, end in pairwise(bounds)]


def outcome(chunks: list[bytes], disk_format: str) -> Facts | str:
    try:
        return take_in(chunks, disk_format)
    except FormatMismatch as error:
        return str(error)


def patched(data: bytes, offset: int, new: bytes) -> bytes:
    return data[:offset] + new + data[offset + len(new) :]


def hash_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "intake-hash"]


def test_size_and_hashes_are_those_of_the_bytes() -> None:
    facts = take_in([b"some ", b"bytes"])

    assert facts == Facts(
        size=10,
        checksum=hashlib.md5(b"some bytes", usedforsecurity=False).hexdigest(),
        os_hash_algo="sha512",
        os_hash_value=hashlib.sha512(b"some bytes").hexdigest(),
        virtual_size=10,
    )


def test_the_secure_hash_can_be_chosen() -> None:
    intake = Intake(os_hash_algo="sha256", disk_format="raw", container_format="bare")
    list(intake.watch([b"bytes"]))

    facts = intake.finish()

    assert facts.os_hash_algo == "sha256"
    assert facts.os_hash_value == hashlib.sha256(b"bytes").hexdigest()


def test_an_unknown_hash_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="sha0"):
        Intake(os_hash_algo="sha0", disk_format="raw", container_format="bare")


def test_chunks_pass_through_as_they_are() -> None:
    chunks = [b"", b"a", bytes(3 * MIB), b"z"]
    intake = Intake(disk_format="raw", container_format="bare")

    passed = list(intake.watch(chunks))

    assert all(one is other for one, other in zip(passed, chunks, strict=True))


@pytest.mark.parametrize(("name", "disk_format", "virtual_size"), ACCEPTED)
def test_an_image_of_its_declared_format_is_accepted(
    name: str, disk_format: str, virtual_size: int | None
) -> None:
    facts = take_in([image(name)], disk_format)

    assert facts.size == len(image(name))
    assert facts.virtual_size == virtual_size


@pytest.mark.parametrize(("name", "disk_format", "found"), MISTAKEN)
def test_an_image_of_another_format_is_refused(name: str, disk_format: str, found: str) -> None:
    with pytest.raises(FormatMismatch) as refusal:
        take_in([image(name)], disk_format)

    assert (refusal.value.declared, refusal.value.found) == (disk_format, found)


def test_a_refusal_says_what_the_data_is() -> None:
    with pytest.raises(FormatMismatch) as refusal:
        take_in([image("v3.qcow2")], "raw")

    assert str(refusal.value) == "disk_format is declared as raw, but the data is qcow2."


@pytest.mark.parametrize(("name", "disk_format", "reason"), UNSAFE)
def test_an_image_that_refers_to_others_is_refused(
    name: str, disk_format: str, reason: str
) -> None:
    with pytest.raises(FormatMismatch, match=reason):
        take_in([image(name)], disk_format)


@pytest.mark.parametrize("container_format", ["ami", "ova", "docker", "compressed"])
def test_what_is_in_another_container_is_only_hashed(container_format: str) -> None:
    facts = take_in([image("v3.qcow2")], "raw", container_format)

    assert facts.size == len(image("v3.qcow2"))
    assert facts.virtual_size is None


def test_no_bytes_are_an_empty_raw_disk() -> None:
    assert take_in([], "raw").virtual_size == 0


@pytest.mark.parametrize("disk_format", ["qcow2", "iso", "vmdk", "vdi", "vhd", "vhdx"])
def test_no_bytes_are_nothing_else(disk_format: str) -> None:
    with pytest.raises(FormatMismatch, match="not recognised"):
        take_in([], disk_format)


@pytest.mark.parametrize(
    ("name", "disk_format", "bytes_left"),
    [
        ("v3.qcow2", "qcow2", 3),
        ("v3.qcow2", "qcow2", 100),
        ("plain.vdi", "vdi", 100),
        ("plain.iso", "iso", 33_000),
        ("sparse.vmdk", "vmdk", 600),
        ("plain.vhdx", "vhdx", MIB),
        ("fixed.vhd", "vhd", MIB),
    ],
)
def test_an_image_cut_short_in_its_header_is_refused(
    name: str, disk_format: str, bytes_left: int
) -> None:
    with pytest.raises(FormatMismatch):
        take_in([image(name)[:bytes_left]], disk_format)


def test_a_short_qcow2_is_not_raw() -> None:
    with pytest.raises(FormatMismatch, match="the data is qcow2"):
        take_in([image("v3.qcow2")[:100]], "raw")


@pytest.mark.parametrize(
    ("data", "disk_format", "reason"),
    [
        (patched(image("v3.qcow2"), 72, b"\x80"), "qcow2", "features"),
        (patched(image("v3.qcow2"), 24, b"\xff" * 8), "qcow2", "no disk can have"),
        (patched(image("v3.qcow2"), 510, b"\x55\xaa"), "qcow2", "partition table and qcow2"),
        (patched(image("dynamic.vhd"), 60, b"\0\0\0\4"), "vhd", "backing file"),
        (patched(image("plain.vdi"), 76, b"\4\0\0\0"), "vdi", "backing file"),
        (patched(image("plain.vhdx"), 192 * 1024, b"evil"), "vhdx", "damaged"),
        (patched(image("sparse.vmdk"), 28, b"\2"), "vmdk", "damaged"),
        (patched(image("stream.vmdk"), 56, b"\xff" * 8), "vmdk", "footer"),
        (image("flat.vmdk") + bytes(4096), "raw", "the data is vmdk"),
        (b"# text\nversion=1\n" + "ü".encode() * MIB, "raw", "the data is vmdk"),
    ],
)
def test_a_forged_image_is_refused(data: bytes, disk_format: str, reason: str) -> None:
    with pytest.raises(FormatMismatch, match=reason):
        take_in([data], disk_format)


@pytest.mark.parametrize("data", [b"a" * 600 + "ü".encode() * 9, b"#\n" * MIB, b"conectix" * 64])
def test_text_is_a_raw_disk_if_one_says_so(data: bytes) -> None:
    if data.startswith(b"conectix"):
        data = bytes(512) + data

    assert take_in([data], "raw").virtual_size == len(data)


@given(
    case=st.sampled_from([*ACCEPTED, *MISTAKEN, *UNSAFE]),
    places=st.lists(st.integers(0, 2000) | st.integers(0, 17 * MIB), max_size=30),
)
@settings(deadline=None, max_examples=150)
def test_how_the_bytes_are_cut_makes_no_difference(
    case: tuple[str, str, object], places: list[int]
) -> None:
    name, disk_format, _ = case

    pieces = cut(image(name), places)

    assert outcome(pieces, disk_format) == outcome([image(name)], disk_format)


@pytest.mark.parametrize("name", ["flat.vmdk", "v3.qcow2", "sparse.vmdk"])
def test_single_bytes_hide_nothing(name: str) -> None:
    data = image(name)
    pieces = [*(data[n : n + 1] for n in range(1024)), data[1024:]]

    with pytest.raises(FormatMismatch):
        take_in(pieces, "raw")


def test_a_mismatch_that_the_beginning_shows_ends_the_stream_there() -> None:
    taken = []

    def endless() -> Iterator[bytes]:
        yield image("v3.qcow2")[:65536]
        while True:
            taken.append(65536)
            yield bytes(65536)

    with pytest.raises(FormatMismatch, match="the data is qcow2"):
        take_in(endless(), "raw")

    assert sum(taken) < 2 * MIB


def test_finishing_too_early_is_an_error() -> None:
    intake = Intake(disk_format="raw", container_format="bare")
    stream = intake.watch([b"one", b"two"])
    next(stream)

    with pytest.raises(RuntimeError, match="not read to its end"):
        intake.finish()
    stream.close()  # type: ignore[attr-defined]  # a generator, promised as an Iterator only


def test_an_error_in_a_hash_reaches_the_reader() -> None:
    not_bytes = cast("bytes", "text")
    intake = Intake(disk_format="raw", container_format="ova")

    with pytest.raises(TypeError):
        list(intake.watch([not_bytes] * 20))

    with pytest.raises(RuntimeError):
        intake.finish()
    assert hash_threads() == []


def read_one_and_close(stream: Iterator[bytes]) -> None:
    next(stream)
    assert len(hash_threads()) == 2
    stream.close()  # type: ignore[attr-defined]  # as above


def read_one_and_forget(stream: Iterator[bytes]) -> None:
    next(stream)


def never_start(stream: Iterator[bytes]) -> None:
    del stream


@pytest.mark.parametrize("give_up", [read_one_and_close, read_one_and_forget, never_start])
def test_no_thread_is_left_when_the_reader_gives_up(
    give_up: Callable[[Iterator[bytes]], None],
) -> None:
    intake = Intake(disk_format="raw", container_format="bare")

    give_up(intake.watch(bytes(1000) for _ in range(1000)))

    assert hash_threads() == []


def test_no_thread_is_left_when_the_source_fails() -> None:
    def torn() -> Iterator[bytes]:
        yield b"half of it"
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        take_in(torn())

    assert hash_threads() == []


def test_no_thread_is_left_after_a_refusal() -> None:
    with pytest.raises(FormatMismatch):
        take_in([image("v3.qcow2"), bytes(2 * MIB), bytes(MIB)], "raw")

    assert hash_threads() == []

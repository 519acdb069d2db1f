"""`hindsight images pull`."""

import os
from pathlib import Path
from uuid import uuid4

import pytest

from tests.cli.shell import Shell
from tests.server import running_server

DATA = os.urandom(2_500_000)


def leftovers(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.endswith(".part")]


@pytest.mark.parametrize("place", [("copy.img",), ("-o", "copy.img")])
def test_a_file_is_what_was_pushed(member: Shell, place: tuple[str, ...]) -> None:
    image = member.pushed(name=f"pulled-{uuid4()}", data=DATA)

    done = member("images", "pull", image["name"], *place)

    assert done.out == f"Pulled {image['name']} to copy.img: 2.4 MiB, sha512 matches\n"
    assert done.err == ""
    assert (member.folder / "copy.img").read_bytes() == DATA
    assert leftovers(member.folder) == []


def test_machines_get_the_hash(member: Shell) -> None:
    image = member.pushed(data=DATA)

    summary = member("images", "pull", image["id"], "copy.img", "--json").json

    assert summary == {
        "id": image["id"],
        "file": "copy.img",
        "size": len(DATA),
        "hash": "sha512",
        "value": image["os_hash_value"],
    }


def test_standard_output_gets_the_bytes_alone(member: Shell) -> None:
    image = member.pushed(data=DATA)

    done = member("images", "pull", image["id"], "-")

    assert done.raw == DATA
    assert done.err == ""


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("plain", "plain.raw"),
        ("plain.raw", "plain.raw"),
        ("../../outside", None),
        (".hidden", None),
        ("a/b", None),
    ],
)
def test_the_file_has_the_images_name_when_that_is_harmless(
    member: Shell, name: str, file: str | None
) -> None:
    image = member.pushed(name=name)

    done = member("images", "pull", image["id"])

    assert done.code == 0, done.err
    assert [path.name for path in member.folder.iterdir()] == [file or f"{image['id']}.raw"]


def test_a_file_is_overwritten_only_by_force(member: Shell) -> None:
    image = member.pushed(data=DATA)
    member.file("copy.img", b"precious")

    refused = member("images", "pull", image["id"], "copy.img")

    assert refused.code == 1
    assert "copy.img exists" in refused.err
    assert "--force" in refused.err
    assert (member.folder / "copy.img").read_bytes() == b"precious"

    assert member("images", "pull", image["id"], "copy.img", "--force").code == 0
    assert (member.folder / "copy.img").read_bytes() == DATA


def test_what_is_no_regular_file_is_never_replaced(member: Shell) -> None:
    image = member.pushed()
    os.mkfifo(member.folder / "device")

    done = member("images", "pull", image["id"], "device", "--force")

    assert done.code == 1
    assert "is no regular file" in done.err
    assert (member.folder / "device").is_fifo()


def test_an_image_without_data_can_not_be_pulled(member: Shell) -> None:
    with member.server.client(member.variables["HINDSIGHT_TOKEN"]) as api:
        image_id = api.post("/v2/images", json={}).json()["id"]

    done = member("images", "pull", image_id, "copy.img")

    assert done.code == 1
    assert "has no data yet" in done.err
    assert list(member.folder.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("nothing", "copy.img"), 3, "no image found with name nothing"),
        (("any", "a", "-o", "b"), 2, "name the file once"),
        (("any", "-", "--json"), 2, "both want standard output"),
        (("any", "no/such/folder"), 1, "No such file or directory"),
    ],
)
def test_what_is_wrong_is_told(
    member: Shell, arguments: tuple[str, ...], code: int, words: str
) -> None:
    if member("images", "show", "any").code:
        member.pushed(name="any")

    done = member("images", "pull", *arguments)

    assert done.code == code
    assert words in done.err


def test_a_reader_that_goes_away_ends_the_transfer_quietly(member: Shell) -> None:
    image = member.pushed(data=DATA)
    process = member.start("images", "pull", image["id"], "-")
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.read(1) == DATA[:1]
    process.stdout.close()

    with process:
        assert process.stderr.read() == b""
        assert process.wait() == 1


def test_a_damaged_image_leaves_no_file(tmp_path: Path) -> None:
    with running_server(tmp_path / "data") as server:
        (folder := tmp_path / "folder").mkdir()
        shell = Shell(server, folder)
        image = shell.pushed(data=DATA)
        blobs = (tmp_path / "data" / "blobs").rglob("*")
        [blob] = [path for path in blobs if path.is_file() and path.stat().st_size == len(DATA)]
        blob.chmod(0o600)
        blob.write_bytes(DATA[:-1] + bytes([DATA[-1] ^ 1]))

        done = shell("images", "pull", image["id"], "copy.img")

    assert done.code == 1
    assert "is damaged: its sha512 is" in done.err
    assert list(folder.iterdir()) == []

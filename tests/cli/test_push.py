"""`hindsight images push`."""

import hashlib
import os
import resource
from pathlib import Path
from uuid import uuid4

import pytest

from tests.cli.shell import Shell
from tests.images import image as disk_image
from tests.server import running_server

LITTLE_MEMORY = 160 << 20  # bytes; less than the image
LARGE = 256 << 20  # bytes

FORMATS = {
    "plain.raw": "raw",
    "gpt.raw": "raw",
    "v3.qcow2": "qcow2",
    "plain.vdi": "vdi",
    "dynamic.vhd": "vhd",
    "fixed.vhd": "vhd",
    "plain.vhdx": "vhdx",
    "sparse.vmdk": "vmdk",
    "hybrid.iso": "iso",
}


def test_a_file_becomes_an_image_of_its_name(member: Shell) -> None:
    data = b"some bytes"
    member.file("web server.img", data)

    done = member("images", "push", "web server.img")

    first, image_id, checksum = done.out.splitlines()
    assert first == "Pushed web server: 10 B, raw, active"
    assert checksum == f"checksum  {hashlib.md5(data, usedforsecurity=False).hexdigest()}"
    image = member("images", "show", image_id.split()[1], "--json").json
    assert image["name"] == "web server"
    assert image["container_format"] == "bare"
    assert done.err == ""


@pytest.mark.parametrize("name", FORMATS)
def test_the_format_is_what_the_bytes_show(member: Shell, name: str) -> None:
    member.file(name, disk_image(name))

    done = member("images", "push", name, "--json")

    assert done.json["disk_format"] == FORMATS[name]


def test_options_describe_the_image(member: Shell) -> None:
    member.file("any.img")
    image_id = str(uuid4())

    image = member(
        "images", "push", "any.img", "--id", image_id, "--name", "named", "--disk-format", "aki",
        "--container-format", "aki", "--min-disk", 1, "--min-ram", 2, "--tag", "a", "--tag", "b",
        "--property", "os=debian", "--visibility", "private", "--protected", "--json",
    ).json  # fmt: skip

    expected = {
        "id": image_id, "name": "named", "disk_format": "aki", "container_format": "aki",
        "min_disk": 1, "min_ram": 2, "tags": ["a", "b"], "os": "debian", "visibility": "private",
        "protected": True, "status": "active",
    }  # fmt: skip
    assert {name: image[name] for name in expected} == expected


def test_a_format_that_the_catalog_does_not_take_is_refused_before_anything_is_sent(
    member: Shell,
) -> None:
    member.file("old.qed", disk_image("plain.qed"))

    done = member("images", "push", "old.qed")

    assert done.code == 1
    assert "old.qed is qed, which the catalog does not take" in done.err
    assert "qemu-img convert" in done.err
    assert member("images", "list", "--name", "old", "--json").json == []


def test_a_pipe_is_pushed_as_it_comes(member: Shell) -> None:
    data = os.urandom(3_000_000)

    image = member("images", "push", "-", "--disk-format", "raw", "--json", stdin=data).json

    assert image["size"] == len(data)
    assert image["os_hash_value"] == hashlib.sha512(data).hexdigest()


def test_a_pipes_format_is_seen_in_its_beginning(member: Shell) -> None:
    done = member("images", "push", "-", "--json", stdin=disk_image("v3.qcow2"))

    assert (done.json["disk_format"], done.json["name"]) == ("qcow2", None)


def test_a_pipe_that_shows_no_format_needs_one_named(member: Shell) -> None:
    done = member("images", "push", "-", stdin=b"anything")

    assert done.code == 2
    assert "--disk-format" in done.err


def test_a_named_pipe_is_pushed_like_any_pipe(member: Shell) -> None:
    os.mkfifo(member.folder / "pipe")
    process = member.start("images", "push", "pipe", "--disk-format", "raw", "--json")
    (member.folder / "pipe").write_bytes(b"through a pipe")

    out, err = process.communicate()

    assert process.returncode == 0, err.decode()
    assert b'"size": 14,' in out


def test_an_empty_file_is_an_image_too(member: Shell) -> None:
    member.file("empty.img", b"")

    assert member("images", "push", "empty.img", "--json").json["size"] == 0


def test_a_large_image_needs_little_memory(member: Shell) -> None:
    with (member.folder / "large.img").open("wb") as sparse:
        sparse.truncate(LARGE)

    def have_little_memory() -> None:
        resource.setrlimit(resource.RLIMIT_DATA, (LITTLE_MEMORY, LITTLE_MEMORY))

    process = member.start("images", "push", "large.img", preexec_fn=have_little_memory)
    _, err = process.communicate()

    assert process.returncode == 0, err.decode()


def test_a_refused_upload_says_how_to_go_on_and_so_it_goes_on(member: Shell) -> None:
    member.file("wrong.img", disk_image("v3.qcow2") + bytes(40_000_000))
    image_id = str(uuid4())

    refused = member("images", "push", "wrong.img", "--id", image_id, "--disk-format", "raw")

    assert refused.code == 1
    assert "declared as raw, but the data is qcow2" in refused.err
    assert f"Image {image_id} stays killed." in refused.err
    assert f"hindsight images push --into {image_id} wrong.img" in refused.err

    assert member("images", "set", image_id, "--disk-format", "qcow2").code == 0
    again = member("images", "push", "--into", image_id, "wrong.img", "--json")
    assert again.json["status"] == "active"
    assert again.json["id"] == image_id


def test_an_image_with_data_takes_no_other(member: Shell) -> None:
    image = member.pushed()
    member.file("other.img")

    done = member("images", "push", "--into", image["id"], "other.img")

    assert done.code == 1
    assert "an image that is active can't become saving" in done.err
    assert "stays" not in done.err


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("missing.img",), 2, "does not exist"),
        (("any.img", "--into", str(uuid4()), "--name", "x"), 2, "not --name"),
        (("any.img", "--into", str(uuid4())), 3, "no image found"),
        (("any.img", "--property", "status=active"), 2, "status is an attribute"),
        (("any.img", "--property", "location=x"), 4, "location: this name is reserved"),
        (("any.img", "--visibility", "public"), 4, ""),
        ((".",), 2, "is a directory"),
    ],
)
def test_what_is_wrong_is_told(
    member: Shell, arguments: tuple[str, ...], code: int, words: str
) -> None:
    member.file("any.img")

    done = member("images", "push", *arguments)

    assert done.code == code
    assert words in done.err


def test_an_id_is_never_used_twice(member: Shell) -> None:
    image = member.pushed()
    assert member("images", "delete", image["id"]).code == 0
    member.file("any.img")

    done = member("images", "push", "any.img", "--id", image["id"])

    assert done.code == 1
    assert "has been used already" in done.err


def test_a_server_with_another_hash_is_verified_all_the_same(tmp_path: Path) -> None:
    with running_server(tmp_path / "data", os_hash_algo="blake2b") as server:
        shell = Shell(server, tmp_path)
        shell.file("any.img")

        from_file = shell("images", "push", "any.img", "--json")
        from_pipe = shell("images", "push", "-", "--disk-format", "raw", "--json", stdin=b"piped")
        pulled = shell("images", "pull", "any", "copy.img")

    assert from_file.json["os_hash_algo"] == from_pipe.json["os_hash_algo"] == "blake2b"
    assert pulled.code == 0

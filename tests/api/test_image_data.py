"""Uploading images' data (Images API v2, "Image data")."""

import base64
import hashlib
from collections.abc import Iterator

import pytest

from tests.api.project import BYTES, Json, Project, refusal
from tests.images import image as disk
from tests.server import Server

DATA = bytes(range(256)) * 20_000  # five MiB


def checksum(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def killed_because(project: Project, image: Json) -> str:
    """Return the reason for which an upload failed, after checking that nothing of it is left."""
    shown = project.show(image)
    assert shown["status"] == "killed"
    unset = ("size", "virtual_size", "checksum", "os_hash_algo", "os_hash_value")
    assert [shown[name] for name in unset] == [None] * 5
    assert project.get(image["file"]).status_code == 204
    last = project.events(image)[-1]
    assert last["type"] == "killed"
    reason: str = last["details"]["reason"]
    return reason


def blobs(server: Server, image: Json) -> list[str]:
    """Return the files that hold or held an image's data."""
    files = (server.data / "blobs").rglob("*")
    return [str(path) for path in files if image["id"] in str(path) and path.is_file()]


def test_uploaded_data_makes_an_image_active(project: Project, image: Json) -> None:
    response = project.upload(image, DATA)

    assert response.status_code == 204
    assert response.content == b""
    shown = project.show(image)
    assert shown == {
        **image,
        "status": "active",
        "size": len(DATA),
        "virtual_size": len(DATA),
        "checksum": checksum(DATA),
        "os_hash_algo": "sha512",
        "os_hash_value": hashlib.sha512(DATA).hexdigest(),
        "updated_at": shown["updated_at"],
    }
    assert project.get(image["file"]).content == DATA


def test_data_may_come_in_chunks_of_unknown_number(project: Project, image: Json) -> None:
    def chunks() -> Iterator[bytes]:
        for start in range(0, len(DATA), 77_777):
            yield DATA[start : start + 77_777]

    response = project.upload(image, chunks())

    assert response.status_code == 204
    assert project.get(image["file"]).content == DATA


@pytest.mark.parametrize("is_chunked", [False, True], ids=["announced", "chunked"])
def test_an_image_may_be_empty(project: Project, image: Json, is_chunked: bool) -> None:
    response = project.upload(image, iter([]) if is_chunked else b"")

    assert response.status_code == 204
    shown = project.show(image)
    assert (shown["status"], shown["size"], shown["checksum"]) == ("active", 0, checksum(b""))
    download = project.get(image["file"])
    assert (download.status_code, download.content) == (200, b"")


@pytest.mark.parametrize(
    "media_type",
    ["application/json", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data",
     "application/octet-streams", ""],
)  # fmt: skip
def test_data_comes_as_bytes_only(project: Project, image: Json, media_type: str) -> None:
    response = project.upload(image, b"x", Content_Type=media_type)

    assert refusal(response) == (415, "Content-Type")
    assert project.show(image) == image
    assert len(project.events(image)) == 1


def test_the_content_type_may_be_spelled_freely(project: Project, image: Json) -> None:
    assert project.upload(image, b"x", Content_Type="Application/Octet-Stream").status_code == 204


def test_sizes_and_checksums_may_be_announced(project: Project, image: Json) -> None:
    response = project.upload(
        image, DATA, x_openstack_image_size=str(len(DATA)), Content_MD5=checksum(DATA)
    )

    assert response.status_code == 204
    assert project.show(image)["status"] == "active"


@pytest.mark.parametrize("spelling", ["hex", "HEX", "base64"])
def test_an_announced_checksum_may_be_spelled_freely(
    project: Project, image: Json, spelling: str
) -> None:
    digest = bytes.fromhex(checksum(DATA))
    spelled = {
        "hex": digest.hex(),
        "HEX": digest.hex().upper(),
        "base64": base64.b64encode(digest).decode(),
    }

    assert project.upload(image, DATA, Content_MD5=spelled[spelling]).status_code == 204


@pytest.mark.parametrize("size", ["0", "4", "6", "9223372036854775807"])
def test_another_size_than_announced_kills_the_image(
    project: Project, image: Json, size: str, server: Server
) -> None:
    response = project.upload(image, b"12345", x_openstack_image_size=size)

    assert refusal(response) == (400, "x-openstack-image-size")
    reason = killed_because(project, image)
    assert reason == f"x-openstack-image-size: announces {size} bytes, but 5 came"
    assert blobs(server, image) == []


def test_another_checksum_than_announced_kills_the_image(
    project: Project, image: Json, server: Server
) -> None:
    response = project.upload(image, b"12345", Content_MD5=checksum(b"54321"))

    assert refusal(response) == (400, "Content-MD5")
    assert checksum(b"12345") in killed_because(project, image)
    assert blobs(server, image) == []


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("x-openstack-image-size", "-1"),
        ("x-openstack-image-size", "five"),
        ("x-openstack-image-size", "5.0"),
        ("x-openstack-image-size", ""),
        ("x-openstack-image-size", "9" * 30),
        ("Content-MD5", "no checksum"),
        ("Content-MD5", "827ccb0eea8a706c4c34a16891f84e"),
    ],
)
def test_what_is_no_announcement_is_refused_before_the_data(
    project: Project, image: Json, header: str, value: str
) -> None:
    response = project.upload(image, b"12345", **{header: value})

    assert refusal(response) == (400, header)
    assert project.show(image) == image


def test_a_killed_image_is_uploaded_again(project: Project, image: Json) -> None:
    project.upload(image, b"12345", x_openstack_image_size="6")

    response = project.upload(image, b"123456", x_openstack_image_size="6")

    assert response.status_code == 204
    assert project.show(image)["status"] == "active"
    assert project.get(image["file"]).content == b"123456"
    assert [event["type"] for event in project.events(image)] == [
        "registered",
        "upload_started",
        "killed",
        "upload_started",
        "data_committed",
    ]


def test_data_is_written_once(project: Project, active: Json) -> None:
    response = project.upload(active, b"other bytes")

    assert refusal(response) == (409, "status")
    assert project.show(active) == active
    assert project.get(active["file"]).content == b"some bytes"


@pytest.mark.parametrize("missing", ["disk_format", "container_format"])
def test_data_needs_formats(project: Project, missing: str) -> None:
    formats = {"disk_format": "raw", "container_format": "bare"}
    del formats[missing]
    image = project.create(**formats)

    response = project.upload(image, b"x")

    assert refusal(response) == (400, missing)
    assert project.show(image) == image


@pytest.mark.parametrize(
    ("disk_format", "data"),
    [
        ("qcow2", b"certainly no qcow2"),
        ("qcow2", b""),
        ("raw", disk("v3.qcow2")),
        ("vmdk", disk("v3.qcow2")),
        ("qcow2", disk("backing.qcow2")),
    ],
    ids=["text", "nothing", "qcow2 as raw", "qcow2 as vmdk", "backing file"],
)
def test_data_of_another_format_kills_the_image(
    project: Project, disk_format: str, data: bytes, server: Server
) -> None:
    image = project.create(disk_format=disk_format, container_format="bare")

    response = project.upload(image, data)

    assert refusal(response) == (415, "disk_format")
    assert killed_because(project, image) == response.json()["error"]["message"]
    assert blobs(server, image) == []


@pytest.mark.parametrize(
    ("disk_format", "name"), [("qcow2", "v3.qcow2"), ("vdi", "plain.vdi"), ("iso", "hybrid.iso")]
)
def test_disks_are_recognised(project: Project, disk_format: str, name: str) -> None:
    data = disk(name)

    shown = project.active(data, disk_format=disk_format)

    assert (shown["status"], shown["size"]) == ("active", len(data))
    assert shown["virtual_size"] > 0
    assert project.get(shown["file"]).content == data


def test_other_methods_are_told_what_there_is(project: Project, image: Json) -> None:
    response = project.post(image["file"], content=b"x", headers={"Content-Type": BYTES})

    assert response.status_code == 405
    assert {"GET", "HEAD", "PUT"} <= set(response.headers["Allow"].split(", "))

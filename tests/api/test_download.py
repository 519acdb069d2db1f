"""Downloading images' data, whole or in part (Images API v2, "Image data"; RFC 9110)."""

import hashlib

import pytest

from tests.api.conftest import NewProject
from tests.api.project import BYTES, Json, Project, refusal

DATA = bytes(range(256)) * 5_000
END = len(DATA) - 1


@pytest.fixture(scope="module")
def owner(new_project: NewProject) -> Project:
    return new_project()


@pytest.fixture(scope="module")
def stored(owner: Project) -> Json:
    return owner.active(DATA)


def test_a_download_says_what_it_carries(owner: Project, stored: Json) -> None:
    response = owner.get(stored["file"])

    assert response.status_code == 200
    assert response.content == DATA
    assert response.headers["Content-Type"] == BYTES
    assert response.headers["Content-Length"] == str(len(DATA))
    assert response.headers["Content-MD5"] == hashlib.md5(DATA, usedforsecurity=False).hexdigest()
    assert response.headers["ETag"] == f'"{stored["checksum"]}"'
    assert response.headers["Accept-Ranges"] == "bytes"
    assert "Content-Range" not in response.headers


def test_the_head_of_a_download_has_no_body(owner: Project, stored: Json) -> None:
    whole = owner.get(stored["file"])

    response = owner.request("HEAD", stored["file"])

    assert response.status_code == 200
    assert response.content == b""
    for name in ("Content-Type", "Content-Length", "Content-MD5", "ETag", "Accept-Ranges"):
        assert response.headers[name] == whole.headers[name]


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-9", 0, 9),
        ("bytes=0-0", 0, 0),
        ("bytes=100-", 100, END),
        (f"bytes={END}-", END, END),
        ("bytes=-100", END - 99, END),
        (f"bytes=-{len(DATA) * 2}", 0, END),
        ("bytes=0-", 0, END),
        (f"bytes=0-{len(DATA) * 2}", 0, END),
        (f"bytes=1000-{END}", 1000, END),
        (f"bytes=1000000-{2**62}", 1_000_000, END),
    ],
)
def test_a_range_is_served_alone(
    owner: Project, stored: Json, asked: str, first: int, last: int
) -> None:
    response = owner.get(stored["file"], headers={"Range": asked})

    assert response.status_code == 206
    assert response.content == DATA[first : last + 1]
    assert response.headers["Content-Range"] == f"bytes {first}-{last}/{len(DATA)}"
    assert response.headers["Content-Length"] == str(last - first + 1)
    assert response.headers["ETag"] == f'"{stored["checksum"]}"'


@pytest.mark.parametrize(
    "asked",
    [
        f"bytes={len(DATA)}-",
        f"bytes={len(DATA)}-{len(DATA) + 1}",
        f"bytes={2**62}-",
        "bytes=-0",
        "bytes=5-2",
        "bytes=-",
        "bytes=",
        "bytes=x-y",
        "bytes=1-2,4-5",
        "bytes=0x1-0x2",
        "bytes=--5",
        "items=0-9",
        "0-9",
        "",
    ],
)  # fmt: skip
def test_what_is_no_range_of_the_data_is_refused(owner: Project, stored: Json, asked: str) -> None:
    response = owner.get(stored["file"], headers={"Range": asked})

    assert refusal(response) == (416, "Range")
    assert response.headers["Content-Range"] == f"bytes */{len(DATA)}"


def test_parts_make_the_whole(owner: Project, stored: Json) -> None:
    step = 333_333
    parts = [
        owner.get(stored["file"], headers={"Range": f"bytes={start}-{start + step - 1}"}).content
        for start in range(0, len(DATA), step)
    ]

    assert b"".join(parts) == DATA


def test_a_range_holds_if_the_data_is_the_same(owner: Project, stored: Json) -> None:
    headers = {"Range": "bytes=0-9", "If-Range": f'"{stored["checksum"]}"'}

    assert owner.get(stored["file"], headers=headers).status_code == 206


@pytest.mark.parametrize("known", ['"another"', 'W/"x"', "Tue, 15 Nov 1994 12:45:26 GMT"])
def test_all_is_sent_if_the_data_may_be_another(owner: Project, stored: Json, known: str) -> None:
    headers = {"Range": "bytes=0-9", "If-Range": known}

    response = owner.get(stored["file"], headers=headers)

    assert response.status_code == 200
    assert response.content == DATA


def test_no_byte_of_an_empty_image_can_be_asked_for(project: Project) -> None:
    empty = project.active(b"")

    assert project.get(empty["file"]).status_code == 200
    response = project.get(empty["file"], headers={"Range": "bytes=0-"})
    assert refusal(response) == (416, "Range")
    assert response.headers["Content-Range"] == "bytes */0"


def test_an_image_without_data_has_no_content(project: Project, image: Json) -> None:
    for headers in ({}, {"Range": "bytes=0-9"}):
        response = project.get(image["file"], headers=headers)

        assert (response.status_code, response.content) == (204, b"")


def test_a_deactivated_images_data_is_for_admins(
    project: Project, admin: Project, active: Json
) -> None:
    admin.post(f"{active['self']}/actions/deactivate")

    for headers in ({}, {"Range": "bytes=0-3"}):
        assert refusal(project.get(active["file"], headers=headers)) == (403, "status")
    part = admin.get(active["file"], headers={"Range": "bytes=0-3"})
    assert (part.status_code, part.content) == (206, b"some")


def test_readers_of_the_project_download_too(
    project: Project, new_project: NewProject, active: Json
) -> None:
    reader = new_project("reader", name=project.name)

    assert reader.get(active["file"]).content == b"some bytes"

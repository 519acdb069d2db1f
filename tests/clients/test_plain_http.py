"""Clients that know nothing of OpenStack: curl, scripts and HTTP libraries."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.images import image
from tests.server import Server

BYTES = {"Content-Type": "application/octet-stream"}
V3 = image("v3.qcow2")


@pytest.fixture(scope="module")
def token(server: Server) -> str:
    """A member's token."""
    return server.token(user="curt", project="plain-http")


@pytest.fixture
def http(server: Server, token: str) -> Iterator[httpx.Client]:
    """A client that sends its token as most APIs take it."""
    bearer = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=server.url, headers=bearer, timeout=60) as client:
        yield client


def registered(http: httpx.Client, name: str) -> dict[str, Any]:
    """Register an image and return its document."""
    facts = {"name": name, "disk_format": "qcow2", "container_format": "bare"}
    document: dict[str, Any] = http.post("/v2/images", json=facts).raise_for_status().json()
    return document


@contextmanager
def answers(server: Server, *sent: bytes) -> Iterator[Iterator[bytes]]:
    """Send a request in pieces; each piece but the first waits for an answer's status line."""
    url = urlsplit(server.url)
    with (
        socket.create_connection((url.hostname, url.port), timeout=60) as connection,
        connection.makefile("rb") as answer,
    ):

        def lines() -> Iterator[bytes]:
            for piece in sent:
                connection.sendall(piece)
                yield answer.readline().strip()
                while answer.readline().strip():
                    pass  # headers

        yield lines()


def test_an_image_is_registered_filled_and_read(http: httpx.Client) -> None:
    created = registered(http, "plain")
    assert created["status"] == "queued"
    assert http.get(created["file"]).status_code == 204

    uploaded = http.put(created["file"], content=V3, headers=BYTES)
    downloaded = http.get(created["file"])

    assert uploaded.status_code == 204
    assert http.get(created["self"]).json()["status"] == "active"
    assert downloaded.content == V3
    assert downloaded.headers["Content-Length"] == str(len(V3))


def test_data_of_unknown_length_is_taken_in_chunks(http: httpx.Client) -> None:
    created = registered(http, "chunked")
    pieces = (V3[start : start + 1000] for start in range(0, len(V3), 1000))

    uploaded = http.put(created["file"], content=pieces, headers=BYTES)

    assert uploaded.request.headers["Transfer-Encoding"] == "chunked"
    assert uploaded.status_code == 204
    assert http.get(created["file"]).content == V3


def test_a_download_is_resumed(http: httpx.Client) -> None:
    created = registered(http, "resumed")
    http.put(created["file"], content=V3, headers=BYTES)

    rest = http.get(created["file"], headers={"Range": "bytes=1000-"})

    assert rest.status_code == 206
    assert rest.headers["Content-Range"] == f"bytes 1000-{len(V3) - 1}/{len(V3)}"
    assert rest.content == V3[1000:]


def test_curl_waits_for_leave_to_send_a_long_body(
    http: httpx.Client, server: Server, token: str
) -> None:
    created = registered(http, "expected")
    head = (
        f"PUT {created['file']} HTTP/1.1\r\nHost: catalog\r\nX-Auth-Token: {token}\r\n"
        f"Content-Type: application/octet-stream\r\nContent-Length: {len(V3)}\r\n"
        "Expect: 100-continue\r\n\r\n"
    )

    with answers(server, head.encode(), V3) as statuses:
        first, last = statuses

    assert first == b"HTTP/1.1 100 Continue"
    assert last == b"HTTP/1.1 204 NO CONTENT"
    assert http.get(created["file"]).content == V3


def test_one_connection_serves_many_requests(
    http: httpx.Client, server: Server, token: str
) -> None:
    created = registered(http, "asked for often")
    rest = f"Host: catalog\r\nX-Auth-Token: {token}\r\n\r\n"
    requests = (
        f"HEAD {created['self']} HTTP/1.1\r\n{rest}",
        f"HEAD {created['self']}0 HTTP/1.1\r\n{rest}",
        f"GET {created['self']} HTTP/1.0\r\n{rest}",
    )

    with answers(server, *map(str.encode, requests)) as statuses:
        told = list(statuses)

    assert told == [b"HTTP/1.1 200 OK", b"HTTP/1.1 404 NOT FOUND", b"HTTP/1.0 200 OK"]


def test_a_script_follows_the_links_from_page_to_page(http: httpx.Client) -> None:
    made = {registered(http, f"page-{number}")["id"] for number in range(5)}

    seen = []
    path = "/v2/images?limit=2&name=in:page-0,page-1,page-2,page-3,page-4"
    while path:
        page = http.get(path).raise_for_status().json()
        seen += [entry["id"] for entry in page["images"]]
        path = page.get("next")

    assert len(seen) == 5
    assert set(seen) == made

"""Requests that are wrong below JSON: heads, headers, framing, announced sizes."""

import json
import socket

import pytest

from tests.api.conftest import NewProject
from tests.api.project import BYTES, NOBODYS_ID, Json, Project, refusal
from tests.api.wire import Answer, answer, connected, head, send
from tests.server import Server

pytestmark = pytest.mark.usefixtures("nothing_written")

JSON_TYPE = "Content-Type: application/json"
MIB = 1 << 20
REGISTER = b'{"name": "must not be"}'


@pytest.fixture(scope="module")
def holder(new_project: NewProject) -> Project:
    return new_project()


@pytest.fixture(scope="module")
def target(holder: Project) -> Json:
    """An image ready for data, which never comes."""
    return holder.create(name="target", disk_format="raw", container_format="bare")


def ids(value: object) -> str:
    text = ascii(value)
    return text if len(text) < 60 else f"{text[:40]} and more, {len(text)} in all"


def register(server: Server, user: Project, *headers: str, body: bytes = REGISTER) -> Answer:
    """Send a request that registers an image, unless its further headers prevent that."""
    own = (JSON_TYPE, f"X-Auth-Token: {user.token}")
    return send(server.url, head("POST", "/v2/images", *own, *headers) + body)


def check_refused(answered: Answer) -> None:
    """Check that an answer is a refusal: the server's own, the application's or no word at all."""
    assert answered.status == 0 or 400 <= answered.status < 500 or answered.status == 501
    if "x-openstack-request-id" in answered.headers:
        assert answered.json()["error"]["message"]


@pytest.mark.parametrize(
    "headers",
    [
        ["Content-Length: -1"],
        ["Content-Length: x"],
        ["Content-Length: 1.5"],
        ["Content-Length: +23"],
        ["Content-Length: 0x17"],
        ["Content-Length: 23, 23"],
        ["Content-Length: 23", "Content-Length: 22"],
        ["Content-Length: 99999999999999999999999999"],
        ["Content-Length: 23", "Transfer-Encoding: chunked"],
        ["Transfer-Encoding: chunked", "Content-Length: 23"],
        ["Transfer-Encoding: chunked, identity"],
        ["Transfer-Encoding: xchunked"],
        ["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"],
        ["Transfer-Encoding : chunked"],
        ["Content-Length: 23", "X-Odd: a\0b"],
        ["Content-Length: 23", "X-Odd: a\rb"],
        ["Content-Length: 23", "X\0Odd: x"],
        ["Content-Length: 23", "no header at all"],
        ["Content-Length: 23", ": no name"],
        ["Content-Length: 23", "spaced name: x"],
        ["Content-Length: 23", f"X-Long: {'x' * 100_000}"],
        ["Content-Length: 23", *(f"X-Many-{number}: x" for number in range(1000))],
        ["Content-Length: 23", "Expect: 200-maybe"],
        ["Content-Length: 23", "Host: another"],
    ],
    ids=ids,
)
def test_a_head_that_may_be_read_two_ways_is_not_read(
    server: Server, holder: Project, headers: list[str]
) -> None:
    check_refused(register(server, holder, *headers))


@pytest.mark.parametrize(
    "request_",
    [
        b"\r\n\r\n\r\n",
        b"\0" * 1000,
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 200,  # TLS knocks
        b"GET\r\n\r\n",
        b"GET /v2/images\r\n\r\n",
        b"GET /v2/images HTTP/9.9\r\n\r\n",
        b"GET /v2/images HTTP/2.0\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /v2/images SMTP/1.1\r\nHost: x\r\n\r\n",
        b"GET " + b"/" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /v2/im\0ages HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"G\0T /v2/images HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"get /v2/images HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"CONNECT example.org:443 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    ],
    ids=ids,
)
def test_what_is_no_request_gets_no_data(server: Server, request_: bytes) -> None:
    with connected(server.url) as connection:
        connection.sendall(request_[: len(request_) // 2])
    check_refused(send(server.url, request_ + b"\r\n\r\nGET"))


@pytest.mark.parametrize("method", ["BREW", "PROPFIND", "TRACE", "PUT", "X" * 20])
def test_a_method_that_is_none_is_refused(server: Server, holder: Project, method: str) -> None:
    answered = send(server.url, head(method, "/v2/images", f"X-Auth-Token: {holder.token}"))

    check_refused(answered)
    assert answered.status in {400, 405}


@pytest.mark.parametrize("token", ["\xfcnknown", "a b", "\xff\xfe", "'; DROP TABLE tokens; --"])
def test_a_token_of_odd_bytes_is_unknown(server: Server, token: str) -> None:
    answered = send(server.url, head("GET", "/v2/images", f"X-Auth-Token: {token}"))

    assert answered.status == 401
    assert answered.headers["WWW-Authenticate"]
    assert answered.json()["error"]["field"] == "X-Auth-Token"


def test_two_tokens_are_none(server: Server, holder: Project, admin: Project) -> None:
    tokens = [f"X-Auth-Token: {user.token}" for user in (holder, admin)]

    assert send(server.url, head("GET", "/v2/images", *tokens)).status == 401


@pytest.mark.parametrize(
    "media_type", ["application/json; charset=\xff", "\xfc", "/", ";", "json", "a/b/c", "text/\xe9"]
)
def test_odd_media_types_are_none_of_ours(server: Server, holder: Project, media_type: str) -> None:
    request = head("POST", "/v2/images", f"X-Auth-Token: {holder.token}", "Content-Length: 2",
                   f"Content-Type: {media_type}")  # fmt: skip

    answered = send(server.url, request + b"[]")

    assert answered.status == (400 if media_type.startswith("application/json") else 415)


@pytest.mark.parametrize("framing", ["announced", "chunked"])
def test_a_body_over_a_mebibyte_is_too_large(server: Server, holder: Project, framing: str) -> None:
    body = json.dumps({"a": "x" * (1 << 20)}).encode()
    if framing == "chunked":
        chunked = f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n"
        answered = register(server, holder, "Transfer-Encoding: chunked", body=chunked)
    else:
        answered = register(server, holder, f"Content-Length: {len(body)}", body=body)

    assert answered.status == 413
    assert answered.json()["error"]["field"] == "body"


@pytest.mark.parametrize(
    ("framing", "body"),
    [
        ("Content-Length: 1000", REGISTER),
        ("Content-Length: 24", REGISTER),
        ("Content-Length: 1000", b""),
        ("Transfer-Encoding: chunked", b"17\r\n" + REGISTER + b"\r\n"),
        ("Transfer-Encoding: chunked", b"17\r\n" + REGISTER + b"\r\n1"),
        ("Transfer-Encoding: chunked", b"17\r\n" + REGISTER + b"\r\nx\r\n\r\n"),
        ("Transfer-Encoding: chunked", b""),
    ],
    ids=ids,
)
def test_a_json_body_that_ends_early_registers_nothing(
    server: Server, holder: Project, framing: str, body: bytes
) -> None:
    request = head("POST", "/v2/images", JSON_TYPE, f"X-Auth-Token: {holder.token}", framing)

    with connected(server.url) as connection:
        connection.sendall(request + body)
        connection.shutdown(socket.SHUT_WR)
        answered = answer(connection)

    assert answered.status == 400
    assert answered.json()["error"]["field"] == "body"


@pytest.mark.parametrize(
    ("header", "value"),
    [
        *(("x-openstack-image-size", value) for value in ("\xb2", "1e3", "0x5", "+5", "5 5", "")),
        *(("Content-MD5", value) for value in ("\xfc", "", "AAAA", "=", "x" * 3000, "A" * 31)),
    ],
    ids=ids,
)
def test_an_announcement_that_is_none_stops_an_upload(
    server: Server, holder: Project, target: Json, header: str, value: str
) -> None:
    request = head("PUT", target["file"], f"X-Auth-Token: {holder.token}", "Content-Length: 5",
                   f"Content-Type: {BYTES}", f"{header}: {value}")  # fmt: skip

    answered = send(server.url, request + b"12345")

    assert answered.status == 400
    assert answered.json()["error"]["field"] == header
    assert holder.show(target) == target


def test_more_than_an_image_may_have_is_refused_at_once(
    server: Server, holder: Project, target: Json
) -> None:
    request = head("PUT", target["file"], f"X-Auth-Token: {holder.token}",
                   f"Content-Length: {1 << 62}", f"Content-Type: {BYTES}")  # fmt: skip

    answered = send(server.url, request + b"12345")

    assert answered.status == 413
    assert answered.json()["error"]["message"].startswith("Content-Length")
    assert holder.show(target) == target


@pytest.mark.parametrize(
    "host", ["", "a b", "<script>", "a/b", "x" * 3000, "\xfc", "a\\b", "@", "a:b"]
)
def test_an_odd_host_makes_nothing_fail(server: Server, host: str) -> None:
    """Versions come with links made of Host, whatever that is."""
    request = head("GET", "/versions").replace(
        b"Host: localhost", b"Host: " + host.encode("latin-1")
    )

    answered = send(server.url, request)

    assert answered.status == 200 or 400 <= answered.status < 500


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "*/*;q=0", "", "x" * 3000])
def test_answers_are_json_whatever_is_accepted(holder: Project, accept: str) -> None:
    response = holder.get("/v2/images", headers={"Accept": accept})

    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/json"


def test_who_sends_all_before_reading_is_told_why_it_was_refused(holder: Project) -> None:
    image = {"file": f"/v2/images/{NOBODYS_ID}/file"}

    response = holder.upload(image, b"x" * (32 * MIB))

    assert refusal(response) == (404, "image_id")

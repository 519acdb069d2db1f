"""Uploads whose sender goes away, on a raw socket: nothing of them may look complete."""

import socket

import pytest

from tests.api.project import BYTES, Json, Project
from tests.api.test_image_data import blobs, killed_because
from tests.api.wire import Answer, answer, connected, head
from tests.server import Server
from tests.waiting import wait_until

ANNOUNCED = "Content-Length: 100000"
CHUNKED = "Transfer-Encoding: chunked"

BODIES = {
    "announced, half sent": (ANNOUNCED, b"x" * 50_000),
    "announced, one byte missing": (ANNOUNCED, b"x" * 99_999),
    "announced, nothing sent": (ANNOUNCED, b""),
    "chunked, cut between chunks": (CHUNKED, b"5\r\n12345\r\n"),
    "chunked, cut inside a chunk": (CHUNKED, b"5\r\n12345\r\nff\r\n123"),
    "chunked, cut inside a length": (CHUNKED, b"5\r\n12345\r\nf"),
    "chunked, cut before the last line end": (CHUNKED, b"5\r\n12345\r\n0\r\n"),
    "chunked, nothing sent": (CHUNKED, b""),
}


def put(project: Project, image: Json, framing: str) -> bytes:
    return head(
        "PUT", image["file"], f"X-Auth-Token: {project.token}", f"Content-Type: {BYTES}", framing
    )


def wait_for(project: Project, image: Json, status: str) -> None:
    wait_until(lambda: project.show(image)["status"] == status, what=f"an image that is {status}")


@pytest.mark.parametrize("body", BODIES)
def test_a_body_that_ends_early_kills_the_image(
    server: Server, project: Project, image: Json, body: str
) -> None:
    framing, sent = BODIES[body]

    with connected(server.url) as connection:
        connection.sendall(put(project, image, framing) + sent)
        wait_for(project, image, "saving")
    wait_for(project, image, "killed")

    assert killed_because(project, image)
    wait_until(lambda: blobs(server, image) == [], what="no bytes of a killed image")


@pytest.mark.parametrize("body", BODIES)
def test_who_only_stops_sending_is_told(
    server: Server, project: Project, image: Json, body: str
) -> None:
    framing, sent = BODIES[body]

    answered = half_closed(server, put(project, image, framing) + sent)

    assert answered.status == 400
    assert answered.json()["error"]["message"] == killed_because(project, image)


@pytest.mark.parametrize(
    "chunk",
    [b"5\r\n12345xx", b"no number\r\n12345\r\n", b"-5\r\n12345\r\n", b"fffffffffffffffff\r\n"],
)
def test_chunks_that_are_none_kill_the_image(
    server: Server, project: Project, image: Json, chunk: bytes
) -> None:
    answered = half_closed(server, put(project, image, CHUNKED) + chunk + b"0\r\n\r\n")

    assert answered.status == 400
    assert killed_because(project, image)


def test_after_a_cut_the_image_is_uploaded_again(
    server: Server, project: Project, image: Json
) -> None:
    with connected(server.url) as connection:
        connection.sendall(put(project, image, ANNOUNCED) + b"half of it")
        wait_for(project, image, "saving")
    wait_for(project, image, "killed")

    assert project.upload(image, b"all of it").status_code == 204
    assert project.get(image["file"]).content == b"all of it"


def test_while_data_comes_nobody_sees_it(server: Server, project: Project, image: Json) -> None:
    with connected(server.url) as connection:
        connection.sendall(put(project, image, ANNOUNCED) + b"x" * 99_999)
        wait_for(project, image, "saving")

        assert project.get(image["file"]).status_code == 204
        assert project.upload(image, b"a rival").status_code == 409
        assert [project.show(image)[name] for name in ("size", "checksum")] == [None, None]

        connection.sendall(b"x")
        assert answer(connection).status == 204
    assert project.get(image["file"]).content == b"x" * 100_000


def test_an_image_deleted_during_its_upload_stays_deleted(
    server: Server, project: Project, image: Json
) -> None:
    with connected(server.url) as connection:
        connection.sendall(put(project, image, ANNOUNCED) + b"x" * 99_999)
        wait_for(project, image, "saving")

        assert project.delete(image["self"]).status_code == 204
        connection.sendall(b"x")
        answered = answer(connection)

    assert answered.status == 410
    assert project.get(image["self"]).status_code == 404
    assert [event["type"] for event in project.events(image)][-2:] == ["data_purged", "deleted"]
    wait_until(lambda: blobs(server, image) == [], what="no bytes of a deleted image")


def half_closed(server: Server, request: bytes) -> Answer:
    """Send a request, say that no more will come, and return what is answered."""
    with connected(server.url) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        return answer(connection)

"""What is logged: who, where and which request on each line; never a token."""

import json
import os
import pty
import signal
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.project import Project, unique
from tests.api.wire import head, send
from tests.server import HINDSIGHT, Server, running_server
from tests.waiting import wait_until

Line = dict[str, Any]


class Log:
    """What servers write to the standard error that they share with this process."""

    def __init__(self, capture: pytest.CaptureFixture[str]) -> None:
        self._capture = capture
        self.text = ""

    def lines(self) -> list[Line]:
        """Return all lines so far; each must be JSON."""
        self.text += self._capture.readouterr().err
        return [json.loads(line) for line in self.text.splitlines()]

    def find(self, **fields: object) -> Line:
        """Wait for the line with these fields."""
        return wait_until(lambda: self._find(fields), what=f"a line with {fields}")

    def _find(self, fields: Line) -> Line:
        return next((line for line in self.lines() if fields.items() <= line.items()), {})


@pytest.fixture
def log(capfd: pytest.CaptureFixture[str]) -> Log:
    return Log(capfd)


def user_of(server: Server, http: httpx.Client) -> tuple[str, Project]:
    """Return a new user's name, and the user."""
    user, project = unique("user"), unique("project")
    return user, Project(http, project, server.token(user=user, project=project))


def test_a_line_for_each_request_says_who_asked_what(tmp_path: Path, log: Log) -> None:
    with (
        running_server(tmp_path / "data", access_log="true") as server,
        httpx.Client(base_url=server.url) as http,
    ):
        name, user = user_of(server, http)
        image = user.create()
        shown = user.get(f"{image['self']}?secret=word")

        line = log.find(method="GET", path=image["self"])

    assert line["event"] == "request"
    assert line["level"] == "info"
    assert line["request_id"] == shown.headers["x-openstack-request-id"]
    assert line["route"] == "/v2/images/<uuid:image_id>"
    assert (line["user"], line["project"]) == (name, user.name)
    assert line["status"] == 200
    assert line["duration_ms"] > 0
    assert "T" in line["timestamp"]
    assert len([line for line in log.lines() if line["event"] == "request"]) == 2
    assert "word" not in log.text


def test_requests_without_a_user_or_a_route_have_their_line_too(tmp_path: Path, log: Log) -> None:
    with running_server(tmp_path / "data", access_log="true") as server:
        httpx.get(f"{server.url}/nowhere")

        line = log.find(path="/nowhere")

    assert line["status"] == 404
    assert line["route"] is None
    assert "user" not in line


def test_by_default_what_goes_well_is_not_logged(tmp_path: Path, log: Log) -> None:
    with running_server(tmp_path / "data") as server:
        assert server.client().get("/v2/images").status_code == 200
        assert httpx.get(f"{server.url}/v2/images").status_code == 401
        assert server.stop() == 0

    assert log.lines() == []


def test_a_failure_is_logged_with_its_cause_and_its_request(tmp_path: Path, log: Log) -> None:
    with (
        running_server(tmp_path / "data", workers="1") as server,
        httpx.Client(base_url=server.url) as http,
    ):
        name, user = user_of(server, http)
        image = user.active()
        (server.data / "blobs").rename(server.data / "away")

        failed = user.get(image["file"])
        line = log.find(level="error")

    assert failed.status_code == 503
    assert line["event"] == failed.json()["error"]["message"]
    assert "No such file" in line["event"] + line["cause"] or "No blob" in line["event"]
    assert line["request_id"] == failed.headers["x-openstack-request-id"]
    assert line["route"] == "/v2/images/<uuid:image_id>/file"
    assert (line["user"], line["project"]) == (name, user.name)


def test_a_background_duty_that_fails_is_logged_with_its_traceback(
    tmp_path: Path, log: Log
) -> None:
    with running_server(tmp_path / "data", lease="0.2") as server:
        with closing(sqlite3.connect(server.data / "catalog.db")) as database:
            database.execute("ALTER TABLE upload_leases RENAME TO away")

        line = log.find(logger="app.background")

    assert line["level"] == "error"
    assert "no such table" in line["exception"]
    assert "request_id" not in line


def test_the_server_s_own_lines_look_like_all_others(tmp_path: Path, log: Log) -> None:
    with running_server(tmp_path / "data") as server:
        wait_until(lambda: len(server.pids()) == 3, what="the workers")
        os.kill(server.pids()[1], signal.SIGKILL)

        line = log.find(logger="gunicorn.error")

    assert line["level"] == "error"
    assert "SIGKILL" in line["event"]


def test_no_token_is_ever_logged(tmp_path: Path, log: Log) -> None:
    with (
        running_server(tmp_path / "data", workers="1", access_log="true") as server,
        httpx.Client(base_url=server.url) as http,
    ):
        _, user = user_of(server, http)
        token, wrong = user.token, f"hs_{'wrong' * 8}"
        image = user.active()
        for path in (image["self"], f"/v2/images?token={token}", f"/{token}", f"/v2/{token}?a=b"):
            user.get(path)
            http.get(path, headers={"Authorization": f"Bearer {token}"})
            http.get(path.replace(token, wrong), headers={"X-Auth-Token": wrong})
            http.get(path, headers={"Authorization": f"Basic {token}"})
        user.put(f"{image['self']}/tags/{token}")
        user.request(token, "/versions")
        for broken in (
            head("GET", f"/{token}\x00", f"X-Auth-Token: {token}"),
            head("GET", "/", f"X-Auth Token: {token}"),
            head("GET", "/", f"X-Auth-Token {token}"),
            head("GET", "/", f"Content-Length: {token}"),
            head("GET", "/", f"Transfer-Encoding: {token}"),
            f"GET / {token}\r\n\r\n".encode(),
            f"{token}\r\n\r\n".encode(),
        ):
            send(server.url, broken)
        (server.data / "blobs").rename(server.data / "away")
        user.get(f"{image['file']}?token={token}")
        with closing(sqlite3.connect(server.data / "catalog.db")) as database:
            database.execute("ALTER TABLE image_events RENAME TO away")
        user.post("/v2/images", json={"name": token})
        user.get(f"/history/v1/images/{image['id']}?version=1")
        admin = server.admin_token
        http.get("/the/last", headers={"X-Auth-Token": admin})
        log.find(path="/the/last")

    assert len(log.lines()) > 20
    for secret in (token, wrong, admin):
        assert secret[3:20] not in log.text
        assert secret[-20:] not in log.text


def test_on_a_terminal_lines_are_for_people(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    server = Server(tmp_path / "data", settings={"HINDSIGHT_ACCESS_LOG": "true"})
    server.process = subprocess.Popen(
        [HINDSIGHT, "serve", "--port", "0", "--data", server.data],
        env=server.environment,
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        assert server.process.stdout is not None
        url = server.process.stdout.readline().split()[-1]
        httpx.get(f"{url}/versions%1b%5b2J%0aforged")

        text = os.read(ours, 65536).decode()
    finally:
        server.close()
        os.close(ours)

    assert "\x1b[1mrequest" in text
    assert "/versions" in text
    assert "\x1b[2J" not in text
    assert text.count("\n") == 1

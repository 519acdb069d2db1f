"""Whether the service is alive, and whether it can do its work: each part that fails is named."""

import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from tests import postgres
from tests.api.project import refusal
from tests.server import Server, running_server
from tests.waiting import wait_until

UNAVAILABLE = httpx.codes.SERVICE_UNAVAILABLE


def ready(server: Server) -> httpx.Response:
    return httpx.get(f"{server.url}/healthcheck?ready=1", timeout=60)


@pytest.mark.parametrize("query", ["", "?ready=0", "?ready=1"])
def test_a_server_that_is_well_says_so_to_everyone(http: httpx.Client, query: str) -> None:
    response = http.get(f"/healthcheck{query}")

    assert response.status_code == 200
    assert response.json() == {"status": "ok"}


@pytest.mark.parametrize(
    ("query", "field"), [("ready=yes", "ready"), ("ready=", "ready"), ("read=1", "read")]
)
def test_unknown_questions_are_refused(http: httpx.Client, query: str, field: str) -> None:
    assert refusal(http.get(f"/healthcheck?{query}")) == (400, field)


def test_a_server_without_its_store_is_alive_but_not_ready(tmp_path: Path) -> None:
    with running_server(tmp_path / "data", workers="1") as server:
        assert ready(server).status_code == 200
        blobs = server.data / "blobs"
        blobs.rename(server.data / "away")

        response = ready(server)

        assert refusal(response) == (UNAVAILABLE, "store")
        assert "No such file" in response.json()["error"]["message"]
        assert response.headers["Retry-After"]
        assert httpx.get(f"{server.url}/healthcheck").status_code == 200
        (server.data / "away").rename(blobs)
        assert ready(server).status_code == 200


def test_a_server_without_a_table_is_not_ready(tmp_path: Path) -> None:
    with running_server(tmp_path / "data") as server:
        with closing(sqlite3.connect(server.data / "catalog.db")) as database:
            database.execute("DROP TABLE image_snapshots")

        response = ready(server)

        assert refusal(response) == (UNAVAILABLE, "schema")
        assert "image_snapshots" in response.json()["error"]["message"]


def test_all_parts_that_fail_are_named(tmp_path: Path) -> None:
    with running_server(tmp_path / "data", workers="1") as server:
        assert ready(server).status_code == 200  # it has made its folder: a start would do it again
        with closing(sqlite3.connect(server.data / "catalog.db")) as database:
            database.execute("DROP TABLE image_snapshots")
        (server.data / "blobs").rename(server.data / "away")

        message = ready(server).json()["error"]["message"]

        assert "schema: " in message
        assert "store: " in message


def test_a_server_without_its_database_is_alive_but_not_ready(tmp_path: Path) -> None:
    database = postgres.new_server()
    url = postgres.new_database(database)
    with running_server(tmp_path / "data", database_url=url) as server:
        assert ready(server).status_code == 200
        postgres.crash(database)

        assert refusal(ready(server)) == (UNAVAILABLE, "database")
        assert httpx.get(f"{server.url}/healthcheck").status_code == 200
        database.ensure_postgres_running()
        wait_until(lambda: ready(server).status_code == 200, what="the database again")


def test_a_database_that_hangs_does_not_hang_who_looks_at_it(tmp_path: Path) -> None:
    database = postgres.new_server()
    url = postgres.new_database(database)
    with running_server(tmp_path / "data", database_url=url) as server:
        assert ready(server).status_code == 200
        postmaster = database.get_postmaster_info().process
        assert postmaster is not None
        processes = [postmaster, *postmaster.children(recursive=True)]
        for process in processes:
            process.send_signal(signal.SIGSTOP)
        try:
            response = ready(server)
            metrics = httpx.get(f"{server.url}/metrics", timeout=60)
        finally:
            for process in processes:
                process.send_signal(signal.SIGCONT)

        assert refusal(response) == (UNAVAILABLE, "database")
        assert "no answer" in response.json()["error"]["message"]
        assert "hindsight_database_up 0.0" in metrics.text
        wait_until(lambda: ready(server).status_code == 200, what="the database's answers")

"""What Prometheus reads: exact, whichever worker process counted and whichever answers."""

import os
import signal
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from app.metrics import PREFIX
from tests import postgres
from tests.api.project import Project
from tests.faults.upload import SlowUpload
from tests.server import Server, running_server
from tests.waiting import wait_until

MIB = 1 << 20
RAW = {"disk_format": "raw", "container_format": "bare"}


def scrape(url: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Return every sample: its name and labels, and its value."""
    response = httpx.get(f"{url}/metrics", timeout=60)
    assert response.status_code == 200
    families = text_string_to_metric_families(response.text)
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def value(server: Server, name: str, **labels: str) -> float:
    """Return a metric's value, 0 where it was never counted."""
    return scrape(server.url).get((f"hindsight_{name}", frozenset(labels.items())), 0)


def versions_asked(server: Server) -> float:
    return value(server, "requests_total", method="GET", route="/versions", status="200")


def ask_versions(server: Server, times: int) -> None:
    """Ask on as many connections."""
    with ThreadPoolExecutor(8) as pool:
        for response in pool.map(httpx.get, [f"{server.url}/versions"] * times):
            assert response.status_code == 200


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """Let a process sleep meanwhile, so that others do its work."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Server]:
    """A server with two workers that no other test asks."""
    with running_server(tmp_path / "data", workers="2", lease="600") as server:
        wait_until(lambda: len(server.pids()) == 3, what="both workers")
        yield server


@pytest.fixture
def project(own: Server) -> Iterator[Project]:
    """The admin of that server."""
    with httpx.Client(base_url=own.url, timeout=60) as http:
        yield Project(http, "admin", own.admin_token)


def test_requests_over_many_connections_are_counted_exactly(own: Server) -> None:
    ask_versions(own, 200)

    assert versions_asked(own) == 200


def test_every_process_counts_and_tells_what_all_counted(own: Server) -> None:
    _, one, another = own.pids()

    with stopped(one):
        ask_versions(own, 20)
        assert versions_asked(own) == 20
    with stopped(another):
        assert versions_asked(own) == 20
        ask_versions(own, 3)
        assert versions_asked(own) == 23
    with stopped(one):
        assert versions_asked(own) == 23


def replaced(server: Server, victims: list[int]) -> bool:
    """Whether others work in the place of the victims."""
    return len(server.pids()) == 3 and not set(server.pids()) & set(victims)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_worker_that_ends_takes_no_count_with_it(own: Server, how: signal.Signals) -> None:
    _, *workers = own.pids()
    ask_versions(own, 50)

    for worker in workers:
        os.kill(worker, how)
    wait_until(lambda: replaced(own, workers), what="new workers")
    wait_until(lambda: httpx.get(f"{own.url}/healthcheck").is_success, what="an answer")

    assert versions_asked(own) == 50
    ask_versions(own, 7)
    assert versions_asked(own) == 57
    assert (own.data / "server.url").exists()


def test_an_upload_runs_until_it_ends_or_its_process_dies(own: Server, project: Project) -> None:
    images = [project.create(**RAW) for _ in range(2)]
    _, *workers = own.pids()

    ended, cut = (SlowUpload(own.url, i["id"], own.admin_token, length=MIB) for i in images)
    with ended, cut:
        wait_until(lambda: value(own, "uploads_running") == 2, what="the uploads")
        assert 0 <= value(own, "oldest_lease_age_seconds") < 600
        ended.send(b"a" * MIB)
        assert ended.status() == 204
        assert value(own, "uploads_running") == 1
        for worker in workers:
            os.kill(worker, signal.SIGKILL)
        wait_until(lambda: replaced(own, workers), what="new workers")

    wait_until(lambda: value(own, "uploads_running") == 0, what="the end of the upload")


def test_bytes_are_counted_as_they_come_and_go(own: Server, project: Project) -> None:
    image = project.active(b"a" * (3 * MIB + 1))
    project.upload(project.create(**RAW), b"refused", Content_MD5="0" * 32)
    assert value(own, "image_data_received_bytes_total") == 3 * MIB + 8

    assert project.get(image["file"]).status_code == 200
    assert project.get(image["file"], headers={"Range": "bytes=10-19"}).status_code == 206
    assert project.get(image["file"], headers={"Range": "bytes=9999999-"}).status_code == 416

    expected = 3 * MIB + 1 + 10
    # Sent bytes count once their response has ended: the client may know that earlier.
    wait_until(lambda: value(own, "image_data_sent_bytes_total") >= expected, what="the count")
    assert value(own, "image_data_sent_bytes_total") == expected


def test_of_a_download_that_breaks_off_only_what_was_sent_counts(
    own: Server, project: Project
) -> None:
    size = 64 * MIB
    image = project.active(bytes(size))

    with project.http.stream("GET", image["file"], headers={"X-Auth-Token": own.admin_token}) as r:
        next(r.iter_raw(MIB))

    sent = wait_until(lambda: value(own, "image_data_sent_bytes_total"), what="the count")
    assert MIB <= sent < size


def test_paths_and_methods_that_clients_make_up_share_a_label(own: Server) -> None:
    for n in range(5):
        httpx.request(f"MADE{n}", f"{own.url}/made/up/{n}")
        httpx.get(f"{own.url}/v2/images/{n}")

    for method in ("other", "GET"):
        counted = value(own, "requests_total", method=method, route="unknown", status="404")
        assert counted == 5
    assert "made" not in httpx.get(f"{own.url}/metrics").text.lower()


def test_seconds_are_counted_once_a_request(own: Server) -> None:
    ask_versions(own, 30)

    labels = {"method": "GET", "route": "/versions"}
    assert value(own, "request_seconds_count", **labels) == 30
    assert value(own, "request_seconds_bucket", le="+Inf", **labels) == 30
    assert value(own, "request_seconds_sum", **labels) > 0


def test_the_log_s_position_is_the_last_event_s(own: Server, project: Project) -> None:
    before = value(own, "events_position")
    image = project.create()
    project.put(f"{image['self']}/tags/new")

    assert value(own, "events_position") == before + 2
    assert value(own, "oldest_lease_age_seconds") == 0
    assert value(own, "database_up") == 1


def test_connections_are_in_use_while_a_change_waits(own: Server, project: Project) -> None:
    with (
        ThreadPoolExecutor(1) as pool,
        closing(sqlite3.connect(own.data / "catalog.db", isolation_level=None)) as database,
    ):
        database.execute("BEGIN IMMEDIATE")
        change = pool.submit(project.create)
        wait_until(lambda: value(own, "database_connections_in_use") == 1, what="the change")
        database.execute("COMMIT")
        change.result()

    wait_until(lambda: value(own, "database_connections_in_use") == 0, what="its end")


def test_without_its_database_a_server_still_tells_what_it_counted(tmp_path: Path) -> None:
    database = postgres.new_server()
    url = postgres.new_database(database)
    with running_server(tmp_path / "data", database_url=url) as server:
        ask_versions(server, 5)
        postgres.crash(database)

        samples = scrape(server.url)

        nothing: frozenset[tuple[str, str]] = frozenset()
        assert samples["hindsight_database_up", nothing] == 0
        assert ("hindsight_events_position", nothing) not in samples
        assert versions_asked(server) == 5


def directories(server: Server) -> set[Path]:
    """Where the server's workers keep what they count."""
    maps = [Path(f"/proc/{pid}/maps").read_text() for pid in server.pids()]
    files = {Path(line.split()[-1]) for text in maps for line in text.splitlines() if line}
    return {file.parent for file in files if file.parent.name.startswith(PREFIX)}


def test_a_server_that_stops_leaves_no_counts_behind(own: Server) -> None:
    ask_versions(own, 3)
    [directory] = directories(own)

    assert own.stop() == 0

    assert not directory.exists()
    own.start()
    assert versions_asked(own) == 0


def test_what_a_killed_server_counted_is_swept_away_by_the_next_start(own: Server) -> None:
    ask_versions(own, 3)
    [killed] = directories(own)
    own.kill()

    own.start()

    assert not killed.exists()
    assert versions_asked(own) == 0


def test_a_start_leaves_alone_what_other_servers_count(own: Server, tmp_path: Path) -> None:
    ask_versions(own, 3)

    with running_server(tmp_path / "other") as other:
        ask_versions(other, 1)

        assert versions_asked(other) == 1
    assert versions_asked(own) == 3

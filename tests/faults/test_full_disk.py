"""No room: a clean refusal, nothing half-written, and service goes on."""

import resource
from collections.abc import Callable
from pathlib import Path

import httpx

from tests.faults.conftest import status_of, story_of
from tests.server import running_server

MIB = 1 << 20
BINARY = {"Content-Type": "application/octet-stream"}


def test_data_that_does_not_fit_is_refused_and_leaves_nothing(
    tmp_path: Path, new_image: Callable[[httpx.Client], str]
) -> None:
    with running_server(tmp_path / "data") as server:
        limit_file_size(server.pids(), 8 * MIB)
        client = server.client()
        image_id = new_image(client)

        refused = client.put(f"/v2/images/{image_id}/file", content=b"a" * 9 * MIB, headers=BINARY)

        assert refused.status_code == httpx.codes.REQUEST_ENTITY_TOO_LARGE
        assert "no room" in refused.json()["error"]["message"]
        assert status_of(client, image_id) == "killed"
        assert "no room" in story_of(client, image_id)[-1]["details"]["reason"]
        assert not [path for path in (server.data / "blobs").rglob("*") if path.is_file()]
        fits = client.put(f"/v2/images/{image_id}/file", content=b"a" * MIB, headers=BINARY)
        assert fits.status_code == httpx.codes.NO_CONTENT


def test_changes_that_can_not_be_recorded_are_refused_and_leave_nothing(
    tmp_path: Path, new_image: Callable[[httpx.Client], str]
) -> None:
    with running_server(tmp_path / "data") as server:
        client = server.client()
        image_id = new_image(client)
        before = story_of(client, image_id)
        size = max(path.stat().st_size for path in server.data.glob("catalog.db*"))
        limit_file_size(server.pids(), size)

        answers = [client.put(f"/v2/images/{image_id}/tags/t{count}") for count in range(100)]

        refused = [answer for answer in answers if answer.status_code != httpx.codes.NO_CONTENT]
        assert refused, "the limit was not reached"
        for answer in refused:
            # SQLite tells this limit (EFBIG) as an I/O error; a disk without room gives 507.
            assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE
            assert answer.json()["error"]["message"]
        done = len(answers) - len(refused)
        assert len(story_of(client, image_id)) == len(before) + done
        limit_file_size(server.pids(), resource.RLIM_INFINITY)
        assert client.put(f"/v2/images/{image_id}/tags/one-more").status_code == 204
        assert len(story_of(client, image_id)) == len(before) + done + 1


def limit_file_size(pids: list[int], size: int) -> None:
    """Let running processes write no file beyond size bytes: a disk of their own that is full."""
    for pid in pids:
        _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, hard))

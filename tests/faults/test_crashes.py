"""What remains when a server dies, sleeps or stops in the middle of an upload."""

import fcntl
import os
import signal
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import httpx

from tests.faults.conftest import status_of, story_of
from tests.faults.upload import SlowUpload
from tests.server import Server, running_server
from tests.waiting import wait_until

MIB = 1 << 20
NewImage = Callable[[httpx.Client], str]


def stored_files(server: Server) -> list[Path]:
    return [path for path in (server.data / "blobs").rglob("*") if path.is_file()]


def begin_upload(server: Server, image_id: str) -> SlowUpload:
    """Send half of 8 MiB and wait until some of it is on the disk."""
    upload = SlowUpload(server.url, image_id, server.admin_token, length=8 * MIB)
    upload.send(b"a" * 4 * MIB)
    wait_until(
        lambda: any(path.stat().st_size for path in stored_files(server)),
        what="bytes in the store",
    )
    return upload


def test_a_killed_server_leaves_no_upload_behind(tmp_path: Path, new_image: NewImage) -> None:
    with running_server(tmp_path / "data", lease="1") as server:
        client = server.client()
        image_id = new_image(client)
        with begin_upload(server, image_id):
            server.kill()
        server.start()

        client = server.client()
        wait_until(lambda: status_of(client, image_id) == "killed", what="the reaper")
        wait_until(lambda: not stored_files(server), what="the partial file is removed")
        assert client.get(f"/v2/images/{image_id}/file").status_code == httpx.codes.NO_CONTENT
        killed = story_of(client, image_id)[-1]
        assert killed["type"] == "killed"
        assert "died" in killed["details"]["reason"]
        assert killed["actor"]["user"] == "hindsight"

        again = client.put(
            f"/v2/images/{image_id}/file",
            content=b"b" * MIB,
            headers={"Content-Type": "application/octet-stream"},
        )

        assert again.status_code == httpx.codes.NO_CONTENT
        assert client.get(f"/v2/images/{image_id}/file").content == b"b" * MIB


def test_a_server_that_slept_through_its_lease_can_not_touch_the_retry(
    tmp_path: Path, new_image: NewImage
) -> None:
    with (
        running_server(tmp_path / "data", lease="1") as sleeper,
        running_server(tmp_path / "data", lease="1") as other,
        ExitStack() as stack,
    ):
        client = other.client()
        image_id = new_image(client)
        upload = stack.enter_context(begin_upload(sleeper, image_id))

        stop_between_transactions(sleeper)
        wait_until(lambda: status_of(client, image_id) == "killed", what="the reaper")
        retry = client.put(
            f"/v2/images/{image_id}/file",
            content=b"b" * MIB,
            headers={"Content-Type": "application/octet-stream"},
        )
        assert retry.status_code == httpx.codes.NO_CONTENT
        before = story_of(client, image_id)
        signal_all(sleeper, signal.SIGCONT)
        upload.send(b"a" * 4 * MIB)

        assert upload.status() == httpx.codes.GONE
        assert status_of(client, image_id) == "active"
        assert client.get(f"/v2/images/{image_id}/file").content == b"b" * MIB
        assert story_of(client, image_id) == before
        assert len(stored_files(other)) == 1


def test_a_stopping_server_records_the_uploads_that_do_not_end(
    tmp_path: Path, new_image: NewImage
) -> None:
    with running_server(tmp_path / "data", grace="0.5") as server:
        image_id = new_image(server.client())
        with begin_upload(server, image_id):
            server.stop()
        server.start()

        client = server.client()
        assert status_of(client, image_id) == "killed"
        assert "stopped" in story_of(client, image_id)[-1]["details"]["reason"]
        assert not stored_files(server)


def test_a_stopping_server_lets_an_upload_end_within_the_grace(
    tmp_path: Path, new_image: NewImage
) -> None:
    with running_server(tmp_path / "data", grace="50") as server:
        image_id = new_image(server.client())
        assert server.process is not None
        with begin_upload(server, image_id) as upload:
            server.process.terminate()
            upload.send(b"a" * 4 * MIB)

            assert upload.status() == httpx.codes.NO_CONTENT
        assert server.wait() == 0
        server.start()
        client = server.client()
        assert status_of(client, image_id) == "active"
        assert client.get(f"/v2/images/{image_id}/file").content == b"a" * 8 * MIB


def test_a_server_stops_cleanly_on_ctrl_c(tmp_path: Path) -> None:
    with running_server(tmp_path / "data") as server:
        signal_all(server, signal.SIGINT)  # as a terminal does, to the whole group

        assert server.wait() == 0
        assert not (server.data / "server.url").exists()


def signal_all(server: Server, number: signal.Signals) -> None:
    assert server.process is not None
    os.killpg(server.process.pid, number)


def stop_between_transactions(server: Server) -> None:
    """Stop a server's processes, but not while one of them holds the database."""

    def stopped() -> bool:
        signal_all(server, signal.SIGSTOP)
        with (server.data / "catalog.db-writer").open("rb") as turn:
            try:
                fcntl.flock(turn, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                signal_all(server, signal.SIGCONT)
                return False
        return True

    wait_until(stopped, what="a moment outside of a transaction")

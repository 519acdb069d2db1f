"""Images whose deletion waits: they come back as they were, or go for good in the end."""

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx

from tests.faults.conftest import status_of, story_of
from tests.server import Server, running_server
from tests.waiting import wait_until

BINARY = {"Content-Type": "application/octet-stream"}
NewImage = Callable[[httpx.Client], str]


def blobs_of(server: Server) -> list[Path]:
    return [path for path in (server.data / "blobs").rglob("*") if path.is_file()]


def active_image(client: httpx.Client, new_image: NewImage) -> str:
    image_id = new_image(client)
    upload = client.put(f"/v2/images/{image_id}/file", content=b"some bytes", headers=BINARY)
    assert upload.status_code == httpx.codes.NO_CONTENT
    return image_id


def test_a_deleted_image_comes_back_as_it_was(tmp_path: Path, new_image: NewImage) -> None:
    with running_server(tmp_path / "data", delayed_delete="7d", lease="0.4") as server:
        client = server.client()
        stranger = server.client(server.token(user="eve", project="red"))
        image_id = active_image(client, new_image)
        before = client.get(f"/v2/images/{image_id}").json()

        client.delete(f"/v2/images/{image_id}").raise_for_status()

        assert client.get("/v2/images").json()["images"] == []
        [waiting] = client.get("/v2/images?status=pending_delete").json()["images"]
        assert waiting["id"] == image_id
        path = f"/v2/images/{image_id}/actions/restore"
        assert stranger.get(f"/v2/images/{image_id}").status_code == httpx.codes.NOT_FOUND
        assert stranger.post(path).status_code == httpx.codes.NOT_FOUND
        assert client.get(f"/v2/images/{image_id}/file").content == b""

        server.run("images", "restore", image_id)

        after = client.get(f"/v2/images/{image_id}").json()
        assert {**after, "updated_at": ""} == {**before, "updated_at": ""}
        assert client.get(f"/v2/images/{image_id}/file").content == b"some bytes"
        assert client.post(path).status_code == httpx.codes.CONFLICT
        assert story_of(client, image_id)[-1]["type"] == "restored"


def test_after_the_delay_the_bytes_go_and_the_history_stays(
    tmp_path: Path, new_image: NewImage
) -> None:
    with running_server(tmp_path / "data", delayed_delete="1s", lease="0.4") as server:
        client = server.client()
        image_id = active_image(client, new_image)

        client.delete(f"/v2/images/{image_id}").raise_for_status()

        assert len(blobs_of(server)) == 1
        wait_until(lambda: not blobs_of(server), what="the purge")
        wait_until(
            lambda: client.get(f"/v2/images/{image_id}").status_code == httpx.codes.NOT_FOUND,
            what="the end of the image",
        )
        kinds = [event["type"] for event in story_of(client, image_id)]
        assert kinds[-3:] == ["deletion_requested", "data_purged", "deleted"]
        restored = client.post(f"/v2/images/{image_id}/actions/restore")
        assert restored.status_code == httpx.codes.NOT_FOUND


def test_a_deletion_that_a_crash_cut_short_is_ended(tmp_path: Path, new_image: NewImage) -> None:
    with running_server(tmp_path / "data", delayed_delete="7d", lease="0.4") as server:
        image_id = active_image(server.client(), new_image)
        server.client().delete(f"/v2/images/{image_id}").raise_for_status()

        server.kill()
        server.settings["HINDSIGHT_DELAYED_DELETE"] = "0s"
        server.start()

        wait_until(lambda: not blobs_of(server), what="the purge")
        assert story_of(server.client(), image_id)[-1]["type"] == "deleted"


def test_an_upload_that_ran_when_its_image_was_deleted_is_not_restored(
    tmp_path: Path, new_image: NewImage
) -> None:
    with running_server(tmp_path / "data", delayed_delete="7d", lease="0.4") as server:
        client = server.client()
        image_id = new_image(client)

        def data() -> Iterator[bytes]:
            yield b"half"
            wait_until(lambda: status_of(client, image_id) == "saving", what="the upload")
            client.delete(f"/v2/images/{image_id}").raise_for_status()
            client.post(f"/v2/images/{image_id}/actions/restore").raise_for_status()
            yield b"the rest"

        with server.client() as sender:
            lost = sender.put(f"/v2/images/{image_id}/file", content=data(), headers=BINARY)

        assert lost.status_code == httpx.codes.GONE
        assert status_of(client, image_id) == "queued"
        wait_until(lambda: not blobs_of(server), what="the bytes of the lost upload are gone")

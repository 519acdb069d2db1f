"""Several at once: nothing is mixed, and nothing acknowledged is lost."""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from threading import Barrier

import httpx

from tests.faults.conftest import status_of, story_of
from tests.server import Server

MIB = 1 << 20
PATCH = {"Content-Type": "application/openstack-images-v2.1-json-patch"}
NewImage = Callable[[httpx.Client], str]


def test_of_two_uploads_at_once_one_wins_whole(server: Server, new_image: NewImage) -> None:
    image_id = new_image(server.client())
    together = Barrier(2)

    def upload(filling: bytes) -> tuple[int, bytes]:
        with server.client() as client:
            together.wait()
            response = client.put(
                f"/v2/images/{image_id}/file",
                content=filling * 16 * MIB,
                headers={"Content-Type": "application/octet-stream"},
            )
        return response.status_code, filling

    with ThreadPoolExecutor(2) as pool:
        outcomes = dict(pool.map(upload, [b"a", b"b"]))

    client = server.client()
    assert set(outcomes) == {httpx.codes.NO_CONTENT, httpx.codes.CONFLICT}
    assert status_of(client, image_id) == "active"
    winner = outcomes[httpx.codes.NO_CONTENT]
    assert client.get(f"/v2/images/{image_id}/file").content == winner * 16 * MIB


def patch_often(url: str, token: str, image_id: str, who: int) -> list[int]:
    with httpx.Client(base_url=url, headers={"X-Auth-Token": token}, timeout=60) as client:
        return [
            client.patch(
                f"/v2/images/{image_id}",
                json=[{"op": "add", "path": f"/p{who}", "value": str(count)}],
                headers=PATCH,
            ).status_code
            for count in range(50)
        ]


def test_eight_processes_change_one_image_and_none_is_lost(
    server: Server, new_image: NewImage
) -> None:
    client = server.client()
    image_id = new_image(client)

    with ProcessPoolExecutor(8, mp_context=get_context("spawn")) as pool:
        runs = [
            pool.submit(patch_often, server.url, server.admin_token, image_id, who)
            for who in range(8)
        ]
        statuses = [status for run in runs for status in run.result()]

    assert statuses == [httpx.codes.OK] * 400
    events = story_of(client, image_id)
    assert [event["version"] for event in events] == list(range(1, 402))
    for who in range(8):
        values = [e["details"]["value"] for e in events[1:] if e["details"]["name"] == f"p{who}"]
        assert values == [str(count) for count in range(50)]

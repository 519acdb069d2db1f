"""PostgreSQL goes away and comes back: clear refusals meanwhile, nothing lost, no restart."""

from collections.abc import Callable
from pathlib import Path

import httpx

from tests import postgres
from tests.faults.conftest import status_of, story_of
from tests.server import running_server
from tests.waiting import wait_until


def test_a_lost_database_is_told_and_found_again(
    tmp_path: Path, new_image: Callable[[httpx.Client], str]
) -> None:
    database = postgres.new_server()
    url = postgres.new_database(database)
    with running_server(tmp_path / "data", database_url=url) as server:
        client = server.client()
        image_id = new_image(client)
        before = story_of(client, image_id)

        postgres.crash(database)

        for refused in (client.get(f"/v2/images/{image_id}"), client.put(tag_of(image_id))):
            assert refused.status_code == httpx.codes.SERVICE_UNAVAILABLE
            assert refused.headers["Retry-After"]
            assert "database" in refused.json()["error"]["message"]

        database.ensure_postgres_running()

        wait_until(
            lambda: client.put(tag_of(image_id)).status_code == httpx.codes.NO_CONTENT,
            what="the database again",
        )
        assert status_of(client, image_id) == "queued"
        assert [event["type"] for event in story_of(client, image_id)[len(before) :]] == [
            "tag_added"
        ]


def tag_of(image_id: str) -> str:
    return f"/v2/images/{image_id}/tags/back"

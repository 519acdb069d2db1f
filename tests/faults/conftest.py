"""What tests of faults share."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

RAW = {"name": "faulty", "disk_format": "raw", "container_format": "bare"}


@pytest.fixture
def new_image() -> Callable[[httpx.Client], str]:
    """Register a raw image and return its id."""

    def register(client: httpx.Client) -> str:
        response = client.post("/v2/images", json=RAW)
        assert response.status_code == httpx.codes.CREATED, response.text
        return str(response.json()["id"])

    return register


def status_of(client: httpx.Client, image_id: str) -> str:
    """Return an image's status."""
    return str(client.get(f"/v2/images/{image_id}").json()["status"])


def story_of(client: httpx.Client, image_id: str) -> list[dict[str, Any]]:
    """Return an image's events."""
    response = client.get(f"/history/v1/images/{image_id}/events", params={"limit": 1000})
    events: list[dict[str, Any]] = response.json()["events"]
    return events

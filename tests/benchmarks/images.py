"""The Images API as the benchmark prepares and checks things with it, outside the measured time."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from tests.benchmarks.target import Target

PATCH_TYPE = "application/openstack-images-v2.1-json-patch"
PAGE = 500


class WrongAnswer(Exception):
    """The server's answer is not the right one: its speed does not count, and the run fails."""


def image_body(*, name: str, run: str, cell: str, p1: str, tags: tuple[str, str]) -> dict[str, Any]:
    """Describe an image of the benchmark: five properties, two tags.

    The property p5 says which run made it and p4 which part of the run, so that answers can be
    checked and everything can be found again; p2 is the one that is patched.
    """
    properties = {"p1": p1, "p2": "new", "p3": "x" * 32, "p4": cell, "p5": run}
    formats = {"disk_format": "raw", "container_format": "bare", "visibility": "private"}
    return {"name": name, "tags": list(tags), **formats, **properties}


class Images:
    """A plain client. It keeps no idle connection, which could hold one of the server's threads."""

    def __init__(self, target: Target) -> None:
        self._target = target
        limits = httpx.Limits(max_keepalive_connections=0)
        self._http = httpx.Client(headers=target.headers, timeout=120, limits=limits)

    def show(self, image_id: str) -> dict[str, Any]:
        return self._json(self._ask("GET", f"/v2/images/{image_id}"))

    def exists(self, image_id: str) -> bool:
        answer = self._ask("GET", f"/v2/images/{image_id}", expect=(200, 404))
        return answer.status_code == 200

    def create(self, body: dict[str, Any]) -> str:
        return str(self._json(self._ask("POST", "/v2/images", expect=(201,), json=body))["id"])

    def upload(self, image_id: str, data: bytes) -> None:
        stream = {"Content-Type": "application/octet-stream"}
        path = f"/v2/images/{image_id}/file"
        self._ask("PUT", path, expect=(204,), content=data, headers=stream)

    def delete(self, image_id: str) -> None:
        self._ask("DELETE", f"/v2/images/{image_id}", expect=(204, 404))

    def page(self, query: str) -> list[dict[str, Any]]:
        """List with a ready-made query; give the images of that one page."""
        return list(self._json(self._ask("GET", f"/v2/images?{query}"))["images"])

    def walk(self, query: str) -> Iterator[dict[str, Any]]:
        """List all images that the query finds, page after page."""
        marker = ""
        while images := self.page(f"{query}&limit={PAGE}{marker}"):
            yield from images
            marker = f"&marker={images[-1]['id']}"

    def fill(self, bodies: Iterable[tuple[dict[str, Any], bytes]]) -> list[str]:
        """Create images with their data, eight at a time; give their ids in the given order."""
        with ThreadPoolExecutor(8) as pool:
            return list(pool.map(self._create_with_data, bodies))

    def remove(self, ids: Iterable[str]) -> None:
        """Delete images, eight at a time; those that are gone already do not matter."""
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(self.delete, ids))

    def _create_with_data(self, wanted: tuple[dict[str, Any], bytes]) -> str:
        body, data = wanted
        image_id = self.create(body)
        self.upload(image_id, data)
        return image_id

    def _ask(
        self, method: str, path: str, *, expect: tuple[int, ...] = (200,), **sent: Any
    ) -> httpx.Response:
        try:
            answer = self._http.request(method, self._target.url + path, **sent)
        except httpx.TransportError as error:
            raise WrongAnswer(f"{self._target.name}: {method} {path}: {error!r}") from error
        if answer.status_code not in expect:
            said = f"{answer.status_code} {answer.text[:400]}"
            raise WrongAnswer(f"{self._target.name}: {method} {path} gave {said}")
        return answer

    def _json(self, answer: httpx.Response) -> dict[str, Any]:
        document = answer.json()
        if not isinstance(document, dict):
            raise WrongAnswer(f"{self._target.name}: not a JSON object: {answer.text[:400]}")
        return document

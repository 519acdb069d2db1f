"""The API as one user of one project sees it."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import httpx

Json = dict[str, Any]

PATCH_2_0 = "application/openstack-images-v2.0-json-patch"
PATCH_2_1 = "application/openstack-images-v2.1-json-patch"
BYTES = "application/octet-stream"
NOBODYS_ID = UUID("00000000-0000-4000-8000-000000000000")


@dataclass(frozen=True)
class Project:
    """A project on the shared server and one user's token for it."""

    http: httpx.Client
    name: str
    token: str

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send a request with the project's token."""
        headers = {"X-Auth-Token": self.token, **options.pop("headers", {})}
        return self.http.request(method, path, headers=headers, **options)

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        return self.request("POST", path, **options)

    def put(self, path: str, **options: Any) -> httpx.Response:
        return self.request("PUT", path, **options)

    def delete(self, path: str, **options: Any) -> httpx.Response:
        return self.request("DELETE", path, **options)

    def create(self, **members: Any) -> Json:
        """Register an image and return its document."""
        response = self.post("/v2/images", json=members)
        assert response.status_code == 201, response.text
        document: Json = response.json()
        return document

    def active(self, data: bytes = b"some bytes", **members: Any) -> Json:
        """Register an image, upload its data and return its document."""
        formats = {"disk_format": "raw", "container_format": "bare"}
        image = self.create(**{**formats, **members})
        response = self.upload(image, data)
        assert response.status_code == 204, response.text
        return self.show(image)

    def upload(self, image: Json, data: Any, **headers: str) -> httpx.Response:
        """Send an image's data; underscores in the names of headers stand for hyphens."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.put(image["file"], content=data, headers={"Content-Type": BYTES, **named})

    def show(self, image: Json) -> Json:
        """Return an image's document."""
        response = self.get(image["self"])
        assert response.status_code == 200, response.text
        document: Json = response.json()
        return document

    def patch(self, image: Json, *changes: Json, media_type: str = PATCH_2_1) -> httpx.Response:
        """Send a patch of an image."""
        return self.request(
            "PATCH", image["self"], json=changes, headers={"Content-Type": media_type}
        )

    def page(self, query: str = "") -> Json:
        """Return one page of a list; query is what follows the question mark."""
        response = self.get(f"/v2/images?{query}")
        assert response.status_code == 200, response.text
        page: Json = response.json()
        return page

    def names(self, query: str = "") -> list[str]:
        """Return the names of the images that a page lists, in its order."""
        return [image["name"] for image in self.page(query)["images"]]

    def events(self, image: Json) -> list[Json]:
        """Return an image's history."""
        response = self.get(f"/history/v1/images/{image['id']}/events")
        assert response.status_code == 200, response.text
        events: list[Json] = response.json()["events"]
        return events


def unique(word: str) -> str:
    """Return a name that no other test uses."""
    return f"{word}-{uuid4().hex[:12]}"


def check_shape(response: httpx.Response) -> None:
    """Check what every response has: a request id, and for errors the one JSON shape."""
    response.read()
    assert response.headers["x-openstack-request-id"].startswith("req-")
    assert response.status_code < 500, response.text
    if response.status_code >= 400 and response.request.method != "HEAD":
        assert response.headers["Content-Type"] == "application/json"
        error = response.json()["error"]
        assert list(error) == ["code", "title", "message", "field"]
        assert error["code"] == response.status_code
        assert error["message"]


def refusal(response: httpx.Response) -> tuple[int, str | None]:
    """Return the status of a refusal and the field that it names."""
    error = response.json()["error"]
    if error["field"] is not None:
        assert len(error["message"]) > len(error["field"]) + 2, "a reason is missing"
    return response.status_code, error["field"]

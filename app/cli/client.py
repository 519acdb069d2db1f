"""The HTTP client of the command line: each refusal becomes a Failure with its exit code."""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from itertools import islice
from typing import Any, Self

import click
import httpx

from app.cli.exits import Failure, NotAllowed, NotFound, Unreachable, clean

Document = dict[str, Any]

IMAGE_ID = re.compile("[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
PAGE = 200  # images or events of one request
LOOPBACK = {"localhost", "127.0.0.1", "::1"}
TIMEOUT = httpx.Timeout(60, connect=10)  # seconds
STORING = httpx.Timeout(60, connect=10, read=900)  # a server may take its time to store the data
PATCH = "application/openstack-images-v2.1-json-patch"
BYTES = "application/octet-stream"

START_ONE = "Start one with `hindsight serve`, or name another with --url or HINDSIGHT_URL."
MINT_ONE = "Mint a token with `hindsight token create`, or set HINDSIGHT_TOKEN."
SEE_STATUS = "See where the image is in its life: `hindsight images show ID`."

FAILURE_OF: dict[int, type[Failure]] = {
    HTTPStatus.UNAUTHORIZED: NotAllowed,
    HTTPStatus.FORBIDDEN: NotAllowed,
    HTTPStatus.NOT_FOUND: NotFound,
}
HINT_OF: dict[int, str] = {
    HTTPStatus.UNAUTHORIZED: MINT_ONE,
    HTTPStatus.CONFLICT: SEE_STATUS,
    HTTPStatus.SERVICE_UNAVAILABLE: "Try again in a few seconds.",
}


class Client:
    """One user's connection to one Hindsight."""

    def __init__(self, url: httpx.URL, token: str) -> None:
        """Take the server's URL, without /v2, and a token; wrong usage if that can't be sent."""
        if not token.isascii() or not token.isprintable():
            raise click.UsageError("a token consists of printable ASCII characters")
        self._url = url
        self._http = httpx.Client(
            base_url=self._url,
            headers={"X-Auth-Token": token, "Accept-Encoding": "identity"},
            timeout=TIMEOUT,
            trust_env=self._url.host not in LOOPBACK,  # a proxy can't reach this machine's own
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def find(self, id_or_name: str) -> Document:
        """Return the image of an id, or the only one of a name."""
        if IMAGE_ID.fullmatch(id_or_name):
            return self.image(id_or_name)
        named = {"name": f"eq:{id_or_name}"}
        plain, hidden = self.images(named), self.images({**named, "os_hidden": "true"})
        found = [*islice(plain, PAGE), *islice(hidden, PAGE)]
        if not found:
            raise NotFound(
                f"no image found with name {id_or_name}",
                hint="See those that there are: `hindsight images list`.",
            )
        if len(found) > 1:
            ids = "".join(f"\n  {clean(image['id'])}" for image in found)
            raise Failure(
                f"{len(found)} images have the name {id_or_name}", hint=f"Say which by its id:{ids}"
            )
        return found[0]

    def image(self, image_id: str) -> Document:
        """Return the image of an id."""
        return self._document("GET", f"/v2/images/{image_id}")

    def images(self, filters: Mapping[str, Any], *, limit: int | None = None) -> Iterator[Document]:
        """Yield the images that pass the filters, at most limit of them."""
        first = {**filters, "limit": min(limit or PAGE, PAGE)}
        return islice(self._pages("/v2/images", "images", first), limit)

    def create(self, description: Document) -> Document:
        """Register an image."""
        return self._document("POST", "/v2/images", json=description)

    def patch(self, image_id: str, operations: list[Document]) -> Document:
        """Change an image, all at once, and return it."""
        return self._document(
            "PATCH", f"/v2/images/{image_id}", json=operations, headers={"Content-Type": PATCH}
        )

    def delete(self, image_id: str) -> None:
        """Delete an image."""
        self._send("DELETE", f"/v2/images/{image_id}")

    def restore(self, image_id: str) -> Document:
        """Take an image back from its deletion, and return it."""
        self._send("POST", f"/v2/images/{image_id}/actions/restore")
        return self._document("GET", f"/v2/images/{image_id}")

    def upload(self, image_id: str, chunks: Iterable[bytes], *, length: int | None) -> None:
        """Store an image's data; length is its bytes, None sends it chunked."""
        headers = {"Content-Type": BYTES}
        if length is not None:
            headers["Content-Length"] = str(length)
        path = f"/v2/images/{image_id}/file"
        self._send("PUT", path, content=chunks, headers=headers, timeout=STORING)

    @contextmanager
    def download(self, image_id: str) -> Iterator[Iterator[bytes]]:
        """Open an image's data; what comes out of it breaks off with a Failure, too."""
        with self._reaching(), self._http.stream("GET", f"/v2/images/{image_id}/file") as response:
            if not response.is_success:
                response.read()
                raise _refusal(response)
            if response.status_code == HTTPStatus.NO_CONTENT:
                raise Failure(f"image {image_id} has no data yet", hint=SEE_STATUS)
            yield response.iter_raw()

    def events(self, image_id: str) -> Iterator[Document]:
        """Yield all events of an image, oldest first."""
        path = f"/history/v1/images/{image_id}/events"
        return self._pages(path, "events", {"limit": PAGE})

    def image_then(self, image_id: str, **moment: str | int) -> Document:
        """Return an image as it was at a version, or `at` a time."""
        return self._document(
            "GET", f"/history/v1/images/{image_id}", holding="image", params=moment
        )

    def _pages(self, path: str, items: str, params: Mapping[str, Any]) -> Iterator[Document]:
        page = self._document("GET", path, holding=items, params=params)
        while True:
            yield from page[items]
            if not page.get("next"):
                return
            page = self._document("GET", page["next"], holding=items)

    def _document(self, method: str, path: str, *, holding: str = "id", **options: Any) -> Document:
        response = self._send(method, path, **options)
        try:
            document = response.json()
        except ValueError:
            document = None
        if not isinstance(document, dict) or holding not in document:
            raise Failure(f"{self._url} answers, but not as a Hindsight does", hint=START_ONE)
        return document

    def _send(self, method: str, path: str, **options: Any) -> httpx.Response:
        with self._reaching():
            response = self._http.request(method, path, **options)
        if not response.is_success:
            raise _refusal(response)
        return response

    @contextmanager
    def _reaching(self) -> Iterator[None]:
        try:
            yield
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            said = f"can't reach {self._url}: {error}"
            raise Unreachable(said, hint=START_ONE) from error
        except httpx.RequestError as error:
            said = f"the connection to {self._url} broke: {error or type(error).__name__}"
            raise Unreachable(
                said, hint="See whether the server still runs, then try again."
            ) from error


def parse_url(url: str) -> httpx.URL:
    """Return a server's URL; wrong usage when it is none."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise click.UsageError(f"{url!r} is no URL: {error}") from None
    if parsed.scheme not in {"http", "https"} or not parsed.host:
        raise click.UsageError(f"{url!r} is no URL such as http://127.0.0.1:9292")
    return parsed


def _refusal(response: httpx.Response) -> Failure:
    try:
        message = str(response.json()["error"]["message"])
    except (ValueError, KeyError, TypeError):
        message = f"the server answers {response.status_code} {response.reason_phrase}"
    request_id = response.headers.get("x-openstack-request-id")
    return FAILURE_OF.get(response.status_code, Failure)(
        f"{message} [{request_id}]" if request_id else message,
        hint=HINT_OF.get(response.status_code, ""),
    )

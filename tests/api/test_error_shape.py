"""One shape for every error, and that the clients' libraries show what it says."""

from collections.abc import Iterator
from http import HTTPStatus

import pytest
import requests
from keystoneauth1.exceptions import from_response
from openstack.exceptions import SDKException, raise_from_response

from app.api.errors import STATUS_OF, status_of
from domain.errors import HindsightError
from tests.api.project import BYTES, NOBODYS_ID, PATCH_2_1, Project
from tests.server import Server


def kinds(kind: type[HindsightError] = HindsightError) -> Iterator[type[HindsightError]]:
    for subclass in kind.__subclasses__():
        yield subclass
        yield from kinds(subclass)


EVERY_KIND = sorted(set(kinds()), key=lambda kind: kind.__name__)


@pytest.mark.parametrize("kind", EVERY_KIND, ids=[kind.__name__ for kind in EVERY_KIND])
def test_every_refusal_has_a_status(kind: type[HindsightError]) -> None:
    assert 400 <= status_of(kind) < 600


@pytest.mark.parametrize("kind", EVERY_KIND, ids=[kind.__name__ for kind in EVERY_KIND])
def test_every_refusal_says_what_it_is_for(kind: type[HindsightError]) -> None:
    assert kind.__doc__
    assert kind.__doc__ != HindsightError.__doc__


def test_the_table_names_refusals_that_exist() -> None:
    assert set(STATUS_OF) <= set(EVERY_KIND)
    assert all(isinstance(status, HTTPStatus) for status in STATUS_OF.values())


REFUSED = {
    400: ("POST", "/v2/images", "application/json", '{"min_ram": "much"}', "min_ram"),
    401: ("GET", "/v2/images", "", "", "X-Auth-Token"),
    403: ("POST", "/v2/images", "application/json", '{"status": "active"}', "status"),
    404: ("GET", f"/v2/images/{NOBODYS_ID}", "", "", "image_id"),
    405: ("PUT", "/v2/images", "", "", None),
    409: ("PATCH", "{image}", PATCH_2_1, '[{"op": "remove", "path": "/missing"}]', "missing"),
    413: ("POST", "/v2/images", "application/json", '{"a": "' + "x" * (1 << 20) + '"}', "body"),
    415: ("PUT", "{image}/file", "text/plain", "x", "Content-Type"),
}


@pytest.fixture(params=REFUSED, ids=str)
def refused(
    request: pytest.FixtureRequest, server: Server, project: Project
) -> tuple[requests.Response, str | None]:
    """A refusal of each status, as the library under the OpenStack clients gets it."""
    method, path, media_type, body, field = REFUSED[request.param]
    image = project.create()
    headers = {"Content-Type": media_type} if media_type else {}
    if request.param != 401:
        headers["X-Auth-Token"] = project.token
    url = f"{server.url}{path.format(image=image['self'])}"
    with requests.Session() as session:
        response = session.request(method, url, headers=headers, data=body.encode(), timeout=60)
    assert response.status_code == request.param
    return response, field


Refused = tuple[requests.Response, str | None]


def test_a_refusal_names_the_field_and_the_reason(refused: Refused) -> None:
    response, field = refused

    error = response.json()["error"]

    assert response.headers["Content-Type"] == "application/json"
    assert list(response.json()) == ["error"]
    assert set(error) == {"code", "title", "message", "field"}
    assert error["code"] == response.status_code
    assert error["title"] == HTTPStatus(response.status_code).phrase
    assert error["field"] == field
    assert error["message"]


def test_openstacksdk_shows_the_message(refused: Refused) -> None:
    response, _ = refused
    message = response.json()["error"]["message"]

    with pytest.raises(SDKException) as shown:
        raise_from_response(response)

    assert message in str(shown.value)


def test_keystoneauth_shows_the_message_and_the_request(refused: Refused) -> None:
    response, _ = refused
    message = response.json()["error"]["message"]

    shown = from_response(response, "GET", str(response.url))

    assert message in str(shown)
    assert response.headers["x-openstack-request-id"] in str(shown)


def test_a_refusal_without_a_body_still_has_its_status(project: Project) -> None:
    response = project.request("HEAD", f"/v2/images/{NOBODYS_ID}/file")

    assert response.status_code == 404
    assert response.content == b""
    assert response.headers["Content-Type"] != BYTES

"""Version discovery (Images API, "API versions")."""

import httpx
import pytest

from tests.api.wire import head, send
from tests.server import Server

PATHS = {"/": 300, "/versions": 200, "/v2": 200, "/v2/": 200}


@pytest.mark.parametrize("path", PATHS)
def test_versions_are_told_without_a_token(http: httpx.Client, path: str) -> None:
    response = http.get(path)

    assert response.status_code == PATHS[path]
    assert response.headers["Content-Type"] == "application/json"


def test_one_version_is_current_and_the_others_are_supported(http: httpx.Client) -> None:
    versions = http.get("/versions").json()["versions"]

    assert versions[0]["status"] == "CURRENT"
    assert {version["status"] for version in versions[1:]} == {"SUPPORTED"}
    ids = [version["id"] for version in versions]
    assert "v2.0" in ids
    assert ids == sorted(set(ids), key=lambda name: int(name.removeprefix("v2.")), reverse=True)


def test_every_version_links_to_where_it_is_spoken(http: httpx.Client, server: Server) -> None:
    for version in http.get("/").json()["versions"]:
        assert version["links"] == [{"rel": "self", "href": f"{server.url}/v2/"}]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("host", ["images.example", "images.example:8080", "[::1]:9292"])
def test_links_follow_the_host_that_the_client_asked(server: Server, path: str, host: str) -> None:
    request = head("GET", path).replace(b"Host: localhost", f"Host: {host}".encode())

    answered = send(server.url, request)

    links = {version["links"][0]["href"] for version in answered.json()["versions"]}
    assert links == {f"http://{host}/v2/"}


def test_versions_are_the_same_everywhere(http: httpx.Client) -> None:
    assert len({http.get(path).text for path in PATHS}) == 1


@pytest.mark.parametrize("path", PATHS)
def test_versions_can_only_be_read(http: httpx.Client, path: str) -> None:
    response = http.post(path)

    assert response.status_code == 405
    assert {"GET", "HEAD"} <= set(response.headers["Allow"].split(", "))

"""How a request says whom it comes from."""

import json
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from app.main import Hindsight
from domain.origin import Actor
from tests.api.project import Json, Project, refusal
from tests.server import Server
from tests.waiting import wait_until


def test_a_minted_token_opens_its_project(server: Server, http: httpx.Client) -> None:
    user = Project(http, "minted", server.token(user="ann", project="minted"))

    image = user.create(name="mine")

    assert image["owner"] == "minted"
    assert user.events(image)[0]["actor"] == {
        "user": "ann",
        "project": "minted",
        "roles": ["member"],
    }


def test_a_revoked_token_opens_nothing(server: Server, http: httpx.Client) -> None:
    user = Project(http, "revoked", server.token(user="bob", project="revoked"))
    image = user.create(name="was mine")
    tokens = json.loads(server.run("token", "list", "--json"))
    [token] = [token for token in tokens if token["project"] == "revoked"]

    server.run("token", "revoke", token["id"])

    # Each process may go on taking it for the few seconds of HINDSIGHT_TOKEN_CACHE.
    refused = wait_until(lambda: refusal_of_show(user, image), what="a token that is refused")
    assert refused == (401, "X-Auth-Token")


def refusal_of_show(user: Project, image: Json) -> tuple[int, str | None] | None:
    response = user.get(image["self"])
    return None if response.is_success else refusal(response)


def test_an_expired_token_opens_nothing(http: httpx.Client, beside: Hindsight) -> None:
    actor = Actor(user="eve", project="expired", roles=("member",))
    past = datetime.now(UTC) - timedelta(seconds=1)
    user = Project(http, "expired", beside.tokens.create(actor, expires_at=past))

    assert refusal(user.get("/v2/images")) == (401, "X-Auth-Token")


def test_a_refused_client_is_told_how_to_say_who_it_is(http: httpx.Client) -> None:
    response = http.get("/v2/images")

    assert refusal(response) == (401, "X-Auth-Token")
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="hindsight"'


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_a_token_may_come_as_a_bearer(http: httpx.Client, project: Project, scheme: str) -> None:
    response = http.get("/v2/images", headers={"Authorization": f"{scheme} {project.token}"})

    assert response.status_code == 200


@pytest.mark.parametrize(
    "value", ["Basic {}", "{}", "Bearer", "Bearer{}", "Token {}", "Bearer x{}"]
)
def test_other_authorizations_are_none(http: httpx.Client, project: Project, value: str) -> None:
    headers = {"Authorization": value.format(project.token)}

    assert refusal(http.get("/v2/images", headers=headers)) == (401, "X-Auth-Token")


@pytest.mark.parametrize(
    "name",
    ["X-User-Id", "X-Project-Id", "X-Tenant-Id", "X-Roles", "X-Identity-Status",
     "X-Image-Meta-Owner", "X-Owner", "X-Is-Admin-Project"],
)  # fmt: skip
def test_nobody_says_who_they_are_in_another_header(
    http: httpx.Client, project: Project, image: Json, name: str
) -> None:
    claim = {name: "admin"}

    assert http.get("/v2/images", headers=claim).status_code == 401
    response = project.post(f"{image['self']}/actions/deactivate", headers=claim)
    assert response.status_code == 403

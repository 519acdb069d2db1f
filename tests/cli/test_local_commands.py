"""`hindsight token` and `projections`, which work on this machine's data."""

from uuid import uuid4

import pytest

from tests.cli.shell import Shell
from tests.server import running_server


def test_a_token_says_who_its_bearer_is(admin: Shell) -> None:
    project = str(uuid4())
    minted = admin("token", "create", "--user", "ann", "--project", project, "--role", "member")

    image = admin.having(token=minted.out.strip()).pushed()

    assert image["owner"] == project


def test_tokens_are_listed_without_the_secret(admin: Shell) -> None:
    user = str(uuid4())
    secret = admin(
        "token", "create", "--user", user, "--project", "p", "--role", "reader", "--expires", "30d"
    ).out.strip()

    listed, as_json = admin("token", "list"), admin("token", "list", "--json")

    [line] = [line for line in listed.out.splitlines() if user in line]
    assert "reader  valid, expires 20" in line
    [token] = [token for token in as_json.json if token["user"] == user]
    assert (token["state"], token["roles"]) == ("valid", ["reader"])
    assert secret not in listed.out + as_json.out


def test_a_revoked_token_is_refused(admin: Shell, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("revoked")
    with running_server(folder / "data", token_cache="0") as server:  # noqa: S106 - seconds
        shell = Shell(server, folder)
        mint = ("token", "create", "--user", "bob", "--project", "p", "--role", "member")
        bob = shell.having(token=shell(*mint).out.strip())
        assert bob("images", "list").code == 0
        [token] = [
            token for token in shell("token", "list", "--json").json if token["user"] == "bob"
        ]

        revoked = shell("token", "revoke", token["id"])

        assert revoked.out.startswith("Revoked.")
        assert bob("images", "list").code == 4
        assert shell("token", "revoke", token["id"]).code == 1


@pytest.mark.parametrize("expires", ["soon", "0d", "3y"])
def test_a_span_that_is_none_is_wrong_usage(admin: Shell, expires: str) -> None:
    done = admin(
        "token", "create", "--user", "u", "--project", "p", "--role", "member", "--expires", expires
    )

    assert done.code == 2
    assert "is no time span such as 30d" in done.err


def test_read_models_are_rebuilt_while_the_server_runs(member: Shell, admin: Shell) -> None:
    image = member.pushed(name="rebuilt", os="debian")

    rebuilt = admin("projections", "rebuild")

    assert rebuilt.code == 0, rebuilt.err
    assert rebuilt.out.startswith("Rebuilt from ")
    assert member("images", "show", image["id"], "--json").json == image

"""What goes wrong around commands: words on standard error, exit codes, never a traceback."""

import signal
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from tests.cli.relay import answering
from tests.cli.shell import Shell
from tests.server import Server, running_server

NOWHERE = "http://127.0.0.1:1"  # a port that nobody listens on


def wait_until_saving(server: Server, image_id: str) -> None:
    """Return as soon as the server takes the image's data."""
    with server.client() as api:
        while api.get(f"/v2/images/{image_id}").json().get("status") != "saving":
            pass


def test_a_server_that_is_not_there_has_its_own_exit_code(admin: Shell) -> None:
    done = admin("images", "list", "--url", NOWHERE, "--token", "any")

    assert done.code == 5
    assert f"can't reach {NOWHERE}" in done.err
    assert "Start one with `hindsight serve`, or name another with --url" in done.err


def test_where_no_hindsight_has_run_the_next_step_is_to_start_one(admin: Shell) -> None:
    done = admin("images", "list", "--data", "empty")

    assert done.code == 5
    assert "hindsight serve" in done.err


def test_a_wrong_token_has_its_own_exit_code(admin: Shell) -> None:
    done = admin("images", "list", "--token", "wrong")

    assert done.code == 4
    assert "the token is unknown, expired or revoked [req-" in done.err
    assert "hindsight token create" in done.err


def test_the_local_admins_token_is_never_sent_elsewhere(admin: Shell) -> None:
    done = admin("images", "list", "--url", NOWHERE)

    assert done.code == 4
    assert f"no token for {NOWHERE}" in done.err


def test_options_come_before_variables(member: Shell) -> None:
    lost = member.having(url=NOWHERE)

    assert lost("images", "list").code == 5
    assert lost("images", "list", "--url", member.server.url).code == 0


@pytest.mark.parametrize("url", ["nonsense", "ftp://127.0.0.1", "http://"])
def test_what_is_no_url_is_wrong_usage(member: Shell, url: str) -> None:
    done = member("images", "list", "--url", url)

    assert done.code == 2
    assert "is no URL" in done.err


def test_a_token_that_can_not_be_sent_is_wrong_usage(admin: Shell) -> None:
    assert admin("images", "list", "--token", "schlüssel").code == 2


def test_another_kind_of_server_is_recognised(member: Shell) -> None:
    with answering(b"<html>Welcome!</html>") as url:
        done = member("images", "list", "--url", url)

    assert done.code == 1
    assert f"{url} answers, but not as a Hindsight does" in done.err


@pytest.mark.parametrize(
    "command", [("serve",), ("images", "list"), ("token", "list"), ("projections", "rebuild")]
)
def test_a_wrong_setting_stops_the_start_and_is_named(
    admin: Shell, command: tuple[str, ...]
) -> None:
    done = admin.having(port="abc")(*command)

    assert done.code == 1
    assert "HINDSIGHT_PORT is 'abc'" in done.err
    assert "Port to listen on" in done.err


def test_an_unreadable_setting_of_the_data_folder_is_told(admin: Shell) -> None:
    admin.file("not-a-folder")

    done = admin.having(data="not-a-folder/data")("token", "list")

    assert done.code == 1
    assert "not-a-folder/data" in done.err


def test_an_interrupted_push_says_how_to_go_on(member: Shell) -> None:
    image_id = str(uuid4())
    command = ("images", "push", "-", "--id", image_id, "--disk-format", "raw")
    process = member.start(*command)
    assert process.stdin is not None
    process.stdin.write(bytes(4 << 20))
    process.stdin.flush()
    wait_until_saving(member.server, image_id)

    process.send_signal(signal.SIGINT)
    out, err = process.communicate()

    assert process.returncode == 130
    assert out == b""
    assert f"hindsight images push --into {image_id} -" in err.decode()
    assert err.decode().endswith("Interrupted.\n")


def test_a_server_that_dies_during_a_push_is_told(tmp_path: Path) -> None:
    image_id = str(uuid4())
    with running_server(tmp_path / "data") as server:
        shell = Shell(server, tmp_path)
        process = shell.start("images", "push", "-", "--id", image_id, "--disk-format", "raw")
        assert process.stdin is not None
        process.stdin.write(bytes(4 << 20))
        process.stdin.flush()
        wait_until_saving(server, image_id)
        server.kill()
        _, err = process.communicate(bytes(32 << 20))

    assert process.returncode == 5
    assert b"Traceback" not in err
    assert f"hindsight images push --into {image_id} -" in err.decode()


def test_a_server_that_dies_during_a_pull_is_told(tmp_path: Path) -> None:
    with running_server(tmp_path / "data") as server:
        shell = Shell(server, tmp_path)
        image = shell.pushed(data=bytes(64 << 20))  # far more than sockets and pipes hold
        process = shell.start("images", "pull", image["id"], "-")
        assert process.stdout is not None
        assert process.stdout.read(1) == b"\0"
        server.kill()
        _, err = process.communicate()

    assert process.returncode == 5
    assert f"the connection to {server.url} broke" in err.decode()
    assert b"Traceback" not in err


def test_values_can_not_take_over_the_terminal(member: Shell) -> None:
    evil = "[red]red[/red] \t :smile: \u202e\u2028"
    image = member.pushed(name=evil, tags=["[bold]"], note=evil)
    expected = r"[red]red[/red] \t :smile: \u202e\u2028"

    for command in (("images", "list"), ("images", "show", image["id"]), ("history", image["id"])):
        done = member(*command)
        assert done.code == 0, done.err
        assert expected in done.out
        assert all(line.isprintable() for line in done.out.splitlines())

    as_json = member("images", "show", image["id"], "--json")
    assert as_json.json["note"] == evil
    assert as_json.out.isascii()


def test_a_servers_words_can_not_take_over_the_terminal(member: Shell) -> None:
    image = member.pushed()

    done = member("images", "set", image["id"], "--remove-property", "a\u202eb")

    assert done.code == 1
    assert r"a\u202eb: the image has no such property" in done.err


def test_names_are_shown_where_the_terminal_knows_few_letters(member: Shell) -> None:
    image = member.pushed(name="web \u2192 db")
    western = replace(member, variables={**member.variables, "PYTHONIOENCODING": "latin-1"})

    assert r"web \u2192 db" in western("images", "show", image["id"]).out

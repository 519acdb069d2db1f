"""`--help`, and how little is loaded for it."""

import subprocess
import sys

import click
import pytest

from app.cli import COMMANDS, main
from app.cli.exits import NotAllowed, NotFound, Unreachable
from tests.cli.shell import Shell

HEAVY = ("flask", "gunicorn", "oslo_utils", "sqlalchemy", "eventsourcing")


@pytest.mark.parametrize("name", COMMANDS)
def test_the_short_help_is_what_the_command_says_itself(name: str) -> None:
    command = main.get_command(click.Context(main), name)

    assert command is not None
    assert command.get_short_help_str(limit=200) == COMMANDS[name][1]


@pytest.mark.parametrize("command", [(), ("images",), ("history",)])
def test_exit_codes_are_documented(admin: Shell, command: tuple[str, ...]) -> None:
    words = admin(*command, "--help").out

    for code in (NotFound.exit_code, NotAllowed.exit_code, Unreachable.exit_code, 130):
        assert f"\n    {code} " in words


def test_every_command_has_help(admin: Shell) -> None:
    for name in COMMANDS:
        assert admin(name, "--help").code == 0


def test_an_unknown_command_is_wrong_usage(admin: Shell) -> None:
    done = admin("imagse")

    assert done.code == 2
    assert "No such command 'imagse'" in done.err


def test_the_http_side_starts_without_the_servers_parts() -> None:
    program = "import sys, app.cli.images, app.cli.history; print(*sys.modules)"

    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout.split()

    assert "app.cli.images" in loaded
    assert not set(HEAVY) & set(loaded)

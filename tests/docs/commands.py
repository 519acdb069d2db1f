"""Writes docs/commands.md from what the commands say of themselves: `make docs`."""

import inspect
from collections.abc import Iterator
from pathlib import Path

import click

from app.cli import main

PAGE = Path(__file__).parents[2] / "docs/commands.md"

HEAD = """# Commands

Written by `make docs` from the commands' own help; every command has `--help`.

Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 not found, 4 not authenticated or not
allowed, 5 the server can't be reached, 130 interrupted.
"""


def page() -> str:
    """Return the page as it should be."""
    return HEAD + "".join(f"\n## `{path}`\n\n{help_of(command)}" for path, command in leaves(main))


def leaves(group: click.Group, path: str = "hindsight") -> Iterator[tuple[str, click.Command]]:
    """Yield every command that does something, with its full name."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from leaves(command, f"{path} {name}")
        elif command is not None:
            yield f"{path} {name}", command


def help_of(command: click.Command) -> str:
    """Return a command's description and its options, as a table."""
    arguments = [p.make_metavar(click.Context(command)) for p in command.params if is_argument(p)]
    usage = f"Arguments: `{' '.join(arguments)}`\n\n" if arguments else ""
    rows = [
        f"| `{', '.join((*p.opts, *p.secondary_opts))}` | {p.help or ''} |\n"
        for p in command.params
        if isinstance(p, click.Option) and not p.hidden
    ]
    table = "| option | meaning |\n| --- | --- |\n" + "".join(rows) if rows else ""
    return f"{inspect.cleandoc(command.help or '')}\n\n{usage}{table}"


def is_argument(parameter: click.Parameter) -> bool:
    return isinstance(parameter, click.Argument)


if __name__ == "__main__":
    PAGE.write_text(page())

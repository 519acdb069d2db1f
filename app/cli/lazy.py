"""A group whose commands are imported when they are called: the catalog's parts take a while."""

from collections.abc import Mapping
from importlib import import_module

import click

from app.cli.exits import without_traceback


class LazyGroup(click.Group):
    """Knows of each command where it lives and what `--help` says of it."""

    def __init__(
        self, *args: object, lazy: Mapping[str, tuple[str, str]], **kwargs: object
    ) -> None:
        """Take for each command's name "module:attribute" and its short help."""
        super().__init__(*args, **kwargs)  # type: ignore[arg-type] # click's own arguments
        self.lazy = lazy

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.lazy:
            return None
        module, _, attribute = self.lazy[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, words) for name, (_, words) in self.lazy.items()])

    def invoke(self, ctx: click.Context) -> object:
        with without_traceback():
            return super().invoke(ctx)

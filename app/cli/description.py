"""What a command says of an image: the options, and the attributes that they stand for."""

from collections.abc import Callable
from typing import Any

import click

from app.cli.options import KeyValue
from domain import rules

SIZE = click.IntRange(0, rules.INTEGER_MAX)


def described(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that both push and set have."""
    for option in reversed(
        (
            click.option("--name", help="What people call it."),
            click.option("--min-disk", type=SIZE, metavar="GB", help="Disk that a server needs."),
            click.option("--min-ram", type=SIZE, metavar="MB", help="Memory that a server needs."),
            click.option(
                "--visibility", type=click.Choice(rules.VISIBILITIES), help="Who sees it."
            ),
            click.option("--tag", "tags", multiple=True, help="Add a tag.  Repeatable."),
            click.option(
                "--property", "properties", type=KeyValue(), multiple=True, help="Repeatable."
            ),
            click.option(
                "--disk-format",
                type=click.Choice(rules.DISK_FORMATS),
                help="The format of the disk.",
            ),
            click.option(
                "--container-format",
                type=click.Choice(rules.CONTAINER_FORMATS),
                help="What the disk is wrapped in.",
            ),
        )
    ):
        command = option(command)
    return command


def custom(properties: tuple[tuple[str, str], ...]) -> dict[str, str]:
    """Return custom properties by name; wrong usage when one is an attribute of every image."""
    for name, _ in properties:
        if name in rules.READ_ONLY | rules.CHANGEABLE:
            raise click.UsageError(f"{name} is an attribute of every image, not a property")
    return dict(properties)


def given(options: dict[str, Any]) -> dict[str, Any]:
    """Return the options that were given."""
    return {name: value for name, value in options.items() if value not in (None, ())}

"""`hindsight history`: what happened to an image, and what it was like."""

from typing import Any

import click
from rich.console import Console
from rich.text import Text

from app.cli.client import IMAGE_ID, Client, Document
from app.cli.exits import EXIT_CODES, clean
from app.cli.options import connected, json_option
from app.cli.terminal import print_image, print_json, print_json_array, told, words

IN_HEADING = frozenset({"id", "created_at"})  # of the first event; the reader has named the id


@click.command(epilog=EXIT_CODES)
@click.argument("image")
@click.option("--version", type=click.IntRange(min=1), help="Show the image as this left it.")
@click.option("--at", metavar="TIME", help="Show the image as it was then (ISO 8601, else UTC).")
@json_option
@connected
def history(
    client: Client, image: str, *, version: int | None, at: str | None, as_json: bool
) -> None:
    """Tell what happened to an image, and who did it.

    IMAGE is an id, also of a deleted image, or a name that only one image has.
    """
    if version is not None and at is not None:
        raise click.UsageError("ask for a --version or a time, not for both")
    image_id = image if IMAGE_ID.fullmatch(image) else client.find(image)["id"]
    if version is not None:
        _show(client.image_then(image_id, version=version), as_json=as_json)
    elif at is not None:
        _show(client.image_then(image_id, at=at), as_json=as_json)
    elif as_json:
        print_json_array(client.events(image_id))
    else:
        console = words()
        for event in client.events(image_id):
            _tell(console, event)


def _show(then: Document, *, as_json: bool) -> None:
    if as_json:
        print_json(then)
        return
    click.echo(f"As version {clean(then['version'])} left it, {_time(then)}:")
    print_image(then["image"])


def _tell(console: Console, event: Document) -> None:
    actor = event["actor"]
    heading = Text.assemble(
        (f"{told(event['version']):>4}  ", "bold"),
        f"{_time(event)}  ",
        (told(event["type"]).replace("_", " "), "bold cyan"),
        f"  by {told(actor['user'])}@{told(actor['project'])}",
    )
    console.print(heading)
    for change in event["changes"]:
        sentence = _sentence(change)
        if sentence:
            console.print(Text(f"      {sentence}"))
    if event["details"].get("reason"):
        console.print(Text(f"      reason: {clean(event['details']['reason'])}"))


def _sentence(change: dict[str, Any]) -> str | None:
    before, after = change["before"], change["after"]
    if before is None and not after:
        return None  # a new image's attributes that nobody has set
    if before is None and change["field"] in IN_HEADING:
        return None
    return f"{clean(change['field'])}: {told(before)} -> {told(after)}"


def _time(moment: Document) -> str:
    return clean(moment["time"]).removesuffix("+00:00") + "Z"

"""`hindsight images set`: change what an image says of itself."""

from typing import Any

import click

from app.cli.client import Client, Document
from app.cli.description import custom, described, given
from app.cli.options import connected, json_option
from app.cli.terminal import print_image, print_json


@click.command("set")
@click.argument("image")
@described
@click.option("--owner", help="The project that owns it.")
@click.option("--protected/--no-protected", default=None, help="Refuse to delete it.")
@click.option("--hidden/--no-hidden", "os_hidden", default=None, help="Leave it out of lists.")
@click.option("--remove-property", "unset", metavar="K", multiple=True, help="Repeatable.")
@click.option("--remove-tag", "untag", metavar="TAG", multiple=True, help="Repeatable.")
@json_option
@connected
def set_image(client: Client, image: str, *, as_json: bool, **options: Any) -> None:
    """Change IMAGE (an id, or a name that only one image has), all at once or not at all."""
    changes = given(options)
    if not changes:
        raise click.UsageError("say what to change: see --help")
    properties = custom(changes.pop("properties", ()))
    custom(tuple((name, "") for name in changes.get("unset", ())))  # attributes can't be removed
    before = client.find(image)
    after = client.patch(before["id"], _operations(before, changes, properties))
    print_json(after) if as_json else print_image(after)


def _operations(before: Document, changes: Document, properties: dict[str, str]) -> list[Document]:
    added, removed = changes.pop("tags", ()), changes.pop("untag", ())
    unset = changes.pop("unset", ())
    if added or removed:
        kept = [tag for tag in before["tags"] if tag not in removed]
        changes["tags"] = [*kept, *(tag for tag in dict.fromkeys(added) if tag not in kept)]
    return [
        *({"op": "replace", "path": _pointer(k), "value": v} for k, v in changes.items()),
        *({"op": "add", "path": _pointer(k), "value": v} for k, v in properties.items()),
        *({"op": "remove", "path": _pointer(k)} for k in unset),
    ]


def _pointer(name: str) -> str:
    """Return the JSON pointer (RFC 6901) of an attribute or property."""
    return f"/{name.replace('~', '~0').replace('/', '~1')}"

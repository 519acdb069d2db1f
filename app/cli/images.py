"""`hindsight images`: the catalog, over HTTP."""

from typing import Any
from uuid import UUID

import click

from app.cli.change import set_image
from app.cli.client import Client
from app.cli.exits import EXIT_CODES, Failure, Unreachable
from app.cli.options import KeyValue, connected, json_option
from app.cli.pull import pull
from app.cli.push import push
from app.cli.terminal import print_image, print_images, print_json, print_json_array
from domain import rules


@click.group(epilog=EXIT_CODES)
def images() -> None:
    """List, show, push, pull, change, delete and restore images."""


@images.command("list")
@click.option("--name", help="Exactly this name.")
@click.option(
    "--status",
    type=click.Choice([status.value for status in rules.Status]),
    help="Where it is in its life.",
)
@click.option("--visibility", type=click.Choice([*rules.VISIBILITIES, "all"]), help="Who sees it.")
@click.option("--owner", help="The project that owns it.")
@click.option("--disk-format", type=click.Choice(rules.DISK_FORMATS), help="The disk's format.")
@click.option("--tag", multiple=True, help="Carries the tag.  Repeatable: all of them.")
@click.option("--property", "properties", type=KeyValue(), multiple=True, help="Repeatable.")
@click.option("--hidden", "os_hidden", is_flag=True, default=None, help="Only the hidden ones.")
@click.option("--sort", metavar="KEY[:asc|desc],...", help="[default: created_at:desc]")
@click.option("--limit", type=click.IntRange(min=1), help="At most so many.  [default: all]")
@json_option
@connected
def list_images(
    client: Client,
    *,
    properties: tuple[tuple[str, str], ...],
    limit: int | None,
    as_json: bool,
    **filters: Any,
) -> None:
    """List the images that you may see, newest first."""
    wanted = {name: value for name, value in filters.items() if value not in (None, ())}
    if "name" in wanted:
        wanted["name"] = f"eq:{wanted['name']}"  # else a name such as in:a,b means something else
    found = client.images({**dict(properties), **wanted}, limit=limit)
    print_json_array(found) if as_json else print_images(found)


@images.command()
@click.argument("image")
@json_option
@connected
def show(client: Client, image: str, *, as_json: bool) -> None:
    """Show IMAGE, an id or a name that only one image has."""
    found = client.find(image)
    print_json(found) if as_json else print_image(found)


@images.command()
@click.argument("ids", metavar="ID...", type=click.UUID, nargs=-1, required=True)
@json_option
@connected
def delete(client: Client, ids: tuple[UUID, ...], *, as_json: bool) -> None:
    """Delete images and their data; their history stays.

    Each is tried; the exit code is that of the first that failed.
    """
    outcomes = [_delete(client, str(image_id), is_quiet=as_json) for image_id in ids]
    if as_json:
        print_json(
            [
                {"id": str(image_id), "deleted": not failure, "error": failure and failure.message}
                for image_id, failure in zip(ids, outcomes, strict=True)
            ]
        )
    for failure in filter(None, outcomes):
        raise click.exceptions.Exit(failure.exit_code)


def _delete(client: Client, image_id: str, *, is_quiet: bool) -> Failure | None:
    try:
        client.delete(image_id)
    except Unreachable:
        raise  # as would all that follow
    except Failure as failure:
        click.echo(f"{image_id}: {failure.format_message()}", err=True)
        return failure
    if not is_quiet:
        click.echo(f"Deleted {image_id}")
    return None


@images.command()
@click.argument("image_id", metavar="ID", type=click.UUID)
@json_option
@connected
def restore(client: Client, image_id: UUID, *, as_json: bool) -> None:
    """Take an image back from its deletion, where deletions wait for a while."""
    restored = client.restore(str(image_id))
    print_json(restored) if as_json else print_image(restored)


for command in (push, pull, set_image):
    images.add_command(command)

"""`hindsight images pull`: an image's bytes, into a file or to standard output."""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

import click

from app.cli.client import Client, Document
from app.cli.exits import Failure, clean
from app.cli.options import connected, json_option
from app.cli.terminal import human_size, print_json
from app.cli.transfer import RunningHash, hash_name, progress, recorded, watched

STDOUT = Path("-")
HARMLESS_NAME = re.compile(r"\w[\w .+-]{0,199}", re.ASCII)
FILE = click.Path(dir_okay=False, allow_dash=True, path_type=Path)


@click.command()
@click.argument("image")
@click.argument("file", type=FILE, required=False)
@click.option("-o", "--output", type=FILE, help="The same as FILE.")
@click.option("--force", is_flag=True, help="Overwrite the file if there is one.")
@json_option
@connected
def pull(  # noqa: PLR0913 - click hands each option in
    client: Client,
    image: str,
    *,
    file: Path | None,
    output: Path | None,
    force: bool,
    as_json: bool,
) -> None:
    """Download the data of IMAGE (an id, or a name that only one image has).

    FILE is by default the image's name and format; - writes to standard output. The file appears
    only when it is complete and its hash is the one that the server has recorded.
    """
    if file and output:
        raise click.UsageError("name the file once: as FILE or with -o")
    target = file or output
    if target == STDOUT:
        _pull_to_stdout(client, image, as_json=as_json)
        return
    document = client.find(image)
    target = target or _default_name(document)
    _require_free(target, force=force)
    with _published(target.resolve(), force=force) as stream:
        summary = _download(client, document, stream, is_quiet=as_json)
    if as_json:
        print_json({**summary, "file": str(target)})
    else:
        size, algorithm = human_size(document["size"]), summary["hash"]
        click.echo(
            f"Pulled {clean(document['name'])} to {clean(target)}: {size}, {algorithm} matches"
        )


def _pull_to_stdout(client: Client, image: str, *, as_json: bool) -> None:
    if as_json:
        raise click.UsageError("--json and - both want standard output")
    if sys.stdout.isatty():
        raise click.UsageError(
            "an image is not for a terminal: redirect the output, or name a FILE"
        )
    _download(client, client.find(image), sys.stdout.buffer, is_quiet=False)
    sys.stdout.buffer.flush()


def _download(client: Client, image: Document, stream: BinaryIO, *, is_quiet: bool) -> Document:
    name = hash_name(image)
    label = image["name"] or image["id"]
    with (
        RunningHash(name) as running,
        client.download(image["id"]) as chunks,
        progress(label, image["size"], is_quiet=is_quiet) as shown,
    ):
        for chunk in watched(chunks, [running], shown):
            stream.write(chunk)
        value = running.value()
    if recorded(image, name) != value:
        raise Failure(
            f"the data of image {image['id']} is damaged: its {name} is {value}, "
            f"not {recorded(image, name)}",
            hint="Try again; if it stays so, tell who runs the server.",
        )
    return {"id": image["id"], "size": image["size"], "hash": name, "value": value}


def _default_name(image: Document) -> Path:
    # Never a path: both words come from the server.
    ending = f".{image['disk_format'] or 'raw'}"
    name = str(image["name"]).removesuffix(ending)
    return Path(
        f"{name if HARMLESS_NAME.fullmatch(name) else image['id']}{ending}".replace("/", "_")
    )


def _require_free(target: Path, *, force: bool) -> None:
    if not target.exists():
        return
    if not target.is_file():
        raise Failure(f"{target} is no regular file", hint="Pull to - and redirect the output.")
    if not force:
        raise Failure(f"{target} exists", hint="Name another file, or overwrite it with --force.")


@contextmanager
def _published(target: Path, *, force: bool) -> Iterator[BinaryIO]:
    """Open a file that takes the target's name when all went well, and is gone otherwise."""
    part = target.with_name(f".{target.name[:100]}.{uuid4().hex}.part")
    try:
        with part.open("xb") as stream:
            yield stream
        _require_free(target, force=force)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)

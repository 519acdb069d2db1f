"""`hindsight images push`: register an image and store its bytes."""

import os
import shlex
import stat
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO
from uuid import UUID

import click

from app.cli.client import Client, Document
from app.cli.description import custom, described, given
from app.cli.exits import Failure, Unreachable, clean
from app.cli.options import connected, json_option
from app.cli.terminal import human_size, print_json
from app.cli.transfer import (
    MD5,
    RunningHash,
    hash_name,
    hash_of,
    head_of,
    progress,
    read_in_chunks,
    recorded,
    watched,
)

STDIN = Path("-")
NOT_FILLED = {"queued", "saving", "killed", "without data"}
EXPECTED_HASH = "sha512"  # what servers compute unless they are set to another


@dataclass(frozen=True)
class Source:
    """The bytes to push: a file, or what comes through a pipe."""

    path: Path
    stream: BinaryIO
    head: bytes  # read from the stream already

    @property
    def length(self) -> int | None:
        """Bytes of a regular file; None when only reading tells."""
        status = os.fstat(self.stream.fileno())
        return status.st_size if stat.S_ISREG(status.st_mode) and self.path != STDIN else None

    @property
    def name(self) -> str | None:
        return None if self.path == STDIN else self.path.stem

    def chunks(self) -> Iterator[bytes]:
        """Yield the bytes; Failure when a file does not keep its size."""
        length, sent = self.length, 0
        for chunk in chain([self.head] if self.head else [], read_in_chunks(self.stream)):
            sent += len(chunk)
            if length is not None and sent > length:
                break
            yield chunk
        if length is not None and sent != length:
            raise Failure(f"{self.path} changed while it was read")

    def disk_format(self) -> str:
        """Return the format that the bytes show; a file of which they show nothing is raw."""
        from app.cli import disk_format  # noqa: PLC0415 - slow to import

        is_file = self.length is not None
        tail = disk_format.tail_of(self.path, self.head) if is_file else b""
        found = disk_format.recognise(self.head, tail)
        if found is None and self.path == STDIN:
            raise click.UsageError("the first MiB does not show a format: name it, --disk-format")
        if found and not disk_format.is_taken(found):
            raise Failure(
                f"{self.path} is {found}, which the catalog does not take",
                hint="Convert it with `qemu-img convert`, or name what it is with --disk-format.",
            )
        return found or "raw"


@click.command()
@click.argument(
    "file", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path)
)
@described
@click.option("--protected", is_flag=True, default=None, help="Refuse to delete it.")
@click.option("--id", type=click.UUID, help="Its id, never used before.  [default: a new one]")
@click.option("--into", type=click.UUID, metavar="ID", help="Fill an image that has no data yet.")
@json_option
@connected
def push(client: Client, file: Path, *, into: UUID | None, as_json: bool, **options: Any) -> None:
    """Register an image and upload FILE as its data; - reads standard input.

    The name is the file's, and the format what its bytes show, unless options say otherwise. In
    the end the server's hash is compared with that of the bytes which were read.
    """
    description = given(options)
    if into and description:
        names = ", ".join(f"--{name.replace('_', '-')}" for name in description)
        raise click.UsageError(f"--into takes the image as it is: change it with set, not {names}")
    description |= custom(description.pop("properties", ()))
    with _opened(file) as source:
        image_id = str(into) if into else _registered(client, source, description)
        image = _upload(client, image_id, source, is_quiet=as_json)
    print_json(image) if as_json else _tell(image)


@contextmanager
def _opened(path: Path) -> Iterator[Source]:
    with ExitStack() as stack:
        is_stdin = path == STDIN
        stream = sys.stdin.buffer if is_stdin else stack.enter_context(path.open("rb"))
        yield Source(path, stream, head_of(stream))


def _registered(client: Client, source: Source, description: Document) -> str:
    if "id" in description:
        description["id"] = str(description["id"])
    defaults = {"name": source.name, "container_format": "bare"}
    if "disk_format" not in description:
        defaults["disk_format"] = source.disk_format()
    return str(client.create(defaults | description)["id"])


def _upload(client: Client, image_id: str, source: Source, *, is_quiet: bool) -> Document:
    names = [EXPECTED_HASH] if source.length is not None else [EXPECTED_HASH, MD5]
    with ExitStack() as stack:
        hashes = {name: stack.enter_context(RunningHash(name)) for name in names}
        shown = stack.enter_context(progress(str(source.path), source.length, is_quiet=is_quiet))
        chunks = watched(source.chunks(), hashes.values(), shown)
        with _hint_to_retry(client, image_id, source.path):
            client.upload(image_id, chunks, length=source.length)
        values = {name: running.value() for name, running in hashes.items()}
    image = client.image(image_id)
    _verify(image, values, source)
    return image


@contextmanager
def _hint_to_retry(client: Client, image_id: str, path: Path) -> Iterator[None]:
    command = f"hindsight images push --into {clean(image_id)} {shlex.quote(clean(path))}"
    try:
        yield
    except Failure as failure:
        status = _status(client, image_id)
        if status in NOT_FILLED:
            again = f"Image {clean(image_id)} stays {status}. When the cause is gone: {command}"
            failure.hint = "\n".join(filter(None, (failure.hint, again)))
        raise
    except (OSError, KeyboardInterrupt):
        click.echo(f"Image {clean(image_id)} has no data yet. To try again: {command}", err=True)
        raise


def _status(client: Client, image_id: str) -> str:
    try:
        return str(client.image(image_id)["status"])
    except Unreachable:
        return "without data"
    except Failure:
        return "out of sight"


def _verify(image: Document, values: dict[str, str], source: Source) -> None:
    name = hash_name(image)
    if name not in values:
        # The server is set to another hash: files are read once more, of a pipe the MD5 is known.
        name = name if source.length is not None else MD5
    value = values.get(name) or hash_of(source.path, name)
    if recorded(image, name) != value:
        raise Failure(
            f"image {image['id']} is not what was read: {name} {recorded(image, name)} there, "
            f"{value} here",
            hint=f"Don't use it: `hindsight images delete {clean(image['id'])}`, then push again.",
        )


def _tell(image: Document) -> None:
    size, disk_format = human_size(image["size"]), clean(image["disk_format"])
    click.echo(f"Pushed {clean(image['name'])}: {size}, {disk_format}, {clean(image['status'])}")
    click.echo(f"id        {clean(image['id'])}")
    click.echo(f"checksum  {clean(image['checksum'])}")

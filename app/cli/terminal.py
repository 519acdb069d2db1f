"""Words for people and JSON for machines, on standard output.

Everything a server sends goes through `clean` and is printed as plain text, never as rich's markup.
"""

import json
import sys
from collections.abc import Iterable
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from app.cli.exits import clean

WIDE = 10_000  # columns where no terminal limits them: who reads a pipe wants whole lines
KIBI = 1024
COMFORTABLE = 100  # columns that leave room for more than the essentials
COLOURS = {"active": "green", "killed": "red", "deleted": "red", "queued": "yellow"}

KNOWN = (
    "id", "name", "status", "visibility", "owner", "disk_format", "container_format", "size",
    "virtual_size", "min_disk", "min_ram", "checksum", "os_hash_algo", "os_hash_value", "protected",
    "os_hidden", "tags", "created_at", "updated_at",
)  # fmt: skip
"""Attributes in the order in which people read them; the custom properties follow."""
LINKS = frozenset({"self", "file", "schema"})
UNITS = {"min_disk": "GB", "min_ram": "MB"}


def print_json(document: Any) -> None:
    """Print a document; ASCII only, so that no terminal is led astray."""
    click.echo(json.dumps(document, indent=2))


def print_json_array(documents: Iterable[Any]) -> None:
    """Print an array as its documents arrive: a catalog may be larger than the memory."""
    opening = "["
    for document in documents:
        click.echo(f"{opening}\n  {json.dumps(document)}", nl=False)
        opening = ","
    click.echo("[]" if opening == "[" else "\n]")


def words(*, stderr: bool = False) -> Console:
    """Return where to print for people."""
    is_terminal = (sys.stderr if stderr else sys.stdout).isatty()
    width = None if is_terminal else WIDE
    return Console(stderr=stderr, width=width, highlight=False, markup=False, emoji=False)


def print_images(images: Iterable[dict[str, Any]]) -> None:
    """Print a table of images."""
    console = words()
    is_comfortable = console.width >= COMFORTABLE
    names = ["ID", "Name", "Status", *(["Visibility"] if is_comfortable else []), "Format", "Size"]
    table = Table(*names, box=None, pad_edge=False, header_style="bold")
    for column in table.columns:
        column.overflow = "fold"
        column.no_wrap = column.header in {"ID", "Status", "Size"}
    for image in images:
        status = Text(told(image.get("status")), style=COLOURS.get(str(image.get("status")), ""))
        seen = [_text(image.get("visibility"))] if is_comfortable else []
        size = _text(human_size(image.get("size")))
        name, disk_format = _text(image.get("name")), _text(image.get("disk_format"))
        table.add_row(_text(image.get("id")), name, status, *seen, disk_format, size)
    _print(console, table)


def print_image(image: dict[str, Any]) -> None:
    """Print an image, a line for each attribute and property."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    names = [name for name in KNOWN if name in image]
    names += sorted(name for name in image if name not in {*KNOWN, *LINKS})
    for name in names:
        table.add_row(_text(name), _text(_told(name, image[name])))
    _print(words(), table)


def told(value: Any) -> str:
    """Return a value in words."""
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case list():
            return ", ".join(map(clean, value)) or "-"
        case _:
            return clean(value)


def human_size(size: int | None) -> str:
    """Return bytes in the unit that suits them."""
    if size is None:
        return "-"
    amount, units = float(size), iter(("KiB", "MiB", "GiB", "TiB", "PiB", "EiB"))
    unit = "B"
    while amount >= KIBI and unit != "EiB":
        amount, unit = amount / KIBI, next(units)
    return f"{size} B" if unit == "B" else f"{amount:.1f} {unit}"


def _print(console: Console, table: Table) -> None:
    with console.capture() as captured:
        console.print(table)
    for line in captured.get().splitlines():
        click.echo(line.rstrip())  # tables pad their last column


def _told(name: str, value: Any) -> str:
    if name in {"size", "virtual_size"} and value is not None:
        return f"{human_size(value)} ({value} bytes)"
    return f"{value} {UNITS[name]}" if name in UNITS else told(value)


def _text(value: Any) -> Text:
    return Text(told(value))

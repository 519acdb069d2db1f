"""`hindsight projections`: the read models."""

from collections.abc import Iterator
from pathlib import Path

import click

from app.cli.local import opened
from app.cli.options import data_option
from domain.events import ImageEvent
from projections.runner import rebuild as rebuild_read_models
from storage.events import EventLog

BATCH = 1000  # events in memory at a time


@click.group()
def projections() -> None:
    """Read models: the tables that lists are read from, built from the events."""


@projections.command()
@data_option
def rebuild(data: Path | None) -> None:
    """Build the read models again from position 0, while the service may run."""
    with opened(data) as hindsight, hindsight.log.transaction() as connection:
        count = rebuild_read_models(connection, _batches(hindsight.log))
    click.echo(f"Rebuilt from {count} events.")


def _batches(log: EventLog) -> Iterator[list[ImageEvent]]:
    position = 0
    while notifications := log.read(after=position, limit=BATCH):
        position = notifications[-1].position
        yield [notification.event for notification in notifications]

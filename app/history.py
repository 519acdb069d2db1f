"""An image's life, told from its events: each with what it changed."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from domain import access
from domain.errors import ImageNotFound
from domain.events import ImageEvent
from domain.origin import Actor
from projections.image_row import ImageRow, advance, document
from storage.events import EventLog

IN_EVERY_EVENT = frozenset(ImageEvent.model_fields) | {"originator_topic"}
DERIVED = frozenset({"updated_at", "self", "file", "schema"})
"""What a document has beside facts: not worth telling as a change."""


@dataclass(frozen=True)
class Moment:
    """One event of an image, with the image before and after it."""

    position: int
    event: ImageEvent
    before: ImageRow | None
    after: ImageRow

    def described(self) -> dict[str, Any]:
        """Return the event as the history API shows it."""
        return {
            "position": self.position,
            "version": self.event.originator_version,
            "type": self.event.kind,
            "time": self.event.timestamp.isoformat(),
            "actor": self.event.actor.model_dump(mode="json"),
            "request_id": self.event.request_id,
            "changes": self._changes(),
            "details": self.event.model_dump(mode="json", exclude=set(IN_EVERY_EVENT)),
        }

    def image(self) -> dict[str, Any]:
        """Return the image as it was after the event."""
        return {
            "version": self.event.originator_version,
            "position": self.position,
            "time": self.event.timestamp.isoformat(),
            "image": document(self.after),
        }

    def _changes(self) -> list[dict[str, Any]]:
        before = document(self.before) if self.before else {}
        after = document(self.after)
        names = [name for name in {**before, **after} if name not in DERIVED]
        return [
            {"field": name, "before": before.get(name), "after": after.get(name)}
            for name in names
            if before.get(name) != after.get(name)
        ]


def life_of(log: EventLog, image_id: UUID, reader: Actor) -> list[Moment]:
    """Return all that happened to an image, oldest first.

    Raises:
        ImageNotFound: there never was one, or the reader may not read its history.
    """
    moments: list[Moment] = []
    row = None
    for notification in log.history(image_id):
        before, row = row, advance(row, notification.event)
        moments.append(Moment(notification.position, notification.event, before, row))
    if row is None or not access.can_read_history(reader, row):
        raise ImageNotFound(image_id)
    return moments


def at_version(moments: list[Moment], version: int) -> Moment | None:
    """Return the moment of a version; versions count from 1 without gaps."""
    return moments[version - 1] if 1 <= version <= len(moments) else None


def at_time(moments: list[Moment], time: datetime) -> Moment | None:
    """Return the last moment at or before a time; None before the image was registered."""
    earlier = [moment for moment in moments if moment.event.timestamp <= time]
    return earlier[-1] if earlier else None

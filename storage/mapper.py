"""Turns events into what is stored, and back."""

from collections.abc import Callable
from typing import Any, cast
from uuid import UUID

import orjson
from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import Mapper, StoredEvent
from eventsourcing.utils import get_topic, resolve_topic
from pydantic import BaseModel

IN_COLUMNS = {"originator_id", "originator_version"}


class NewerEvent(Exception):
    """A stored event has a version that this release does not know."""


class EventMapper(Mapper[UUID]):
    """Stores pydantic events as JSON with their class's version; upcasts what is older.

    The library's published examples of pydantic mappers leave both out.
    """

    def __init__(self) -> None:
        """Take no transcoder: pydantic is one."""

    def to_stored_event(self, domain_event: DomainEventProtocol[UUID]) -> StoredEvent:
        """Return the event as a row of the event store; its state is a JSON object."""
        event = cast("BaseModel", domain_event)
        state = event.model_dump(mode="json", exclude=IN_COLUMNS)
        version = getattr(type(event), "class_version", 1)
        if version > 1:
            state["class_version"] = version
        return StoredEvent(
            originator_id=domain_event.originator_id,
            originator_version=domain_event.originator_version,
            topic=get_topic(type(event)),
            state=orjson.dumps(state),
        )

    def to_domain_event(self, stored_event: StoredEvent) -> DomainEventProtocol[UUID]:
        """Return the event of a row, brought to today's shape by its class's upcasters."""
        event_class = resolve_topic(stored_event.topic)
        state: dict[str, Any] = orjson.loads(stored_event.state)
        upcast(event_class, state)
        state["originator_id"] = stored_event.originator_id
        state["originator_version"] = stored_event.originator_version
        return cast("DomainEventProtocol[UUID]", event_class.model_validate(state))


def upcast(event_class: type, state: dict[str, Any]) -> None:
    """Bring stored state to the class's version, one step `upcast_vN_vN+1` after the other.

    Raises:
        NewerEvent: a newer release stored it, and this one can't know what it means.
    """
    stored: int = state.pop("class_version", 1)
    today: int = getattr(event_class, "class_version", 1)
    if stored > today:
        raise NewerEvent(
            f"{get_topic(event_class)} of version {stored}; this release knows {today}"
        )
    for version in range(stored, today):
        step: Callable[[dict[str, Any]], None] = getattr(
            event_class, f"upcast_v{version}_v{version + 1}"
        )
        step(state)

"""The golden files: where they lie, how they are written and read.

`python -m tests.golden.files` adds those that are missing and leaves the others alone.
"""

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from uuid import UUID

from eventsourcing.persistence import StoredEvent

from domain.events import ImageEvent
from storage.mapper import EventMapper
from tests.golden.samples import SAMPLES

DIRECTORY = Path(__file__).parent


def path_of(topic: str, version: int) -> Path:
    """Return where the file of an event type's version lies, whether it exists or not."""
    return DIRECTORY / topic / f"v{version}.json"


def golden_files() -> list[Path]:
    """Return every golden file, in the order of their names."""
    return sorted(DIRECTORY.glob("*/v*.json"))


def render(event: ImageEvent) -> str:
    """Return the file of an event: the row that is stored, its state verbatim as a string."""
    stored = EventMapper().to_stored_event(event)
    row = {
        "topic": stored.topic,
        "originator_id": str(stored.originator_id),
        "originator_version": stored.originator_version,
        "state": stored.state.decode(),
    }
    return json.dumps(row, indent=2, ensure_ascii=False) + "\n"


def read(path: Path) -> StoredEvent:
    """Return the row that a file holds, byte for byte as it was stored."""
    row = json.loads(path.read_text(encoding="utf-8"))
    return StoredEvent(
        originator_id=UUID(row["originator_id"]),
        originator_version=row["originator_version"],
        topic=row["topic"],
        state=row["state"].encode(),
    )


def add_missing(events: Iterable[ImageEvent]) -> list[Path]:
    """Write the files of today's events that do not exist yet, and return their paths."""
    added = []
    for event in events:
        path = path_of(event.TOPIC, event.class_version)
        if not path.exists():
            path.parent.mkdir(exist_ok=True)
            path.write_text(render(event), encoding="utf-8")
            added.append(path)
    return added


if __name__ == "__main__":
    for new in add_missing(SAMPLES):
        sys.stdout.write(f"added {new.relative_to(DIRECTORY)}\n")

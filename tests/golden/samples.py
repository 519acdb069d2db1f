"""One event of each type, of today's shape and with fixed values."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from domain import events
from domain.events import ImageEvent
from domain.origin import Actor

IMAGE = UUID("6f1c8e52-3a0b-4d5e-9a57-0c6a2f1b7d11")
ATTEMPT = UUID("b0a7f6c4-52d1-4b8e-8f3d-7e9a1c2d3e4f")
ACTOR = Actor(
    user="4f1f4d8f0f3f4c6db5b0c0a7e5d2a111",
    project="9d6b5f2e7a1c4e8fb3d4a5c6e7f80912",
    roles=("member", "reader"),
)
BEGINNING = datetime(2026, 2, 3, 4, 5, 6, 789012, tzinfo=UTC)


def sample(event: type[ImageEvent], version: int, **facts: Any) -> ImageEvent:
    """Return an event of the sample image, at a version of its history."""
    return event(
        originator_id=IMAGE,
        originator_version=version,
        timestamp=BEGINNING + timedelta(minutes=version - 1),
        actor=ACTOR,
        request_id=f"req-00000000-0000-4000-8000-{version:012}",
        **facts,
    )


SAMPLES = (
    sample(
        events.Registered,
        1,
        originator_topic="hindsight.image",
        name="Größe 24.04 LTS ✓",
        owner=ACTOR.project,
        visibility="shared",
        disk_format="qcow2",
        container_format="bare",
        min_disk=10,
        min_ram=512,
        protected=False,
        os_hidden=True,
        tags=("lts", "ubuntu"),
        properties={"os_distro": "ubuntu", "note": "first line\nsecond"},
    ),
    sample(events.TagAdded, 2, tag="λ-tag"),
    sample(events.TagRemoved, 3, tag="λ-tag"),
    sample(events.PropertySet, 4, name="hw_disk_bus", value="virtio"),
    sample(events.PropertyRemoved, 5, name="hw_disk_bus"),
    sample(events.AttributeChanged, 6, name="min_ram", value=1024),
    sample(events.VisibilityChanged, 7, visibility="community"),
    sample(events.UploadStarted, 8, attempt=ATTEMPT, store="main"),
    sample(events.Killed, 9, attempt=ATTEMPT, reason="the client closed the connection"),
    sample(
        events.DataCommitted,
        11,
        attempt=ATTEMPT,
        store="main",
        size=5_368_709_120,
        virtual_size=10_737_418_240,
        checksum="9e107d9d372bb6826bd81d3542a419d6",
        os_hash_algo="sha512",
        os_hash_value="07e547d9586f6a73f73fbac0435ed76951218fb7d0c8d788a309d785436bbb64"
        "2e93a252a954f23912547d1e8a3b5ed6e1bfd7097821233fa0538f3db854fee6",
    ),
    sample(events.Deactivated, 12),
    sample(events.Reactivated, 13),
    sample(events.DeletionRequested, 14),
    sample(events.DataPurged, 15),
    sample(events.Deleted, 16),
    sample(events.Restored, 17, status="active"),
)
SAMPLE_OF = {event.TOPIC: event for event in SAMPLES}

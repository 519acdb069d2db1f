"""Snapshots: cached aggregates, so that a long history loads as fast as a short one.

They may be deleted at any time; one of another shape than today's Image is not used.
"""

from typing import Any, ClassVar, Self
from uuid import UUID

from eventsourcing.domain import CanSnapshotAggregate
from eventsourcing.utils import register_topic
from pydantic import AwareDatetime, BaseModel, ConfigDict

from domain.image import Image

SNAPSHOT_EVERY = 25  # events replayed: then loading keeps a snapshot


class ImageState(BaseModel):
    """All that an image consists of, beside its id and version."""

    model_config = ConfigDict(extra="forbid")

    created_on: AwareDatetime
    modified_on: AwareDatetime
    status: str
    name: str | None
    owner: str | None
    visibility: str
    disk_format: str | None
    container_format: str | None
    min_disk: int
    min_ram: int
    protected: bool
    os_hidden: bool
    tags: set[str]
    properties: dict[str, str]
    attempt: UUID | None
    store: str | None
    status_before: str | None


class ImageSnapshot(BaseModel, CanSnapshotAggregate[UUID]):
    """An image at one version of its history."""

    model_config = ConfigDict(frozen=True)

    TOPIC: ClassVar[str] = "hindsight.image_snapshot"

    originator_id: UUID
    originator_version: int
    timestamp: AwareDatetime
    topic: str = Image.TOPIC
    shape: int  # Image.class_version when it was taken
    state: dict[str, Any]  # an ImageState of that shape, which may not be today's

    @classmethod
    def take(cls, image: Image) -> Self:  # type: ignore[override] # the library takes any aggregate
        """Return the image as it is, without its pending events."""
        state = {name.removeprefix("_"): value for name, value in vars(image).items()}
        for elsewhere in ("id", "version", "pending_events"):
            del state[elsewhere]
        return cls(
            originator_id=image.id,
            originator_version=image.version,
            timestamp=cls.create_timestamp(),
            shape=Image.class_version,
            state=ImageState(**state).model_dump(mode="json"),
        )

    def mutate(self, _: None) -> Image:
        """Return the image that was taken."""
        image = Image.__new__(Image)
        state: dict[str, Any] = dict(ImageState.model_validate(self.state))
        image.__base_init__(self.originator_id, self.originator_version, state.pop("created_on"))
        image.modified_on = state.pop("modified_on")
        vars(image).update(state)
        return image


register_topic(ImageSnapshot.TOPIC, ImageSnapshot)

"""What can happen to an image: facts, kept for ever.

Each class states its `TOPIC` (never changed, never reused) and, once its shape changes, a
`class_version` above 1 with one `upcast_vN_vN+1(state)` for each step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from eventsourcing.domain import CanInitAggregate, CanMutateAggregate
from eventsourcing.utils import register_topic
from pydantic import AwareDatetime, BaseModel, ConfigDict

from domain.origin import Actor
from domain.rules import Status

if TYPE_CHECKING:
    from domain.image import Image

type_of: dict[str, type[ImageEvent]] = {}
"""Every event type by its topic."""


class ImageEvent(BaseModel, CanMutateAggregate[UUID]):
    """One fact about one image, with its origin: actor, request and time."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    TOPIC: ClassVar[str]
    class_version: ClassVar[int] = 1

    originator_id: UUID  # the image
    originator_version: int  # this event's place in the image's history, from 1
    timestamp: AwareDatetime
    actor: Actor
    request_id: str

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        register_topic(cls.TOPIC, cls)
        type_of[cls.TOPIC] = cls

    @property
    def kind(self) -> str:
        """The event's short name, as the history API spells it."""
        return self.TOPIC.rpartition(".")[2]

    def apply(self, aggregate: Image) -> None:
        """Assign what the fact means to the aggregate; never refuse."""


class Registered(ImageEvent, CanInitAggregate[UUID]):
    """The image got its place in the catalog, with all that the request set."""

    TOPIC = "hindsight.image.registered"

    originator_topic: str
    name: str | None
    owner: str | None
    visibility: str
    disk_format: str | None
    container_format: str | None
    min_disk: int  # GB
    min_ram: int  # MB
    protected: bool
    os_hidden: bool
    tags: tuple[str, ...]
    properties: dict[str, str]

    def apply(self, aggregate: Image) -> None:
        aggregate.status = Status.QUEUED
        aggregate.name = self.name
        aggregate.owner = self.owner
        aggregate.visibility = self.visibility
        aggregate.disk_format = self.disk_format
        aggregate.container_format = self.container_format
        aggregate.min_disk = self.min_disk
        aggregate.min_ram = self.min_ram
        aggregate.protected = self.protected
        aggregate.os_hidden = self.os_hidden
        aggregate.tags = set(self.tags)
        aggregate.properties = dict(self.properties)
        aggregate.attempt = None
        aggregate.store = None
        aggregate.status_before = None


class UploadStarted(ImageEvent):
    """Data is on its way; only the attempt named here may complete or end this upload."""

    TOPIC = "hindsight.image.upload_started"

    attempt: UUID
    store: str

    def apply(self, aggregate: Image) -> None:
        aggregate.status = Status.SAVING
        aggregate.attempt = self.attempt
        aggregate.store = self.store


class DataCommitted(ImageEvent):
    """The image's bytes are stored, complete and checked; from now on it can be used."""

    TOPIC = "hindsight.image.data_committed"

    attempt: UUID  # which upload this completes
    store: str
    size: int  # bytes
    virtual_size: int | None  # bytes
    checksum: str  # MD5, hex
    os_hash_algo: str
    os_hash_value: str  # hex

    def apply(self, aggregate: Image) -> None:
        aggregate.status = Status.ACTIVE


class Killed(ImageEvent):
    """The upload failed; its bytes are not kept, and the image may be uploaded again."""

    TOPIC = "hindsight.image.killed"

    attempt: UUID
    reason: str

    def apply(self, aggregate: Image) -> None:
        aggregate.status = Status.KILLED
        aggregate.attempt = None
        aggregate.store = None


class AttributeChanged(ImageEvent):
    """One of the image's own attributes has a new value."""

    TOPIC = "hindsight.image.attribute_changed"

    name: str
    value: str | int | bool | None

    def apply(self, aggregate: Image) -> None:
        setattr(aggregate, self.name, self.value)


class VisibilityChanged(ImageEvent):
    """Others than before may see the image."""

    TOPIC = "hindsight.image.visibility_changed"

    visibility: str

    def apply(self, aggregate: Image) -> None:
        aggregate.visibility = self.visibility


class PropertySet(ImageEvent):
    """A custom property is new or has a new value."""

    TOPIC = "hindsight.image.property_set"

    name: str
    value: str

    def apply(self, aggregate: Image) -> None:
        aggregate.properties[self.name] = self.value


class PropertyRemoved(ImageEvent):
    """A custom property is gone."""

    TOPIC = "hindsight.image.property_removed"

    name: str

    def apply(self, aggregate: Image) -> None:
        del aggregate.properties[self.name]


class TagAdded(ImageEvent):
    """The image carries one more tag."""

    TOPIC = "hindsight.image.tag_added"

    tag: str

    def apply(self, aggregate: Image) -> None:
        aggregate.tags.add(self.tag)


class TagRemoved(ImageEvent):
    """The image carries a tag no longer."""

    TOPIC = "hindsight.image.tag_removed"

    tag: str

    def apply(self, aggregate: Image) -> None:
        aggregate.tags.remove(self.tag)


class Deactivated(ImageEvent):
    """The image's data is withheld from all but admins."""

    TOPIC = "hindsight.image.deactivated"

    def apply(self, aggregate: Image) -> None:
        aggregate.status = Status.DEACTIVATED


class Reactivated(ImageEvent):
    """The image's data can be used again."""

    TOPIC = "hindsight.image.reactivated"

    def apply(self, aggregate: Image) -> None:
        aggregate.status = Status.ACTIVE


class DeletionRequested(ImageEvent):
    """The image is to be deleted; whatever upload runs has lost it."""

    TOPIC = "hindsight.image.deletion_requested"

    def apply(self, aggregate: Image) -> None:
        aggregate.status_before = aggregate.status
        aggregate.status = Status.PENDING_DELETE


class Restored(ImageEvent):
    """The image was taken back from its deletion, and is as it was before."""

    TOPIC = "hindsight.image.restored"

    status: str

    def apply(self, aggregate: Image) -> None:
        aggregate.status = self.status
        aggregate.status_before = None
        if not aggregate.has_data:
            aggregate.attempt = None
            aggregate.store = None


class DataPurged(ImageEvent):
    """The image's bytes are gone for good."""

    TOPIC = "hindsight.image.data_purged"

    def apply(self, aggregate: Image) -> None:
        aggregate.attempt = None
        aggregate.store = None


class Deleted(ImageEvent):
    """The image has left the catalog; its history stays."""

    TOPIC = "hindsight.image.deleted"

    def apply(self, aggregate: Image) -> None:
        aggregate.status = Status.DELETED

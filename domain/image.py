"""The Image aggregate: decides what may happen to an image, and records it.

Its methods check the rules and may refuse; the events that they record only assign. Who may ask
is decided before, in `domain.access`. Asking for what is already so records nothing.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, cast
from uuid import UUID

from eventsourcing.domain import BaseAggregate
from eventsourcing.utils import register_topic

from domain import rules
from domain.errors import (
    AttemptSuperseded,
    BeingDeleted,
    ImageProtected,
    MissingFormats,
    PropertyMissing,
    StatusConflict,
    TagNotFound,
    WrongStatusForAction,
)
from domain.events import (
    AttributeChanged,
    DataCommitted,
    DataPurged,
    Deactivated,
    Deleted,
    DeletionRequested,
    ImageEvent,
    Killed,
    PropertyRemoved,
    PropertySet,
    Reactivated,
    Registered,
    Restored,
    TagAdded,
    TagRemoved,
    UploadStarted,
    VisibilityChanged,
)
from domain.rules import Status

if TYPE_CHECKING:
    from domain.origin import Origin

ENDING = frozenset({Status.PENDING_DELETE, Status.DELETED})
FIXED_WITH_DATA = frozenset({"disk_format", "container_format"})


@dataclass(frozen=True, kw_only=True)
class Description:
    """All that a request may say about a new image."""

    owner: str | None
    name: str | None = None
    visibility: str = "shared"
    disk_format: str | None = None
    container_format: str | None = None
    min_disk: int = 0  # GB
    min_ram: int = 0  # MB
    protected: bool = False
    os_hidden: bool = False
    tags: tuple[str, ...] = ()
    properties: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class StoredData:
    """What is known of an image's bytes once they are stored."""

    size: int  # bytes
    virtual_size: int | None  # bytes
    checksum: str  # MD5, hex
    os_hash_algo: str
    os_hash_value: str  # hex


class Image(BaseAggregate[UUID]):
    """An image as the sum of its events."""

    TOPIC: ClassVar[str] = "hindsight.image"
    class_version: ClassVar[int] = 2

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
    attempt: UUID | None  # the upload that runs or has filled the image
    store: str | None
    status_before: str | None  # what the image was when its deletion was asked for

    def __init__(self) -> None:
        """Leave it to `Registered.apply` to fill the image in (this keeps the library from
        deriving an initialiser, and a created event, from the annotations above)."""

    @classmethod
    def register(cls, image_id: UUID, description: Description, by: Origin) -> Image:
        """Give the image its place in the catalog, without data.

        Raises:
            InvalidValue, ReservedAttribute, LimitExceeded: see `domain.rules`.
        """
        rules.check_properties(description.properties)
        tags = rules.check_tags(set(description.tags))
        facts = asdict(description) | {"tags": tuple(sorted(tags))}
        for name in rules.CHANGEABLE - {"tags"}:
            rules.check_attribute(name, facts[name])
        return cls._create(
            Registered, id=image_id, actor=by.actor, request_id=by.request_id, **facts
        )

    @property
    def has_data(self) -> bool:
        return self.status in {Status.ACTIVE, Status.DEACTIVATED}

    def start_upload(self, attempt: UUID, *, store: str, by: Origin) -> None:
        """Open the image for the bytes of one attempt.

        Raises:
            MissingFormats: disk_format or container_format is unset.
            StatusConflict: the image has data, or another upload runs.
        """
        if self.status not in {Status.QUEUED, Status.KILLED}:
            raise StatusConflict(self.status, wanted=Status.SAVING)
        for name in ("disk_format", "container_format"):
            if getattr(self, name) is None:
                raise MissingFormats(name, "must be set before data is uploaded")
        self._record(UploadStarted, by, attempt=attempt, store=store)

    def commit_data(self, attempt: UUID, data: StoredData, by: Origin) -> None:
        """Make the image active with the attempt's bytes; AttemptSuperseded if it lost it."""
        self._require_running(attempt)
        self._record(DataCommitted, by, attempt=attempt, store=self.store, **asdict(data))

    def kill(self, attempt: UUID, reason: str, by: Origin) -> None:
        """End the attempt as failed; AttemptSuperseded if it is not the running one."""
        self._require_running(attempt)
        self._record(Killed, by, attempt=attempt, reason=rules.printable(reason))

    def change_attribute(self, name: str, value: str | int | bool | None, by: Origin) -> None:
        """Give one of the image's own attributes another value.

        Raises:
            BeingDeleted: the image is on its way out.
            StatusConflict: a format can't change once data has come.
            InvalidValue: see `domain.rules`.
        """
        self._require_changeable()
        rules.check_attribute(name, value)
        if getattr(self, name) == value:
            return
        if name in FIXED_WITH_DATA and self.status not in {Status.QUEUED, Status.KILLED}:
            raise StatusConflict(self.status, wanted=f"of another {name}")
        self._record(AttributeChanged, by, name=name, value=value)

    def change_visibility(self, visibility: str, by: Origin) -> None:
        """Let others than before see the image."""
        self._require_changeable()
        rules.check_attribute("visibility", visibility)
        if self.visibility != visibility:
            self._record(VisibilityChanged, by, visibility=visibility)

    def set_property(self, name: str, value: str, by: Origin) -> None:
        """Add a custom property or give it another value."""
        self._require_changeable()
        if self.properties.get(name) == value:
            return
        rules.check_properties({**self.properties, name: value})
        self._record(PropertySet, by, name=name, value=value)

    def remove_property(self, name: str, by: Origin) -> None:
        """Take a custom property away; PropertyMissing when there is none."""
        self._require_changeable()
        if name not in self.properties:
            raise PropertyMissing(name)
        self._record(PropertyRemoved, by, name=name)

    def add_tag(self, tag: str, by: Origin) -> None:
        """Add a tag."""
        self._require_changeable()
        if tag in self.tags:
            return
        rules.check_tags(self.tags | {tag})
        self._record(TagAdded, by, tag=tag)

    def remove_tag(self, tag: str, by: Origin) -> None:
        """Take a tag away; TagNotFound when the image does not carry it."""
        self._require_changeable()
        if tag not in self.tags:
            raise TagNotFound(tag)
        self._record(TagRemoved, by, tag=tag)

    def replace_tags(self, tags: set[str], by: Origin) -> None:
        """Make tags the image's tags, one event for each difference."""
        self._require_changeable()
        wanted = rules.check_tags(tags)
        for tag in sorted(self.tags - wanted):
            self._record(TagRemoved, by, tag=tag)
        for tag in sorted(wanted - self.tags):
            self._record(TagAdded, by, tag=tag)

    def deactivate(self, by: Origin) -> None:
        """Withhold the data; WrongStatusForAction when there is none to withhold."""
        if self.status == Status.DEACTIVATED:
            return
        if self.status != Status.ACTIVE:
            raise WrongStatusForAction(self.status, action=Status.DEACTIVATED)
        self._record(Deactivated, by)

    def reactivate(self, by: Origin) -> None:
        """Release the data again; WrongStatusForAction when none was withheld."""
        if self.status == Status.ACTIVE:
            return
        if self.status != Status.DEACTIVATED:
            raise WrongStatusForAction(self.status, action="reactivated")
        self._record(Reactivated, by)

    def request_deletion(self, by: Origin) -> None:
        """Take the image out of use; its data and its end follow.

        Raises:
            BeingDeleted: it was asked for before.
            ImageProtected: the image's `protected` attribute is set.
        """
        self._require_changeable()
        if self.protected:
            raise ImageProtected(self.id)
        self._record(DeletionRequested, by)

    def restore(self, by: Origin) -> None:
        """Take the image back from its deletion, as it was; StatusConflict if none was asked for.

        An upload that ran then has lost the image: it is queued again.
        """
        if self.status != Status.PENDING_DELETE or self.status_before is None:
            raise StatusConflict(self.status, wanted="restored")
        was_saving = self.status_before == Status.SAVING
        self._record(Restored, by, status=Status.QUEUED if was_saving else self.status_before)

    def finish_deletion(self, by: Origin) -> None:
        """Record that the bytes (if there were any) are gone, and the image with them."""
        if self.status != Status.PENDING_DELETE:
            raise StatusConflict(self.status, wanted=Status.DELETED)
        if self.attempt is not None:
            self._record(DataPurged, by)
        self._record(Deleted, by)

    def collect_events(self) -> list[ImageEvent]:
        """Return what was recorded since the image was loaded, and forget it."""
        return cast("list[ImageEvent]", super().collect_events())

    def _require_changeable(self) -> None:
        if self.status in ENDING:
            raise BeingDeleted(self.status)

    def _require_running(self, attempt: UUID) -> None:
        if self.status != Status.SAVING or self.attempt != attempt:
            raise AttemptSuperseded(attempt)

    def _record(self, event: type[ImageEvent], by: Origin, **facts: Any) -> None:
        # Clocks may step back, an image's history never does.
        timestamp = max(event.create_timestamp(), self.modified_on)
        self.trigger_event(
            event, actor=by.actor, request_id=by.request_id, timestamp=timestamp, **facts
        )


register_topic(Image.TOPIC, Image)

"""One method for each command: load the image, ask it, save what it decided."""

from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Literal
from uuid import UUID, uuid4

from domain import access
from domain.errors import (
    AttemptSuperseded,
    AttributeNotRemovable,
    ConcurrentChange,
    PropertyMissing,
    PropertyPresent,
)
from domain.image import Description, Image, StoredData
from domain.origin import Origin
from domain.rules import Status
from storage.blobs.protocol import BlobError, BlobStore
from storage.events import EventLog, Step
from storage.leases import Lease, close_lease, open_lease, renew, replace_lease

STORE = "default"
RETRIES = 5

Decision = Callable[[Image], None]


@dataclass(frozen=True)
class Change:
    """One operation of a patch, on one attribute, the tags or one property of an image."""

    op: Literal["add", "replace", "remove"]
    name: str
    value: Any = None
    is_attribute: bool = False  # else a custom property
    must_be_new: bool = False  # `add` of media type 2.0 refuses a property that exists


class Catalog:
    """The commands of the image catalog.

    Each raises ImageNotFound or Forbidden when the actor may not do it (`domain.access`), the
    refusals of the aggregate's method of the same name, and ConcurrentChange when others keep
    changing the image. What a command changes is stored whole or not at all.
    """

    def __init__(
        self,
        log: EventLog,
        blobs: BlobStore,
        *,
        lease: float,
        delayed_delete: timedelta = timedelta(0),
    ) -> None:
        """Take the parts, for how many seconds a lease holds, and how long data outlives images."""
        self._log = log
        self._blobs = blobs
        self._lease = timedelta(seconds=lease)
        self._delayed_delete = delayed_delete

    def create_image(self, description: Description, *, image_id: UUID | None, by: Origin) -> UUID:
        """Register an image and return its id, the given one or a new one.

        Raises:
            IdTaken: the given id has been used before.
        """
        access.require_writer(by.actor)
        if description.owner != by.actor.project:
            access.require_admin(by.actor, field="owner", what="register images for others")
        _require_publisher(description.visibility, by)
        image = Image.register(image_id or uuid4(), description, by)
        self._save(image)
        return image.id

    def patch_image(self, image_id: UUID, changes: Sequence[Change], *, by: Origin) -> None:
        """Apply all changes, or none."""

        def decide(image: Image) -> None:
            for change in changes:
                _apply(image, change, by)

        self._change(image_id, decide, by)

    def add_tag(self, image_id: UUID, tag: str, *, by: Origin) -> None:
        """Add a tag to an image."""
        self._change(image_id, lambda image: image.add_tag(tag, by), by)

    def remove_tag(self, image_id: UUID, tag: str, *, by: Origin) -> None:
        """Take a tag from an image."""
        self._change(image_id, lambda image: image.remove_tag(tag, by), by)

    def deactivate(self, image_id: UUID, *, by: Origin) -> None:
        """Withhold an image's data; for admins (Images API v2, "Deactivate image")."""
        self._change(image_id, lambda image: _as_admin(image.deactivate, "deactivate", by), by)

    def reactivate(self, image_id: UUID, *, by: Origin) -> None:
        """Release an image's data again; for admins (Images API v2, "Reactivate image")."""
        self._change(image_id, lambda image: _as_admin(image.reactivate, "reactivate", by), by)

    def delete_image(self, image_id: UUID, *, by: Origin) -> None:
        """Delete an image and its data: at once, or once it could be restored for long enough.

        What is left to do then, or when the store fails or the process dies, the reaper does.
        """

        def decide(image: Image) -> None:
            image.request_deletion(by)
            if image.attempt is None and not self._delayed_delete:
                image.finish_deletion(by)

        image = self._change(image_id, decide, by)
        if image.status == Status.PENDING_DELETE and not self._delayed_delete:
            with suppress(BlobError):
                self.purge(image_id, by=by)

    def restore(self, image_id: UUID, *, by: Origin) -> None:
        """Take an image back from its deletion, as it was."""
        self._change(image_id, lambda image: image.restore(by), by)

    def purge(self, image_id: UUID, *, by: Origin) -> None:
        """Record the end of an image in deletion, then remove its bytes. Safe to repeat.

        In this order nobody can restore an image whose bytes are going; a lease that is over
        leaves them to the reaper if the process dies in between.
        """
        image = self._log.load(image_id)
        attempt = image.attempt
        if image.status != Status.PENDING_DELETE or attempt is None:
            self._retry(image_id, partial(_finish_deletion, by=by))
            return
        over = partial(
            replace_lease, lease=Lease(attempt, image_id, STORE), until=datetime.now(UTC)
        )
        image = self._retry(image_id, partial(_finish_deletion, by=by), also=over)
        if image.status == Status.DELETED:
            self.give_up(image_id, attempt, "", by=by)

    def start_upload(self, image_id: UUID, *, by: Origin) -> tuple[Image, UUID]:
        """Open an image for data, under a lease; return it and the attempt's id."""
        attempt = uuid4()
        until = datetime.now(UTC) + self._lease
        lease = Lease(attempt, image_id, STORE)

        def decide(image: Image) -> None:
            image.start_upload(attempt, store=STORE, by=by)

        image = self._change(
            image_id, decide, by, also=partial(open_lease, lease=lease, until=until)
        )
        return image, attempt

    def renew_leases(self, attempts: Collection[UUID]) -> None:
        """Give running attempts another lease."""
        if attempts:
            with self._log.transaction() as connection:
                renew(connection, attempts, until=datetime.now(UTC) + self._lease)

    def commit_data(self, image_id: UUID, attempt: UUID, data: StoredData, *, by: Origin) -> None:
        """Make the image active with the bytes of the attempt, and close its lease.

        Raises:
            AttemptSuperseded: the attempt has lost the image; its bytes are still to be dropped.
        """
        self._retry(
            image_id,
            lambda image: image.commit_data(attempt, data, by),
            also=partial(close_lease, attempt=attempt),
        )

    def kill(self, image_id: UUID, attempt: UUID, reason: str, *, by: Origin) -> None:
        """Record that the attempt failed; the bytes and the lease are still to be dropped.

        Raises:
            AttemptSuperseded: the attempt is not the image's running one.
        """
        self._retry(image_id, lambda image: image.kill(attempt, reason, by))

    def give_up(self, image_id: UUID, attempt: UUID, reason: str, *, by: Origin) -> None:
        """End an attempt that failed or lost its image: record it, drop its bytes and its lease.

        Safe to repeat; the lease goes last, so that the reaper ends what a crash leaves half done.
        """
        try:
            self.kill(image_id, attempt, reason, by=by)
        except AttemptSuperseded:
            if self._log.load(image_id).attempt == attempt:
                return  # committed after all, or left to the image's deletion
        self.drop_bytes(image_id, attempt)
        with self._log.transaction() as connection:
            close_lease(connection, attempt=attempt)

    def drop_bytes(self, image_id: UUID, attempt: UUID) -> None:
        """Remove what an attempt has stored, complete or not."""
        key = blob_key(image_id, attempt)
        self._blobs.sweep(key)
        self._blobs.delete(key)

    def _change(
        self, image_id: UUID, decide: Decision, by: Origin, *, also: Step | None = None
    ) -> Image:
        def allowed(image: Image) -> None:
            access.require_changeable(by.actor, image)
            decide(image)

        return self._retry(image_id, allowed, also=also)

    def _retry(self, image_id: UUID, decide: Decision, *, also: Step | None = None) -> Image:
        try:
            return self._decide_and_save(image_id, decide, also)
        except ConcurrentChange:
            for _ in range(RETRIES - 1):
                with suppress(ConcurrentChange), self._log.exclusive(image_id):
                    # In here nobody can come between the decision and its events.
                    return self._decide_and_save(image_id, decide, also)
            raise

    def _decide_and_save(self, image_id: UUID, decide: Decision, also: Step | None) -> Image:
        image = self._log.load(image_id)
        decide(image)
        self._save(image, also)
        return image

    def _save(self, image: Image, also: Step | None = None) -> None:
        events = image.collect_events()
        if not events:
            return
        append = self._log.prepare(events)
        # The hold comes before the rows of leases, here as in `_retry`: else they could deadlock.
        with self._log.exclusive(image.id) as connection:
            if also is not None:
                also(connection)
            append(connection)


def blob_key(image_id: UUID, attempt: UUID) -> str:
    """Return where an attempt's bytes lie in their store."""
    return f"{image_id}/{attempt}"


def _finish_deletion(image: Image, by: Origin) -> None:
    if image.status == Status.PENDING_DELETE:  # else another process was faster
        image.finish_deletion(by)


def _as_admin(command: Callable[[Origin], None], name: str, by: Origin) -> None:
    access.require_admin(by.actor, field="status", what=f"{name} images")
    command(by)


def _require_publisher(visibility: str, by: Origin) -> None:
    if visibility == "public":
        access.require_admin(by.actor, field="visibility", what="make images public")


def _apply(image: Image, change: Change, by: Origin) -> None:
    if change.is_attribute:
        _apply_to_attribute(image, change, by)
    elif change.op == "remove":
        image.remove_property(change.name, by)
    elif change.op == "replace" and change.name not in image.properties:
        raise PropertyMissing(change.name)
    elif change.must_be_new and change.name in image.properties:
        raise PropertyPresent(change.name)
    else:
        image.set_property(change.name, change.value, by)


def _apply_to_attribute(image: Image, change: Change, by: Origin) -> None:
    if change.op == "remove":
        raise AttributeNotRemovable(change.name)
    if change.must_be_new:
        raise PropertyPresent(change.name)
    match change.name:
        case "tags":
            image.replace_tags(set(change.value), by)
        case "visibility":
            if change.value != image.visibility:
                _require_publisher(change.value, by)
            image.change_visibility(change.value, by)
        case "owner":
            access.require_admin(by.actor, field="owner", what="give an image to another project")
            image.change_attribute("owner", change.value, by)
        case name:
            image.change_attribute(name, change.value, by)

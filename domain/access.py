"""Who may do what with an image: the one place that decides.

A list of images applies `can_list` in SQL (`projections.image_query`); a test holds both together.
"""

from typing import Protocol

from domain.errors import Forbidden, ImageNotFound
from domain.origin import Actor
from domain.rules import Status

OPEN = frozenset({"public", "community"})
GONE = frozenset({Status.PENDING_DELETE, Status.DELETED})


class Seen(Protocol):
    """What the rules look at: an aggregate has it, and a row of the read model."""

    @property
    def id(self) -> object: ...
    @property
    def owner(self) -> str | None: ...
    @property
    def visibility(self) -> str: ...
    @property
    def status(self) -> str: ...


def owns(actor: Actor, image: Seen) -> bool:
    """Whether the image is the actor's own, or the actor stands above owners."""
    return actor.is_admin or (image.owner is not None and image.owner == actor.project)


def can_read(actor: Actor, image: Seen) -> bool:
    """Whether the image exists for the actor; an image in deletion does for its owner only."""
    if owns(actor, image):
        return True
    return image.visibility in OPEN and image.status not in GONE


def can_list(actor: Actor, image: Seen) -> bool:
    """Whether a plain list shows the image: community images only to their owner."""
    if image.status in GONE or not can_read(actor, image):
        return False
    return image.visibility != "community" or image.owner == actor.project


def can_read_history(actor: Actor, image: Seen) -> bool:
    """Owners read the history of their images, auditors and admins that of all."""
    return "auditor" in actor.roles or owns(actor, image)


def require_readable(actor: Actor, image: Seen) -> None:
    """Raise ImageNotFound unless the actor may know of the image."""
    if image.status == Status.DELETED or not can_read(actor, image):
        raise ImageNotFound(image.id)


def require_writer(actor: Actor) -> None:
    """Raise Forbidden unless the actor may change anything at all."""
    if not {"member", "admin"} & set(actor.roles):
        raise Forbidden("this needs the role member or admin")


def require_changeable(actor: Actor, image: Seen) -> None:
    """Raise ImageNotFound or Forbidden unless the actor may change the image."""
    require_readable(actor, image)
    if not owns(actor, image):
        raise Forbidden(f"image {image.id} belongs to another project")
    require_writer(actor)


def require_admin(actor: Actor, *, field: str, what: str) -> None:
    """Raise Forbidden, naming the field, unless the actor is an admin."""
    if not actor.is_admin:
        raise Forbidden(f"{field}: only an admin may {what}", field=field)

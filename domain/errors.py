"""Refusals: one class for each kind, carrying what its reader needs to act on it.

`app.api.errors` maps each class to one HTTP status; nothing else knows both.
"""

from uuid import UUID

WHY = {"saving": ": an upload is running", "active": ": it has its data already"}
SAID_MAX = 1000  # characters of a message


class HindsightError(Exception):
    """Base of every refusal.

    Args:
        message: one sentence that the user can act on.
        field: the attribute, parameter or header at fault, in the API's spelling.
    """

    def __init__(self, message: str, *, field: str | None = None) -> None:
        self.message = _encodable(message)
        self.field = None if field is None else _encodable(field)
        super().__init__(self.message)


def _encodable(text: str) -> str:
    # What a user sent is repeated to its sender, but not at any length, and as UTF-8.
    return text[:SAID_MAX].encode("utf-8", "backslashreplace").decode()


class InvalidValue(HindsightError):
    """A value that the API does not take."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}", field=field)
        self.reason = reason


class MissingFormats(InvalidValue):
    """Data can't be taken before the image says what it is."""


class TransferFailed(InvalidValue):
    """The data that arrived is not the data that was announced."""


class NotAuthenticated(HindsightError):
    """No token, or one that is unknown, expired or revoked."""


class Forbidden(HindsightError):
    """The caller may see it, but not do it."""


class ReadOnlyAttribute(Forbidden):
    """The service alone sets this attribute."""

    def __init__(self, field: str) -> None:
        super().__init__(f"{field}: is read-only, the service sets it", field=field)


class ReservedAttribute(Forbidden):
    """The name is kept for the service."""

    def __init__(self, field: str) -> None:
        super().__init__(f"{field}: this name is reserved", field=field)


class AttributeNotRemovable(Forbidden):
    """Every image has this attribute; it can be changed only."""

    def __init__(self, field: str) -> None:
        super().__init__(f"{field}: is part of every image and can't be removed", field=field)


class ImageProtected(Forbidden):
    """The image's `protected` attribute forbids deleting it."""

    def __init__(self, image_id: UUID) -> None:
        super().__init__(
            f"image {image_id} is protected: set protected to false before deleting it",
            field="protected",
        )


class ImageDeactivated(Forbidden):
    """The data is withheld until an administrator reactivates the image."""

    def __init__(self, image_id: UUID) -> None:
        super().__init__(f"image {image_id} is deactivated: its data is withheld", field="status")


class WrongStatusForAction(Forbidden):
    """Deactivating and reactivating need data (Images API v2, "Deactivate image")."""

    def __init__(self, status: str, *, action: str) -> None:
        super().__init__(f"an image that is {status} can't be {action}", field="status")


class NotFound(HindsightError):
    """It does not exist, or the caller may not know that it does."""


class ImageNotFound(NotFound):
    """No image of this id, for this caller."""

    def __init__(self, image_id: object) -> None:
        super().__init__(f"no image found with id {image_id}", field="image_id")


class TagNotFound(NotFound):
    """The image does not carry this tag."""

    def __init__(self, tag: str) -> None:
        super().__init__(f"the image has no tag {tag!r}", field="tag")


class Conflict(HindsightError):
    """The request does not fit the image's present state."""


class IdTaken(Conflict):
    """An identifier is never used twice, not even after its image is deleted."""

    def __init__(self, image_id: UUID) -> None:
        super().__init__(f"id: {image_id} has been used already", field="id")


class StatusConflict(Conflict):
    """The image's status does not allow this."""

    def __init__(self, status: str, *, wanted: str) -> None:
        super().__init__(
            f"an image that is {status} can't become {wanted}{WHY.get(status, '')}", field="status"
        )


class BeingDeleted(Conflict):
    """The image waits for its deletion; nothing about it can be changed."""

    def __init__(self, status: str) -> None:
        super().__init__(f"the image is {status} and can't be changed", field="status")


class PropertyMissing(Conflict):
    """A patch replaces or removes a property that the image does not have."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name}: the image has no such property", field=name)


class PropertyPresent(Conflict):
    """A patch of media type 2.0 adds a property that exists."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name}: the image has this property already", field=name)


class ConcurrentChange(Conflict):
    """Another request changed the image first."""

    def __init__(self, image_id: UUID) -> None:
        super().__init__(f"image {image_id} was changed by another request: try again")


class AttemptSuperseded(HindsightError):
    """The upload lost its image meanwhile: it was given up, retried or deleted."""

    def __init__(self, attempt: UUID) -> None:
        super().__init__(f"upload {attempt} is no longer the image's upload; its data was dropped")


class LimitExceeded(HindsightError):
    """More than the service takes."""


class StoreFull(HindsightError):
    """No room for the image's data."""


class DatabaseFull(HindsightError):
    """No room to record the change."""


class StoreUnavailable(HindsightError):
    """The store of image data does not answer; the same request may work later."""


class DatabaseUnavailable(HindsightError):
    """The database does not answer; the same request may work later."""


class InternalFailure(HindsightError):
    """A fault of the service; its log says more, under the same request id."""


class UnsupportedMedia(HindsightError):
    """The request's Content-Type is not one that this resource takes."""

    def __init__(self, got: str, *, accepted: tuple[str, ...]) -> None:
        wanted = " or ".join(accepted)
        super().__init__(
            f"Content-Type: send {wanted}, not {got or 'nothing'}", field="Content-Type"
        )
        self.accepted = accepted


class FormatRefused(HindsightError):
    """The data is not what disk_format says, or not safe to use."""


class RangeNotSatisfiable(HindsightError):
    """No byte of the data lies in the asked range (RFC 9110, section 14.4)."""

    def __init__(self, size: int) -> None:
        super().__init__(f"Range: the data has {size} bytes", field="Range")
        self.size = size

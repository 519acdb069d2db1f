"""Each refusal tells its reader what is wrong, and which field."""

from collections.abc import Iterator
from uuid import UUID

import pytest

from domain import errors
from domain.errors import HindsightError

ID = UUID("1a6e0000-0000-4000-8000-000000000001")

SPOKEN: list[tuple[HindsightError, str | None, str]] = [
    (errors.InvalidValue("name", "is too long"), "name", "name: is too long"),
    (errors.MissingFormats("disk_format", "must be set"), "disk_format", "must be set"),
    (errors.TransferFailed("size", "3 of 4 bytes came"), "size", "3 of 4 bytes came"),
    (errors.ReadOnlyAttribute("checksum"), "checksum", "checksum: is read-only"),
    (errors.ReservedAttribute("deleted"), "deleted", "deleted: this name is reserved"),
    (errors.AttributeNotRemovable("name"), "name", "name: is part of every image"),
    (errors.ImageProtected(ID), "protected", "set protected to false"),
    (errors.ImageDeactivated(ID), "status", "its data is withheld"),
    (errors.WrongStatusForAction("queued", action="x"), "status", "that is queued can't be x"),
    (errors.ImageNotFound(ID), "image_id", f"no image found with id {ID}"),
    (errors.TagNotFound("a b"), "tag", "no tag 'a b'"),
    (errors.IdTaken(ID), "id", f"{ID} has been used already"),
    (errors.StatusConflict("active", wanted="saving"), "status", "is active can't become saving"),
    (errors.BeingDeleted("deleted"), "status", "is deleted and can't be changed"),
    (errors.PropertyMissing("os_distro"), "os_distro", "has no such property"),
    (errors.PropertyPresent("os_distro"), "os_distro", "has this property already"),
    (errors.ConcurrentChange(ID), None, "try again"),
    (errors.AttemptSuperseded(ID), None, f"upload {ID} is no longer"),
    (errors.UnsupportedMedia("", accepted=("a/b", "c/d")), "Content-Type", "a/b or c/d, not noth"),
    (errors.RangeNotSatisfiable(4096), "Range", "4096 bytes"),
]
"""A refusal of each class that finds its own words, its field, and a part of what it says."""


def refusals(base: type[HindsightError] = HindsightError) -> Iterator[type[HindsightError]]:
    """Yield every class of refusal in domain.errors."""
    for refusal in base.__subclasses__():
        if refusal.__module__ == errors.__name__:
            yield refusal
        yield from refusals(refusal)


PLAIN = sorted(
    (refusal for refusal in refusals() if refusal.__init__ is HindsightError.__init__),
    key=lambda refusal: refusal.__name__,
)


@pytest.mark.parametrize(
    ("refusal", "field", "words"), SPOKEN, ids=[type(row[0]).__name__ for row in SPOKEN]
)
def test_a_refusal_names_the_field_and_says_why(
    refusal: HindsightError, field: str | None, words: str
) -> None:
    assert refusal.field == field
    assert words in refusal.message
    assert str(refusal) == refusal.message


@pytest.mark.parametrize("refusal", PLAIN)
def test_a_refusal_says_what_it_was_given(refusal: type[HindsightError]) -> None:
    error = refusal("what to do about it", field="size")

    assert (str(error), error.field) == ("what to do about it", "size")


def test_every_refusal_with_words_of_its_own_is_listed_here() -> None:
    assert {type(row[0]) for row in SPOKEN} == set(refusals()) - set(PLAIN)

"""Who may do what with whose images, for every relation, visibility and status."""

from dataclasses import dataclass, field
from itertools import product
from uuid import UUID, uuid4

import pytest

from domain import access
from domain.errors import Forbidden, ImageNotFound
from domain.origin import ROLES, Actor
from domain.rules import VISIBILITIES, Status


@dataclass(frozen=True)
class Seen:
    """As much of an image as decides who may see it."""

    visibility: str = "shared"
    status: str = Status.ACTIVE
    owner: str | None = "blue"
    id: UUID = field(default_factory=uuid4)


def actor(project: str, *roles: str) -> Actor:
    return Actor(user="someone", project=project, roles=roles)


ACTORS = {
    "owner": actor("blue", "member", "reader"),
    "owner's reader": actor("blue", "reader"),
    "owner's auditor": actor("blue", "auditor"),
    "owner's admin": actor("blue", "admin"),
    "other": actor("green", "member"),
    "other's reader": actor("green", "reader"),
    "auditor": actor("green", "auditor"),
    "admin": actor("green", "admin"),
    "nobody": actor("green"),
}
OWNERS = {"owner", "owner's reader", "owner's auditor", "owner's admin"}
ADMINS = {"admin", "owner's admin"}
WRITERS = {"owner", "other"} | ADMINS
EVERYBODY = set(ACTORS)

READERS = {
    "public": EVERYBODY,
    "community": EVERYBODY,
    "shared": OWNERS | ADMINS,
    "private": OWNERS | ADMINS,
}
LISTED_FOR = READERS | {"community": OWNERS}

every_image = pytest.mark.parametrize(
    "image",
    [Seen(visibility, status) for visibility, status in product(VISIBILITIES, Status)],
    ids=lambda image: f"{image.visibility}-{image.status}",
)


def readers(image: Seen) -> set[str]:
    """Say who can read the image: while it is being deleted, those who stand above it only."""
    if image.status in {"pending_delete", "deleted"}:
        return OWNERS | ADMINS
    return READERS[image.visibility]


@every_image
def test_an_image_is_its_project_s_and_every_admin_s(image: Seen) -> None:
    owners = {name for name, one in ACTORS.items() if access.owns(one, image)}

    assert owners == OWNERS | ADMINS


@every_image
def test_an_image_is_read_by_those_to_whom_it_is_open(image: Seen) -> None:
    found = {name for name, one in ACTORS.items() if access.can_read(one, image)}

    assert found == readers(image)


@every_image
def test_an_image_is_listed_for_those_who_would_look_for_it(image: Seen) -> None:
    found = {name for name, one in ACTORS.items() if access.can_list(one, image)}

    in_deletion = image.status in {"pending_delete", "deleted"}
    assert found == (set() if in_deletion else LISTED_FOR[image.visibility])


@every_image
def test_a_history_is_read_by_owners_admins_and_auditors_even_after_the_end(image: Seen) -> None:
    found = {name for name, one in ACTORS.items() if access.can_read_history(one, image)}

    assert found == OWNERS | ADMINS | {"auditor"}


@every_image
@pytest.mark.parametrize("name", ACTORS)
def test_what_a_caller_may_not_see_does_not_exist(name: str, image: Seen) -> None:
    if name in readers(image) and image.status != "deleted":
        access.require_readable(ACTORS[name], image)
    else:
        with pytest.raises(ImageNotFound, match=str(image.id)):
            access.require_readable(ACTORS[name], image)


@every_image
@pytest.mark.parametrize("name", ACTORS)
def test_an_image_is_changed_by_writers_of_its_project_and_admins(name: str, image: Seen) -> None:
    if name not in readers(image) or image.status == "deleted":
        with pytest.raises(ImageNotFound):
            access.require_changeable(ACTORS[name], image)
    elif name in {"owner", "owner's admin", "admin"}:
        access.require_changeable(ACTORS[name], image)
    else:
        with pytest.raises(Forbidden):
            access.require_changeable(ACTORS[name], image)


def test_a_stranger_is_told_whose_image_it_is_not() -> None:
    with pytest.raises(Forbidden, match="belongs to another project"):
        access.require_changeable(ACTORS["other"], Seen("public"))


def test_a_reader_of_the_image_s_own_project_is_told_which_role_is_missing() -> None:
    with pytest.raises(Forbidden, match="role member or admin"):
        access.require_changeable(ACTORS["owner's reader"], Seen("public"))


@pytest.mark.parametrize("visibility", VISIBILITIES)
def test_an_image_without_an_owner_is_the_admins_alone(visibility: str) -> None:
    image = Seen(visibility, owner=None)

    owners = {name for name, one in ACTORS.items() if access.owns(one, image)}

    assert owners == ADMINS


def test_an_actor_without_a_project_does_not_own_what_nobody_owns() -> None:
    assert not access.owns(actor("", "member"), Seen(owner=None))


@pytest.mark.parametrize("name", ACTORS)
def test_changing_anything_needs_the_role_member_or_admin(name: str) -> None:
    if name in WRITERS:
        access.require_writer(ACTORS[name])
    else:
        with pytest.raises(Forbidden, match="role member or admin"):
            access.require_writer(ACTORS[name])


@pytest.mark.parametrize("role", [role for role in ROLES if role != "admin"])
def test_what_only_an_admin_may_do_is_refused_by_the_name_of_the_field(role: str) -> None:
    with pytest.raises(Forbidden, match="owner: only an admin may give it away") as refusal:
        access.require_admin(actor("blue", role), field="owner", what="give it away")

    assert refusal.value.field == "owner"


def test_an_admin_may_do_what_only_an_admin_may() -> None:
    access.require_admin(ACTORS["admin"], field="visibility", what="publish images")

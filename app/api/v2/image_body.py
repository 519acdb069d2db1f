"""The JSON body that registers an image (Images API v2, "Create image")."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from domain import rules
from domain.errors import InvalidValue, ReadOnlyAttribute
from domain.image import Description

DiskFormat = Literal[
    "raw", "vhd", "vhdx", "vmdk", "vdi", "iso", "qcow2", "ploop", "aki", "ari", "ami"
]
ContainerFormat = Literal["bare", "ovf", "ova", "docker", "compressed", "aki", "ari", "ami"]
Visibility = Literal["public", "community", "shared", "private"]
Size = Annotated[int, Field(ge=0, le=rules.INTEGER_MAX)]
ImageId = Annotated[str, Field(pattern="^[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$")]


class NewImage(BaseModel):
    """What a client may say of an image; every further member is a custom property."""

    model_config = ConfigDict(strict=True, extra="allow")
    __pydantic_extra__: dict[str, str]

    id: ImageId = ""  # none chosen
    name: str | None = None
    owner: str | None = None
    visibility: Visibility = "shared"
    disk_format: DiskFormat | None = None
    container_format: ContainerFormat | None = None
    min_disk: Size = 0
    min_ram: Size = 0
    protected: bool = False
    os_hidden: bool = False
    tags: list[str] = []


ATTRIBUTES = frozenset(NewImage.model_fields)
"""What every image has and clients may set."""


def parse_image(members: Any, *, owner: str) -> tuple[UUID | None, Description]:
    """Return the id that the client chose, if any, and what it says of the image.

    Args:
        members: what the request's JSON body holds.
        owner: the project that owns the image unless the body says otherwise.

    Raises:
        InvalidValue: no object, or a member of the wrong type or value.
        ReadOnlyAttribute: a member that the service alone sets.
    """
    if not isinstance(members, dict):
        raise InvalidValue("body", "must be a JSON object")
    for name in (rules.READ_ONLY - {"id"}) & members.keys():
        raise ReadOnlyAttribute(name)
    image = validated(members)
    facts = {name: getattr(image, name) for name in ATTRIBUTES - {"id", "tags", "owner"}}
    description = Description(
        owner=image.owner if "owner" in members else owner,
        tags=tuple(image.tags),
        properties=dict(image.__pydantic_extra__),
        **facts,
    )
    return UUID(image.id) if image.id else None, description


def validated(members: dict[str, Any]) -> NewImage:
    """Return members as a typed image; InvalidValue names the first that is wrong."""
    try:
        return NewImage.model_validate(members)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        place = problem["loc"] or ("body",)  # a lone surrogate in a member's name has no place
        raise InvalidValue(str(place[0]), problem["msg"]) from None

"""Tags of an image (Images API v2, "Image tags")."""

from http import HTTPStatus
from uuid import UUID

from flask import Blueprint
from flask.typing import ResponseReturnValue

from app.api.request import origin, parts, require_actor
from domain.errors import InvalidValue

REPLACEMENT = "\ufffd"  # what Werkzeug makes of path bytes that are not UTF-8

bp = Blueprint("tags", __name__, url_prefix="/v2/images/<uuid:image_id>/tags")
bp.before_request(require_actor)


@bp.put("/<tag>")
def add_tag(image_id: UUID, tag: str) -> ResponseReturnValue:
    """Add a tag ("Add image tag")."""
    if REPLACEMENT in tag:
        raise InvalidValue("tag", "is not UTF-8")
    parts().catalog.add_tag(image_id, tag, by=origin())
    return "", HTTPStatus.NO_CONTENT


@bp.delete("/<tag>")
def remove_tag(image_id: UUID, tag: str) -> ResponseReturnValue:
    """Take a tag away ("Delete image tag")."""
    parts().catalog.remove_tag(image_id, tag, by=origin())
    return "", HTTPStatus.NO_CONTENT

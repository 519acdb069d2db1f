"""Images: register, list, show, change, delete (Images API v2, "Images")."""

from http import HTTPStatus
from urllib.parse import urlencode
from uuid import UUID

from flask import Blueprint, Response
from flask import request as http
from flask.typing import ResponseReturnValue

from app.api.body import read_json
from app.api.request import actor, origin, parts, require_actor, require_media_type
from app.api.v2.image_body import parse_image
from app.api.v2.image_filters import parse_query
from app.api.v2.image_patch import MEDIA_TYPES, parse_patch
from domain import access
from domain.errors import ImageNotFound
from projections.image_query import Page, Shown

bp = Blueprint("images", __name__, url_prefix="/v2/images")
bp.before_request(require_actor)


@bp.post("")
def create_image() -> ResponseReturnValue:
    """Register an image ("Create image")."""
    require_media_type("application/json")
    by = origin()
    image_id, description = parse_image(read_json(), owner=by.actor.project)
    image_id = parts().catalog.create_image(description, image_id=image_id, by=by)
    location = f"{http.host_url}v2/images/{image_id}"
    return Response(
        shown(image_id).document,
        HTTPStatus.CREATED,
        {"Location": location},
        mimetype="application/json",
    )


@bp.get("")
def list_images() -> ResponseReturnValue:
    """List a page of images ("List images")."""
    page = parts().images.page(parse_query(http.args), actor())
    return Response(_listing(page), mimetype="application/json")


@bp.get("/<uuid:image_id>")
def show_image(image_id: UUID) -> ResponseReturnValue:
    """Show an image ("Show image")."""
    return Response(shown(image_id).document, mimetype="application/json")


@bp.patch("/<uuid:image_id>")
def patch_image(image_id: UUID) -> ResponseReturnValue:
    """Change an image ("Update image"; a subset of RFC 6902)."""
    media_type = require_media_type(*MEDIA_TYPES)
    changes = parse_patch(read_json(), media_type)
    parts().catalog.patch_image(image_id, changes, by=origin())
    return Response(shown(image_id).document, mimetype="application/json")


@bp.delete("/<uuid:image_id>")
def delete_image(image_id: UUID) -> ResponseReturnValue:
    """Delete an image ("Delete image")."""
    parts().catalog.delete_image(image_id, by=origin())
    return "", HTTPStatus.NO_CONTENT


@bp.post("/<uuid:image_id>/actions/deactivate")
def deactivate_image(image_id: UUID) -> ResponseReturnValue:
    """Withhold an image's data ("Deactivate image")."""
    parts().catalog.deactivate(image_id, by=origin())
    return "", HTTPStatus.NO_CONTENT


@bp.post("/<uuid:image_id>/actions/reactivate")
def reactivate_image(image_id: UUID) -> ResponseReturnValue:
    """Release an image's data again ("Reactivate image")."""
    parts().catalog.reactivate(image_id, by=origin())
    return "", HTTPStatus.NO_CONTENT


@bp.post("/<uuid:image_id>/actions/restore")
def restore_image(image_id: UUID) -> ResponseReturnValue:
    """Take an image back from its deletion (an extension)."""
    parts().catalog.restore(image_id, by=origin())
    return "", HTTPStatus.NO_CONTENT


def shown(image_id: UUID) -> Shown:
    """Return what the read model says of an image that the caller may read."""
    image = parts().images.show(image_id)
    if image is None:
        raise ImageNotFound(image_id)
    access.require_readable(actor(), image)
    return image


def _listing(page: Page) -> str:
    # The documents are finished JSON: they are joined, not parsed.
    links = {"first": _link(None), "schema": "/v2/schemas/images"}
    if page.next_marker:
        links["next"] = _link(page.next_marker)
    tail = ", ".join(f'"{name}": "{link}"' for name, link in links.items())
    return f'{{"images": [{", ".join(page.documents)}], {tail}}}'


def _link(marker: str | None) -> str:
    query = [(name, value) for name, value in http.args.items(multi=True) if name != "marker"]
    if marker:
        query.append(("marker", marker))
    return f"/v2/images?{urlencode(query)}" if query else "/v2/images"

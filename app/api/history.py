"""An image's history, for those who audit it: its events, and the image as it was."""

from typing import Any
from uuid import UUID

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

from app.api.request import actor, arguments, parse_time, parts, require_actor, whole_number
from app.history import at_time, at_version, life_of
from domain.errors import InvalidValue, NotFound

bp = Blueprint("history", __name__, url_prefix="/history/v1/images/<uuid:image_id>")
bp.before_request(require_actor)

LIMIT_DEFAULT = 100  # events
LIMIT_MAX = 1000


@bp.get("/events")
def list_events(image_id: UUID) -> ResponseReturnValue:
    """List an image's events in order, a page at a time.

    `after` is the version that the page starts after, `limit` the number of events.
    """
    given = arguments("after", "limit")
    after = whole_number("after", given.get("after", "0"))
    limit = whole_number("limit", given.get("limit", str(LIMIT_DEFAULT)), least=1)
    limit = min(limit, LIMIT_MAX)
    moments = life_of(parts().log, image_id, actor())
    page = moments[after : after + limit]
    answer: dict[str, Any] = {"events": [moment.described() for moment in page], "next": None}
    if after + limit < len(moments):
        path = f"/history/v1/images/{image_id}/events"
        answer["next"] = f"{path}?after={after + limit}&limit={limit}"
    return jsonify(answer)


@bp.get("")
def show_image(image_id: UUID) -> ResponseReturnValue:
    """Show an image as it was at a `version`, or `at` a time (ISO 8601); else as it is now."""
    given = arguments("version", "at")
    version, time = given.get("version"), given.get("at")
    moments = life_of(parts().log, image_id, actor())
    if version is not None and time is not None:
        raise InvalidValue("version", "can't be combined with at")
    if version is not None:
        moment = at_version(moments, whole_number("version", version, least=1))
    elif time is not None:
        moment = at_time(moments, parse_time("at", time))
    else:
        moment = moments[-1]
    if moment is None:
        raise NotFound(
            f"image {image_id} has the versions 1 to {len(moments)}, "
            f"the first of {moments[0].event.timestamp.isoformat()}",
            field="at" if version is None else "version",
        )
    return jsonify(moment.image())

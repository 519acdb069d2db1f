"""What every view knows of its request: the parts, who asks, and the request's id."""

import logging
from datetime import UTC, datetime
from time import perf_counter
from typing import TYPE_CHECKING, cast
from uuid import uuid4

from flask import Flask, Response, current_app, g
from flask import request as http

from domain.errors import InvalidValue, UnsupportedMedia
from domain.origin import Actor, Origin

if TYPE_CHECKING:
    from app.main import Hindsight

access_log = logging.getLogger("hindsight.access")

DIGITS_MAX = 19  # enough for every number that a database keeps
REQUEST_ID = "x-openstack-request-id"


def install(app: Flask, *, log_access: bool) -> None:
    """Give every request an id and the time of its start, and every response that id."""
    app.before_request(_name_request)
    app.after_request(_tell_request_id)
    if log_access:
        app.after_request(_log_access)


def parts() -> "Hindsight":
    """Return the connected parts that serve this request."""
    return cast("Hindsight", current_app.extensions["hindsight"])


def actor() -> Actor:
    """Return who asks; NotAuthenticated when the token does not say."""
    known: Actor | None = g.get("actor")
    if known is None:
        known = g.actor = parts().auth.actor(_token())
    return known


def require_actor() -> None:
    """Refuse the request unless its token is valid; runs before a blueprint's views."""
    actor()


def origin() -> Origin:
    """Return where the changes of this request come from."""
    return Origin(actor=actor(), request_id=g.request_id)


def route() -> str | None:
    """Return the rule that the request's path matched, not the path; None when none did."""
    rule = http.url_rule
    return None if rule is None else rule.rule


def require_media_type(*allowed: str) -> str:
    """Return the request's media type; UnsupportedMedia unless it is one of those allowed."""
    if http.mimetype not in allowed:
        raise UnsupportedMedia(http.mimetype, accepted=allowed)
    return http.mimetype


def arguments(*known: str) -> dict[str, str]:
    """Return the query's arguments; InvalidValue when one is unknown or given twice."""
    for name, values in http.args.lists():
        if name not in known:
            raise InvalidValue(name, f"is not one of {', '.join(known)}")
        if len(values) > 1:
            raise InvalidValue(name, "may be given once only")
    return http.args.to_dict()


def whole_number(name: str, text: str, *, least: int = 0) -> int:
    """Return a parameter's or header's number; InvalidValue when it is none or below least."""
    if not (text.isascii() and text.isdigit() and len(text) <= DIGITS_MAX) or int(text) < least:
        raise InvalidValue(name, f"must be a whole number of at least {least}")
    return int(text)


def parse_time(name: str, text: str) -> datetime:
    """Return a parameter's time, UTC unless it names a zone; InvalidValue when it is none."""
    if "T" in text:
        text = text.replace(" ", "+")  # in a query, an unescaped + stands for a space
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        reason = "must be a time of ISO 8601 such as 2016-04-18T21:38:54Z"
        raise InvalidValue(name, reason) from None


def _token() -> str | None:
    own = http.headers.get("X-Auth-Token")
    if own:
        return own
    scheme, _, secret = http.headers.get("Authorization", "").partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else None


def _name_request() -> None:
    g.started = perf_counter()
    g.request_id = f"req-{uuid4()}"


def _tell_request_id(response: Response) -> Response:
    response.headers[REQUEST_ID] = g.request_id
    return response


def _log_access(response: Response) -> Response:
    fields = {
        "method": http.method,
        "path": http.path,  # without the query: it is no place for secrets, but they happen
        "status": response.status_code,
        "duration_ms": round((perf_counter() - g.started) * 1000, 3),
    }
    access_log.info("request", extra=fields)
    return response

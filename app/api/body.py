"""Request bodies: JSON read strictly, and what is left of a body whose request was refused."""

import json
import time
from contextlib import suppress
from typing import Any, BinaryIO, NoReturn, cast

from flask import Flask, Response
from flask import request as http

from domain.errors import InvalidValue, LimitExceeded

JSON_MAX = 1 << 20  # bytes
CHUNK = 1 << 20  # bytes
READ_TIMEOUT = 60  # seconds that a sender may pause
REST_SECONDS = 5  # for reading what is left after a refusal


def install(app: Flask) -> None:
    """Read the rest of a refused request's body after its response."""
    app.after_request(_read_rest_later)


def stream() -> BinaryIO:
    """Return the body as a stream whose reads fail when the sender pauses for too long.

    Not Werkzeug's stream: that one ends silently when fewer bytes come than announced.
    """
    _set_timeout(READ_TIMEOUT)
    return cast("BinaryIO", http.environ["wsgi.input"])


def read_json() -> Any:
    """Return what the request's JSON body holds.

    Raises:
        LimitExceeded: more than JSON_MAX bytes.
        InvalidValue: as `parse_json`, or the body ended early.
    """
    try:
        body = stream().read(JSON_MAX + 1)
    except Exception as error:
        # Servers raise errors of their own kinds here, and all mean that the sender is gone.
        raise InvalidValue("body", "ended early") from error
    if len(body) > JSON_MAX:
        raise LimitExceeded(f"body: has more than the {JSON_MAX} bytes allowed", field="body")
    if http.content_length is not None and len(body) < http.content_length:
        raise InvalidValue("body", "ended early")
    return parse_json(body)


def parse_json(body: bytes) -> Any:
    """Return what JSON text holds.

    Raises:
        InvalidValue: no JSON (RFC 8259), or a member twice in one object, which clients and
            servers would read differently.
    """
    try:
        # Decoded here: json would guess UTF-16 and UTF-32, and let encoded surrogates pass.
        return json.loads(body.decode(), object_pairs_hook=_object, parse_constant=_refuse_constant)
    except RecursionError:
        raise InvalidValue("body", "is nested too deep") from None
    except ValueError as error:
        raise InvalidValue("body", f"is not JSON: {error}") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise InvalidValue(twice, "is there twice")
    return members


def _refuse_constant(name: str) -> NoReturn:
    raise InvalidValue("body", f"is not JSON: {name} is no number")


def _read_rest_later(response: Response) -> Response:
    has_body = http.content_length or http.environ.get("wsgi.input_terminated")
    if response.status_code >= 400 and has_body:  # noqa: PLR2004 - where errors begin
        environ = http.environ
        response.call_on_close(lambda: _read_rest(environ))
    return response


def _read_rest(environ: dict[str, Any]) -> None:
    # Many clients send all of their body before they look at the response: were the connection
    # closed meanwhile, they would see that it broke, and not why.
    _set_timeout(1, environ)
    end = time.monotonic() + REST_SECONDS
    with suppress(Exception):  # the response is sent: whatever breaks now closes the connection
        while time.monotonic() < end and environ["wsgi.input"].read(CHUNK):
            pass


def _set_timeout(seconds: float, environ: dict[str, Any] | None = None) -> None:
    connection = (environ or http.environ).get("gunicorn.socket")
    if connection is not None:
        connection.settimeout(seconds)

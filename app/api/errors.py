"""The one place where refusals become HTTP: one status for each class, one shape for all.

The shape `{"error": {"code", "title", "message", "field"}}` is one that openstacksdk,
keystoneauth and python-glanceclient all show to their users.
"""

import logging
from http import HTTPStatus

from flask import Flask, Response, json
from flask import request as http
from sqlalchemy.exc import DBAPIError
from werkzeug.exceptions import HTTPException

from domain import errors
from domain.errors import HindsightError
from storage.database import refusal_of

log = logging.getLogger(__name__)

STATUS_OF: dict[type[HindsightError], HTTPStatus] = {
    errors.InvalidValue: HTTPStatus.BAD_REQUEST,
    errors.NotAuthenticated: HTTPStatus.UNAUTHORIZED,
    errors.Forbidden: HTTPStatus.FORBIDDEN,
    errors.NotFound: HTTPStatus.NOT_FOUND,
    errors.Conflict: HTTPStatus.CONFLICT,
    errors.AttemptSuperseded: HTTPStatus.GONE,
    errors.LimitExceeded: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.StoreFull: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.UnsupportedMedia: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    errors.FormatRefused: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    errors.RangeNotSatisfiable: HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
    errors.InternalFailure: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.DatabaseUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.StoreUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.DatabaseFull: HTTPStatus.INSUFFICIENT_STORAGE,
}
"""A class stands for its subclasses, too."""

RETRY_AFTER = 5  # seconds


def install(app: Flask) -> None:
    """Answer every error of the application in the one shape."""
    app.register_error_handler(HindsightError, refuse)
    app.register_error_handler(DBAPIError, _refuse_database)
    app.register_error_handler(HTTPException, _refuse_http)
    app.register_error_handler(Exception, _fail)


def status_of(kind: type[HindsightError]) -> HTTPStatus:
    """Return the status of a class of refusals."""
    return next(STATUS_OF[known] for known in kind.__mro__ if known in STATUS_OF)


def refuse(error: HindsightError) -> Response:
    """Return the response that tells of a refusal."""
    status = status_of(type(error))
    _log_failure(error, status)
    response = _shaped(status, error.message, error.field)
    match error:
        case errors.NotAuthenticated():
            response.headers["WWW-Authenticate"] = 'Bearer realm="hindsight"'
        case errors.RangeNotSatisfiable():
            response.headers["Content-Range"] = f"bytes */{error.size}"
        case errors.UnsupportedMedia() if http.method == "PATCH":
            response.headers["Accept-Patch"] = ", ".join(error.accepted)
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        response.headers["Retry-After"] = str(RETRY_AFTER)
    return response


def _refuse_database(error: DBAPIError) -> Response:
    refusal = refusal_of(error)
    refusal.__cause__ = error
    return refuse(refusal)


def _log_failure(error: HindsightError, status: HTTPStatus) -> None:
    """Log what ops should know of; an InternalFailure was logged, with more, where it arose."""
    if status < HTTPStatus.INTERNAL_SERVER_ERROR or isinstance(error, errors.InternalFailure):
        return
    root: BaseException = error
    while root.__cause__ is not None:
        root = root.__cause__
    log.error("%s", error.message, extra={"cause": repr(root)})


def _refuse_http(error: HTTPException) -> Response:
    status = HTTPStatus(error.code or HTTPStatus.INTERNAL_SERVER_ERROR)
    if status == HTTPStatus.NOT_FOUND:
        where = f"nothing is at {http.path}: the Images API is below /v2, see GET /versions"
        return refuse(errors.NotFound(where))
    response = _shaped(status, error.description or error.name, None)
    allow = error.get_response().headers.get("Allow")
    if allow:
        response.headers["Allow"] = allow
    return response


def _fail(error: Exception) -> Response:
    log.error("request failed", exc_info=error)
    return refuse(errors.InternalFailure("the service failed; its log knows this request's id"))


def _shaped(status: HTTPStatus, message: str, field: str | None) -> Response:
    body = {"code": status.value, "title": status.phrase, "message": message, "field": field}
    return Response(json.dumps({"error": body}), status, mimetype="application/json")

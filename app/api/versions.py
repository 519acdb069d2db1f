"""Which versions of the API are spoken (Images API, "API versions")."""

from http import HTTPStatus

from flask import Blueprint, jsonify
from flask import request as http
from flask.typing import ResponseReturnValue

bp = Blueprint("versions", __name__)

CURRENT = 9
MINOR_VERSIONS = (9, 7, 6, 5, 4, 3, 2, 1, 0)  # as a Glance with a single store lists them


@bp.get("/")
def choose_version() -> ResponseReturnValue:
    """List the versions with status 300: the client is to choose one."""
    return jsonify(_versions()), HTTPStatus.MULTIPLE_CHOICES


@bp.get("/versions")
@bp.get("/v2")
@bp.get("/v2/")
def list_versions() -> ResponseReturnValue:
    """List the versions."""
    return jsonify(_versions())


def _versions() -> dict[str, object]:
    href = f"{http.host_url.rstrip('/')}/v2/"
    return {
        "versions": [
            {
                "id": f"v2.{minor}",
                "status": "CURRENT" if minor == CURRENT else "SUPPORTED",
                "links": [{"rel": "self", "href": href}],
            }
            for minor in MINOR_VERSIONS
        ]
    }

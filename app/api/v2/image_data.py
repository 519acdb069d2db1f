"""An image's bytes: upload and download (Images API v2, "Image data")."""

import base64
import re
from http import HTTPStatus
from typing import BinaryIO
from uuid import UUID

from flask import Blueprint, Response
from flask import request as http
from flask.typing import ResponseReturnValue
from werkzeug.wsgi import wrap_file

from app.api.body import stream
from app.api.request import actor, origin, parts, require_actor, require_media_type, whole_number
from app.api.v2.images import shown
from app.catalog import blob_key
from app.uploads import Body
from domain.errors import ImageDeactivated, InvalidValue, RangeNotSatisfiable, StoreUnavailable
from domain.rules import Status
from projections.image_query import Shown
from storage.blobs.protocol import BlobError

bp = Blueprint("image_data", __name__, url_prefix="/v2/images/<uuid:image_id>/file")
bp.before_request(require_actor)

MEDIA_TYPE = "application/octet-stream"
MD5_BYTES = 16
BLOCK = 1 << 20  # bytes sent at a time where sendfile can't be used
ONE_RANGE = re.compile(r"bytes=(\d{0,19})-(\d{0,19})", re.ASCII)


@bp.put("")
def upload(image_id: UUID) -> ResponseReturnValue:
    """Store an image's data ("Upload binary image data")."""
    require_media_type(MEDIA_TYPE)
    parts().uploads.receive(image_id, _body(), by=origin())
    return "", HTTPStatus.NO_CONTENT


@bp.get("")
def download(image_id: UUID) -> ResponseReturnValue:
    """Send an image's data, all or a range of it ("Download binary image data")."""
    image = shown(image_id)
    if image.status == Status.DEACTIVATED and not actor().is_admin:
        raise ImageDeactivated(image_id)
    if image.status not in {Status.ACTIVE, Status.DEACTIVATED}:
        return "", HTTPStatus.NO_CONTENT
    asked = _range(image.size, etag=f'"{image.checksum}"')
    start, end = asked or (0, image.size)
    response = Response(
        wrap_file(http.environ, _open(image, start), BLOCK),
        HTTPStatus.PARTIAL_CONTENT if asked else HTTPStatus.OK,
        mimetype=MEDIA_TYPE,
        direct_passthrough=True,  # lets the server use sendfile
    )
    response.content_length = end - start
    response.headers["Accept-Ranges"] = "bytes"
    response.headers["Content-MD5"] = str(image.checksum)
    response.headers["ETag"] = f'"{image.checksum}"'
    if asked:
        response.headers["Content-Range"] = f"bytes {start}-{end - 1}/{image.size}"
    return response


def _body() -> Body:
    size = http.headers.get("x-openstack-image-size")
    return Body(
        stream=stream(),
        length=http.content_length,
        size=whole_number("x-openstack-image-size", size) if size is not None else None,
        checksum=_announced_md5(http.headers.get("Content-MD5")),
    )


def _announced_md5(header: str | None) -> str | None:
    """Return Content-MD5 in hex, be it hex as in Glance's responses or base64 as in RFC 1864."""
    if header is None:
        return None
    if re.fullmatch("[0-9a-fA-F]{32}", header):
        return header.lower()
    try:
        digest = base64.b64decode(header, validate=True)
    except ValueError:  # binascii.Error is one; a header that is not ASCII raises another
        digest = b""
    if len(digest) != MD5_BYTES:
        raise InvalidValue("Content-MD5", "must be an MD5, in hex or base64")
    return digest.hex()


def _range(size: int, *, etag: str) -> tuple[int, int] | None:
    """Return the first byte asked for and the one after the last, or None for all.

    Raises:
        RangeNotSatisfiable: beyond the data, or not one range of bytes (RFC 9110, section 14).
    """
    header = http.headers.get("Range")
    if header is None or http.headers.get("If-Range", etag) != etag:
        return None
    match = ONE_RANGE.fullmatch(header.strip())
    if match is None or match[1] == match[2] == "":
        raise RangeNotSatisfiable(size)
    if match[1]:
        start, end = int(match[1]), min(int(match[2] or size) + bool(match[2]), size)
    else:
        start, end = max(size - int(match[2]), 0), size
    if start >= end:
        raise RangeNotSatisfiable(size)
    return start, end


def _open(image: Shown, start: int) -> BinaryIO:
    key = blob_key(image.id, UUID(image.attempt))
    try:
        # Fewer bytes than Content-Length announces would leave the client waiting for them.
        if parts().store.size(key) == image.size:
            return parts().store.open(key, start=start)
        reason = "are not as many as were stored"
    except BlobError as error:
        reason = f"can't be read now: {error}"
    raise StoreUnavailable(f"the bytes of image {image.id} {reason}")

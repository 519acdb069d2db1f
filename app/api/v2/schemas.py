"""JSON Schemas of what the API gives (Images API v2, "Image schemas")."""

from typing import Any

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

from app.api.request import require_actor
from domain import rules

bp = Blueprint("schemas", __name__, url_prefix="/v2/schemas")
bp.before_request(require_actor)


@bp.get("/image")
def show_image_schema() -> ResponseReturnValue:
    """Show the schema of an image ("Show image schema")."""
    return jsonify(image_schema())


@bp.get("/images")
def show_images_schema() -> ResponseReturnValue:
    """Show the schema of a page of images ("Show images schema")."""
    return jsonify(images_schema())


def image_schema() -> dict[str, Any]:
    """Return the schema of one image; further members are custom properties, strings."""
    return {
        "name": "image",
        "properties": {**_set_by_clients(), **_set_by_service()},
        "additionalProperties": {"type": "string"},
        "links": [
            {"rel": "self", "href": "{self}"},
            {"rel": "enclosure", "href": "{file}"},
            {"rel": "describedby", "href": "{schema}"},
        ],
    }


def images_schema() -> dict[str, Any]:
    """Return the schema of a page of images."""
    link = {"type": "string"}
    return {
        "name": "images",
        "properties": {
            "images": {"type": "array", "items": image_schema()},
            "first": link,
            "next": link,
            "schema": link,
        },
        "links": [
            {"rel": "first", "href": "{first}"},
            {"rel": "next", "href": "{next}"},
            {"rel": "describedby", "href": "{schema}"},
        ],
    }


def _set_by_clients() -> dict[str, Any]:
    size = {"type": "integer", "minimum": 0, "maximum": rules.INTEGER_MAX}
    text = {"type": "string", "maxLength": rules.TEXT_MAX}
    return {
        "id": {
            "type": "string",
            "pattern": "^[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$",
            "description": "The image's identifier; a client may choose it on creation.",
        },
        "name": _or_null(text, "What people call the image."),
        "owner": _or_null(text, "The project that owns the image."),
        "visibility": {
            "type": "string",
            "enum": list(rules.VISIBILITIES),
            "description": "Who may see the image.",
        },
        "disk_format": _choice(rules.DISK_FORMATS, "The format of the disk."),
        "container_format": _choice(rules.CONTAINER_FORMATS, "What the disk is wrapped in."),
        "min_disk": {**size, "description": "GB of disk that a server needs to boot the image."},
        "min_ram": {**size, "description": "MB of memory that a server needs to boot the image."},
        "protected": {"type": "boolean", "description": "Whether the image can't be deleted."},
        "os_hidden": {"type": "boolean", "description": "Whether plain lists leave the image out."},
        "tags": {"type": "array", "items": text, "description": "Words that describe the image."},
    }


def _set_by_service() -> dict[str, Any]:
    properties: dict[str, dict[str, Any]] = {
        "status": {
            "type": "string",
            "enum": [*rules.Status, "uploading", "importing"],
            "description": "Where the image is in its life.",
        },
        "size": _or_null({"type": "integer"}, "Bytes of data."),
        "virtual_size": _or_null({"type": "integer"}, "Bytes that the disk has once unpacked."),
        "checksum": _or_null({"type": "string", "maxLength": 32}, "The data's MD5, in hex."),
        "os_hash_algo": _or_null(
            {"type": "string", "maxLength": 64}, "Which hash os_hash_value is."
        ),
        "os_hash_value": _or_null({"type": "string", "maxLength": 128}, "The data's hash, in hex."),
        "created_at": {"type": "string", "description": "When the image was registered (UTC)."},
        "updated_at": {"type": "string", "description": "When it was last changed (UTC)."},
        "self": {"type": "string", "description": "Where the image is shown."},
        "file": {"type": "string", "description": "Where its data is."},
        "schema": {"type": "string", "description": "Where this schema is."},
    }
    return {name: {**schema, "readOnly": True} for name, schema in properties.items()}


def _or_null(schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {**schema, "type": ["null", schema["type"]], "description": description}


def _choice(formats: tuple[str, ...], description: str) -> dict[str, Any]:
    return {"type": ["null", "string"], "enum": [None, *formats], "description": description}

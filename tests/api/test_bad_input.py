"""Bodies that are wrong: each is refused with a reason, and nothing of it is written."""

import json
from typing import Any

import pytest

from tests.api.project import PATCH_2_0, PATCH_2_1, Json, Project, refusal

pytestmark = pytest.mark.usefixtures("nothing_written")

MIB = 1 << 20


def ids(value: object) -> str:
    """Name a case for people: what it is, shortened."""
    text = ascii(value)
    return text if len(text) < 60 else f"{text[:30]} and more, {len(text)} in all"


NOT_JSON: dict[str, bytes] = {
    "nothing": b"",
    "spaces": b"  \n",
    "half an object": b'{"name": ',
    "two objects": b"{} {}",
    "a trailing comma": b'{"name": "x",}',
    "single quotes": b"{'name': 'x'}",
    "a comment": b'{"name": "x"} // x',
    "a form": b"name=x",
    "xml": b"<image/>",
    "NaN": b'{"min_ram": NaN}',
    "Infinity": b'{"min_ram": Infinity}',
    "minus Infinity": b'{"min_ram": -Infinity}',
    "a number of 10,000 digits": b'{"min_ram": ' + b"9" * 10_000 + b"}",
    "latin-1": '{"name": "\xfc"}'.encode("latin-1"),
    "a stray continuation byte": b'{"name": "\x80"}',
    "an encoded surrogate": b'{"name": "\xed\xa0\x80"}',
    "an overlong encoding": b'{"name": "\xc0\xaf"}',
    "UTF-16": '{"name": "x"}'.encode("utf-16"),
    "UTF-16 without a mark": '{"name": "x"}'.encode("utf-16-le"),
    "UTF-32": '{"name": "x"}'.encode("utf-32"),
    "a byte order mark": b'\xef\xbb\xbf{"name": "x"}',
    "a raw NUL": b'{"name": "a\x00b"}',
    "a raw line end": b'{"name": "a\nb"}',
    "deep nesting": b'{"name": ' + b"[" * 10_000 + b"]" * 10_000 + b"}",
    "deep nesting without an end": b"[" * 100_000,
    "deep objects": b'{"a": ' * 10_000 + b"1" + b"}" * 10_000,
}

NO_OBJECT = ["[]", "[{}]", "null", "true", "1", '"name"']

UNSPEAKABLE = ["\U0001f600", "a\0b", "\ud800", "\udfff\ud800", "\x1b[0m", "a\x1fb"]
WRONG_VALUES: dict[str, list[Any]] = {
    "name": [1, 1.5, True, [], {}, ["x"], "x" * 256, "x" * 100_000, "ü" * 256, *UNSPEAKABLE],
    "owner": [1, [], {}, True],
    "visibility": ["secret", "", "PUBLIC", None, 1, [], {}, True],
    "disk_format": ["qcow", "", "RAW", "raw ", "x" * 1000, 1, [], {}],
    "container_format": ["box", "", 1, [], {}, False],
    "min_disk": [-1, 2**31, 2**63, 10**30, 1.5, 1.0, "1", True, None, []],
    "min_ram": [-1, 2**31, 2**63, 10**30, 1e300, "", False, None, {}],
    "protected": ["true", "", 1, 0, None, [], {}],
    "os_hidden": ["false", "yes", 1, 0, None, []],
    "tags": [
        *(None, "tag", 1, {}, True, [1], [None], [["x"]], ["ok", {}]),
        *([tag] for tag in ("", ".", "..", "a/b", "/", "../x", "x" * 256, *UNSPEAKABLE)),
    ],
    "a_property": [1, 1.5, True, None, [], {}, ["x"], {"x": "y"}, "x" * 65_536, *UNSPEAKABLE],
}
WRONG = [(name, value) for name, values in WRONG_VALUES.items() for value in values]

WRONG_NAMES = ["", " ", " padded", "padded ", "x" * 256, "a\0b", "\U0001f600", "a\x1fb"]

WRONG_IDS = [
    "", "x", 1, True, [], {}, "../../etc/passwd", "00000000-0000-4000-8000-00000000000",
    "00000000-0000-4000-8000-0000000000000", "00000000000040008000000000000000",
    "{00000000-0000-4000-8000-000000000000}", "urn:uuid:00000000-0000-4000-8000-000000000000",
    "00000000-0000-4000-8000-00000000000g", " 00000000-0000-4000-8000-000000000000",
    "00000000-0000-4000-8000-000000000000\n", "\u06600000000-0000-4000-8000-000000000000", "\ud800",
    "x" * 100_000,
]  # fmt: skip


def post(project: Project, body: bytes) -> tuple[int, str | None]:
    return refusal(
        project.post("/v2/images", content=body, headers={"Content-Type": "application/json"})
    )


@pytest.mark.parametrize("body", NOT_JSON)
def test_what_is_no_json_registers_nothing(project: Project, body: str) -> None:
    assert post(project, NOT_JSON[body]) == (400, "body")


@pytest.mark.parametrize("body", NO_OBJECT)
def test_what_is_no_object_registers_nothing(project: Project, body: str) -> None:
    assert post(project, body.encode()) == (400, "body")


@pytest.mark.parametrize(("name", "value"), WRONG, ids=ids)
def test_a_wrong_value_registers_nothing(project: Project, name: str, value: Any) -> None:
    assert post(project, json.dumps({"name": "ok", name: value}).encode()) == (400, name)


@pytest.mark.parametrize("name", WRONG_NAMES, ids=ids)
def test_a_wrong_name_of_a_property_registers_nothing(project: Project, name: str) -> None:
    status, field = post(project, json.dumps({name: "x"}).encode())

    assert status == 400
    assert field in {name[:255], "properties"}


def test_a_lone_surrogate_is_no_name_of_a_property(project: Project) -> None:
    status, field = post(project, b'{"\\ud800": "x"}')

    assert (status, bool(field)) == (400, True)


@pytest.mark.parametrize("value", WRONG_IDS, ids=ids)
def test_a_wrong_id_registers_nothing(project: Project, value: Any) -> None:
    assert post(project, json.dumps({"id": value}).encode()) == (400, "id")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b'{"name": "a", "name": "b"}', "name"),
        (b'{"x": "a", "name": "n", "x": "a"}', "x"),
        (b'{"na\\u006de": "a", "name": "b"}', "name"),
        (b'{"x": {"y": 1, "y": 2}}', "y"),
    ],
    ids=ids,
)
def test_a_member_given_twice_is_ambiguous(project: Project, body: bytes, field: str) -> None:
    assert post(project, body) == (400, field)


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ({f"p{number}": "x" for number in range(129)}, "properties"),
        ({"tags": [f"t{number}" for number in range(129)]}, "tags"),
        ({"a": "x" * MIB}, "body"),
    ],
    ids=["properties", "tags", "bytes"],
)
def test_too_much_is_too_much(project: Project, members: Json, field: str) -> None:
    assert post(project, json.dumps(members).encode()) == (413, field)


@pytest.mark.parametrize(
    "media_type",
    ["", "text/plain", "text/json", "application/x-www-form-urlencoded", "application/jsonx",
     "multipart/form-data", "application/octet-stream", PATCH_2_1, "application/json, text/plain",
     "x" * 3000],
    ids=ids,
)  # fmt: skip
def test_images_are_registered_in_json(project: Project, media_type: str) -> None:
    response = project.post("/v2/images", content=b"{}", headers={"Content-Type": media_type})

    assert refusal(response) == (415, "Content-Type")


@pytest.fixture(scope="module")
def target(new_project: Any) -> tuple[Project, Json]:
    """An image that no patch here may change."""
    owner: Project = new_project()
    return owner, owner.create(name="target", tags=["kept"], kept="kept")


def send_patch(
    target: tuple[Project, Json], body: bytes, media_type: str = PATCH_2_1
) -> tuple[int, str | None]:
    owner, image = target
    response = owner.request(
        "PATCH", image["self"], content=body, headers={"Content-Type": media_type}
    )
    assert owner.show(image) == image
    return refusal(response)


@pytest.mark.parametrize("body", NOT_JSON)
def test_what_is_no_json_changes_nothing(target: tuple[Project, Json], body: str) -> None:
    assert send_patch(target, NOT_JSON[body]) == (400, "body")


@pytest.mark.parametrize("body", ["{}", "null", "true", "1", '"x"', "[1]", "[[]]", "[null]"])
def test_what_is_no_array_of_operations_changes_nothing(
    target: tuple[Project, Json], body: str
) -> None:
    assert send_patch(target, body.encode()) == (400, "body")


@pytest.mark.parametrize(("name", "value"), WRONG, ids=ids)
def test_a_wrong_value_changes_nothing(target: tuple[Project, Json], name: str, value: Any) -> None:
    change = {"op": "add", "path": f"/{name}", "value": value}

    assert send_patch(target, json.dumps([change]).encode()) == (400, name)


@pytest.mark.parametrize(
    "op",
    ["move", "copy", "test", "", "ADD", "add ", None, 1, [], {}, "\ud800", "x" * 100_000],
    ids=ids,
)
def test_an_unknown_operation_changes_nothing(target: tuple[Project, Json], op: Any) -> None:
    change = {"op": op, "path": "/name", "value": "x", "from": "/kept"}

    assert send_patch(target, json.dumps([change]).encode()) == (400, "op")


@pytest.mark.parametrize(
    "path",
    ["", "/", "name", "//", "//name", "/name/", "/tags/-", "/tags/0", "/a/b", "/a~", "/a~2", "/~",
     "#/name", None, 1, [], {}, "/a/" + "b/" * 10_000],
    ids=ids,
)  # fmt: skip
def test_a_path_to_nowhere_changes_nothing(target: tuple[Project, Json], path: Any) -> None:
    change = {"op": "add", "path": path, "value": "x"}

    assert send_patch(target, json.dumps([change]).encode()) == (400, "path")


@pytest.mark.parametrize(
    ("change", "media_type", "field"),
    [
        ({"path": "/name", "value": "x"}, PATCH_2_1, "op"),
        ({"op": "add", "value": "x"}, PATCH_2_1, "path"),
        ({"op": "add", "path": "/name"}, PATCH_2_1, "name"),
        ({"op": "replace", "path": "/kept"}, PATCH_2_1, "kept"),
        ({"add": "/name"}, PATCH_2_0, "name"),
        ({"value": "x"}, PATCH_2_0, "op"),
        ({"add": 1, "value": "x"}, PATCH_2_0, "path"),
        ({}, PATCH_2_0, "op"),
        ({}, PATCH_2_1, "op"),
    ],
    ids=ids,
)
def test_half_an_operation_changes_nothing(
    target: tuple[Project, Json], change: Json, media_type: str, field: str
) -> None:
    assert send_patch(target, json.dumps([change]).encode(), media_type) == (400, field)


def test_a_patch_has_a_largest_size(target: tuple[Project, Json]) -> None:
    change = {"op": "add", "path": "/a", "value": "x"}

    assert send_patch(target, json.dumps([change] * 1001).encode()) == (400, "body")
    long = json.dumps([{**change, "value": "x" * MIB}]).encode()
    assert send_patch(target, long) == (413, "body")

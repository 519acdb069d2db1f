"""Queries and paths that are wrong: each is refused with a reason, or finds nothing."""

import pytest

from tests.api.conftest import NewProject
from tests.api.project import Json, Project, refusal
from tests.api.wire import head, send
from tests.server import Server

pytestmark = pytest.mark.usefixtures("nothing_written")

WRONG = {
    "limit": ["-1", "", "x", "1.5", "1e3", "%2B1", "0x10", "%D9%A1", "9" * 30, "NaN", "true",
              "null"],
    "marker": ["", "x", "..", "%00", "00000000-0000-4000-8000-00000000000g", "x" * 3000],
    "sort": ["", ",", "name,", ":asc", "name:up", "name:asc:desc", "password", "name:asc,name:desc",
             "name;drop", "%00", "tags", "visibility", "x" * 3000],
    "sort_key": ["", "x", "%00", "name,size", "name:asc", "document", "owner"],
    "sort_dir": ["", "up", "ASC", "%00", "asc,desc"],
    "created_at": ["", "x", "gt:", "gt:x", "in:2016-01-01", "gt:gt:2016-01-01", "2016-02-30",
                   "gt:2016-04-18T25:00:00Z", "lt:0001-01-01T00:00:00%2B14:00", "%00", "now"],
    "updated_at": ["eq:", "neq:9999-12-31T23:59:59-14:00", "gt:99999-01-01", "like:2016-01-01"],
    "size_min": ["-1", "x", "", "1.5", "1e9", "9" * 30, "NaN", "%D9%A1"],
    "size_max": ["-1", "x", "", "1k", "Infinity"],
    "size": ["-1", "x", "in:1,2", "gt:5"],
    "min_ram": ["-1", "x", "true"],
    "min_disk": ["-1", "x"],
    "virtual_size": ["-1", "null"],
    "protected": ["", "maybe", "1", "0", "yes", "%00"],
    "os_hidden": ["", "maybe", "1", "both"],
    "visibility": ["secret", "PUBLIC", "in:public,private", "%00"],
    "member_status": ["", "x", "ACCEPTED"],
    "name": ['in:"open', 'in:a"b', 'in:"a"b', 'in:"a""b"', "gt:x", "neq:x", "%00", "%F0%9F%98%80",
             "a%0Bb"],
    "id": ['in:"open', "lt:x", "%00"],
    "status": ['in:"active', "neq:active", "%00"],
    "disk_format": ["gte:raw", 'in:raw,"'],
    "owner": ["%00", "%F0%9F%98%80"],
    "tag": ["%00", "%F0%9F%98%80"],
    "checksum": ["%00"],
    "a_property": ["%00", "%F0%9F%98%80", "%1B"],
    "self": ["x"], "file": ["x"], "schema": ["x"], "direct_url": ["x"], "locations": ["x"],
    "tags": ["x"], "changes-since": ["2016-01-01"],
}  # fmt: skip
CASES = [(name, value) for name, values in WRONG.items() for value in values]


def ids(value: str) -> str:
    return value if len(value) < 60 else f"{value[:30]} and more, {len(value)} in all"


@pytest.mark.parametrize(("name", "value"), CASES, ids=ids)
def test_a_wrong_argument_is_named(project: Project, name: str, value: str) -> None:
    status, field = refusal(project.get(f"/v2/images?{name}={value}"))

    assert status == 400
    # A part of `sort` is reported under the name that it has in the classic syntax.
    assert field == name or (name == "sort" and field in {"sort_key", "sort_dir"})


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=1&limit=2", "limit"),
        ("marker=x&marker=y", "marker"),
        ("name=a&name=b", "name"),
        ("name=a&name=a", "name"),
        ("sort=name&sort=size", "sort"),
        ("size_min=1&size_min=2", "size_min"),
        ("created_at=gt:2016-01-01&created_at=lt:2017-01-01", "created_at"),
        ("os_distro=a&os_distro=b", "os_distro"),
        ("visibility=public&visibility=private", "visibility"),
        ("sort=name&sort_key=size", "sort"),
        ("sort=name&sort_dir=asc", "sort"),
        ("sort_key=name&sort_key=name", "sort_key"),
        ("sort_key=name&sort_dir=asc&sort_dir=desc", "sort_dir"),
        ("sort_key=name&sort_key=size&sort_key=id&sort_dir=asc&sort_dir=desc", "sort_dir"),
        ("sort_dir=asc&sort_dir=desc", "sort_dir"),
    ],
)
def test_arguments_that_contradict_are_named(project: Project, query: str, field: str) -> None:
    assert refusal(project.get(f"/v2/images?{query}")) == (400, field)


@pytest.mark.parametrize(
    "query",
    [
        "&&&",
        "=",
        "=x",
        "no_value",
        "a%20b=c",
        "'%20OR%201=1;--=x",
        "name=%27%20OR%20%271%27=%271",
        "name=%25",
        "name=_______",
        "name=in:",
        "name=in:,,,",
        "id=not-an-id",
        "id=in:",
        "tag=",
        "x=%FF",
        "x=%ED%A0%80",
        "a;b=c",
        "size_min=5&size_max=4",
        "size_min=9999999999999999999",
        "a.b[]=c&$where=1",
    ],
)
def test_odd_questions_have_an_answer(project: Project, query: str) -> None:
    project_only = f"owner={project.name}"

    assert project.page(f"{query}&{project_only}")["images"] == []


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("%00", "\0"),
        ("a%00b", "a\0b"),
        ("%F0%9F%98%80", "\U0001f600"),
        ("a%0Bb", "a\x0bb"),
        ("x" * 256, "x" * 255),
        ("x" * 3000, "x" * 255),
    ],
    ids=ids,
)
def test_a_wrong_name_of_an_argument_is_named(project: Project, name: str, field: str) -> None:
    assert refusal(project.get(f"/v2/images?{name}=x")) == (400, field)


LETTERS = "abcdefghijklmnopqrstuvwxyz"
MANY = {
    "filters": [f"{one}{two}" for one in LETTERS for two in LETTERS],
    "tags": ["tag=x"] * 501,
}


@pytest.mark.parametrize("kind", MANY)
def test_a_question_has_at_most_500_arguments(project: Project, kind: str) -> None:
    assert project.page("&".join(MANY[kind][:500]))["images"] == []

    response = project.get("/v2/images?" + "&".join(MANY[kind][:501]))

    assert refusal(response) == (400, "query")


@pytest.mark.parametrize("values", ["x," * 1900, '"",' * 400, "," * 3000], ids=ids)
@pytest.mark.parametrize("name", ["id", "name", "status", "disk_format"])
def test_an_argument_may_have_any_number_of_values(
    project: Project, name: str, values: str
) -> None:
    page = project.page(f"{name}=in:{values}&owner={project.name}")

    assert page["images"] == []


TAG_REFUSALS = {
    "": 404,
    "/": 404,
    "a/b": 404,
    "a%2Fb": 404,
    "%2F": 404,
    "..": 400,
    ".": 400,
    "%2e%2e": 400,
    "%2E": 400,
    "..%2f..%2f..%2fetc%2fpasswd": 404,
    "../../00000000-0000-4000-8000-000000000000": 404,
    "x" * 256: 400,
    "x" * 3000: 400,
    "%C3%BC" * 256: 400,
    "%00": 400,
    "a%00b": 400,
    "%1B%5B0m": 400,
    "%0B": 400,
    "%F0%9F%98%80": 400,
}


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
@pytest.mark.parametrize("tag", TAG_REFUSALS, ids=ids)
def test_a_path_is_no_tag(
    server: Server, target: Json, holder: Project, tag: str, method: str
) -> None:
    token = f"X-Auth-Token: {holder.token}"

    answered = send(server.url, head(method, f"{target['self']}/tags/{tag}", token))

    # What can't be a tag is not there to be removed.
    allowed = {TAG_REFUSALS[tag]} if method == "PUT" else {404}
    assert answered.status in allowed
    assert answered.json()["error"]["message"]


@pytest.fixture(scope="module")
def holder(new_project: NewProject) -> Project:
    return new_project()


@pytest.fixture(scope="module")
def target(holder: Project) -> Json:
    """An image that no request here may change."""
    return holder.create(name="target", tags=["kept"])


IDS = [
    "x", "..", ".", "%2e%2e", "%2e%2e%2f%2e%2e", "..%2f..%2fetc%2fpasswd", "%2f", "//", "%00",
    "%5c..%5c..", "\\..\\", "%FF", "%ED%A0%80", "%F0%9F%98%80", "'%20OR%201=1",
    "00000000000040008000000000000000", "{00000000-0000-4000-8000-000000000000}",
    "00000000-0000-4000-8000-000000000000%0A", "00000000-0000-4000-8000-000000000000/",
    "00000000-0000-4000-8000-000000000000%2Ffile", "%20", "x" * 3000,
]  # fmt: skip


@pytest.mark.parametrize("rest", ["", "/file", "/tags/x", "/actions/deactivate"])
@pytest.mark.parametrize("image_id", IDS, ids=ids)
def test_a_path_is_no_id(server: Server, admin: Project, image_id: str, rest: str) -> None:
    method = {"": "GET", "/file": "GET", "/tags/x": "PUT"}.get(rest, "POST")
    for prefix in ("/v2/images", "/history/v1/images"):
        request = head(method, f"{prefix}/{image_id}{rest}", f"X-Auth-Token: {admin.token}")

        answered = send(server.url, request)

        assert answered.status == 404
        assert answered.json()["error"]["message"]


@pytest.mark.parametrize(
    "path",
    ["/v2//images", "/v2/images/", "/V2/images", "/v2/../v2/images", "/v3/images",
     "/v2/images%2F", "/v2/schemas", "/v2/schemas/", "/v2/schemas/member/x", "/.env",
     "/static/x", "/v2/images;x", "/%2e%2e/%2e%2e/etc/passwd", "/\\", "/v2/schemas/nothing"],
)  # fmt: skip
def test_other_paths_lead_nowhere(server: Server, admin: Project, path: str) -> None:
    answered = send(server.url, head("GET", path, f"X-Auth-Token: {admin.token}"))

    assert answered.status == 404
    assert answered.json()["error"]["code"] == 404

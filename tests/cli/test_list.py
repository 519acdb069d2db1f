"""`hindsight images list`."""

from uuid import uuid4

import pytest

from tests.cli.shell import Shell


def names(shell: Shell, *options: object) -> list[str]:
    done = shell("images", "list", "--json", *options)
    assert done.code == 0, done.err
    return [image["name"] for image in done.json]


def test_people_get_a_table_with_a_readable_size(member: Shell) -> None:
    image = member.pushed(name="webserver", data=b"x" * 3_500_000)

    done = member("images", "list")

    heading, *rows = done.out.splitlines()
    assert heading.split() == ["ID", "Name", "Status", "Visibility", "Format", "Size"]
    [row] = [row for row in rows if row.startswith(image["id"])]
    assert row.split()[1:] == ["webserver", "active", "shared", "raw", "3.3", "MiB"]


def test_machines_get_an_array_of_the_apis_documents(member: Shell) -> None:
    image = member.pushed(name="for-machines")

    assert member("images", "list", "--name", "for-machines", "--json").json == [image]


def test_an_empty_list_is_an_empty_array(member: Shell) -> None:
    assert member("images", "list", "--name", str(uuid4()), "--json").json == []


@pytest.mark.parametrize(
    "filters",
    [
        ("--name", "wanted"),
        ("--status", "queued", "--disk-format", "iso"),
        ("--visibility", "private"),
        ("--tag", "one", "--tag", "two"),
        ("--property", "os=debian", "--property", "arch=arm"),
        ("--hidden",),
    ],
)
def test_filters_choose_images(member: Shell, filters: tuple[str, ...]) -> None:
    with member.server.client(member.variables["HINDSIGHT_TOKEN"]) as api:
        wanted = {
            "name": "wanted",
            "disk_format": "iso",
            "visibility": "private",
            "tags": ["one", "two", "three"],
            "os": "debian",
            "arch": "arm",
            "os_hidden": "--hidden" in filters,
        }
        made = api.post("/v2/images", json=wanted).json()["id"]
        api.post("/v2/images", json={"name": "other", "tags": ["one"], "os": "debian"})

    found = names(member, *filters)

    assert "wanted" in found
    assert "other" not in found
    assert member("images", "delete", made).code == 0


def test_an_owner_is_a_filter_too(member: Shell) -> None:
    owner = member.pushed(name="owned")["owner"]

    assert "owned" in names(member, "--owner", owner)
    assert names(member, "--owner", "nobody") == []


def test_a_name_that_looks_like_an_operator_is_a_name(member: Shell) -> None:
    member.pushed(name="in:a,b")

    assert names(member, "--name", "in:a,b") == ["in:a,b"]


def test_images_come_in_the_order_asked_for_and_no_more_than_asked_for(member: Shell) -> None:
    for name in ("sort-b", "sort-c", "sort-a"):
        member.pushed(name=name, tags=["sorted"])

    assert names(member, "--tag", "sorted", "--sort", "name:asc") == ["sort-a", "sort-b", "sort-c"]
    assert names(member, "--tag", "sorted", "--sort", "name:desc", "--limit", 2) == [
        "sort-c",
        "sort-b",
    ]


def test_all_pages_are_shown_once(member: Shell) -> None:
    with member.server.client(member.variables["HINDSIGHT_TOKEN"]) as api:
        for number in range(205):
            api.post("/v2/images", json={"name": f"page-{number:03}", "tags": ["paged"]})

    found = names(member, "--tag", "paged", "--sort", "name:asc")

    assert found == [f"page-{number:03}" for number in range(205)]
    assert len(names(member, "--tag", "paged", "--limit", 203)) == 203


def test_a_refused_filter_says_what_is_wrong(member: Shell) -> None:
    done = member("images", "list", "--sort", "colour")

    assert done.code == 1
    assert "sort: must be one of name" in done.err
    assert "[req-" in done.err


def test_a_reader_that_goes_away_ends_the_list_quietly(member: Shell) -> None:
    process = member.start("images", "list", "--json")
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()

    err = process.stderr.read()

    with process:
        assert process.wait() in {0, 1}
    assert err == b""

"""`hindsight images show`, `set` and `delete`."""

from uuid import uuid4

import pytest

from tests.cli.shell import Shell


def test_an_image_is_shown_by_its_id_and_by_its_name(member: Shell) -> None:
    name = f"shown-{uuid4()}"
    image = member.pushed(name=name, min_disk=10, os="debian")

    by_id, by_name = member("images", "show", image["id"]), member("images", "show", name)

    assert by_id.out == by_name.out
    shown = dict(line.split(maxsplit=1) for line in by_id.out.splitlines() if " " in line)
    assert shown["id"] == image["id"]
    assert shown["size"] == "21 B (21 bytes)"
    assert shown["min_disk"] == "10 GB"
    assert shown["protected"] == "no"
    assert shown["tags"] == "-"
    assert shown["os"] == "debian"
    assert member("images", "show", name, "--json").json == image


def test_a_hidden_image_is_found_by_its_name(member: Shell) -> None:
    image = member.pushed(name=f"hidden-{uuid4()}")
    assert member("images", "set", image["id"], "--hidden").code == 0

    assert member("images", "show", image["name"], "--json").json["os_hidden"] is True


def test_a_name_of_several_images_is_refused_with_their_ids(member: Shell) -> None:
    name = f"twin-{uuid4()}"
    twins = [member.pushed(name=name)["id"] for _ in range(2)]

    done = member("images", "show", name)

    assert done.code == 1
    assert f"2 images have the name {name}" in done.err
    assert all(twin in done.err for twin in twins)


@pytest.mark.parametrize("image", ["no-such-name", str(uuid4())])
def test_an_image_that_is_not_there_has_its_own_exit_code(member: Shell, image: str) -> None:
    done = member("images", "show", image)

    assert done.code == 3
    assert image in done.err
    assert done.out == ""


def test_everything_is_changed_at_once_and_shown(admin: Shell) -> None:
    image = admin.pushed(tags=["old", "kept"], gone="1", a="1")

    done = admin(
        "images", "set", image["id"], "--name", "new", "--min-disk", 3, "--min-ram", 512,
        "--visibility", "public", "--protected", "--hidden", "--owner", "another",
        "--property", "a=2", "--property", "x/y~z=b=c", "--remove-property", "gone",
        "--tag", "added", "--remove-tag", "old", "--json",
    )  # fmt: skip

    changed = done.json
    assert changed == admin("images", "show", image["id"], "--json").json
    del changed["updated_at"], image["updated_at"]
    assert {name: changed[name] for name in changed if changed[name] != image.get(name)} == {
        "name": "new", "min_disk": 3, "min_ram": 512, "visibility": "public", "protected": True,
        "os_hidden": True, "owner": "another", "a": "2", "x/y~z": "b=c", "tags": ["added", "kept"],
    }  # fmt: skip
    assert "gone" not in changed


def test_flags_can_be_taken_back(member: Shell) -> None:
    image = member.pushed(protected=True)
    assert image["protected"] is True

    done = member("images", "set", image["id"], "--no-protected", "--no-hidden")

    assert done.code == 0
    assert member("images", "show", image["id"], "--json").json["protected"] is False


def test_formats_can_be_set_before_the_data_is_there(member: Shell) -> None:
    with member.server.client(member.variables["HINDSIGHT_TOKEN"]) as api:
        image_id = api.post("/v2/images", json={}).json()["id"]

    formats = ("--disk-format", "iso", "--container-format", "bare", "--json")
    changed = member("images", "set", image_id, *formats).json

    assert (changed["disk_format"], changed["container_format"]) == ("iso", "bare")


def test_nothing_changes_when_one_change_is_refused(member: Shell) -> None:
    image = member.pushed()

    done = member("images", "set", image["id"], "--name", "new", "--remove-property", "none")

    assert done.code == 1
    assert "none: the image has no such property" in done.err
    assert member("images", "show", image["id"], "--json").json == image


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "say what to change"),
        (("--property", "size=1"), "size is an attribute"),
        (("--remove-property", "name"), "name is an attribute"),
        (("--property", "novalue"), "'novalue' is no property such as"),
        (("--visibility", "secret"), "'secret' is not one of"),
    ],
)
def test_wrong_usage_is_told_before_anything_is_sent(
    member: Shell, options: tuple[str, ...], words: str
) -> None:
    done = member("images", "set", str(uuid4()), *options)

    assert done.code == 2
    assert words in done.err


def test_a_member_may_not_change_what_is_anothers(admin: Shell, member: Shell) -> None:
    image = admin.pushed(visibility="public")

    done = member("images", "set", image["id"], "--name", "mine")

    assert done.code == 4
    assert "belongs to another project" in done.err


def test_each_image_is_deleted_that_can_be(member: Shell) -> None:
    first, kept, last = member.pushed(), member.pushed(protected=True), member.pushed()
    missing = str(uuid4())

    done = member("images", "delete", first["id"], kept["id"], missing, last["id"])

    assert done.code == 4
    assert done.out.splitlines() == [f"Deleted {first['id']}", f"Deleted {last['id']}"]
    assert f"{kept['id']}: image {kept['id']} is protected" in done.err
    assert f"{missing}: no image found" in done.err
    assert member("images", "show", first["id"]).code == 3
    assert member("images", "show", kept["id"]).code == 0


def test_machines_get_what_became_of_each_image(member: Shell) -> None:
    image, missing = member.pushed()["id"], str(uuid4())

    done = member("images", "delete", "--json", image, missing)

    assert done.code == 3
    gone, absent = done.json
    assert gone == {"id": image, "deleted": True, "error": None}
    assert (absent["id"], absent["deleted"]) == (missing, False)
    assert "no image found" in absent["error"]


def test_names_are_not_enough_to_delete(member: Shell) -> None:
    image = member.pushed(name="precious")

    done = member("images", "delete", image["id"], "precious")

    assert done.code == 2
    assert member("images", "show", image["id"]).code == 0

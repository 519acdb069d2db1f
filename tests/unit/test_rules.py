"""Which texts, tags and properties an image takes."""

import pytest

from domain import rules
from domain.errors import InvalidValue, LimitExceeded, ReadOnlyAttribute, ReservedAttribute
from domain.rules import PROPERTIES_MAX, RESERVED_NAMES, TAGS_MAX, TEXT_MAX, VALUE_MAX

GOOD_CHARACTERS = {
    "tab": "\t",
    "line feed": "\n",
    "carriage return": "\r",
    "space": " ",
    "two bytes": "é",
    "last before the surrogates": "\ud7ff",
    "first after the surrogates": "\ue000",
    "last of three bytes": "\uffff",
}
BAD_CHARACTERS = {
    "NUL": "\x00",
    "before tab": "\x08",
    "vertical tab": "\x0b",
    "form feed": "\x0c",
    "after carriage return": "\x0e",
    "last control character": "\x1f",
    "delete": "\x7f",
    "last of the second control characters": "\x9f",
    "first lone surrogate": "\ud800",
    "last lone surrogate": "\udfff",
    "first of four bytes": "\U00010000",
    "emoji": "\N{PENGUIN}",
    "last of four bytes": "\U0010ffff",
}
good_character = pytest.mark.parametrize(
    "character", GOOD_CHARACTERS.values(), ids=GOOD_CHARACTERS.keys()
)
bad_character = pytest.mark.parametrize(
    "character", BAD_CHARACTERS.values(), ids=BAD_CHARACTERS.keys()
)


@good_character
def test_a_text_keeps_what_clients_and_databases_carry(character: str) -> None:
    assert rules.check_text("name", f"a{character}b") == f"a{character}b"


@bad_character
def test_a_text_with_a_character_that_not_all_can_carry_is_refused(character: str) -> None:
    with pytest.raises(InvalidValue) as refusal:
        rules.check_text("name", f"a{character}b")

    assert refusal.value.field == "name"
    assert f"U+{ord(character):04X}" in refusal.value.reason


@pytest.mark.parametrize("length", [0, 1, TEXT_MAX])
def test_a_text_may_be_as_long_as_the_schema_says(length: int) -> None:
    assert len(rules.check_text("name", "é" * length)) == length


def test_a_longer_text_is_refused_with_the_limit() -> None:
    with pytest.raises(InvalidValue, match=f"^name: is longer than {TEXT_MAX} characters$"):
        rules.check_text("name", "x" * (TEXT_MAX + 1))


@pytest.mark.parametrize("tag", ["a", "a b", "...", ".a", "ünïcode", "a?b#c%2F", "x" * TEXT_MAX])
def test_a_tag_that_can_be_addressed_is_taken(tag: str) -> None:
    assert rules.check_tag(tag) == tag


@pytest.mark.parametrize("tag", ["", ".", "..", "/", "a/b", "x" * (TEXT_MAX + 1)])
def test_a_tag_that_can_t_be_addressed_is_refused(tag: str) -> None:
    with pytest.raises(InvalidValue) as refusal:
        rules.check_tag(tag)

    assert refusal.value.field == "tags"


@bad_character
def test_a_tag_is_a_text(character: str) -> None:
    with pytest.raises(InvalidValue):
        rules.check_tag(character)


@pytest.mark.parametrize("count", [0, 1, TAGS_MAX])
def test_an_image_may_have_tags_up_to_the_quota(count: int) -> None:
    tags = {f"t{number}" for number in range(count)}

    assert rules.check_tags(tags) == tags


def test_more_tags_than_the_quota_are_refused() -> None:
    with pytest.raises(LimitExceeded, match=str(TAGS_MAX)) as refusal:
        rules.check_tags({f"t{number}" for number in range(TAGS_MAX + 1)})

    assert refusal.value.field == "tags"


def test_one_bad_tag_among_good_ones_is_found() -> None:
    with pytest.raises(InvalidValue):
        rules.check_tags({"good", "b/ad"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("p", ""),
        ("two words", "and\ttheir\nlines"),
        ("x" * TEXT_MAX, "y" * VALUE_MAX),
        ("Location", "names are told apart by case"),
        ("os_glace", "nearly reserved"),
    ],
    ids=["empty value", "spaces", "longest", "nearly location", "nearly os_glance"],
)
def test_a_property_is_taken(name: str, value: str) -> None:
    rules.check_properties({name: value})


@pytest.mark.parametrize(
    "name", [*sorted(RESERVED_NAMES), "os_glance", "os_glance_stage_host", "os_glancefoo"]
)
def test_a_name_that_the_service_keeps_is_refused(name: str) -> None:
    with pytest.raises(ReservedAttribute) as refusal:
        rules.check_property(name, "1")

    assert refusal.value.field == name


@pytest.mark.parametrize("name", ["", " ", " a", "a ", "a\n", "x" * (TEXT_MAX + 1)])
def test_a_property_s_name_is_not_empty_padded_or_too_long(name: str) -> None:
    with pytest.raises(InvalidValue):
        rules.check_property(name, "1")


def test_a_property_without_a_name_is_refused_as_one_of_the_properties() -> None:
    with pytest.raises(InvalidValue) as refusal:
        rules.check_property("", "1")

    assert refusal.value.field == "properties"


def test_a_refused_name_is_repeated_no_longer_than_a_name_may_be() -> None:
    with pytest.raises(InvalidValue) as refusal:
        rules.check_property("x" * 10_000, "1")

    assert refusal.value.field == "x" * TEXT_MAX


@bad_character
def test_a_property_s_name_is_a_text(character: str) -> None:
    with pytest.raises(InvalidValue):
        rules.check_property(f"a{character}b", "1")


@bad_character
def test_a_property_s_value_is_a_text(character: str) -> None:
    with pytest.raises(InvalidValue) as refusal:
        rules.check_property("note", f"a{character}b")

    assert refusal.value.field == "note"


def test_a_property_s_value_may_not_be_longer_than_the_limit() -> None:
    with pytest.raises(InvalidValue, match=str(VALUE_MAX)) as refusal:
        rules.check_property("note", "x" * (VALUE_MAX + 1))

    assert refusal.value.field == "note"


@pytest.mark.parametrize("count", [0, 1, PROPERTIES_MAX])
def test_an_image_may_have_properties_up_to_the_quota(count: int) -> None:
    rules.check_properties({f"p{number}": "" for number in range(count)})


def test_more_properties_than_the_quota_are_refused() -> None:
    with pytest.raises(LimitExceeded, match=str(PROPERTIES_MAX)) as refusal:
        rules.check_properties({f"p{number}": "" for number in range(PROPERTIES_MAX + 1)})

    assert refusal.value.field == "properties"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("name", None),
        ("name", "x"),
        ("owner", None),
        ("disk_format", None),
        ("disk_format", "qcow2"),
        ("container_format", "ova"),
        ("visibility", "community"),
        ("min_disk", 0),
        ("min_ram", rules.INTEGER_MAX),
        ("protected", True),
        ("os_hidden", False),
    ],
)
def test_an_attribute_takes_the_values_of_the_schema(name: str, value: object) -> None:
    rules.check_attribute(name, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("name", 1),
        ("name", "a\x00b"),
        ("owner", "x" * (TEXT_MAX + 1)),
        ("disk_format", "floppy"),
        ("container_format", ["bare"]),
        ("visibility", None),
        ("visibility", "secret"),
        ("min_disk", -1),
        ("min_disk", rules.INTEGER_MAX + 1),
        ("min_disk", 1.5),
        ("min_ram", True),
        ("protected", 1),
        ("os_hidden", "true"),
        ("tags", "a"),
    ],
)
def test_an_attribute_refuses_every_other_value(name: str, value: object) -> None:
    with pytest.raises(InvalidValue) as refusal:
        rules.check_attribute(name, value)

    assert refusal.value.field == name


@pytest.mark.parametrize("name", sorted(rules.READ_ONLY | {"colour"}))
def test_an_attribute_that_clients_do_not_set_is_refused(name: str) -> None:
    with pytest.raises(ReadOnlyAttribute):
        rules.check_attribute(name, "x")


@pytest.mark.parametrize("name", sorted(rules.READ_ONLY | rules.CHANGEABLE))
def test_a_property_can_not_hide_an_attribute(name: str) -> None:
    with pytest.raises(ReservedAttribute):
        rules.check_property(name, "x")


def test_text_of_any_origin_is_made_printable() -> None:
    assert rules.printable("gone\x00\ud800 away\n") == "gone?? away\n"

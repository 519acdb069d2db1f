"""What can be listed is documented: routes, settings, events, commands."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import domain.image  # noqa: F401 - registers every event
from app.main import create_app, open_hindsight
from app.settings import PREFIX, Settings
from domain.events import type_of
from tests.docs import commands

ROOT = Path(__file__).parents[2]
API = (ROOT / "docs/api.md").read_text()
AUDITORS = (ROOT / "docs/auditors.md").read_text()
OPS = (ROOT / "docs/ops.md").read_text()


@pytest.fixture
def routes(tmp_path: Path) -> Iterator[set[str]]:
    """Every method and path that the application answers."""
    hindsight = open_hindsight(Settings(data=tmp_path))
    yield {
        f"{method} {rule.rule}"
        for rule in create_app(hindsight).url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    hindsight.close()


def test_the_table_of_the_api_has_every_route_and_no_other(routes: set[str]) -> None:
    documented = set(re.findall(r"`((?:GET|POST|PUT|PATCH|DELETE) /[^ `]*)`", API))

    assert documented == routes


def test_the_table_of_settings_has_every_setting_with_its_default() -> None:
    documented = dict(re.findall(rf"\| `({PREFIX}\w+)` \| `?([^|`]*)`? \|", OPS))

    assert documented.keys() == {PREFIX + name.upper() for name in Settings.model_fields}
    for name, field in Settings.model_fields.items():
        if field.default_factory is None:
            expected = "" if field.default is None else str(field.default)
            assert documented[PREFIX + name.upper()].strip() == expected


def test_the_table_of_events_has_every_type_and_no_other() -> None:
    table = AUDITORS.partition("## The events")[2]
    documented = {
        kind for row in re.findall(r"^\| (`.*?) \|", table, re.M) for kind in row.split(", ")
    }

    assert documented == {f"`{event.TOPIC.rpartition('.')[2]}`" for event in type_of.values()}


def test_the_page_of_commands_is_what_the_commands_say_of_themselves() -> None:
    assert commands.PAGE.read_text() == commands.page(), "run `make docs`"

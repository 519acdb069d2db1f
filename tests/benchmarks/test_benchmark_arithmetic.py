"""What the benchmark computes itself, without a server or the load tool."""

from pathlib import Path

import pytest

from .changes import last_patch
from .wrk import Plan, ToolFailed, lua_table, parse

OUTPUT = """\
Running 3s test @ http://127.0.0.1:1/
  300 requests in 3.00s, 2.12MB read
report {"completed": 300, "wrong": 1, "wrong_answer": "500 %7B%22message%22%3A 1%7D", \
"seconds": 2.500000, "p50_ms": 3.100, "p99_ms": 9.000, "socket_errors": 0}
"""


def test_the_report_of_a_run_is_read() -> None:
    load = parse(OUTPUT)

    assert load.rate == pytest.approx(120)
    assert (load.wrong, load.wrong_answer) == (1, '500 {"message": 1}')


def test_a_run_without_a_report_has_failed() -> None:
    with pytest.raises(ToolFailed, match="unable to connect"):
        parse("unable to connect to 127.0.0.1:1 Connection refused\n")


def test_a_plan_becomes_a_lua_table() -> None:
    plan = Plan(method="PATCH", path="/v2/images/{item}", body='[{"op": "add"}]')

    table = lua_table(plan, {"X-Auth-Token": "secret"}, items=Path("items"), keep=None)

    assert r'body = "[{\"op\": \"add\"}]",' in table
    assert '["X-Auth-Token"] = "secret", ["Content-Type"] = "application/json"' in table


@pytest.mark.parametrize("completed", range(12))
@pytest.mark.parametrize("position", range(4))
def test_the_last_patch_of_each_image_is_known(completed: int, position: int) -> None:
    seen = [number for number in range(1, completed + 1) if (number - 1) % 4 == position]

    assert last_patch(position, completed=completed, images=4) == max(seen, default=0)

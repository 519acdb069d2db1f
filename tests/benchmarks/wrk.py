"""Runs wrk, the load tool: C, one thread, so that it does not compete with what it measures."""

import json
import math
import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

SCRIPT = Path(__file__).with_name("load.lua")
MISSING = "wrk is not installed. It is the load tool of this benchmark: apt-get install wrk"
CEILING_SECONDS = 900.0  # of a run that ends by its number of requests


class ToolFailed(Exception):
    """The load tool did not run to its end: nothing was measured."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to send again and again, and what a right answer is.

    In `path` and `body`, `{item}` is replaced by one of the items, in turn, and `{n}` by the
    request's number, counted from 1. A right answer has the status and holds the needle exactly
    so many times. With a count the run ends after so many answers, without it by time alone.
    """

    path: str
    method: str = "GET"
    body: str = ""
    content_type: str = "application/json"
    items: tuple[str, ...] = ()
    status: int = 200
    needle: str = ""
    times: int = 1
    count: int = 0
    keep_ids: bool = False


@dataclass(frozen=True)
class Load:
    """What one run of wrk did."""

    completed: int
    wrong: int
    wrong_answer: str
    seconds: float  # from the first request to the last answer
    p50_ms: float
    p99_ms: float
    socket_errors: int
    tool_share: float = 0.0  # of one core
    ids: tuple[str, ...] = ()  # of what was created, when the plan keeps them

    @property
    def rate(self) -> float:
        """Answers per second."""
        return self.completed / self.seconds if self.seconds > 0 else 0.0


def require_wrk() -> None:
    """Raise ToolFailed, with the package's name, unless wrk can be run."""
    if shutil.which("wrk") is None:
        raise ToolFailed(MISSING)


def run(
    plan: Plan, *, url: str, headers: dict[str, str], clients: int, seconds: float, scratch: Path
) -> Load:
    """Send the plan's requests over so many connections, for so long or until its count."""
    items, kept, table = scratch / "items", scratch / "kept", scratch / "plan.lua"
    items.write_text("".join(f"{item}\n" for item in plan.items))
    kept.unlink(missing_ok=True)
    table.write_text(lua_table(plan, headers, items=items, keep=kept if plan.keep_ids else None))
    limit = math.ceil(seconds)
    options = ["-t1", f"-c{clients}", f"-d{limit}s", "--timeout", "60s", "-s", str(SCRIPT)]
    output, share = _timed(["wrk", *options, url, "--", str(table)])
    ids = tuple(kept.read_text().split()) if plan.keep_ids else ()
    return parse(output, tool_share=share, ids=ids)


def lua_table(plan: Plan, headers: dict[str, str], *, items: Path, keep: Path | None) -> str:
    """Write the plan as the Lua chunk that load.lua reads."""
    sent = {**headers, "Content-Type": plan.content_type} if plan.body else headers
    texts = {
        "method": plan.method,
        "path": plan.path,
        "body": plan.body,
        "needle": plan.needle,
        "items": str(items),
        "keep": str(keep or ""),
    }
    numbers = {"status": plan.status, "times": plan.times, "count": plan.count}
    lines = [f"{name} = {_lua_text(text)}," for name, text in texts.items()]
    lines += [f"{name} = {number}," for name, number in numbers.items()]
    pairs = ", ".join(f"[{_lua_text(name)}] = {_lua_text(text)}" for name, text in sent.items())
    return "return {\n" + "\n".join(lines) + f"\nheaders = {{ {pairs} }},\n}}\n"


def parse(output: str, *, tool_share: float = 0.0, ids: tuple[str, ...] = ()) -> Load:
    """Read the line that load.lua adds to wrk's own summary."""
    for line in output.splitlines():
        if line.startswith("report "):
            report = json.loads(line.removeprefix("report "))
            report["wrong_answer"] = unquote(report["wrong_answer"])
            return Load(**report, tool_share=tool_share, ids=ids)
    raise ToolFailed(f"wrk did not report: {output.strip()[-400:] or 'no output'}")


def _timed(command: list[str]) -> tuple[str, float]:
    """Run a command; return what it said and its CPU time as a share of one core."""
    began = time.monotonic()
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as tool:
        output = tool.stdout.read() if tool.stdout else ""
        _, status, usage = os.wait4(tool.pid, 0)
        tool.returncode = os.waitstatus_to_exitcode(status)
    share = (usage.ru_utime + usage.ru_stime) / (time.monotonic() - began)
    if tool.returncode:
        raise ToolFailed(f"wrk ended with {tool.returncode}: {output.strip()[-400:]}")
    return output, share


def _lua_text(text: str) -> str:
    """Quote as Lua does: JSON's quoting, as long as all is ASCII without control characters."""
    if not (text.isascii() and text.isprintable()):
        raise ValueError(f"only printable ASCII can be sent: {text!r}")
    return json.dumps(text)

"""README's five-minute tour does what it says."""

import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.server import HINDSIGHT, running_server

README = Path(__file__).parents[2] / "README.md"
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
END = "the command ended with "


@dataclass(frozen=True)
class Step:
    """A command of the tour, and what README says that it prints."""

    command: str
    output: str

    def pattern(self) -> str:
        """Return a regular expression: `...` is something, a line of `...` is any lines."""
        lines = [
            "(?:.*\n)*?" if line == "..." else re.escape(line).replace(r"\.\.\.", ".+") + "\n"
            for line in self.output.splitlines()
        ]
        return "".join(lines)


def steps() -> list[Step]:
    [tour] = re.findall(r"^## Five-minute tour$(.*?)(?=^## |\Z)", README.read_text(), re.M | re.S)
    commands = re.split(r"^\$ ", "".join(BLOCK.findall(tour)), flags=re.MULTILINE)
    return [Step(*command.split("\n", maxsplit=1)) for command in commands if command]


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A shell in an empty folder, beside a running server."""
    with running_server(tmp_path / "data") as server:
        (folder := tmp_path / "folder").mkdir()
        path = f"{HINDSIGHT.parent}{os.pathsep}{os.environ['PATH']}"
        shell = subprocess.Popen(
            ["bash"],
            cwd=folder,
            env=server.environment | {"PATH": path},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        with shell:
            yield shell
            shell.communicate("exit\n")


def run(shell: subprocess.Popen[str], command: str) -> tuple[int, str]:
    """Run a command in a shell; return its exit code and what it printed."""
    assert shell.stdin is not None
    assert shell.stdout is not None
    shell.stdin.write(f"{command}\necho '{END}'$?\n")
    shell.stdin.flush()
    printed: list[str] = []
    for line in shell.stdout:
        if line.startswith(END):
            return int(line.removeprefix(END)), "".join(printed)
        printed.append(line)
    raise AssertionError("".join(printed))


def test_the_tour_does_what_it_says(terminal: subprocess.Popen[str]) -> None:
    assert len(steps()) > 8

    for step in steps():
        code, printed = run(terminal, step.command)
        assert code == 0, f"$ {step.command}\n{printed}"
        assert re.fullmatch(step.pattern(), printed), f"$ {step.command}\n{printed}"

"""python-openstackclient as its users run it: a process of its own, in a terminal."""

import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

OPENSTACK = Path(sys.executable).parent / "openstack"


@dataclass(frozen=True)
class OpenStack:
    """The command `openstack` with one user's token."""

    url: str
    token: str
    home: Path  # without a clouds.yaml

    def run(self, *arguments: str | Path, stdin: BinaryIO | None = None) -> bytes:
        """Run a command that succeeds, and return what it prints."""
        done = self._run(*arguments, stdin=stdin)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    def json(self, *arguments: str | Path, stdin: BinaryIO | None = None) -> Any:
        """Run a command that succeeds, and return what it prints, as JSON."""
        return json.loads(self.run(*arguments, "-f", "json", stdin=stdin))

    def names(self, *arguments: str | Path) -> list[str]:
        """Run `image list` and return the names in their order."""
        return [row["Name"] for row in self.json("image", "list", *arguments)]

    def refusal(self, *arguments: str | Path) -> str:
        """Run a command that fails, and return what it tells its user."""
        done = self._run(*arguments)
        assert done.returncode != 0, done.stdout.decode()
        return done.stderr.decode()

    def _run(
        self, *arguments: str | Path, stdin: BinaryIO | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        # `--os-auth-type admin_token` takes the endpoint as it is, hence with /v2.
        with _terminal() as terminal:
            return subprocess.run(
                [
                    OPENSTACK,
                    *("--os-auth-type", "admin_token"),
                    *("--os-endpoint", f"{self.url}/v2"),
                    f"--os-token={self.token}",  # with a space, it could not begin with a dash
                    *arguments,
                ],
                stdin=terminal if stdin is None else stdin,
                capture_output=True,
                cwd=self.home,
                env={"PATH": os.defpath, "HOME": str(self.home), "LANG": "C.UTF-8"},
                check=False,
            )


@contextmanager
def _terminal() -> Iterator[int]:
    """Open a terminal: from any other standard input, `image create` would read image data."""
    ours, theirs = pty.openpty()
    try:
        yield theirs
    finally:
        os.close(ours)
        os.close(theirs)

"""A real Hindsight on a real socket, for tests."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.waiting import wait_until

WORKERS = 2  # by default
HINDSIGHT = Path(sys.executable).parent / "hindsight"


@dataclass
class Server:
    """A running `hindsight serve` and its data folder."""

    data: Path
    url: str = ""
    settings: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[str] | None = None
    _clients: list[httpx.Client] = field(default_factory=list)

    def start(self) -> None:
        """Start the server on a free port and wait until it listens."""
        self.process = subprocess.Popen(
            [HINDSIGHT, "serve", "--port", "0", "--data", self.data],
            env=self.environment,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self.process.stdout is not None
        first_line = self.process.stdout.readline()
        assert "listens on " in first_line, first_line
        self.url = first_line.split()[-1]

    def stop(self) -> int:
        """Ask the server to stop, wait for it, and return its exit code."""
        assert self.process is not None
        self.process.terminate()
        return self.wait()

    def wait(self) -> int:
        """Wait for the server's end and return its exit code."""
        assert self.process is not None
        self.process.communicate()
        return self.process.returncode

    def kill(self) -> None:
        """End every process of the server at once, as a crash would."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        self.wait()

    def pids(self) -> list[int]:
        """Return the ids of the server's processes, the first one first, once all have started."""
        assert self.process is not None
        root = self.process.pid
        children = Path(f"/proc/{root}/task/{root}/children")
        return [root, *wait_until(lambda: self._workers(children), what="both workers")]

    @staticmethod
    def _workers(children: Path) -> list[int]:
        pids = [int(pid) for pid in children.read_text().split()]
        return pids if len(pids) >= WORKERS else []

    @property
    def environment(self) -> dict[str, str]:
        """The environment of the server and of commands that talk to it."""
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("HINDSIGHT_")}
        return {**inherited, "HINDSIGHT_DATA": str(self.data), **self.settings}

    @property
    def admin_token(self) -> str:
        return (self.data / "admin-token").read_text().strip()

    def token(self, *, user: str, project: str, roles: tuple[str, ...] = ("member",)) -> str:
        """Mint a token with the command that a user would take."""
        named = [argument for role in roles for argument in ("--role", role)]
        return self.run("token", "create", "--user", user, "--project", project, *named).strip()

    def run(self, *arguments: str | Path) -> str:
        """Run a `hindsight` command against this server and return what it prints."""
        done = subprocess.run(
            [HINDSIGHT, *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def client(self, token: str | None = None) -> httpx.Client:
        """Return an HTTP client with a token, the admin's by default."""
        headers = {"X-Auth-Token": token or self.admin_token}
        client = httpx.Client(base_url=self.url, headers=headers, timeout=60)
        self._clients.append(client)
        return client

    def close(self) -> None:
        """End the server, if it still runs, and its clients' connections."""
        for client in self._clients:
            client.close()
        if self.process is not None and self.process.poll() is None:
            self.kill()


@contextmanager
def running_server(data: Path, **settings: str) -> Iterator[Server]:
    """Run a server over a data folder; settings are HINDSIGHT_ variables in lower case."""
    variables = {f"HINDSIGHT_{name.upper()}": value for name, value in settings.items()}
    server = Server(data, settings=variables)
    server.start()
    try:
        yield server
    finally:
        server.close()

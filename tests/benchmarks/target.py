"""What is measured: an Images API v2 at a URL, someone's or a Hindsight started for the run."""

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import httpx

START_SECONDS = 60


class StartFailed(Exception):
    """The Hindsight of our own did not come up."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """A server under measurement; without `pid` its CPU time and memory stay unknown."""

    name: str
    url: str  # without a trailing slash
    token: str
    pid: int | None = None
    is_ours: bool = False  # thrown away after the run, so nothing needs to be tidied

    @property
    def headers(self) -> dict[str, str]:
        return {"X-Auth-Token": self.token}

    @property
    def prefix(self) -> str:
        """The path in front of /v2, mostly empty."""
        return urlsplit(self.url).path


@contextmanager
def own_hindsight(*, workers: int) -> Iterator[Target]:
    """Serve a Hindsight on a free port and a temporary data directory, while the block runs."""
    with TemporaryDirectory(prefix="hindsight-bench-") as place:
        data, log = Path(place, "data"), Path(place, "log")
        data.mkdir()
        port = _free_port()
        command = [str(Path(sys.executable).with_name("hindsight")), "serve"]
        command += ["--host", "127.0.0.1", "--port", str(port)]
        command += ["--data", str(data), "--workers", str(workers)]
        try:
            with log.open("w") as sink:
                server = subprocess.Popen(command, stdout=sink, stderr=subprocess.STDOUT)
        except FileNotFoundError as error:
            raise StartFailed(
                f"no command {command[0]}: install Hindsight, or give --url"
            ) from error
        try:
            url = f"http://127.0.0.1:{port}"
            _wait(server, url, log)
            token = (data / "admin-token").read_text().strip()
            yield Target(name="hindsight", url=url, token=token, pid=server.pid, is_ours=True)
        finally:
            _stop(server)


def _wait(server: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        try:
            if httpx.get(url + "/").status_code == httpx.codes.MULTIPLE_CHOICES:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise StartFailed(f"hindsight serve did not come up:\n{log.read_text()[-2000:]}")


def _stop(server: subprocess.Popen[bytes]) -> None:
    server.send_signal(signal.SIGTERM)
    try:
        server.wait(timeout=30)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

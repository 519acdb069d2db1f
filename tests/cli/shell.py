"""Runs `hindsight` as its users do: a process with arguments, pipes and an exit code."""

import json
import subprocess
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from tests.server import HINDSIGHT, Server


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    raw: bytes
    err: str

    @property
    def out(self) -> str:
        return self.raw.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.raw)


@dataclass(frozen=True)
class Shell:
    """A user in a folder, with a server to talk to."""

    server: Server
    folder: Path
    variables: dict[str, str] = field(default_factory=dict)

    def __call__(self, *arguments: object, stdin: bytes = b"") -> Done:
        """Run a command to its end."""
        process = self.start(*arguments)
        out, err = process.communicate(stdin)
        assert b"Traceback" not in err, err.decode()
        return Done(process.returncode, out, err.decode())

    def start(self, *arguments: object, **options: Any) -> subprocess.Popen[bytes]:
        """Start a command with pipes at both ends."""
        return subprocess.Popen(
            [HINDSIGHT, *map(str, arguments)],
            cwd=self.folder,
            env=self.server.environment | self.variables,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            **options,
        )

    def having(self, **variables: str) -> Self:
        """Return the same user with other HINDSIGHT_ variables, named in lower case."""
        given = {f"HINDSIGHT_{name.upper()}": value for name, value in variables.items()}
        return replace(self, variables=self.variables | given)

    def file(self, name: str, data: bytes = b"the bytes of an image") -> Path:
        """Write a file into the folder."""
        path = self.folder / name
        path.write_bytes(data)
        return path

    def pushed(self, data: bytes = b"the bytes of an image", **attributes: Any) -> dict[str, Any]:
        """Make an image with data through the API, and return its document."""
        described = {"disk_format": "raw", "container_format": "bare"} | attributes
        with self.server.client(self.variables.get("HINDSIGHT_TOKEN")) as api:
            path = api.post("/v2/images", json=described).raise_for_status().json()["self"]
            media_type = {"Content-Type": "application/octet-stream"}
            api.put(f"{path}/file", content=data, headers=media_type).raise_for_status()
            image: dict[str, Any] = api.get(path).json()
            return image

"""Users of the command line."""

from pathlib import Path
from uuid import uuid4

import pytest

from tests.cli.shell import Shell
from tests.server import Server


@pytest.fixture
def admin(server: Server, tmp_path: Path) -> Shell:
    """The one who runs the server and needs to name neither it nor a token."""
    return Shell(server, tmp_path)


@pytest.fixture(scope="module")
def member_token(server: Server) -> str:
    return server.token(user="mara", project=f"project-{uuid4()}")


@pytest.fixture
def member(admin: Shell, member_token: str) -> Shell:
    """A member of a project that only this module's tests use."""
    return admin.having(token=member_token)

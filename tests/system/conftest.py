"""Real disks and a user for them."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.clients.openstackclient import OpenStack
from tests.server import Server
from tests.system.disks import Disks, make_disks


@pytest.fixture(scope="session")
def disks(tmp_path_factory: pytest.TempPathFactory) -> Disks:
    """The CD in each format."""
    return make_disks(tmp_path_factory.mktemp("disks"))


@pytest.fixture(scope="session")
def token(server: Server) -> str:
    """The token of a member of the project `system`."""
    return server.token(user="sam", project="system")


@pytest.fixture
def openstack(server: Server, token: str, tmp_path: Path) -> OpenStack:
    """The member at a terminal."""
    return OpenStack(server.url, token, tmp_path)


@pytest.fixture
def http(server: Server, token: str) -> Iterator[httpx.Client]:
    """The member's HTTP client."""
    with server.client(token) as client:
        yield client

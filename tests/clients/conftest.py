"""Users of the clients, and files for them to upload."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.clients.openstackclient import OpenStack
from tests.images import image
from tests.server import Server

ImageFile = Callable[[str], Path]


@pytest.fixture(scope="session")
def admin(server: Server, tmp_path_factory: pytest.TempPathFactory) -> OpenStack:
    """An admin at a terminal."""
    return OpenStack(server.url, server.admin_token, tmp_path_factory.mktemp("admin"))


@pytest.fixture(scope="session")
def member(server: Server, tmp_path_factory: pytest.TempPathFactory) -> OpenStack:
    """A member of the project `clients` at a terminal."""
    token = server.token(user="mary", project="clients")
    return OpenStack(server.url, token, tmp_path_factory.mktemp("member"))


@pytest.fixture(scope="session")
def image_file(tmp_path_factory: pytest.TempPathFactory) -> ImageFile:
    """Return the path of a file with one of the images of tests/images."""
    folder = tmp_path_factory.mktemp("images")

    def path_of(name: str) -> Path:
        path = folder / name
        if not path.exists():
            path.write_bytes(image(name))
        return path

    return path_of

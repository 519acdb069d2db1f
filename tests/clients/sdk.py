"""openstacksdk, connected to a server without a Keystone."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import openstack
import pytest
from openstack.connection import Connection
from openstack.image.v2._proxy import Proxy
from openstack.image.v2.image import Image

SDK_WARNINGS = [
    # openstacksdk warns of its own calls, of those that it makes itself, too.
    pytest.mark.filterwarnings("ignore::openstack.warnings.RemovedInSDK50Warning"),
    pytest.mark.filterwarnings("ignore::openstack.warnings.RemovedInSDK60Warning"),
]


@contextmanager
def connected(url: str, token: str) -> Iterator[Connection]:
    """Connect with a token to the image service at url, which may end in /v2 or not."""
    connection = openstack.connect(
        load_yaml_config=False,
        load_envvars=False,
        auth_type="admin_token",
        auth={"endpoint": url, "token": token},
        image_endpoint_override=url,
    )
    try:
        yield connection
    finally:
        connection.close()


@contextmanager
def image_service(url: str, token: str) -> Iterator[Proxy]:
    """Connect as `connected` does, and give the calls of the Images API v2."""
    with connected(url, token) as connection:
        assert isinstance(connection.image, Proxy)  # by discovery, and not that of v1
        yield connection.image


def upload_file(service: Proxy, name: str, file: Path, **facts: Any) -> Image:
    """Create an image from a file, and close the file, which openstacksdk leaves open."""
    image = service.create_image(name, filename=str(file), **facts)
    if image.data is not None:  # else it was found up to date
        image.data.close()
    return image

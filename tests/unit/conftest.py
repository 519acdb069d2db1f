"""Images in the states that most tests start from, and how Hypothesis runs here."""

from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings

from domain.image import Description, Image, StoredData
from domain.origin import Actor, Origin

# Nothing here asserts on elapsed time: machines that run tests are busy.
settings.register_profile(
    "unit",
    deadline=None,
    max_examples=60,
    stateful_step_count=25,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("unit")

SETUP = Origin(
    actor=Actor(user="set-up", project="blue", roles=("member",)), request_id="req-set-up"
)


@pytest.fixture
def attempt() -> UUID:
    """The upload that runs in `saving` and has filled `active`."""
    return UUID("a77e3b70-0000-4000-8000-000000000001")


@pytest.fixture
def data() -> StoredData:
    return StoredData(
        size=4096,
        virtual_size=8192,
        checksum="d41d8cd98f00b204e9800998ecf8427e",
        os_hash_algo="sha512",
        os_hash_value="cf83e1357eefb8bd",
    )


@pytest.fixture
def queued() -> Image:
    """An image that waits for its data; nothing about it is pending."""
    description = Description(
        owner="blue",
        name="jammy",
        disk_format="qcow2",
        container_format="bare",
        tags=("lts",),
        properties={"os_distro": "ubuntu"},
    )
    image = Image.register(UUID("1a6e0000-0000-4000-8000-000000000001"), description, SETUP)
    image.collect_events()
    return image


@pytest.fixture
def saving(queued: Image, attempt: UUID) -> Image:
    queued.start_upload(attempt, store="main", by=SETUP)
    queued.collect_events()
    return queued


@pytest.fixture
def active(saving: Image, attempt: UUID, data: StoredData) -> Image:
    saving.commit_data(attempt, data, by=SETUP)
    saving.collect_events()
    return saving

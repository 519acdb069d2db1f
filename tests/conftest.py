"""What tests of every kind share."""

from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests import s3
from tests.server import Server, running_server

settings.register_profile("hindsight", deadline=None)  # the machines are shared and noisy
settings.load_profile("hindsight")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A real server that all tests of a run share: each makes its own images and projects."""
    with running_server(tmp_path_factory.mktemp("server") / "data") as running:
        yield running


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say so when the promises about S3 were tested on a simulation."""
    if said := s3.summary():
        terminalreporter.write_line(said, yellow=True)

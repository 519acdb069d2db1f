"""Projects on the shared server, and what is watched in every test of the API."""

from collections.abc import Callable, Iterator

import httpx
import pytest

from app.main import Hindsight, open_hindsight
from app.settings import load_settings
from domain.origin import Actor
from tests import postgres
from tests.api.project import Json, Project, check_shape, unique
from tests.server import Server, running_server

NewProject = Callable[..., Project]


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A real server on each database that all tests of the API share."""
    data = tmp_path_factory.mktemp("server") / "data"
    settings = {} if request.param == "sqlite" else {"database_url": postgres.new_database()}
    with running_server(data, **settings) as running:
        yield running


@pytest.fixture(scope="session")
def http(server: Server) -> Iterator[httpx.Client]:
    """A client whose every response is checked for its id and the shape of errors."""
    hooks = {"response": [check_shape]}
    with httpx.Client(base_url=server.url, timeout=60, event_hooks=hooks) as client:
        yield client


@pytest.fixture(scope="session")
def beside(server: Server) -> Iterator[Hindsight]:
    """Hindsight's parts over the server's data, in this process: as the command line has them."""
    database_url = server.settings.get("HINDSIGHT_DATABASE_URL")
    hindsight = open_hindsight(load_settings(data=server.data, database_url=database_url))
    yield hindsight
    hindsight.close()


@pytest.fixture(scope="session")
def new_project(http: httpx.Client, beside: Hindsight) -> NewProject:
    """Make users: `new_project("reader", "auditor", name=...)`, of a project of their own."""

    def make(*roles: str, name: str | None = None) -> Project:
        name = name or unique("project")
        actor = Actor(user=unique("user"), project=name, roles=roles or ("member",))
        return Project(http, name, beside.tokens.create(actor))

    return make


@pytest.fixture
def project(new_project: NewProject) -> Project:
    """A member of a project that only this test has."""
    return new_project()


@pytest.fixture
def other(new_project: NewProject) -> Project:
    """A member of another such project."""
    return new_project()


@pytest.fixture(scope="session")
def admin(http: httpx.Client, server: Server) -> Project:
    """The admin of the installation."""
    return Project(http, "admin", server.admin_token)


@pytest.fixture
def image(project: Project) -> Json:
    """A queued image, ready for data."""
    return project.create(name="an image", disk_format="raw", container_format="bare")


@pytest.fixture
def active(project: Project) -> Json:
    """An image with data."""
    return project.active(name="an active image")


class Log:
    """The log of all events, read to its end."""

    def __init__(self, hindsight: Hindsight) -> None:
        self._log = hindsight.log
        self._position = 0

    def news(self) -> list[str]:
        """Return the kinds of the events that came since the last call."""
        kinds = []
        while batch := self._log.read(after=self._position, limit=1000):
            self._position = batch[-1].position
            kinds += [notification.event.kind for notification in batch]
        return kinds


@pytest.fixture(scope="session")
def log(beside: Hindsight) -> Log:
    """The log of all events of the shared server."""
    return Log(beside)


@pytest.fixture
def nothing_written(log: Log, admin: Project) -> Iterator[None]:
    """Check that a test changed nothing: no event, no image, and the server still answers."""
    query = "sort=updated_at:desc&limit=5"
    log.news()
    before = admin.page(query)["images"]
    yield
    assert log.news() == []
    assert admin.page(query)["images"] == before

"""Random commands on a real catalog: after each one, rebuilt equals live.

What is shown and listed is held against a model of plain dicts. A command that is refused must
change nothing; which ones are refused is for the domain's tests to say.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar
from uuid import UUID

import orjson
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from app.catalog import Catalog, Change
from domain.errors import HindsightError
from domain.image import Description, StoredData
from domain.origin import Actor, Origin
from projections.image_list import read_models
from projections.image_query import ImageQueries, ImageQuery
from storage.blobs.filesystem import FilesystemBlobStore
from storage.database import operational
from tests.contract.conftest import DATABASES, connected, log_of, url_of
from tests.projections.conftest import live, rebuilt


def origin(user: str, project: str, role: str) -> Origin:
    actor = Actor(user=user, project=project, roles=(role,))
    return Origin(actor=actor, request_id=f"req-{user}")


MEMBER = origin("alice", "blue", "member")
OTHER = origin("bob", "red", "member")
ADMIN = origin("root", "green", "admin")
EVERYBODY = (MEMBER, OTHER, ADMIN)

DATA = StoredData(
    size=1, virtual_size=None, checksum="c4ca", os_hash_algo="sha512", os_hash_value="4dff"
)
IDS = 9
PICKS = st.integers(0, IDS - 1)
PEOPLE = st.sampled_from(["owner", "owner", "owner", "admin", "stranger"])
TAGS = st.sampled_from(["a", "b", "ü", "not/one"])
TAG_SETS = st.sets(TAGS.filter(str.isalpha), max_size=3)
NAMES = st.sampled_from(["os", "zone", "ü"])
VALUES = st.sampled_from(["", "1", 'ü"\n'])
VISIBILITIES = st.sampled_from(["shared", "private", "community", "public"])
PROPERTY_CHANGES = st.builds(
    Change, st.sampled_from(["add", "replace", "remove"]), NAMES, VALUES, must_be_new=st.booleans()
)
ATTRIBUTE_CHANGES = st.one_of(
    *(
        st.builds(Change, st.just("replace"), st.just(name), values, is_attribute=st.just(True))
        for name, values in {
            "name": st.sampled_from([None, "a", "ü"]),
            "owner": st.sampled_from(["blue", "red"]),
            "visibility": VISIBILITIES,
            "disk_format": st.sampled_from([None, "raw"]),
            "container_format": st.sampled_from([None, "bare"]),
            "min_disk": st.integers(0, 2),
            "protected": st.booleans(),
            "os_hidden": st.booleans(),
            "tags": TAG_SETS,
        }.items()
    )
)
PATCHES = st.lists(PROPERTY_CHANGES | ATTRIBUTE_CHANGES, min_size=1, max_size=4)

DESCRIPTIONS = st.fixed_dictionaries({
    "name": st.sampled_from([None, "a"]),
    "visibility": VISIBILITIES,
    "disk_format": st.just("raw"),
    "container_format": st.just("bare"),
    "min_disk": st.integers(0, 2),
    "min_ram": st.integers(0, 2),
    "protected": st.just(False),
    "os_hidden": st.booleans(),
    "tags": TAG_SETS,
    "properties": st.dictionaries(NAMES, VALUES),
})  # fmt: skip

Model = dict[str, Any]
Rule = TypeVar("Rule", bound=Callable[..., None])


def when(*statuses: str) -> Callable[[Rule], Rule]:
    """Run a rule only while there is an image, of one of the statuses if any is named."""

    def is_time(machine: Any) -> bool:
        found = [model["status"] for model in machine.models.values()]
        return any(status in found for status in statuses or found)

    return precondition(is_time)


class Commands(RuleBasedStateMachine):
    """A few images of two projects, and everything that people do to them."""

    database = DATABASES[0]

    def __init__(self) -> None:
        super().__init__()
        self._open = ExitStack()
        folder = Path(self._open.enter_context(TemporaryDirectory()))
        datastore = self._open.enter_context(connected(url_of(self.database, folder)))
        self.engine = datastore.engine
        self.log = log_of(datastore)
        self.log.create_tables(operational, read_models)
        self.queries = ImageQueries(self.engine)
        self.catalog = Catalog(self.log, FilesystemBlobStore(folder / "blobs"), lease=30)
        self.models: dict[UUID, Model] = {}  # the oldest first; deleted images are not here
        self.attempts: dict[UUID, UUID] = {}

    def teardown(self) -> None:
        self._open.close()

    def chosen(self, pick: int, *, status: str | None = None) -> UUID:
        """Return one of the images that there are, of a status if there is any of it."""
        of_status = [key for key, model in self.models.items() if model["status"] == status]
        candidates = of_status or list(self.models)
        return candidates[pick % len(candidates)]

    def person(self, who: str, image_id: UUID) -> Origin:
        """Return who asks: the image's owner, somebody else, or an admin."""
        if who == "admin":
            return ADMIN
        owns = self.models[image_id]["owner"] == MEMBER.actor.project
        return MEMBER if owns == (who == "owner") else OTHER

    @contextmanager
    def changing(self, image_id: UUID) -> Iterator[Model]:
        """Give the model to be changed; when the command is refused it stays as it was."""
        model = dict(self.models[image_id])
        with suppress(HindsightError):
            yield model
            self.models[image_id] = model

    @rule(number=st.integers(1, IDS), said=DESCRIPTIONS, by=st.sampled_from([MEMBER, OTHER, ADMIN]))
    def create(self, number: int, said: Model, by: Origin) -> None:
        image_id = UUID(int=number)
        facts = {**said, "owner": by.actor.project}
        description = Description(**{**facts, "tags": tuple(said["tags"])})
        with suppress(HindsightError):
            self.catalog.create_image(description, image_id=image_id, by=by)
            self.models[image_id] = {"status": "queued", "size": None, "checksum": None, **facts}

    @when()
    @rule(pick=PICKS, changes=PATCHES, who=PEOPLE)
    def patch(self, pick: int, changes: list[Change], who: str) -> None:
        image_id = self.chosen(pick)
        with self.changing(image_id) as model:
            self.catalog.patch_image(image_id, changes, by=self.person(who, image_id))
            for change in changes:
                apply_to(model, change)

    @when()
    @rule(pick=PICKS, tag=TAGS, who=PEOPLE)
    def add_tag(self, pick: int, tag: str, who: str) -> None:
        image_id = self.chosen(pick)
        with self.changing(image_id) as model:
            self.catalog.add_tag(image_id, tag, by=self.person(who, image_id))
            model["tags"] = model["tags"] | {tag}

    @when()
    @rule(pick=PICKS, tag=TAGS, who=PEOPLE)
    def remove_tag(self, pick: int, tag: str, who: str) -> None:
        image_id = self.chosen(pick)
        with self.changing(image_id) as model:
            self.catalog.remove_tag(image_id, tag, by=self.person(who, image_id))
            model["tags"] = model["tags"] - {tag}

    @when("queued", "killed")
    @rule(pick=PICKS, who=PEOPLE, status=st.sampled_from(["queued", "killed", None]))
    def start_upload(self, pick: int, who: str, status: str | None) -> None:
        image_id = self.chosen(pick, status=status)
        with self.changing(image_id) as model:
            by = self.person(who, image_id)
            _, self.attempts[image_id] = self.catalog.start_upload(image_id, by=by)
            model["status"] = "saving"

    @when("saving")
    @rule(pick=PICKS, who=PEOPLE, size=st.integers(0, 2))
    def commit_data(self, pick: int, who: str, size: int) -> None:
        image_id = self.chosen(pick, status="saving")
        attempt = self.attempts.get(image_id, image_id)
        data = replace(DATA, size=size)
        with self.changing(image_id) as model:
            self.catalog.commit_data(image_id, attempt, data, by=self.person(who, image_id))
            model.update(status="active", size=size, checksum=DATA.checksum)

    @when("saving")
    @rule(pick=PICKS, who=PEOPLE)
    def kill(self, pick: int, who: str) -> None:
        image_id = self.chosen(pick, status="saving")
        attempt = self.attempts.get(image_id, image_id)
        with self.changing(image_id) as model:
            self.catalog.kill(image_id, attempt, "cut", by=self.person(who, image_id))
            model["status"] = "killed"

    @when("active")
    @rule(pick=PICKS, status=st.sampled_from(["active", "active", None]))
    def deactivate(self, pick: int, status: str | None) -> None:
        image_id = self.chosen(pick, status=status)
        with self.changing(image_id) as model:
            self.catalog.deactivate(image_id, by=ADMIN)
            model["status"] = "deactivated"

    @when("deactivated")
    @rule(pick=PICKS, status=st.sampled_from(["deactivated", None]))
    def reactivate(self, pick: int, status: str | None) -> None:
        image_id = self.chosen(pick, status=status)
        with self.changing(image_id) as model:
            self.catalog.reactivate(image_id, by=ADMIN)
            model["status"] = "active"

    @when()
    @rule(pick=PICKS, who=PEOPLE)
    def begin_deletion(self, pick: int, who: str) -> None:
        """As delete_image does before it purges, from which a crash may keep it."""
        image_id = self.chosen(pick)
        with self.changing(image_id) as model:
            image = self.log.load(image_id)
            image.request_deletion(self.person(who, image_id))
            with self.log.transaction() as connection:
                self.log.append(connection, image.collect_events())
            model["status"] = "pending_delete"

    @when()
    @rule(pick=PICKS, who=PEOPLE)
    def delete(self, pick: int, who: str) -> None:
        image_id = self.chosen(pick)
        with suppress(HindsightError):
            self.catalog.delete_image(image_id, by=self.person(who, image_id))
            del self.models[image_id]

    @when("pending_delete")
    @rule(pick=PICKS)
    def purge(self, pick: int) -> None:
        image_id = self.chosen(pick, status="pending_delete")
        self.catalog.purge(image_id, by=ADMIN)
        if self.models[image_id]["status"] == "pending_delete":
            del self.models[image_id]

    @invariant()
    def rebuilt_equals_live(self) -> None:
        assert rebuilt(self.engine, self.log, batch=3) == live(self.engine)

    @invariant()
    def every_image_is_shown_as_the_model_says(self) -> None:
        for number in range(1, IDS + 1):
            image_id = UUID(int=number)
            shown = self.queries.show(image_id)
            expected = self.models.get(image_id)
            assert (shown is None) == (expected is None)
            if shown is not None and expected is not None:
                assert seen(shown.document, expected) == expected

    @invariant()
    def everybody_lists_what_the_model_says(self) -> None:
        for by in EVERYBODY:
            found: list[str] = []
            marker = None
            while True:
                page = self.queries.page(ImageQuery(limit=2, marker=marker), by.actor)
                found += [orjson.loads(text)["id"] for text in page.documents]
                if page.next_marker is None:
                    break
                marker = UUID(page.next_marker)
            newest_first = reversed(self.models.items())
            assert found == [str(key) for key, model in newest_first if lists(by.actor, model)]

    @invariant()
    def the_row_has_the_version_of_the_aggregate(self) -> None:
        for image_id in self.models:
            shown = self.queries.show(image_id)
            assert shown is not None
            assert shown.version == self.log.load(image_id).version


def apply_to(model: Model, change: Change) -> None:
    """Do to the model what an accepted change means."""
    if change.is_attribute:
        model[change.name] = change.value
    elif change.op == "remove":
        model["properties"] = {k: v for k, v in model["properties"].items() if k != change.name}
    else:
        model["properties"] = model["properties"] | {change.name: change.value}


def seen(document: str, model: Model) -> Model:
    """Return what a document says, as the model spells it."""
    shown = orjson.loads(document)
    found = {name: shown[name] for name in model if name not in {"tags", "properties"}}
    assert shown["tags"] == sorted(shown["tags"])
    return found | {
        "tags": set(shown["tags"]),
        "properties": {name: shown[name] for name in shown if name in {"os", "zone", "ü"}},
    }


def lists(viewer: Actor, model: Model) -> bool:
    """Whether a plain list shows an image to a viewer."""
    if model["status"] == "pending_delete" or model["os_hidden"]:
        return False
    if model["owner"] == viewer.project:
        return True
    return model["visibility"] == "public" or (
        viewer.is_admin and model["visibility"] != "community"
    )


TestCommands = Commands.TestCase
TestCommands.settings = settings(
    deadline=None,
    max_examples=25,
    stateful_step_count=25,
    suppress_health_check=[HealthCheck.too_slow],
)

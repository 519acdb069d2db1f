"""Random lives of images, beside a model of plain dicts that says what must come out."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, precondition, rule

from domain import errors
from domain.errors import HindsightError
from domain.events import ImageEvent
from domain.image import Description, Image, StoredData
from domain.origin import Actor, Origin
from storage.mapper import EventMapper
from storage.snapshots import ImageSnapshot

ALICE = Origin(actor=Actor(user="alice", project="blue", roles=("member",)), request_id="req-1")
DATA = StoredData(
    size=1, virtual_size=None, checksum="c4ca", os_hash_algo="sha512", os_hash_value="4dff"
)

# Few values, so that commands meet each other's: the same tag twice, a stale attempt.
ATTEMPTS = st.sampled_from([UUID(int=number) for number in (101, 102)])
BAD_TEXTS = ["\0", "\ud800", "\N{PENGUIN}"]
TEXTS = st.sampled_from(["", "a", "ü\n", *BAD_TEXTS])
BAD_TAGS = ["", "..", "a/b", "\0"]
GOOD_TAGS = ["a", "b", "ü"]
TAGS = st.sampled_from([*GOOD_TAGS, *BAD_TAGS])
RESERVED = ["deleted", "os_glance_x"]
PROPERTY_NAMES = st.sampled_from(["a", "b", *RESERVED])
VISIBILITIES = st.sampled_from(["public", "community", "shared", "private"])
FORMATS = {
    "disk_format": st.sampled_from([None, "raw", "qcow2"]),
    "container_format": st.sampled_from([None, "bare"]),
}
NUMBERS = st.integers(0, 2)

Model = dict[str, Any]
Refusal = type[HindsightError] | None

OPEN_TO = {
    "start_upload": {"queued", "killed"},
    "another format": {"queued", "killed"},
    "commit_data": {"saving"},
    "kill": {"saving"},
    "deactivate": {"active", "deactivated"},
    "reactivate": {"active", "deactivated"},
    "finish_deletion": {"pending_delete"},
}
"""The statuses in which a command makes sense; all others make sense until the ending."""

ENDING = {"pending_delete", "deleted"}


def seen(image: Image) -> Model:
    """Return all that an image shows, as the model spells it."""
    names = (
        "version", "status", "name", "owner", "visibility", "disk_format", "container_format",
        "min_disk", "min_ram", "protected", "os_hidden", "tags", "properties", "attempt", "store",
    )  # fmt: skip
    return {name: getattr(image, name) for name in names}


def change(model: Model, **facts: Any) -> None:
    """Assign facts to the model: one event if any of them is new, else none."""
    if any(model[name] != value for name, value in facts.items()):
        model.update(facts, version=model["version"] + 1)


class Lives(RuleBasedStateMachine):
    """Up to three images, so that one can't change with another unnoticed."""

    images = Bundle("images")

    def __init__(self) -> None:
        super().__init__()
        self.live: dict[UUID, Image] = {}
        self.models: dict[UUID, Model] = {}
        self.histories: dict[UUID, list[ImageEvent]] = {}

    def ask(self, image_id: UUID, refusal: Refusal, command: Callable[[Image], None]) -> None:
        """Run the command, which must be refused exactly as the model says."""
        image = self.live[image_id]
        if refusal:
            with pytest.raises(refusal) as raised:
                command(image)
            assert type(raised.value) is refusal
        else:
            command(image)
        self.collect(image)

    def collect(self, image: Image) -> None:
        self.histories.setdefault(image.id, []).extend(image.collect_events())

    @precondition(lambda self: len(self.live) < 3)
    @rule(
        target=images,
        formats=st.fixed_dictionaries(FORMATS),
        visibility=VISIBILITIES,
        protected=st.booleans(),
        tags=st.sets(st.sampled_from(GOOD_TAGS)),
    )
    def register(
        self, formats: dict[str, Any], visibility: str, protected: bool, tags: set[str]
    ) -> UUID:
        image_id = UUID(int=len(self.live) + 1)
        said = {"owner": "blue", "visibility": visibility, "protected": protected, **formats}
        image = Image.register(image_id, Description(tags=tuple(tags), **said), ALICE)
        self.live[image_id] = image
        self.collect(image)
        self.models[image_id] = {
            "version": 1,
            "status": "queued",
            "name": None,
            "min_disk": 0,
            "min_ram": 0,
            "os_hidden": False,
            "tags": tags,
            "properties": {},
            "attempt": None,
            "store": None,
            **said,
        }
        return image_id

    @rule(image_id=images, attempt=ATTEMPTS)
    def start_upload(self, image_id: UUID, attempt: UUID) -> None:
        model = self.models[image_id]
        refusal: Refusal = None
        if model["status"] not in OPEN_TO["start_upload"]:
            refusal = errors.StatusConflict
        elif model["disk_format"] is None or model["container_format"] is None:
            refusal = errors.MissingFormats

        self.ask(image_id, refusal, lambda image: image.start_upload(attempt, store="s", by=ALICE))

        if not refusal:
            change(model, status="saving", attempt=attempt, store="s")

    @rule(image_id=images, attempt=ATTEMPTS)
    def commit_data(self, image_id: UUID, attempt: UUID) -> None:
        model = self.models[image_id]
        runs = model["status"] in OPEN_TO["commit_data"] and model["attempt"] == attempt
        refusal = None if runs else errors.AttemptSuperseded

        self.ask(image_id, refusal, lambda image: image.commit_data(attempt, DATA, by=ALICE))

        if runs:
            change(model, status="active")

    @rule(image_id=images, attempt=ATTEMPTS)
    def kill(self, image_id: UUID, attempt: UUID) -> None:
        model = self.models[image_id]
        runs = model["status"] in OPEN_TO["kill"] and model["attempt"] == attempt
        refusal = None if runs else errors.AttemptSuperseded

        self.ask(image_id, refusal, lambda image: image.kill(attempt, "timeout", by=ALICE))

        if runs:
            change(model, status="killed", attempt=None, store=None)

    @rule(image_id=images, text=TEXTS)
    def change_name(self, image_id: UUID, text: str) -> None:
        model = self.models[image_id]
        refusal: Refusal = errors.InvalidValue if text in BAD_TEXTS else None
        if model["status"] in ENDING:
            refusal = errors.BeingDeleted

        self.ask(image_id, refusal, lambda image: image.change_attribute("name", text, by=ALICE))

        if not refusal:
            change(model, name=text)

    @rule(image_id=images, formats=st.fixed_dictionaries(FORMATS))
    def change_formats(self, image_id: UUID, formats: dict[str, str | None]) -> None:
        model = self.models[image_id]
        for name, value in formats.items():
            refusal: Refusal = None
            if model["status"] in ENDING:
                refusal = errors.BeingDeleted
            elif model["status"] not in OPEN_TO["another format"] and model[name] != value:
                refusal = errors.StatusConflict

            self.ask(image_id, refusal, self.changing(name, value))

            if not refusal:
                change(model, **{name: value})

    @rule(
        image_id=images,
        change_of=st.one_of(
            st.tuples(st.sampled_from(["min_disk", "min_ram"]), NUMBERS),
            st.tuples(st.sampled_from(["protected", "os_hidden"]), st.booleans()),
        ),
    )
    def change_setting(self, image_id: UUID, change_of: tuple[str, int | bool]) -> None:
        model = self.models[image_id]
        refusal = errors.BeingDeleted if model["status"] in ENDING else None

        self.ask(image_id, refusal, self.changing(*change_of))

        if not refusal:
            change(model, **dict([change_of]))

    @rule(image_id=images, visibility=VISIBILITIES)
    def change_visibility(self, image_id: UUID, visibility: str) -> None:
        model = self.models[image_id]
        refusal = errors.BeingDeleted if model["status"] in ENDING else None

        self.ask(image_id, refusal, lambda image: image.change_visibility(visibility, by=ALICE))

        if not refusal:
            change(model, visibility=visibility)

    @rule(image_id=images, name=PROPERTY_NAMES, value=TEXTS)
    def set_property(self, image_id: UUID, name: str, value: str) -> None:
        model = self.models[image_id]
        refusal: Refusal = None
        if model["status"] in ENDING:
            refusal = errors.BeingDeleted
        elif name in RESERVED:
            refusal = errors.ReservedAttribute
        elif value in BAD_TEXTS:
            refusal = errors.InvalidValue

        self.ask(image_id, refusal, lambda image: image.set_property(name, value, by=ALICE))

        if not refusal:
            change(model, properties=model["properties"] | {name: value})

    @rule(image_id=images, name=PROPERTY_NAMES)
    def remove_property(self, image_id: UUID, name: str) -> None:
        model = self.models[image_id]
        left = {key: value for key, value in model["properties"].items() if key != name}
        refusal: Refusal = errors.PropertyMissing if left == model["properties"] else None
        if model["status"] in ENDING:
            refusal = errors.BeingDeleted

        self.ask(image_id, refusal, lambda image: image.remove_property(name, by=ALICE))

        if not refusal:
            change(model, properties=left)

    @rule(image_id=images, tag=TAGS)
    def add_tag(self, image_id: UUID, tag: str) -> None:
        model = self.models[image_id]
        refusal: Refusal = errors.InvalidValue if tag in BAD_TAGS else None
        if model["status"] in ENDING:
            refusal = errors.BeingDeleted

        self.ask(image_id, refusal, lambda image: image.add_tag(tag, by=ALICE))

        if not refusal:
            change(model, tags=model["tags"] | {tag})

    @rule(image_id=images, tag=TAGS)
    def remove_tag(self, image_id: UUID, tag: str) -> None:
        model = self.models[image_id]
        refusal: Refusal = None if tag in model["tags"] else errors.TagNotFound
        if model["status"] in ENDING:
            refusal = errors.BeingDeleted

        self.ask(image_id, refusal, lambda image: image.remove_tag(tag, by=ALICE))

        if not refusal:
            change(model, tags=model["tags"] - {tag})

    @rule(image_id=images, tags=st.sets(TAGS, max_size=4))
    def replace_tags(self, image_id: UUID, tags: set[str]) -> None:
        model = self.models[image_id]
        refusal: Refusal = errors.InvalidValue if tags & set(BAD_TAGS) else None
        if model["status"] in ENDING:
            refusal = errors.BeingDeleted

        self.ask(image_id, refusal, lambda image: image.replace_tags(tags, by=ALICE))

        if not refusal:
            model["version"] += len(tags ^ model["tags"])
            model["tags"] = tags

    @rule(image_id=images)
    def deactivate(self, image_id: UUID) -> None:
        model = self.models[image_id]
        makes_sense = model["status"] in OPEN_TO["deactivate"]
        refusal = None if makes_sense else errors.WrongStatusForAction

        self.ask(image_id, refusal, lambda image: image.deactivate(by=ALICE))

        if makes_sense:
            change(model, status="deactivated")

    @rule(image_id=images)
    def reactivate(self, image_id: UUID) -> None:
        model = self.models[image_id]
        makes_sense = model["status"] in OPEN_TO["reactivate"]
        refusal = None if makes_sense else errors.WrongStatusForAction

        self.ask(image_id, refusal, lambda image: image.reactivate(by=ALICE))

        if makes_sense:
            change(model, status="active")

    @rule(image_id=images)
    def request_deletion(self, image_id: UUID) -> None:
        model = self.models[image_id]
        refusal: Refusal = errors.ImageProtected if model["protected"] else None
        if model["status"] in ENDING:
            refusal = errors.BeingDeleted

        self.ask(image_id, refusal, lambda image: image.request_deletion(by=ALICE))

        if not refusal:
            change(model, status="pending_delete")

    @rule(image_id=images)
    def finish_deletion(self, image_id: UUID) -> None:
        model = self.models[image_id]
        makes_sense = model["status"] in OPEN_TO["finish_deletion"]
        refusal = None if makes_sense else errors.StatusConflict

        self.ask(image_id, refusal, lambda image: image.finish_deletion(by=ALICE))

        if makes_sense:
            change(model, attempt=None, store=None)
            change(model, status="deleted")

    def changing(self, name: str, value: str | int | None) -> Callable[[Image], None]:
        return lambda image: image.change_attribute(name, value, by=ALICE)

    @invariant()
    def images_are_as_the_model_says(self) -> None:
        assert {key: seen(image) for key, image in self.live.items()} == self.models

    @invariant()
    def rebuilt_equals_live(self) -> None:
        for key, events in self.histories.items():
            rebuilt: Image | None = None
            for event in events:
                rebuilt = event.mutate(rebuilt)
            assert rebuilt == self.live[key]

    @invariant()
    def stored_events_come_back_as_they_were(self) -> None:
        mapper = EventMapper()
        for events in self.histories.values():
            assert [mapper.to_domain_event(mapper.to_stored_event(e)) for e in events] == events

    @invariant()
    def a_snapshot_restores_the_image(self) -> None:
        for image in self.live.values():
            assert ImageSnapshot.take(image).mutate(None) == image

    @invariant()
    def time_never_goes_back(self) -> None:
        for events in self.histories.values():
            times = [event.timestamp for event in events]
            assert times == sorted(times)


TestLives = Lives.TestCase

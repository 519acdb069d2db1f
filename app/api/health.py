"""Whether this process is alive, and whether it can do its work."""

import logging
from collections.abc import Callable
from functools import partial
from threading import Lock, Thread
from time import monotonic

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue
from sqlalchemy import inspect

from app.api.request import arguments, parts
from domain.errors import DatabaseUnavailable, HindsightError, InvalidValue, StoreUnavailable
from projections import image_list
from storage.blobs.protocol import BlobError, BlobStore
from storage.database import operational
from storage.events import EventLog
from storage.recorder import EVENTS_TABLE, SNAPSHOTS_TABLE

log = logging.getLogger(__name__)

bp = Blueprint("health", __name__)

PATIENCE = 2  # seconds that all checks get
TABLES = {EVENTS_TABLE, SNAPSHOTS_TABLE, *operational.tables, *image_list.read_models.tables}


@bp.get("/healthcheck")
def check_health() -> ResponseReturnValue:
    """Say that this process answers; with `ready=1`, that it can do its work. Needs no token."""
    ready = arguments("ready").get("ready", "0")
    if ready not in {"0", "1"}:
        raise InvalidValue("ready", "must be 0 or 1")
    if ready == "1":
        parts().readiness.require()
    return jsonify({"status": "ok"})


class Readiness:
    """Checks what the service needs to work: its database, the tables in it, its store."""

    def __init__(self, events: EventLog, store: BlobStore) -> None:
        check_database = partial(_check_database, events)
        self._database = _Check("database", check_database, refusal=DatabaseUnavailable)
        self._store = _Check("store", partial(_check_store, store), refusal=StoreUnavailable)

    def require(self) -> None:
        """Refuse, naming each part that fails and why, unless all of them are well.

        Raises:
            DatabaseUnavailable, StoreUnavailable: the field is the first part that fails.
        """
        failures = _failures(self._database, self._store)
        if failures:
            reasons = (f"{failure.field}: {failure.message}" for failure in failures)
            raise type(failures[0])("; ".join(reasons), field=failures[0].field) from failures[0]

    def database_answers(self) -> bool:
        """Whether the database is well; it may fail or hang right afterwards all the same."""
        return not _failures(self._database)


class _Check:
    """One check, in a thread: a part that hangs must not hang whoever asks for it."""

    def __init__(
        self, part: str, check: Callable[[], None], *, refusal: type[HindsightError]
    ) -> None:
        """Take the part's name, what raises if it is not well, and the refusal that this means."""
        self._part = part
        self._check = check
        self._refusal = refusal
        self._lock = Lock()
        self._thread: Thread | None = None
        self._failure: HindsightError | None = None

    def start(self) -> None:
        """Begin, unless the last check still runs."""
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = Thread(target=self._run, name=f"check {self._part}", daemon=True)
                self._thread.start()

    def failure(self, *, until: float) -> HindsightError | None:
        """Return what the check found wrong, or that it did not end until then (monotonic)."""
        if self._thread is not None:
            self._thread.join(max(until - monotonic(), 0))
            if self._thread.is_alive():
                return self._refusal(f"no answer within {PATIENCE} seconds", field=self._part)
        return self._failure

    def _run(self) -> None:
        self._failure = self._look()

    def _look(self) -> HindsightError | None:
        try:
            self._check()
        except HindsightError as error:
            failure = self._refusal(error.message, field=error.field or self._part)
            failure.__cause__ = error
            return failure
        except Exception as error:
            log.exception("the check of the %s failed", self._part)
            return self._refusal(f"failed: {type(error).__name__}", field=self._part)
        return None


def _failures(*checks: _Check) -> list[HindsightError]:
    until = monotonic() + PATIENCE
    for check in checks:
        check.start()
    found = (check.failure(until=until) for check in checks)
    return [failure for failure in found if failure]


def _check_database(events: EventLog) -> None:
    with events.transaction(commit=False) as connection:
        missing = TABLES - set(inspect(connection).get_table_names())
    if missing:
        raise DatabaseUnavailable(f"lacks {', '.join(sorted(missing))}", field="schema")


def _check_store(store: BlobStore) -> None:
    try:
        store.check()
    except BlobError as error:
        raise StoreUnavailable(str(error)) from error

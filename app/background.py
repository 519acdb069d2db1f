"""What a process does beside answering requests: renew leases, end what others left behind."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from threading import Event, Thread

from app.catalog import Catalog
from app.uploads import Uploads, service_origin
from projections.image_query import ImageQueries
from storage.events import EventLog
from storage.leases import expired

log = logging.getLogger(__name__)

LOST = "the upload's process died or lost its connection; the data was dropped"


class Reaper:
    """Ends what a dead process left: uploads without a lease, deletions half done.

    Any number may run: each step is safe to repeat, and of several only one is recorded.
    """

    def __init__(
        self,
        catalog: Catalog,
        log_: EventLog,
        images: ImageQueries,
        *,
        delayed_delete: timedelta,
    ) -> None:
        """Take the parts, and how long a deleted image can be restored."""
        self._delayed_delete = delayed_delete
        self._catalog = catalog
        self._log = log_
        self._images = images

    def run_once(self) -> None:
        """Kill the uploads whose lease ran out and finish the deletions that are due."""
        by = service_origin()
        now = datetime.now(UTC)
        with self._log.transaction(commit=False) as connection:
            dead = expired(connection, at=now)
        for lease in dead:
            with _going_on(f"giving up upload {lease.attempt}"):
                self._catalog.give_up(lease.image_id, lease.attempt, LOST, by=by)
        for image_id in self._images.in_deletion(until=now - self._delayed_delete):
            with _going_on(f"deleting image {image_id}"):
                self._catalog.purge(image_id, by=by)


class Background:
    """The threads that repeat these duties until they are stopped."""

    def __init__(self, uploads: Uploads, reaper: Reaper, *, lease: float) -> None:
        """Take how many seconds a lease holds: renewals come three times as often."""
        self._uploads = uploads
        self._reaper = reaper
        self._lease = lease
        self._stopped = Event()

    def start(self) -> None:
        """Start the threads; they end with the process or at `stop`."""
        self._repeat(self._uploads.renew_leases, every=self._lease / 3)
        self._repeat(self._reaper.run_once, every=self._lease / 2)

    def stop(self) -> None:
        """Let the threads end after what they are doing."""
        self._stopped.set()

    def _repeat(self, duty: Callable[[], None], *, every: float) -> None:
        def run() -> None:
            while not self._stopped.wait(every):
                with _going_on(duty.__qualname__):
                    duty()

        Thread(target=run, name=duty.__qualname__, daemon=True).start()


@contextmanager
def _going_on(what: str) -> Iterator[None]:
    """Log what fails and go on: this is the rim, and the next round tries again."""
    try:
        yield
    except Exception:
        log.exception("%s failed", what)

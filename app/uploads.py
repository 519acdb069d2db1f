"""The life of an upload, and what keeps it alive: leases renewed, ended when the server stops."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from threading import Lock
from typing import BinaryIO
from uuid import UUID, uuid4

from app.catalog import Catalog, blob_key
from app.metrics import Metrics
from domain.errors import (
    AttemptSuperseded,
    FormatRefused,
    HindsightError,
    InternalFailure,
    LimitExceeded,
    StoreFull,
    StoreUnavailable,
    TransferFailed,
)
from domain.image import Image, StoredData
from domain.origin import Actor, Origin
from storage.blobs import protocol as blobs
from storage.format_check import FormatMismatch
from storage.intake import Intake

CHUNK = 1 << 20  # bytes read from a request at a time
SERVICE = Actor(user="hindsight", project="hindsight", roles=("service",))

log = logging.getLogger(__name__)


def service_origin() -> Origin:
    """Return the origin of what Hindsight does by itself."""
    return Origin(actor=SERVICE, request_id=f"req-{uuid4()}")


@dataclass(frozen=True)
class Body:
    """Image data on its way in, and what its sender says of it."""

    stream: BinaryIO
    length: int | None  # bytes announced by Content-Length; None when chunked
    size: int | None = None  # bytes, by x-openstack-image-size
    checksum: str | None = None  # MD5, hex, by Content-MD5

    def chunks(self, *, cap: int) -> Iterator[bytes]:
        """Yield the data; TransferFailed when it ends early, LimitExceeded past cap bytes."""
        received = 0
        while chunk := self._read():
            received += len(chunk)
            if received > cap:
                raise LimitExceeded(f"the data has more than the {cap} bytes allowed")
            yield chunk
        self._require("Content-Length", self.length, received)
        self._require("x-openstack-image-size", self.size, received)

    def _read(self) -> bytes:
        try:
            return self.stream.read(CHUNK)
        except Exception as error:
            # Servers raise errors of their own kinds here, and all mean that the sender is gone.
            raise TransferFailed("body", "the data ended early") from error

    @staticmethod
    def _require(header: str, announced: int | None, received: int) -> None:
        if announced is not None and announced != received:
            raise TransferFailed(header, f"announces {announced} bytes, but {received} came")


class Uploads:
    """The uploads that run in this process."""

    def __init__(
        self,
        catalog: Catalog,
        store: blobs.BlobStore,
        metrics: Metrics,
        *,
        os_hash_algo: str,
        cap: int,
    ) -> None:
        """Take the parts; cap is the most bytes that an image's data may have."""
        self._catalog = catalog
        self._store = store
        self._metrics = metrics
        self._os_hash_algo = os_hash_algo
        self._cap = cap
        self._lock = Lock()
        self._running: dict[UUID, UUID] = {}  # attempt: image

    def receive(self, image_id: UUID, body: Body, *, by: Origin) -> None:
        """Store an image's data and make the image active.

        Whatever fails in between is recorded as the reason of `killed`, and no byte is kept.

        Raises:
            TransferFailed, LimitExceeded, FormatRefused, StoreFull, StoreUnavailable: see there.
            AttemptSuperseded: the image was deleted meanwhile, or this process slept too long.
        """
        if body.length is not None and body.length > self._cap:
            raise LimitExceeded(
                f"Content-Length: {body.length} bytes exceed the {self._cap} allowed"
            )
        image, attempt = self._catalog.start_upload(image_id, by=by)
        with self._remember(image_id, attempt):
            try:
                data = self._write(image, attempt, body)
                self._catalog.commit_data(image_id, attempt, data, by=by)
            except Exception as error:
                refusal = _refusal_of(error, attempt)
                self._give_up(image_id, attempt, refusal.message, by=by)
                raise refusal from error

    def renew_leases(self) -> None:
        """Show that the uploads of this process live; to be called well within a lease."""
        self._catalog.renew_leases(self._attempts())

    def abort(self, reason: str) -> None:
        """End every running upload, recording why."""
        by = service_origin()
        for attempt, image_id in self._attempts().items():
            self._give_up(image_id, attempt, reason, by=by)

    def _give_up(self, image_id: UUID, attempt: UUID, reason: str, *, by: Origin) -> None:
        try:
            self._catalog.give_up(image_id, attempt, reason, by=by)
        except (HindsightError, blobs.BlobError):
            log.exception("upload %s is left to the reaper", attempt)

    def _attempts(self) -> dict[UUID, UUID]:
        with self._lock:
            return dict(self._running)

    @contextmanager
    def _remember(self, image_id: UUID, attempt: UUID) -> Iterator[None]:
        with self._lock:
            self._running[attempt] = image_id
        self._metrics.uploads.inc()
        try:
            yield
        finally:
            self._metrics.uploads.dec()
            with self._lock:
                del self._running[attempt]

    def _counted(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            self._metrics.received.inc(len(chunk))
            yield chunk

    def _write(self, image: Image, attempt: UUID, body: Body) -> StoredData:
        intake = Intake(
            os_hash_algo=self._os_hash_algo,
            disk_format=str(image.disk_format),
            container_format=str(image.container_format),
        )
        learned: list[StoredData] = []

        def checked() -> Iterator[bytes]:
            yield from intake.watch(self._counted(body.chunks(cap=self._cap)))
            # The verdict comes before the store publishes: what is refused here leaves no blob.
            data = StoredData(**asdict(intake.finish()))
            if body.checksum is not None and body.checksum != data.checksum:
                raise TransferFailed("Content-MD5", f"the data's MD5 is {data.checksum}")
            learned.append(data)

        self._store.write(blob_key(image.id, attempt), checked())
        return learned[0]


def _refusal_of(error: Exception, attempt: UUID) -> HindsightError:
    """Return what an error in mid-transfer means to the one who uploads."""
    match error:
        case HindsightError():
            return error
        case FormatMismatch():
            return FormatRefused(str(error), field="disk_format")
        case blobs.StoreFull():
            return StoreFull("the store has no room for the data")
        case blobs.BlobNotFound():
            return AttemptSuperseded(attempt)
        case blobs.BlobError():
            return StoreUnavailable(f"the store failed: {error}")
        case _:
            log.exception("upload %s failed", attempt, exc_info=error)
            return InternalFailure("the upload failed for a reason inside of the service")

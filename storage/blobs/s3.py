"""Blobs in a bucket of an S3 server, as PREFIX/IMAGE/ATTEMPT; large ones are sent in parts.

minio-py's public put_object sends three parts at a time and mixes the errors of the source with
those of the server, and no public call lists or aborts unfinished uploads. So the requests of a
multipart upload are made here one by one, with the private methods that put_object is made of
(hence the narrow pin of minio). minio-py adds a checksum to each request with a body, and the
server refuses what does not match: SHA-256 over http, MD5 over https.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from io import BufferedReader, BytesIO, RawIOBase
from itertools import chain
from typing import TYPE_CHECKING, Any, BinaryIO
from xml.etree.ElementTree import ParseError

from minio import Minio
from minio.commonconfig import ENABLED, Filter
from minio.datatypes import Part
from minio.error import MinioException, S3Error, ServerError
from minio.lifecycleconfig import AbortIncompleteMultipartUpload, LifecycleConfig, Rule
from urllib3 import BaseHTTPResponse, PoolManager, Retry, Timeout
from urllib3.exceptions import HTTPError

from storage.blobs.protocol import (
    BlobError,
    BlobNotFound,
    InvalidKey,
    KeyTaken,
    StoreFull,
    StoreUnavailable,
    checked,
)

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

PART_BYTES = 8 * 1024 * 1024  # of the first parts
_PARTS_OF_A_SIZE = 350  # then they grow: S3 takes 10,000 parts, which so hold 1.1 TiB
_DAYS_TO_FINISH = 7  # after which the server drops what no sweep has dropped

_MISSING = {"NoSuchKey", "NoSuchUpload"}
_TAKEN = {"PreconditionFailed", "ConditionalRequestConflict"}
_FULL = {
    "EntityTooLarge",
    "QuotaExceeded",
    "XMinioAdminBucketQuotaExceeded",
    "XMinioStorageFull",
}
_INSUFFICIENT_STORAGE = 507
_PARTIAL_CONTENT = 206
_REASONS = {
    "AccessDenied": "the server refuses these credentials",
    "InvalidAccessKeyId": "the server does not know the access key",
    "NoSuchBucket": "the bucket does not exist",
    "RequestTimeTooSkewed": "the clocks of server and client differ too much",
    "SignatureDoesNotMatch": "the secret key is wrong",
}

log = logging.getLogger(__name__)


def open_s3(  # noqa: PLR0913 - each is a setting of its own
    endpoint: str, access_key: str, secret_key: str, *, secure: bool, bucket: str, prefix: str = ""
) -> "S3BlobStore":
    """Return the store under prefix in bucket of the server at endpoint, HOST[:PORT].

    The bucket is created when it is missing.

    Raises:
        StoreUnavailable: the server can't be reached, or refuses the credentials or the bucket.
        ValueError: endpoint is not of the form HOST[:PORT], or bucket is no name of a bucket.
    """
    client = Minio(endpoint, access_key, secret_key, secure=secure, http_client=_Http())
    store = S3BlobStore(client, bucket=bucket, prefix=prefix)
    store.prepare()
    return store


class _Http(PoolManager):
    """Repeats all that may be done twice, and the rest only when the server has not begun it.

    Publishing may not: a complete upload or a conditional PUT whose answer was lost would be
    refused the second time, as if another writer had been faster.
    """

    _REPEAT = Retry(
        total=3,
        backoff_factor=0.2,
        status_forcelist=[500, 502, 503, 504],
        allowed_methods=None,
        raise_on_status=False,
    )
    _ONCE = _REPEAT.new(read=0, other=0, status_forcelist=[503])  # 503: "slow down", not begun
    # The first number bounds the sending of a whole part too: http.client does it in one call.
    _SENDING = Timeout(connect=60, read=60)  # seconds
    _ASKING = Timeout(connect=5, read=60)

    def __init__(self) -> None:
        super().__init__(maxsize=32, cert_reqs="CERT_REQUIRED")

    def urlopen(  # type: ignore[override] # as urllib3's own: it leaves out what it passes on
        self, method: str, url: str, redirect: bool = True, **options: Any
    ) -> BaseHTTPResponse:
        is_part = method == "PUT" and "uploadId=" in url
        repeatable = is_part or method in {"GET", "HEAD", "DELETE"}
        options["retries"] = self._REPEAT if repeatable else self._ONCE
        options["timeout"] = self._SENDING if method == "PUT" else self._ASKING
        return super().urlopen(method, url, redirect=redirect, **options)


class S3BlobStore:
    """A BlobStore in a bucket of an S3 server, for itself or with others under their prefixes.

    S3 can't create an object atomically everywhere. A key IMAGE/ATTEMPT is unique by construction,
    so that only a bug has two writers; of two, the first to publish wins: a small blob is sent with
    `If-None-Match: *`, and a large one is published right after a look that the key is free.
    """

    def __init__(self, client: Minio, *, bucket: str, prefix: str = "") -> None:
        """Use client, made by open_s3 or with an HTTP client that never repeats POST or PUT."""
        self._client = client
        self._bucket = bucket
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""

    def prepare(self) -> None:
        """Create the bucket when it is missing, and let the server drop unfinished uploads.

        Raises:
            StoreUnavailable: the server can't be reached, or refuses the credentials or the bucket.
        """
        with _faults(self._bucket):
            if not self._client.bucket_exists(self._bucket):
                self._make_bucket()
        try:
            with _faults(self._bucket):
                self._expire_unfinished()
        except (BlobError, ValueError) as error:  # ValueError: rules that minio-py can't read
            log.warning("unfinished uploads won't expire by themselves: %s", error)

    def write(self, key: str, chunks: Iterable[bytes]) -> int:
        """Store all chunks under key; memory holds three parts at most.

        A part has 8 MiB in blobs of up to 2.7 GiB and grows with the blob, to 232 MiB at 1 TiB.
        """
        self._require_free(key)
        parts = _cut(chunks)
        first = next(parts)
        if len(first) < PART_BYTES:
            return self._publish(key, len(first), partial(self._put, key, first))
        parts = chain(iter([first]), parts)  # a list itself would keep the part to the end,
        del first  # and so would this name
        upload = _Upload(self._client, self._bucket, self._name(key), key)
        try:
            upload.send_all(parts)
            self._require_free(key)
            return self._publish(key, upload.size, upload.complete)
        except BaseException:
            upload.abandon()
            raise

    def open(self, key: str, *, start: int = 0) -> BinaryIO:
        name = self._name(key)
        with _faults(self._bucket, key):
            try:
                response = self._client.get_object(self._bucket, name, offset=start)
            except S3Error as error:
                if error.code == "InvalidRange":  # start is at the end or behind it
                    return BytesIO()
                raise
        download = BufferedReader(_Download(response, self._bucket), buffer_size=256 * 1024)
        if start and response.status != _PARTIAL_CONTENT:
            download.close()
            raise StoreUnavailable("The S3 server does not know ranges.")
        return download

    def size(self, key: str) -> int:
        name = self._name(key)
        with _faults(self._bucket, key):
            return self._client.stat_object(self._bucket, name).size or 0

    def delete(self, key: str) -> bool:
        if not self._holds(key):
            return False
        with _faults(self._bucket):
            self._client.remove_object(self._bucket, self._name(key))
        return True

    def keys(self) -> Iterator[str]:
        with _faults(self._bucket):
            for found in self._client.list_objects(
                self._bucket, prefix=self._prefix, recursive=True
            ):
                with suppress(InvalidKey):
                    yield checked((found.object_name or "").removeprefix(self._prefix))

    def sweep(self, key: str) -> None:
        """Abort the unfinished uploads of key; a small blob has none: one request publishes it."""
        name = self._name(key)
        with _faults(self._bucket):
            found = self._client._list_multipart_uploads(self._bucket, prefix=name)
        for upload in found.uploads:
            # Not all of the name: Ceph quotes it without saying so, and minio-py leaves it then.
            if upload.object_name.endswith(key) and upload.upload_id:
                _abort(self._client, self._bucket, name, upload.upload_id)

    def check(self) -> None:
        """Begin an upload and end it at once: that takes the right to write, and shows nothing."""
        name = f"{self._prefix}.check"
        try:
            with _faults(self._bucket):
                upload_id = self._client._create_multipart_upload(self._bucket, name, {})
            _abort(self._client, self._bucket, name, upload_id)
        except StoreFull as error:
            raise StoreUnavailable(str(error)) from error

    def _name(self, key: str) -> str:
        return self._prefix + checked(key)

    def _holds(self, key: str) -> bool:
        try:
            self.size(key)
        except BlobNotFound:
            return False
        return True

    def _require_free(self, key: str) -> None:
        if self._holds(key):
            raise KeyTaken(key)

    def _put(self, key: str, data: bytes) -> None:
        name = self._name(key)
        try:
            self._client._put_object(self._bucket, name, data, {"If-None-Match": "*"})
        except S3Error as error:
            if error.code != "NotImplemented":
                raise
            self._client._put_object(self._bucket, name, data)  # the look beforehand has to do

    def _publish(self, key: str, size: int, request: Callable[[], object]) -> int:
        """Make the blob of size bytes appear; when the answer is lost, look whether it did."""
        try:
            with _faults(self._bucket, key):
                request()
        except StoreUnavailable:
            with suppress(BlobError):
                if self.size(key) == size:
                    return size
            raise
        return size

    def _make_bucket(self) -> None:
        try:
            self._client.make_bucket(self._bucket)
        except S3Error as error:  # another process may be faster; not every server objects
            if error.code not in {"BucketAlreadyExists", "BucketAlreadyOwnedByYou"}:
                raise

    def _expire_unfinished(self) -> None:
        if self._client.get_bucket_lifecycle(self._bucket):
            return  # its owner's rules: ours would replace them
        rule = Rule(
            ENABLED,
            rule_filter=Filter(prefix=self._prefix),
            rule_id="hindsight-unfinished-uploads",
            abort_incomplete_multipart_upload=AbortIncompleteMultipartUpload(_DAYS_TO_FINISH),
        )
        self._client.set_bucket_lifecycle(self._bucket, LifecycleConfig([rule]))


class _Upload:
    """A multipart upload: one part is on its way while the next one is gathered."""

    def __init__(self, client: Minio, bucket: str, name: str, key: str) -> None:
        self._client, self._bucket, self._name, self._key = client, bucket, name, key
        self._sent: list[Part] = []
        self.size = 0
        with _faults(bucket, key):
            self._id = client._create_multipart_upload(bucket, name, {})

    def send_all(self, parts: Iterable[bytes]) -> None:
        """Send the parts; errors of their source pass through, once nothing is on its way."""
        sending: Future[None] | None = None
        with ThreadPoolExecutor(1) as thread:
            for part in parts:
                if sending:
                    sending.result()
                sending = thread.submit(self._send, part)
                self.size += len(part)
        if sending:
            sending.result()

    def complete(self) -> None:
        """Publish the blob."""
        done = self._client._complete_multipart_upload(
            self._bucket, self._name, self._id, self._sent
        )
        if not done.etag:  # S3 reports some failures as 200, with an error for a body
            raise ServerError("the server could not complete the upload", 500)

    def abandon(self) -> None:
        """Drop what was sent; what fails here is left to sweep and to the bucket's rule."""
        try:
            _abort(self._client, self._bucket, self._name, self._id)
        except BlobError as error:
            log.warning("the unfinished upload of %s is left: %s", self._key, error)

    def _send(self, part: bytes) -> None:
        number = len(self._sent) + 1
        with _faults(self._bucket, self._key):
            etag = self._client._upload_part(self._bucket, self._name, part, None, self._id, number)
        self._sent.append(Part(number, etag))


def _abort(client: Minio, bucket: str, name: str, upload_id: str) -> None:
    """End an unfinished upload; it may have ended already."""
    with _faults(bucket):
        try:
            client._abort_multipart_upload(bucket, name, upload_id)
        except S3Error as error:
            if error.code != "NoSuchUpload":
                raise


def _cut(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the data in parts: the first always, however small; all but the last of full size."""
    number, part = 0, bytearray()
    for chunk in chunks:
        rest = memoryview(chunk)
        while len(part) + len(rest) >= (full := part_bytes(number)):
            missing = full - len(part)
            part += rest[:missing]
            rest = rest[missing:]
            complete, part, number = bytes(part), bytearray(), number + 1
            yield complete
        part += rest
    if part or not number:
        yield bytes(part)


def part_bytes(number: int) -> int:
    """Return the size of a blob's part; numbers start at 0 here."""
    return PART_BYTES * (1 + number // _PARTS_OF_A_SIZE)


class _Download(RawIOBase):
    """The body of a response; closing it gives its connection back, or ends it in mid-stream."""

    def __init__(self, response: BaseHTTPResponse, bucket: str) -> None:
        self._response = response
        self._bucket = bucket

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        room = memoryview(buffer).cast("B")
        with _faults(self._bucket):
            data = self._response.read(len(room), decode_content=False)
        room[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._response.close()
            self._response.release_conn()
        super().close()


@contextmanager
def _faults(bucket: str, key: str | None = None) -> Iterator[None]:
    """Turn what the server or the way to it reports into what the protocol promises."""
    try:
        yield
    except S3Error as error:
        raise _meaning(error, bucket, key) from error
    except ServerError as error:
        raise _unavailable(bucket, f"the server failed with status {error.status_code}") from error
    except (MinioException, ParseError) as error:
        raise _unavailable(bucket, "the server does not answer like an S3 server") from error
    except (HTTPError, OSError) as error:
        cause = getattr(error, "reason", None) or error
        raise _unavailable(bucket, f"the server can't be reached: {cause}") from error


def _meaning(error: S3Error, bucket: str, key: str | None) -> BlobError:
    if key and error.code in _MISSING:
        return BlobNotFound(key)
    if key and error.code in _TAKEN:
        return KeyTaken(key)
    reason = _REASONS.get(error.code or "", f"the server answers {error.code}")
    if error.code in _FULL or error.response.status == _INSUFFICIENT_STORAGE:
        return StoreFull(f"The S3 bucket {bucket} has no room: {reason}.")
    return _unavailable(bucket, reason)


def _unavailable(bucket: str, reason: str) -> StoreUnavailable:
    return StoreUnavailable(f"The S3 bucket {bucket} can't be used: {reason}.")

"""What is S3's own: unfinished uploads, credentials, buckets, prefixes, lost answers."""

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from minio.commonconfig import ENABLED, Filter
from minio.error import S3Error
from minio.lifecycleconfig import Expiration, LifecycleConfig, Rule
from urllib3 import HTTPResponse

from storage.blobs.protocol import (
    BlobNotFound,
    KeyTaken,
    StoreFull,
    StoreUnavailable,
)
from storage.blobs.s3 import PART_BYTES, S3BlobStore, open_s3, part_bytes
from tests import s3
from tests.s3 import Relay

PROJECT = Path(__file__).parents[2]
MIB = 1024 * 1024
IMAGE = "0f9d4bb2-6a3c-4a3e-8a4c-2f1d7b5a9e01"
KEY = f"{IMAGE}/7d1c0f6e-92b5-4f0a-b6f3-5b8e3c2a1d40"
OTHER_KEY = f"{IMAGE}/b3a8e5d2-1c47-4d9b-9f62-8e0d4c7b6a15"
WRONG = "not-the-secret"
LARGE = [bytes([n]) * MIB for n in range(20)]  # three parts

CONNECT = """
import os, re, signal, sys
from pathlib import Path
from tests.s3 import server

bucket, key = sys.argv[1:]
store = server().open(bucket)
"""

# The process ends as by `kill -9` when an upload has begun and nothing is published.
DIES_WHILE_WRITING = """
def chunks():
    for _ in range(20):
        yield bytes(1024 * 1024)
    os.kill(os.getpid(), signal.SIGKILL)

store.write(key, chunks())
"""

# VmHWM is the most memory that the process has had so far.
MEASURES_MEMORY = """
def peak():
    return int(re.search("VmHWM:\\\\s+(\\\\d+) kB", Path("/proc/self/status").read_text())[1])

store.write(key, [b"small"])
store.delete(key)
before = peak()
store.write(key, (bytes(1024 * 1024) for _ in range(200)))
sys.stdout.write(str(peak() - before))
"""


@pytest.fixture
def bucket() -> Iterator[str]:
    with s3.new_bucket() as bucket:
        yield bucket


@pytest.fixture
def blobs(bucket: str) -> S3BlobStore:
    return s3.server().open(bucket)


@pytest.fixture
def relay(request: pytest.FixtureRequest) -> Iterator[Relay]:
    relay = Relay(s3.server(), **request.param)
    yield relay
    relay.close()


def run(script: str, bucket: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", CONNECT + script, bucket, KEY]
    env = s3.server().environment()
    return subprocess.run(
        command, cwd=PROJECT, env=env, capture_output=True, text=True, check=False
    )


def connect(bucket: str, **changes: str) -> S3BlobStore:
    server = s3.server()
    settings = {
        "endpoint": server.endpoint,
        "access_key": server.access_key,
        "secret_key": server.secret_key,
    }
    return open_s3(**(settings | changes), secure=server.secure, bucket=bucket)


def read(blobs: S3BlobStore, key: str, *, start: int = 0) -> bytes:
    with blobs.open(key, start=start) as file:
        return file.read()


def test_an_error_in_mid_stream_aborts_the_upload(blobs: S3BlobStore, bucket: str) -> None:
    def torn() -> Iterator[bytes]:
        yield from LARGE
        assert len(s3.unfinished(bucket)) == 1
        raise ConnectionResetError("The client went away.")

    with pytest.raises(ConnectionResetError, match="The client went away"):
        blobs.write(KEY, torn())

    assert s3.unfinished(bucket) == []
    assert list(blobs.keys()) == []


def test_what_a_dead_process_left_is_swept(blobs: S3BlobStore, bucket: str) -> None:
    crashed = run(DIES_WHILE_WRITING, bucket)

    assert crashed.returncode == -signal.SIGKILL, crashed.stderr
    assert [name for name, _ in s3.unfinished(bucket)] == [KEY]
    blobs.sweep(OTHER_KEY)
    assert [name for name, _ in s3.unfinished(bucket)] == [KEY]

    blobs.sweep(KEY)

    assert s3.unfinished(bucket) == []
    assert blobs.write(KEY, [b"again"]) == 5


def test_a_large_write_that_was_swept_fails_and_leaves_nothing(
    blobs: S3BlobStore, bucket: str
) -> None:
    def swept() -> Iterator[bytes]:
        yield from LARGE
        blobs.sweep(KEY)

    with pytest.raises(BlobNotFound):
        blobs.write(KEY, swept())

    assert s3.unfinished(bucket) == []
    assert list(blobs.keys()) == []


def test_a_large_write_does_not_replace_what_came_between(blobs: S3BlobStore, bucket: str) -> None:
    def overtaken() -> Iterator[bytes]:
        yield from LARGE
        blobs.write(KEY, [b"fast"])

    with pytest.raises(KeyTaken):
        blobs.write(KEY, overtaken())

    assert read(blobs, KEY) == b"fast"
    assert s3.unfinished(bucket) == []


@pytest.mark.parametrize("size", [PART_BYTES - 1, PART_BYTES, PART_BYTES + 1, 2 * PART_BYTES])
def test_sizes_at_the_edges_of_parts_are_kept(blobs: S3BlobStore, size: int) -> None:
    content = bytes(range(251)) * (size // 251 + 1)

    assert blobs.write(KEY, [content[:size]]) == size

    assert read(blobs, KEY) == content[:size]
    assert read(blobs, KEY, start=PART_BYTES - 2) == content[PART_BYTES - 2 : size]


def test_the_parts_that_s3_takes_hold_the_largest_image() -> None:
    assert sum(map(part_bytes, range(10_000))) > 1 << 40


def test_memory_stays_small_however_large_the_blob(bucket: str) -> None:
    measured = run(MEASURES_MEMORY, bucket)

    assert measured.returncode == 0, measured.stderr
    assert int(measured.stdout) < 64 * 1024


def test_a_download_given_up_halfway_does_no_harm(blobs: S3BlobStore) -> None:
    blobs.write(KEY, LARGE)

    for _ in range(40):  # more than connections are kept
        with blobs.open(KEY, start=3 * MIB) as file:
            assert file.read(10) == bytes([3]) * 10

    assert read(blobs, KEY, start=19 * MIB) == LARGE[19]


def test_stores_under_other_prefixes_do_not_see_each_other(bucket: str) -> None:
    red, redder, whole = (s3.server().open(bucket, prefix=name) for name in ("red", "red/er", ""))
    red.write(KEY, [b"red"])
    redder.write(KEY, [b"redder"])
    redder.write(OTHER_KEY, [b"redder"])

    assert list(whole.keys()) == []
    assert list(red.keys()) == [KEY]
    assert whole.delete(KEY) is False
    assert red.delete(OTHER_KEY) is False
    assert red.delete(KEY) is True
    assert sorted(redder.keys()) == [KEY, OTHER_KEY]


@pytest.mark.parametrize("prefix", ["my images", "ü+%20&", "/a/b/"])
def test_a_prefix_may_have_any_letters(bucket: str, prefix: str) -> None:
    blobs = s3.server().open(bucket, prefix=prefix)

    def swept() -> Iterator[bytes]:
        yield from LARGE
        blobs.sweep(OTHER_KEY)

    blobs.write(KEY, [b"bytes"])
    with pytest.raises(BlobNotFound):
        blobs.write(OTHER_KEY, swept())

    assert list(blobs.keys()) == [KEY]
    assert read(blobs, KEY) == b"bytes"
    assert s3.unfinished(bucket) == []


def test_many_processes_may_create_the_bucket_at_once(bucket: str) -> None:
    with ThreadPoolExecutor(4) as threads:
        stores = list(threads.map(s3.server().open, [bucket] * 4))

    for store in stores:
        store.check()


def test_the_server_drops_unfinished_uploads_by_itself(bucket: str) -> None:
    s3.server().open(bucket, prefix="images")

    rules = s3.server().client().get_bucket_lifecycle(bucket)
    assert rules
    [rule] = rules.rules
    assert rule.abort_incomplete_multipart_upload
    assert rule.abort_incomplete_multipart_upload.days_after_initiation == 7
    assert rule.rule_filter
    assert rule.rule_filter.prefix == "images/"


def test_the_rules_of_the_buckets_owner_stay(bucket: str) -> None:
    client = s3.server().client()
    client.make_bucket(bucket)
    logs = Rule(
        ENABLED, rule_filter=Filter(prefix="logs/"), rule_id="logs", expiration=Expiration(days=9)
    )
    client.set_bucket_lifecycle(bucket, LifecycleConfig([logs]))

    s3.server().open(bucket)

    rules = client.get_bucket_lifecycle(bucket)
    assert rules
    assert [rule.rule_id for rule in rules.rules] == ["logs"]


def test_wrong_credentials_are_named_but_not_told(bucket: str) -> None:
    with pytest.raises(StoreUnavailable, match="the secret key is wrong") as secret:
        connect(bucket, secret_key=WRONG)
    with pytest.raises(StoreUnavailable, match="does not know the access key") as access:
        connect(bucket, access_key="nobody")

    for refusal in (secret, access):
        assert WRONG not in str(refusal.value)
        assert s3.server().secret_key not in str(refusal.value)


def test_a_bucket_that_is_missing_is_named(bucket: str) -> None:
    store = S3BlobStore(s3.server().client(), bucket=bucket)

    with pytest.raises(
        StoreUnavailable, match=f"{bucket} can't be used: the bucket does not exist"
    ):
        store.check()
    with pytest.raises(StoreUnavailable, match="the bucket does not exist"):
        store.write(KEY, [b"bytes"])


def test_a_server_of_another_kind_is_reported(bucket: str) -> None:
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as web:
        Thread(target=web.serve_forever, daemon=True).start()
        with pytest.raises(StoreUnavailable, match="does not answer like an S3 server"):
            connect(bucket, endpoint=f"127.0.0.1:{web.server_port}")
        web.shutdown()


def test_a_server_that_is_gone_is_reported(blobs: S3BlobStore, bucket: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]

    with pytest.raises(StoreUnavailable, match=r"can't be reached.*Connection refused") as refusal:
        connect(bucket, endpoint=f"127.0.0.1:{port}")

    assert s3.server().secret_key not in str(refusal.value)


@pytest.mark.parametrize("relay", [{"lost": b"partNumber=2", "fatal": True}], indirect=True)
def test_a_server_that_dies_in_mid_stream_leaves_what_sweep_removes(
    blobs: S3BlobStore, bucket: str, relay: Relay
) -> None:
    with pytest.raises(StoreUnavailable, match="can't be reached"):
        connect(bucket, endpoint=relay.endpoint).write(KEY, LARGE)

    assert list(blobs.keys()) == []
    blobs.sweep(KEY)
    assert s3.unfinished(bucket) == []


@pytest.mark.parametrize(
    "relay",
    [{"lost": b"If-None-Match"}, {"lost": b"?uploadId="}, {"lost": b"partNumber=2"}],
    indirect=True,
)
def test_a_lost_answer_neither_fails_nor_doubles_a_write(
    blobs: S3BlobStore, bucket: str, relay: Relay
) -> None:
    near = connect(bucket, endpoint=relay.endpoint)

    assert near.write(KEY, LARGE) == 20 * MIB
    assert near.write(OTHER_KEY, [b"small"]) == 5

    assert relay.has_lost
    assert read(blobs, KEY) == b"".join(LARGE)
    assert read(blobs, OTHER_KEY) == b"small"
    assert s3.unfinished(bucket) == []


def refusal(code: str) -> S3Error:
    return S3Error(HTTPResponse(status=400), code, "No.", KEY, "1", "host")


@pytest.mark.parametrize("code", ["QuotaExceeded", "EntityTooLarge", "XMinioStorageFull"])
@pytest.mark.parametrize("chunks", [[b"small"], LARGE])
def test_a_limit_of_the_server_means_that_it_is_full(
    bucket: str, monkeypatch: pytest.MonkeyPatch, code: str, chunks: list[bytes]
) -> None:
    def full(*_: object, **__: object) -> None:
        raise refusal(code)

    client = s3.server().client()
    client.make_bucket(bucket)
    monkeypatch.setattr(client, "_put_object", full)

    with pytest.raises(StoreFull, match=code):
        S3BlobStore(client, bucket=bucket).write(KEY, chunks)

    assert s3.unfinished(bucket) == []


def test_a_server_without_conditional_writes_will_do(
    bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = s3.server().client()
    put = client._put_object

    def old(bucket: str, name: str, data: bytes, headers: dict[str, str] | None = None) -> object:
        if headers:
            raise refusal("NotImplemented")
        return put(bucket, name, data)

    client.make_bucket(bucket)
    monkeypatch.setattr(client, "_put_object", old)
    store = S3BlobStore(client, bucket=bucket)

    assert store.write(KEY, [b"bytes"]) == 5
    with pytest.raises(KeyTaken):
        store.write(KEY, [b"again"])
    assert read(store, KEY) == b"bytes"

"""An S3 server for tests: the one in S3_*, else Ceph's gateway (ceph.sh), else moto's simulation.

What is started here prints ENDPOINT ACCESS_KEY SECRET_KEY and serves until its input ends.
"""

import atexit
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from shutil import which
from threading import Thread
from uuid import uuid4

from minio import Minio

from storage.blobs.s3 import S3BlobStore, open_s3

PROJECT = Path(__file__).parents[1]
CEPH = [str(PROJECT / "tests" / "ceph.sh")]

# One user whose credentials count; requests one by one, since moto looks and writes in two steps,
# between which its conditions would not hold; NoSuchUpload for a part where moto itself breaks.
SIMULATION = """
import json, sys
from threading import Lock, Thread
from moto import settings
from moto.core import DEFAULT_ACCOUNT_ID
from moto.iam.models import iam_backends
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.s3.exceptions import NoSuchUpload
from moto.s3.models import S3Backend
from werkzeug.serving import WSGIRequestHandler, make_server

class Quiet(WSGIRequestHandler):
    def log(self, *_):
        pass

def upload_part(self, bucket_name, multipart_id, *args, **options):
    if multipart_id not in self.get_bucket(bucket_name).multiparts:
        raise NoSuchUpload(upload_id=multipart_id)
    return store_part(self, bucket_name, multipart_id, *args, **options)

def one_by_one(environ, start_response):
    with turn:
        return moto(environ, start_response)

store_part, S3Backend.upload_part = S3Backend.upload_part, upload_part
moto, turn = DomainDispatcherApplication(create_backend_app), Lock()
users = iam_backends[DEFAULT_ACCOUNT_ID]["aws"]
users.create_user("us-east-1", "hindsight")
allowed = {"Effect": "Allow", "Action": "*", "Resource": "*"}
policy = {"Version": "2012-10-17", "Statement": [allowed]}
users.put_user_policy("hindsight", "everything", json.dumps(policy))
key = users.create_access_key("hindsight")
settings.INITIAL_NO_AUTH_ACTION_COUNT = 0
server = make_server("127.0.0.1", 0, one_by_one, threaded=True, request_handler=Quiet)
Thread(target=server.serve_forever, daemon=True).start()
print(f"127.0.0.1:{server.port}", key.access_key_id, key.secret_access_key, flush=True)
sys.stdin.read()
"""


@dataclass(frozen=True)
class Server:
    """Where an S3 server listens, and whom it trusts."""

    endpoint: str
    access_key: str
    secret_key: str
    secure: bool = False
    is_simulated: bool = False

    def client(self) -> Minio:
        """Return a client that shares nothing with a store under test."""
        return Minio(self.endpoint, self.access_key, self.secret_key, secure=self.secure)

    def environment(self) -> dict[str, str]:
        """Return the environment of a process that shall use this server."""
        mine = {
            "S3_ENDPOINT": self.endpoint,
            "S3_ACCESS_KEY": self.access_key,
            "S3_SECRET_KEY": self.secret_key,
            "S3_SECURE": str(self.secure),
        }
        return os.environ | mine

    def open(self, bucket: str, *, prefix: str = "") -> S3BlobStore:
        """Open a store like the service does."""
        keys = self.access_key, self.secret_key
        return open_s3(self.endpoint, *keys, secure=self.secure, bucket=bucket, prefix=prefix)


class Relay:
    """Stands between a store and its server, and loses the answer to one kind of request, once.

    When fatal, that is the end of all connections, as if the server had died.
    """

    def __init__(self, server: Server, lost: bytes, *, fatal: bool = False) -> None:
        self._server = server
        self._lost = lost
        self.has_lost = False
        self._fatal = fatal
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"127.0.0.1:{self._listener.getsockname()[1]}"
        Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                Thread(target=self._relay, args=[near], daemon=True).start()

    def _relay(self, near: socket.socket) -> None:
        host, port = self._server.endpoint.split(":")
        with near, socket.create_connection((host, int(port))) as far, suppress(OSError):
            doomed: list[bytes] = []
            up = Thread(target=self._send, args=[near, far, doomed], daemon=True)
            up.start()
            while (answer := far.recv(1 << 20)) and not doomed:
                near.sendall(answer)
            for end in (near, far):
                end.shutdown(socket.SHUT_RDWR)
            up.join()

    def _send(self, near: socket.socket, far: socket.socket, doomed: list[bytes]) -> None:
        with suppress(OSError):
            while data := near.recv(1 << 20):
                if self._lost in data and not self.has_lost:
                    doomed.append(self._lost)
                    self.has_lost = True
                    if self._fatal:
                        self.close()
                far.sendall(data)
            far.shutdown(socket.SHUT_WR)


@lru_cache
def server() -> Server:
    """Return the server of this run; what was started for it ends with the process."""
    if endpoint := os.environ.get("S3_ENDPOINT"):
        secure = os.environ.get("S3_SECURE", "true").lower() not in {"0", "false", "no"}
        access_key, secret_key = os.environ["S3_ACCESS_KEY"], os.environ["S3_SECRET_KEY"]
        return Server(endpoint, access_key, secret_key, secure=secure)
    if _may_have_ceph() and (ceph := _start(CEPH)):
        return ceph
    simulation = _start([sys.executable, "-c", SIMULATION])
    assert simulation, "moto's server did not start"
    return replace(simulation, is_simulated=True)


def summary() -> str | None:
    """Return what the end of a test run has to say about the server, if it was used at all."""
    if server.cache_info().currsize and server().is_simulated:
        return "S3 was simulated by moto: install Ceph's gateway, or set S3_ENDPOINT."
    return None


@contextmanager
def new_bucket() -> Iterator[str]:
    """Name a bucket that does not exist yet; it is removed afterwards, with all that is in it."""
    bucket = f"hindsight-test-{uuid4()}"
    yield bucket
    client = server().client()
    if not client.bucket_exists(bucket):
        return
    for name, upload_id in unfinished(bucket):
        client._abort_multipart_upload(bucket, name, upload_id)
    for found in client.list_objects(bucket, recursive=True):
        client.remove_object(bucket, str(found.object_name))
    client.remove_bucket(bucket)


def unfinished(bucket: str) -> list[tuple[str, str]]:
    """Return the name and id of each multipart upload that has neither ended nor been aborted."""
    found = server().client()._list_multipart_uploads(bucket)
    return [(str(upload.object_name), str(upload.upload_id)) for upload in found.uploads]


def _may_have_ceph() -> bool:
    may_install = os.environ.get("CI") and which("apt-get") and os.geteuid() == 0
    return bool(which("radosgw") or may_install)


def _start(command: list[str]) -> Server | None:
    """Start a server and wait until it is ready; None when it ends before."""
    process = subprocess.Popen(
        command,
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # Ctrl-C is for the tests, which may still need it to clean up
    )
    atexit.register(process.communicate)  # closes its standard input and waits for its end
    assert process.stdout
    match process.stdout.readline().split():
        case [endpoint, access_key, secret_key]:
            return Server(endpoint, access_key, secret_key)
        case _:
            return None

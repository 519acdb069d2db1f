"""One client that moves an image's data, run as a process of its own.

Bytes go from the page cache to the socket with sendfile, and what comes back is counted and dropped
in the kernel, so the client costs as little as a client can. It reads its task as JSON on standard
input and answers with JSON: status, seconds, CPU seconds, bytes and the answer's headers.
"""

import hashlib
import http.client
import json
import socket
import ssl
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

BUFFER_BYTES = 1 << 20
STREAM = "application/octet-stream"


@dataclass(frozen=True, kw_only=True)
class Task:
    """An upload of `times` x the block, or (without a block) a download."""

    url: str  # of the image's data
    headers: dict[str, str]
    block: str = ""  # path of the file that holds one block
    times: int = 0
    hashed: bool = False  # also compute the MD5 of what comes down; costs this client CPU


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How it went; `body` is the answer's text where it is not the image's data."""

    status: int
    bytes: int
    seconds: float
    cpu_seconds: float
    headers: dict[str, str]
    md5: str = ""
    body: str = ""


def perform(task: Task) -> Outcome:
    """Open a connection (not timed), do the task and say how it went."""
    parts = urlsplit(task.url)
    secure = parts.scheme == "https"
    kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
    connection = kind(parts.netloc, timeout=600)
    connection.connect()
    try:
        return (_upload if task.block else _download)(connection, parts.path, task)
    finally:
        connection.close()


def _upload(connection: http.client.HTTPConnection, path: str, task: Task) -> Outcome:
    size = Path(task.block).stat().st_size
    began, cpu = time.monotonic(), time.process_time()
    connection.putrequest("PUT", path)
    length = {"Content-Type": STREAM, "Content-Length": str(size * task.times)}
    for name, value in {**task.headers, **length}.items():
        connection.putheader(name, value)
    connection.endheaders()
    with Path(task.block).open("rb") as block:
        for _ in range(task.times):
            connection.sock.sendfile(block, 0, size)
    answer = connection.getresponse()
    body = answer.read()
    return Outcome(
        status=answer.status,
        bytes=size * task.times,
        seconds=time.monotonic() - began,
        cpu_seconds=time.process_time() - cpu,
        headers=dict(answer.getheaders()),
        body=body.decode(errors="replace"),
    )


def _download(connection: http.client.HTTPConnection, path: str, task: Task) -> Outcome:
    digest = hashlib.md5(usedforsecurity=False)
    sock = connection.sock
    began, cpu = time.monotonic(), time.process_time()
    connection.request("GET", path, headers=task.headers)
    answer = connection.getresponse()
    if task.hashed or answer.length is None or isinstance(sock, ssl.SSLSocket):
        received = _read(answer, digest.update if task.hashed else len)
    else:
        received = _discard(answer, sock, answer.length)
    return Outcome(
        status=answer.status,
        bytes=received,
        seconds=time.monotonic() - began,
        cpu_seconds=time.process_time() - cpu,
        headers=dict(answer.getheaders()),
        md5=digest.hexdigest() if task.hashed else "",
    )


def _read(answer: http.client.HTTPResponse, use: Callable[[memoryview], object]) -> int:
    buffer, received = memoryview(bytearray(BUFFER_BYTES)), 0
    while count := answer.readinto(buffer):
        use(buffer[:count])
        received += count
    return received


def _discard(answer: http.client.HTTPResponse, sock: socket.socket, length: int) -> int:
    """Count the bytes without copying them: Linux drops what is received with MSG_TRUNC."""
    buffer, received = bytearray(BUFFER_BYTES), len(answer.fp.peek())
    while received < length and (count := sock.recv_into(buffer, 0, socket.MSG_TRUNC)):
        received += count
    return received


if __name__ == "__main__":
    outcome = perform(Task(**json.load(sys.stdin)))
    sys.stdout.write(json.dumps(asdict(outcome)))

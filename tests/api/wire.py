"""Requests as raw bytes, for what HTTP libraries refuse to send."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesParser
from http.client import parse_headers
from io import BytesIO
from json import loads
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Answer:
    """A response as it came over the wire; status 0 is a connection closed without one."""

    status: int
    headers: Message
    body: bytes

    def json(self) -> Any:
        return loads(self.body)


@contextmanager
def connected(url: str) -> Iterator[socket.socket]:
    """Open a connection to a server."""
    where = urlsplit(url)
    with socket.create_connection((where.hostname, where.port or 80), timeout=30) as connection:
        yield connection


def head(method: str, target: str, *headers: str) -> bytes:
    """Return a request's head, asking the server to close the connection afterwards."""
    lines = [f"{method} {target} HTTP/1.1", "Host: localhost", "Connection: close", *headers]
    return "".join(f"{line}\r\n" for line in lines).encode("latin-1") + b"\r\n"


def send(url: str, request: bytes) -> Answer:
    """Send bytes and return what the server answers until it closes the connection."""
    with connected(url) as connection:
        # When the server refuses early, its answer may be there all the same.
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(request)
        return answer(connection)


def answer(connection: socket.socket) -> Answer:
    """Read a response until the server closes the connection."""
    received = BytesIO()
    with suppress(ConnectionResetError):  # a request not read to its end is answered, then reset
        while chunk := connection.recv(65536):
            received.write(chunk)
    received.seek(0)
    status_line = received.readline().split()
    if len(status_line) < 2:
        return Answer(0, BytesParser().parsebytes(b""), b"")
    return Answer(int(status_line[1]), parse_headers(received), received.read())

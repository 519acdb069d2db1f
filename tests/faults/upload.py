"""An upload by hand, on a raw socket: it can stall, end early, or go on later."""

import socket
from typing import Self
from urllib.parse import urlsplit


class SlowUpload:
    """A PUT of image data whose bytes are sent when the test says so."""

    def __init__(self, url: str, image_id: str, token: str, *, length: int | None) -> None:
        """Send the head: with Content-Length, or chunked when length is None."""
        address = urlsplit(url)
        self.socket = socket.create_connection((address.hostname, address.port), timeout=60)
        framing = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
        head = (
            f"PUT /v2/images/{image_id}/file HTTP/1.1\r\nHost: {address.netloc}\r\n"
            f"X-Auth-Token: {token}\r\nContent-Type: application/octet-stream\r\n{framing}\r\n\r\n"
        )
        self._chunked = length is None
        self.socket.sendall(head.encode())

    def send(self, data: bytes) -> None:
        """Send a piece of the body."""
        frame = b"%x\r\n%s\r\n" % (len(data), data) if self._chunked else data
        self.socket.sendall(frame)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def status(self) -> int:
        """Wait for the response and return its status."""
        with self.socket.makefile("rb") as answer:
            return int(answer.readline().split()[1])

"""What can go wrong between client and server, and can't be caused otherwise."""

import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

Alter = Callable[[bytes], bytes | None]


class Relay(socketserver.BaseRequestHandler):
    """Passes a connection on to the real server, with alterations; None cuts it."""

    upstream: tuple[str, int]
    up: Alter
    down: Alter

    def handle(self) -> None:
        with socket.create_connection(self.upstream) as server:
            back = threading.Thread(target=_pass, args=(server, self.request, self.down))
            back.start()
            _pass(self.request, server, self.up)
            back.join()


@contextmanager
def relaying(url: str, *, up: Alter = bytes, down: Alter = bytes) -> Iterator[str]:
    """Run a relay to a server; what clients send goes through up, what they get through down."""
    address = urlsplit(url)
    faults = {
        "upstream": (address.hostname, address.port),
        "up": staticmethod(up),
        "down": staticmethod(down),
    }
    with serving(
        socketserver.ThreadingTCPServer(("127.0.0.1", 0), type("", (Relay,), faults))
    ) as at:
        yield at


@contextmanager
def answering(body: bytes) -> Iterator[str]:
    """Run a web server that answers everything with the same page."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Keep the tests' output clean."""

    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Page)) as at:
        yield at


@contextmanager
def serving(server: socketserver.TCPServer) -> Iterator[str]:
    """Serve on a thread and yield the URL."""
    with server:
        thread = threading.Thread(target=partial(server.serve_forever, poll_interval=0.01))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def _pass(source: socket.socket, target: socket.socket, alter: Alter) -> None:
    try:
        while data := source.recv(1 << 16):
            altered = alter(data)
            if altered is None:
                break
            target.sendall(altered)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # the other side was cut

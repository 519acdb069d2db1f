"""The HTTP server: gunicorn with threads, and what `hindsight serve` does around it."""

import ctypes
import gc
import math
import signal
import time
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address
from mmap import mmap
from pathlib import Path
from threading import Timer
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.glogging import Logger
from gunicorn.workers.gthread import ThreadWorker

from app.main import Hindsight, create_app, open_hindsight
from app.metrics import Metrics, forget_process
from app.settings import Settings

ENDING = 5  # seconds beyond the grace, to record the uploads that did not end
GIVE_WAY = 0.002  # seconds in which a less busy worker may take a new connection
M_ARENA_MAX = -8  # of glibc's malloc.h
KEEPALIVE = 75  # seconds that an idle connection stays open
STOPPING = "the server was stopped before the data was complete"


class Server(BaseApplication):
    """gunicorn under our settings: imports come before the fork, connections after it."""

    def __init__(
        self, settings: Settings, *, metrics: Path, on_ready: Callable[[str], None]
    ) -> None:
        """Take a directory for what the workers count, and what to call once the URL is known."""
        self._settings = settings
        self._metrics = metrics
        self._on_ready = on_ready
        super().__init__()

    def load_config(self) -> None:
        settings = self._settings
        options: dict[str, Any] = {
            "bind": f"{settings.host}:{settings.port}",
            "workers": settings.workers,
            "threads": settings.threads,
            "worker_class": Worker,
            "worker_connections": 1000 + settings.threads,
            "http_parser": "fast",
            "keepalive": KEEPALIVE,
            "graceful_timeout": math.ceil(settings.grace) + ENDING,
            "control_socket_disable": True,
            "loglevel": "warning",
            "logger_class": OurLog,
            "when_ready": self._tell,
            "pre_fork": lambda _arbiter, _worker: spare_memory(),
            "child_exit": self._forget,
        }
        config: Any = self.cfg
        for name, value in options.items():
            config.set(name, value)

    def load(self) -> Flask:
        """Connect the parts of one worker process."""
        return create_app(open_hindsight(self._settings, Metrics(self._metrics)))

    def run(self) -> None:
        """Serve until SIGTERM or SIGINT."""
        GracefulArbiter(self).run()

    def _tell(self, arbiter: Arbiter) -> None:
        self._on_ready(url_of(*arbiter.LISTENERS[0].getsockname()[:2]))

    def _forget(self, _arbiter: Arbiter, worker: "Worker") -> None:
        worker.connections.forget(worker.age)
        pid: Any = worker.pid  # gunicorn's first value of it is a string
        forget_process(self._metrics, pid)


def url_of(host: str, port: int) -> str:
    """Return the URL of a listening socket, as this machine reaches it."""
    address = ip_address(host)
    is_v6 = isinstance(address, IPv6Address)
    if address.is_unspecified:
        return f"http://{'[::1]' if is_v6 else '127.0.0.1'}:{port}"
    return f"http://[{address}]:{port}" if is_v6 else f"http://{address}:{port}"


def spare_memory() -> None:
    """Keep the pages that processes share shared, and what their threads keep for reuse small."""
    gc.freeze()
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):  # glibc: an arena for each thread would hold tens of MB
        libc.mallopt(M_ARENA_MAX, 2)


class OurLog(Logger):
    """Leaves gunicorn's lines to the handler that all others go to."""

    def setup(self, cfg: object) -> None:
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True


class GracefulArbiter(Arbiter):
    """Lets requests end on SIGINT (Ctrl-C), too."""

    def handle_int(self) -> None:
        self.handle_term()


class Connections:
    """How many connections each worker process has, in memory that all of them share."""

    SLOTS = 256
    NOBODY = -1

    def __init__(self) -> None:
        self._counts = memoryview(mmap(-1, self.SLOTS * 4)).cast("i")
        for slot in range(self.SLOTS):
            self._counts[slot] = self.NOBODY

    def tell(self, age: int, count: int) -> None:
        """Let the others know the count of the worker of this age."""
        self._counts[age % self.SLOTS] = count

    def of(self, age: int) -> int:
        return self._counts[age % self.SLOTS]

    def forget(self, age: int) -> None:
        """The worker of this age has ended."""
        self._counts[age % self.SLOTS] = self.NOBODY

    def fewest(self) -> int:
        """Return the count of the least busy worker."""
        return min(count for count in self._counts if count != self.NOBODY)


class Worker(ThreadWorker):
    """Runs the background duties beside the requests, and leaves no upload saving.

    Of several workers one may take every connection of a burst, and then one core does all the
    work: a worker that has more than another gives way for a moment.
    """

    connections = Connections()  # one for all workers: the mapping is shared by the fork

    @property
    def nr_conns(self) -> int:
        return self.connections.of(self.age)

    @nr_conns.setter
    def nr_conns(self, count: int) -> None:
        self.connections.tell(self.age, count)

    def accept(self, listener: object) -> None:
        if self.nr_conns > self.connections.fewest():
            time.sleep(GIVE_WAY)
        super().accept(listener)

    def init_signals(self) -> None:
        super().init_signals()
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C is the arbiter's

    def load_wsgi(self) -> None:
        super().load_wsgi()
        self._hindsight.background.start()

    def handle_exit(self, sig: int, frame: object) -> None:
        if self.alive:
            self.method_queue.defer(self._end_uploads_after_grace)
        super().handle_exit(sig, frame)

    def _end_uploads_after_grace(self) -> None:
        timer = Timer(self.cfg.graceful_timeout - ENDING, self._end_uploads)
        timer.daemon = True
        timer.start()

    def _end_uploads(self) -> None:
        self._hindsight.uploads.abort(STOPPING)

    @property
    def _hindsight(self) -> Hindsight:
        hindsight: Hindsight = self.wsgi.extensions["hindsight"]
        return hindsight

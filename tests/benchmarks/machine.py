"""What this machine can do at best, so that the figures of the targets can be judged."""

import hashlib
import os
import socket
import threading
import time
from pathlib import Path
from statistics import median

PIECE = 1 << 20
MOVED_MIB = 1024


def limits(scratch: Path) -> dict[str, float]:
    """Measure hashing, loopback and fsync; takes about three seconds."""
    return {
        "cores": len(os.sched_getaffinity(0)),
        "md5_mib_s": _hashing("md5"),
        "sha512_mib_s": _hashing("sha512"),
        "loopback_mib_s": _loopback(scratch / "limits"),
        "fsync_ms": _fsync_ms(scratch / "limits"),
    }


def _hashing(algorithm: str) -> float:
    piece, pieces = os.urandom(PIECE), 256
    digest = hashlib.new(algorithm, usedforsecurity=False)
    began = time.monotonic()
    for _ in range(pieces):
        digest.update(piece)
    return pieces / (time.monotonic() - began)


def _loopback(path: Path) -> float:
    """Move data as the transfers do: sendfile into a socket, dropped at its other end."""
    path.write_bytes(os.urandom(PIECE))
    with socket.create_server(("127.0.0.1", 0)) as server:
        drain = threading.Thread(target=_drain, args=(server,))
        drain.start()
        with socket.create_connection(server.getsockname()) as sender, path.open("rb") as source:
            began = time.monotonic()
            for _ in range(MOVED_MIB):
                sender.sendfile(source, 0, PIECE)
        drain.join()
        return MOVED_MIB / (time.monotonic() - began)


def _drain(server: socket.socket) -> None:
    receiver, _ = server.accept()
    buffer = bytearray(PIECE)
    with receiver:
        while receiver.recv_into(buffer, 0, socket.MSG_TRUNC):
            pass


def _fsync_ms(path: Path) -> float:
    """Give the median time to make 4 KiB durable, which bounds what one client can write."""
    times = []
    with path.open("wb", buffering=0) as file:
        for _ in range(100):
            file.write(b"x" * 4096)
            began = time.monotonic()
            os.fsync(file.fileno())
            times.append(time.monotonic() - began)
    return median(times) * 1000

"""CPU time while something runs: the server's, and what others took on the same machine."""

import resource
import time
from dataclasses import dataclass

from tests.benchmarks.processes import cpu_seconds, machine_cpu_seconds


@dataclass(frozen=True, kw_only=True)
class Spent:
    """What a stretch of time cost; unknown without the server's pid."""

    server: float | None  # CPU seconds
    others_share: float | None  # of one core: whatever is neither server nor benchmark


class Meter:
    """Measures from its making until it is stopped. Load tools must have ended by then."""

    def __init__(self, root: int | None) -> None:
        self._root = root
        self._began = time.monotonic()
        self._before = self._read()

    def stop(self) -> Spent:
        """Say what was spent since the start."""
        after = self._read()
        if self._before is None or after is None:
            return Spent(server=None, others_share=None)
        server, machine, ours = (now - then for now, then in zip(after, self._before, strict=True))
        elapsed = time.monotonic() - self._began
        return Spent(server=server, others_share=max(0.0, machine - server - ours) / elapsed)

    def _read(self) -> tuple[float, float, float] | None:
        if self._root is None:
            return None
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        ours = children.ru_utime + children.ru_stime + time.process_time()
        return cpu_seconds(self._root), machine_cpu_seconds(), ours

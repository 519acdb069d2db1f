"""CPU time and memory of a process and all its descendants, read from /proc."""

import os
import threading
from pathlib import Path
from types import TracebackType

PROC = Path("/proc")
TICKS = os.sysconf("SC_CLK_TCK")
PPID, UTIME, CSTIME = 1, 11, 14  # where they stand in /proc/PID/stat, counted after the name


def cpu_seconds(root: int) -> float:
    """CPU time that the tree has used so far, its ended and collected children included.

    Raises:
        ProcessLookupError: there is no such process.
    """
    stats = _stats()
    if root not in stats:
        raise ProcessLookupError(f"no process {root}")
    times = (stats[pid][UTIME : CSTIME + 1] for pid in _tree(root, stats))
    return sum(int(ticks) for fields in times for ticks in fields) / TICKS


def machine_cpu_seconds() -> float:
    """CPU time that everything on the machine has used so far, waiting for disks not counted."""
    names = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")
    first = (PROC / "stat").read_text().split("\n", 1)[0].split()[1:]
    ticks = dict(zip(names, map(int, first), strict=False))
    return sum(ticks[name] for name in names if name not in ("idle", "iowait")) / TICKS


def pss_mib(root: int) -> float:
    """Proportional set size of the tree: memory, with shared pages counted once."""
    return sum(_pss_kib(pid) for pid in _tree(root, _stats())) / 1024


class PeakMemory:
    """Watches the tree's memory while a block runs; `mib` is the highest seen."""

    def __init__(self, root: int | None, *, every_seconds: float = 0.1) -> None:
        self.mib: float | None = None
        self._root = root
        self._every = every_seconds
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "PeakMemory":
        if self._root is not None:
            self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._done.set()
        if self._root is not None:
            self._thread.join()

    def _watch(self) -> None:
        while self._root is not None:
            self.mib = max(self.mib or 0.0, pss_mib(self._root))
            if self._done.wait(self._every):
                return


def _stats() -> dict[int, list[str]]:
    found = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            try:
                text = (entry / "stat").read_text()
            except (FileNotFoundError, ProcessLookupError):
                continue  # it has just ended
            found[int(entry.name)] = text.rpartition(")")[2].split()
    return found


def _tree(root: int, stats: dict[int, list[str]]) -> list[int]:
    children: dict[int, list[int]] = {}
    for pid, fields in stats.items():
        children.setdefault(int(fields[PPID]), []).append(pid)
    tree = [root] if root in stats else []
    for pid in tree:
        tree.extend(children.get(pid, []))
    return tree


def _pss_kib(pid: int) -> int:
    try:
        lines = (PROC / str(pid) / "smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)

"""The figures as a table for people and as JSON for machines."""

import json
from dataclasses import asdict
from operator import attrgetter
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.benchmarks.changes import LONG, SHORT
from tests.benchmarks.run import Results, middle

BUSY_TOOL = 0.5  # of one core: from here on the load tool may be what is measured
BUSY_OTHERS = 0.2  # of one core: from here on a figure is worth repeating


def show(console: Console, results: Results, targets: list[str], only: tuple[str, ...]) -> None:
    """Print the table, the memory, the cost of a long history, warnings and failures."""
    keys = [key for key in results.figures() if not only or key[0] in only]
    console.print(_figures(results, targets, keys))
    console.print(_memory(results, targets))
    for target in targets:
        _show_history(console, results, target)
    _show_doubts(console, results, targets, keys)
    for failure in results.failures:
        console.print(f"WRONG: {failure}", style="bold red", markup=False)


def write(path: Path, results: Results, *, machine: dict[str, float], run: dict[str, Any]) -> None:
    """Write every sample, so that medians and spreads can be computed again."""
    samples = {name: [asdict(s) for s in found] for name, found in results.samples.items()}
    document = {
        "run": run,
        "machine": machine,
        "samples": samples,
        "idle_pss_mib": results.idle_mib,
        "failures": results.failures,
    }
    path.write_text(json.dumps(document, indent=2) + "\n")


def machine_line(limits: dict[str, float]) -> str:
    """Say what the machine can do at best."""
    return "this machine: " + ", ".join(f"{name} {_number(v)}" for name, v in limits.items())


def _figures(results: Results, targets: list[str], keys: list[tuple[str, int]]) -> Table:
    table = Table(title="median of the repetitions; cpu: server's ms/request or s/GiB")
    table.add_column("what")
    for name in ("clients", *_headings(targets)):
        table.add_column(name, justify="right")
    for row, clients in keys:
        table.add_row(row, str(clients), *_cells(results, targets, row, clients))
    return table


def _headings(targets: list[str]) -> list[str]:
    names = [f"{name}\n{what}" for what in ("rate/s", "cpu") for name in targets]
    if len(targets) == 2:
        names.insert(2, "rate\nratio")
        names.append("cpu\nratio")
    names += [f"{name}\n{what}" for what in ("p50 ms", "p99 ms") for name in targets]
    return [*names, "tool\nCPU %", "others\nCPU %"]


def _cells(results: Results, targets: list[str], row: str, clients: int) -> list[str]:
    groups = [results.of(target, row, clients) for target in targets]
    texts: list[str] = []
    for read in (attrgetter("rate"), attrgetter("cpu")):
        values = [middle(group, read) for group in groups]
        texts += [_number(value) for value in values]
        if len(targets) == 2:
            texts.append(_ratio(*values))
    for read in (attrgetter("p50_ms"), attrgetter("p99_ms")):
        texts += [_number(middle(group, read)) for group in groups]
    shares = [sample.tool_share for group in groups for sample in group]
    known = [s.others_share for group in groups for s in group if s.others_share is not None]
    others = f"{max(known) * 100:.0f}" if known else ""
    return [*texts, f"{max(shares, default=0) * 100:.0f}", others]


def _memory(results: Results, targets: list[str]) -> Table:
    table = Table(title="memory of the process tree, PSS in MiB: the highest seen")
    table.add_column("when")
    for target in targets:
        table.add_column(target, justify="right")
    table.add_row("with the catalog loaded", *(_number(results.idle_mib[t]) for t in targets))
    everything = [sample for samples in results.samples.values() for sample in samples]
    transfers = dict.fromkeys(s.row for s in everything if s.unit == "MiB/s")
    requests = {s.row for s in everything} - set(transfers)
    table.add_row("after requests", *(_highest(results, t, requests) for t in targets))
    for row in transfers:
        table.add_row(f"during {row}", *(_highest(results, t, {row}) for t in targets))
    return table


def _highest(results: Results, target: str, rows: set[str]) -> str:
    seen = [s.pss_mib for s in results.samples[target] if s.row in rows and s.pss_mib is not None]
    return _number(max(seen, default=None))


def _show_history(console: Console, results: Results, target: str) -> None:
    times = [
        middle(results.of(target, f"patch-after-{changes}", 1), attrgetter("p50_ms"))
        for changes in (SHORT, LONG)
    ]
    if None not in times:
        short, long = (_number(time) for time in times)
        console.print(
            f"{target}: a change takes {short} ms after {SHORT} changes of the image "
            f"and {long} ms after {LONG} ({_ratio(times[1], times[0])} x)",
            markup=False,
            highlight=False,
        )


def _show_doubts(
    console: Console, results: Results, targets: list[str], keys: list[tuple[str, int]]
) -> None:
    """Name the figures that may be the load tool's, or that other work on the machine spoilt."""
    disturbed = []
    for row, clients in keys:
        samples = [sample for target in targets for sample in results.of(target, row, clients)]
        busiest = max((sample.tool_share for sample in samples), default=0)
        if busiest > BUSY_TOOL:
            console.print(
                f"WARNING: {row}, {clients} clients: the load tool used {busiest:.0%} of a core, "
                "so the figure may be the tool's, not the server's",
                style="bold yellow",
            )
        if any((sample.others_share or 0) > BUSY_OTHERS for sample in samples):
            disturbed.append(f"{row} ({clients})")
    if disturbed:
        console.print(
            f"WARNING: other work on this machine took more than {BUSY_OTHERS:.0%} of a core "
            f"during {', '.join(disturbed)}",
            style="bold yellow",
        )


def _ratio(one: float | None, other: float | None) -> str:
    return "" if one is None or not other else _number(one / other)


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"

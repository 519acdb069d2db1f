"""Runs the cells against the targets, which take turns, and gathers what comes out."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from statistics import median

from tests.benchmarks.cells import Cell
from tests.benchmarks.images import WrongAnswer
from tests.benchmarks.site import Sample, Site

WARM_SECONDS = 1.0


@dataclass(kw_only=True)
class Results:
    """All samples, by target; failures fail the run."""

    samples: dict[str, list[Sample]] = field(default_factory=dict)
    idle_mib: dict[str, float | None] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    def figures(self) -> list[tuple[str, int]]:
        """Give each row and number of clients once: rows as first measured, then by clients."""
        every = [sample for samples in self.samples.values() for sample in samples]
        rows = list(dict.fromkeys(sample.row for sample in every))
        seen = {(sample.row, sample.clients) for sample in every}
        return sorted(seen, key=lambda figure: (rows.index(figure[0]), figure[1]))

    def of(self, target: str, row: str, clients: int) -> list[Sample]:
        """Give the repeated samples of one row for one target."""
        samples = self.samples.get(target, [])
        return [s for s in samples if (s.row, s.clients) == (row, clients)]


def middle(samples: Iterable[Sample], read: Callable[[Sample], float | None]) -> float | None:
    """Give the median of what is read from the samples, or None when nothing is known."""
    known = [value for sample in samples if (value := read(sample)) is not None]
    return median(known) if known else None


def measure(
    sites: list[Site],
    cells: list[Cell],
    *,
    seconds: float,
    repeat: int,
    say: Callable[[str], None],
) -> Results:
    """Measure each cell on every target in turn, changing who goes first on each repetition."""
    results = Results(samples={site.target.name: [] for site in sites})
    for site in sites:
        results.idle_mib[site.target.name] = site.memory()
    for cell in cells:
        for clients in cell.clients:
            for turn in range(repeat if cell.repeats else 1):
                order = sites if turn % 2 == 0 else sites[::-1]
                for site in order:
                    say(f"{' and '.join(cell.rows)}, {clients} clients, {site.target.name}")
                    _measure_one(results, site, cell, clients=clients, seconds=seconds)
    return results


def warm(sites: list[Site], cells: list[Cell]) -> None:
    """Run one short, unmeasured read on each target, so that no row pays for a cold start."""
    for site in sites:
        cells[0].measure(site, clients=8, seconds=WARM_SECONDS)


def _measure_one(results: Results, site: Site, cell: Cell, *, clients: int, seconds: float) -> None:
    try:
        samples = cell.measure(site, clients=clients, seconds=seconds)
    except WrongAnswer as wrong:
        results.failures.append(f"{' and '.join(cell.rows)}, {clients} clients: {wrong}")
    else:
        results.samples[site.target.name].extend(samples)

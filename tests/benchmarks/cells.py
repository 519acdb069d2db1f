"""What is measured: the cells, by the name of the rows that they give."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.benchmarks import changes, reads, transfers
from tests.benchmarks.site import Sample

BOTH = (1, 8)


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One measurement, which may give several rows (what is created is deleted again)."""

    rows: tuple[str, ...]
    measure: Callable[..., list[Sample]]  # (site, *, clients, seconds)
    clients: tuple[int, ...] = BOTH
    is_long: bool = False  # left out by --quick unless asked for
    repeats: bool = True


CELLS = (
    Cell(rows=("show",), measure=reads.show),
    *(Cell(rows=(row,), measure=reads.listing(row)) for row in reads.LISTINGS),
    Cell(rows=("patch",), measure=changes.patch),
    Cell(rows=("create", "delete"), measure=changes.create_and_delete),
    Cell(
        rows=(f"patch-after-{changes.SHORT}", f"patch-after-{changes.LONG}"),
        measure=changes.history,
        clients=(1,),
        is_long=True,
        repeats=False,
    ),
    Cell(
        rows=("upload-64MiB", "download-64MiB"),
        measure=transfers.transfer("64MiB", times=1),
        clients=(1,),
    ),
    Cell(
        rows=("upload-1GiB", "download-1GiB"),
        measure=transfers.transfer("1GiB", times=16),
        clients=(1,),
        is_long=True,
    ),
)
ROWS = tuple(row for cell in CELLS for row in cell.rows)


def chosen(only: tuple[str, ...], *, quick: bool) -> list[Cell]:
    """Give the cells of the wanted rows, or all but the long ones of a quick run."""
    if only:
        return [cell for cell in CELLS if set(cell.rows) & set(only)]
    return [cell for cell in CELLS if not (quick and cell.is_long)]

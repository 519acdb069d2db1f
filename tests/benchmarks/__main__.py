"""`python -m tests.benchmarks`: how fast is an Images API v2, and what does it cost its server?"""

import sys
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import click
from rich.console import Console

from tests.benchmarks import machine, report, wrk
from tests.benchmarks.cells import ROWS, Cell, chosen
from tests.benchmarks.images import WrongAnswer
from tests.benchmarks.run import Results, measure, warm
from tests.benchmarks.site import Site, prepared
from tests.benchmarks.target import StartFailed, Target, own_hindsight

QUICK_SECONDS, USUAL_SECONDS = 1.0, 3.0
QUICK_REPEAT, USUAL_REPEAT = 1, 3
WIDTH = 150


def given(
    urls: tuple[str, ...], tokens: tuple[str, ...], pids: tuple[int, ...], names: tuple[str, ...]
) -> list[Target]:
    """Pair the URLs with their tokens, pids and names, by position."""
    if len(urls) > 2 or max(len(tokens), len(pids), len(names)) > len(urls):
        raise click.UsageError("one or two --url, each with at most one --token, --pid and --name")
    targets = []
    for position, url in enumerate(urls):
        token = tokens[position] if position < len(tokens) else ""
        if token.startswith("@"):
            token = Path(token[1:]).read_text().strip()
        target = Target(
            name=names[position]
            if position < len(names)
            else f"{'AB'[position]} {urlsplit(url).port}",
            url=url.rstrip("/"),
            token=token,
            pid=pids[position] if position < len(pids) else None,
        )
        targets.append(target)
    return targets


@click.command()
@click.option("--url", "urls", multiple=True, help="Images API to measure; twice: side by side.")
@click.option("--token", "tokens", multiple=True, help="Its X-Auth-Token, or @FILE that holds it.")
@click.option("--pid", "pids", multiple=True, type=int, help="Root of its server's process tree.")
@click.option("--name", "names", multiple=True, help="Its name in the table.")
@click.option("--own", is_flag=True, help="Start a Hindsight as the first of two targets.")
@click.option("--workers", default=2, show_default=True, help="Of a Hindsight started here.")
@click.option("--images", default=100, show_default=True, type=click.IntRange(100))
@click.option("--duration", type=float, help=f"Seconds per figure [{USUAL_SECONDS}].")
@click.option("--repeat", type=click.IntRange(1), help=f"Times per figure [{USUAL_REPEAT}].")
@click.option("--quick", is_flag=True, help="1 s, once, without 1 GiB and long histories.")
@click.option("--only", default="", help=f"Some rows, by comma: {','.join(ROWS)}")
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Also write JSON here.")
def main(
    *,
    urls: tuple[str, ...],
    tokens: tuple[str, ...],
    pids: tuple[int, ...],
    names: tuple[str, ...],
    own: bool,
    workers: int,
    images: int,
    duration: float | None,
    repeat: int | None,
    quick: bool,
    only: str,
    json_path: Path | None,
) -> None:
    """Measure an Images API v2, or two of them side by side.

    Without --url it starts a Hindsight of its own. A wrong answer ends in exit code 1.
    """
    rows = tuple(row for row in only.split(",") if row)
    if unknown := set(rows) - set(ROWS):
        raise click.UsageError(f"no such rows: {', '.join(sorted(unknown))}")
    seconds = duration or (QUICK_SECONDS if quick else USUAL_SECONDS)
    times = repeat or (QUICK_REPEAT if quick else USUAL_REPEAT)
    console, targets = Console(width=WIDTH), given(urls, tokens, pids, names)
    with ExitStack() as stack:
        try:
            wrk.require_wrk()
            scratch = Path(stack.enter_context(TemporaryDirectory(prefix="bench-")))
            if own or not targets:
                targets.insert(0, stack.enter_context(own_hindsight(workers=workers)))
            limits = machine.limits(scratch)
            console.print(report.machine_line(limits))
            sites = fill(stack, targets, images=images, scratch=scratch)
            cells = chosen(rows, quick=quick)
            results = take(console, sites, cells, seconds=seconds, repeat=times)
        except (StartFailed, wrk.ToolFailed, WrongAnswer) as error:
            raise click.ClickException(str(error)) from error
    report.show(console, results, [target.name for target in targets], rows)
    if json_path:
        run = {"images": images, "seconds": seconds, "repeat": times, "clients": "1 and 8"}
        report.write(json_path, results, machine=limits, run=run)
    sys.exit(1 if results.failures else 0)


def fill(stack: ExitStack, targets: list[Target], *, images: int, scratch: Path) -> list[Site]:
    """Fill the catalog of each target; the stack empties them again."""
    return [
        stack.enter_context(prepared(target, images=images, scratch=scratch / str(number)))
        for number, target in enumerate(targets)
    ]


def take(
    console: Console, sites: list[Site], cells: list[Cell], *, seconds: float, repeat: int
) -> Results:
    """Warm the targets up and measure."""
    warm(sites, chosen(("show",), quick=False))
    with console.status("measuring") as status:
        return measure(sites, cells, seconds=seconds, repeat=repeat, say=status.update)


if __name__ == "__main__":
    main()

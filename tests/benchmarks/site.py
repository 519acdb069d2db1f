"""A target made ready: a catalog of known images, and the means to put a load on it."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.benchmarks import wrk
from tests.benchmarks.images import Images, WrongAnswer, image_body
from tests.benchmarks.meter import Meter
from tests.benchmarks.processes import pss_mib
from tests.benchmarks.target import Target

SIZES = 1000  # the data of image number n has n % SIZES + 1 bytes


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One measurement of one row of the table."""

    row: str
    clients: int
    rate: float  # per second: requests, or MiB of an image's data
    unit: str = "req/s"
    count: int = 1  # requests
    cpu: float | None = None  # of the server: ms per request, or s per GiB
    p50_ms: float | None = None
    p99_ms: float | None = None
    tool_share: float  # of one core, used by the load tool
    others_share: float | None = None  # of one core, used by whatever else ran
    pss_mib: float | None = None  # of the server: after a load, or the peak during a transfer


@dataclass(frozen=True, kw_only=True)
class Site:
    """A prepared target. All images that the run makes carry `run` as their property p5."""

    target: Target
    images: Images
    scratch: Path
    run: str
    ids: list[str] = field(default_factory=list)  # of the preloaded images, by number

    def name_of(self, number: int) -> str:
        return f"bench-{self.run}-{number:07}"

    def body(self, number: int, *, cell: str = "preloaded") -> dict[str, Any]:
        """Describe image `number`: a quarter of them share a tag, another quarter a property."""
        tags = (f"bench-{self.run}-{number % 4}", "bench")
        p1 = f"value-{number // 4 % 4}"
        return image_body(name=self.name_of(number), run=self.run, cell=cell, p1=p1, tags=tags)

    def load(self, plan: wrk.Plan, *, clients: int, seconds: float) -> wrk.Load:
        """Put a load on the target.

        Raises:
            WrongAnswer: at least one answer was not the plan's right one, or a connection broke.
        """
        load = wrk.run(
            plan,
            url=self.target.url,
            headers=self.target.headers,
            clients=clients,
            seconds=seconds,
            scratch=self.scratch,
        )
        what = f"{self.target.name}: {plan.method} {plan.path}, {clients} clients"
        if load.wrong:
            some = f"{load.wrong} of {load.completed} answers are wrong"
            raise WrongAnswer(f"{what}: {some}, the first: {load.wrong_answer}")
        if load.socket_errors or not load.completed:
            raise WrongAnswer(
                f"{what}: {load.completed} answers, {load.socket_errors} broken connections"
            )
        return load

    def measure(
        self, row: str, plan: wrk.Plan, *, clients: int, seconds: float
    ) -> tuple[Sample, wrk.Load]:
        """Put a load on the target and read what it cost the server."""
        meter = Meter(self.target.pid)
        load = self.load(plan, clients=clients, seconds=seconds)
        spent = meter.stop()
        return Sample(
            row=row,
            clients=clients,
            rate=load.rate,
            count=load.completed,
            cpu=None if spent.server is None else spent.server * 1000 / load.completed,
            others_share=spent.others_share,
            p50_ms=load.p50_ms,
            p99_ms=load.p99_ms,
            tool_share=load.tool_share,
            pss_mib=self.memory(),
        ), load

    def memory(self) -> float | None:
        return None if self.target.pid is None else pss_mib(self.target.pid)

    def demand(self, true: bool, message: str) -> None:
        """Raise WrongAnswer with the target's name unless it is true."""
        if not true:
            raise WrongAnswer(f"{self.target.name}: {message}")


@contextmanager
def prepared(target: Target, *, images: int, scratch: Path) -> Iterator[Site]:
    """Fill the catalog while the block runs, and take all of the run's images out afterwards."""
    scratch.mkdir()
    run = uuid.uuid4().hex[:10]
    site = Site(target=target, images=Images(target), scratch=scratch, run=run)
    try:
        wanted = ((site.body(number), b"x" * (number % SIZES + 1)) for number in range(images))
        site.ids.extend(site.images.fill(wanted))
        yield site
    except BaseException:
        with suppress(WrongAnswer):  # a broken server must not hide why the run ended
            _tidy(site)
        raise
    else:
        _tidy(site)


def _tidy(site: Site) -> None:
    if not site.target.is_ours:
        site.images.remove([image["id"] for image in site.images.walk(f"p5={site.run}")])

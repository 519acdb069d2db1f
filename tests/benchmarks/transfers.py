"""Data of images, up and down, by one client; every byte is accounted for."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tests.benchmarks.meter import Meter
from tests.benchmarks.processes import PeakMemory
from tests.benchmarks.site import Sample, Site
from tests.benchmarks.transfer import Outcome, Task

BLOCK_MIB = 64


@dataclass(frozen=True, kw_only=True)
class Data:
    """So many times the block of random bytes, and what it hashes to."""

    block: Path
    times: int

    @property
    def size(self) -> int:
        """In bytes."""
        return self.block.stat().st_size * self.times


def transfer(label: str, *, times: int) -> Callable[..., list[Sample]]:
    """Give the cell that uploads and downloads `times` x 64 MiB."""

    def measure(site: Site, *, clients: int, seconds: float) -> list[Sample]:
        del seconds  # it ends with the data
        data = Data(block=_block(site.scratch), times=times)
        image_id = site.images.create(site.body(0, cell="data"))
        try:
            up = _upload(site, image_id, data, row=f"upload-{label}", clients=clients)
            down = _download(site, image_id, data, row=f"download-{label}", clients=clients)
        finally:
            site.images.delete(image_id)
        return [up, down]

    return measure


def _upload(site: Site, image_id: str, data: Data, *, row: str, clients: int) -> Sample:
    block = str(data.block)
    sample, outcome = _timed(
        site, image_id, block=block, times=data.times, row=row, clients=clients
    )
    site.demand(outcome.status == 204, f"upload gave {outcome.status} {outcome.body[:400]}")
    image = site.images.show(image_id)
    wanted = {"status": "active", "size": data.size, "checksum": _digest(data, "md5")}
    wanted["os_hash_value"] = _digest(data, image["os_hash_algo"])
    seen = {name: image[name] for name in wanted}
    site.demand(seen == wanted, f"after the upload the image is {seen}, not {wanted}")
    return sample


def _download(site: Site, image_id: str, data: Data, *, row: str, clients: int) -> Sample:
    """Time a download whose bytes are counted only, then compare those of another one."""
    sample, outcome = _timed(site, image_id, row=row, clients=clients)
    told = outcome.headers.get("Content-MD5", _digest(data, "md5"))
    fits = (outcome.status, outcome.bytes, told) == (200, data.size, _digest(data, "md5"))
    site.demand(fits, f"download gave {outcome}")
    _, checked = _timed(site, image_id, hashed=True, row=row, clients=clients)
    site.demand(checked.md5 == _digest(data, "md5"), f"other bytes came down: {checked}")
    return sample


def _timed(
    site: Site, image_id: str, *, row: str, clients: int, **options: Any
) -> tuple[Sample, Outcome]:
    url = f"{site.target.url}/v2/images/{image_id}/file"
    task = Task(url=url, headers=site.target.headers, **options)
    meter = Meter(site.target.pid)
    with PeakMemory(site.target.pid) as peak:
        outcome = _perform(site, task)
    spent, gib = meter.stop(), outcome.bytes / (1 << 30)
    return Sample(
        row=row,
        clients=clients,
        rate=outcome.bytes / (1 << 20) / outcome.seconds,
        unit="MiB/s",
        cpu=None if spent.server is None or not gib else spent.server / gib,
        others_share=spent.others_share,
        tool_share=outcome.cpu_seconds / outcome.seconds,
        pss_mib=peak.mib,
    ), outcome


def _perform(site: Site, task: Task) -> Outcome:
    """Run the client in a process of its own, so that its CPU time is its own."""
    command = [sys.executable, "-m", "tests.benchmarks.transfer"]
    said = subprocess.run(
        command, input=json.dumps(asdict(task)), capture_output=True, text=True, check=False
    )
    site.demand(said.returncode == 0, f"the transfer broke off: {said.stderr.strip()[-400:]}")
    return Outcome(**json.loads(said.stdout))


@cache
def _digest(data: Data, algorithm: str) -> str:
    digest = hashlib.new(algorithm, usedforsecurity=False)
    content = data.block.read_bytes()
    for _ in range(data.times):
        digest.update(content)
    return digest.hexdigest()


def _block(scratch: Path) -> Path:
    """Give the file of one random block, shared by all targets; made when first wanted."""
    block = scratch.parent / "block"
    if not block.exists():
        block.write_bytes(os.urandom(BLOCK_MIB << 20))
    return block

"""What commands share that work on this machine's own data, not through HTTP."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.cli.options import settings_or_exit
from app.main import Hindsight, open_hindsight


@contextmanager
def opened(data: Path | None) -> Iterator[Hindsight]:
    """Open the parts over a data folder, and close them."""
    hindsight = open_hindsight(settings_or_exit(data=data))
    try:
        yield hindsight
    finally:
        hindsight.close()

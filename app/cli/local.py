"""What commands share that work on this machine's own data, not through HTTP."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.cli.exits import Failure
from app.cli.options import settings_or_exit
from app.main import Hindsight, open_hindsight


@contextmanager
def opened(data: Path | None) -> Iterator[Hindsight]:
    """Open the parts over a data folder, and close them."""
    settings = settings_or_exit(data=data)
    if settings.database_url is None and not settings.sqlite_file.exists():
        raise Failure(
            f"there is no catalog in {settings.data}",
            hint="Name its folder with --data, or make one with `hindsight serve`.",
        )
    hindsight = open_hindsight(settings)
    try:
        hindsight.create_tables()
        yield hindsight
    finally:
        hindsight.close()

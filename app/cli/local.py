"""What commands share that work on this machine's own data, not through HTTP."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from app.main import Hindsight, open_hindsight
from app.settings import Settings, WrongSetting, load_settings

data_option = click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the data.  [default: HINDSIGHT_DATA]",
)


def settings_or_exit(**given: Any) -> Settings:
    """Return the settings; a wrong one ends the command and says what it should be."""
    try:
        return load_settings(**given)
    except WrongSetting as error:
        raise click.ClickException(str(error)) from None


@contextmanager
def opened(data: Path | None) -> Iterator[Hindsight]:
    """Open the parts over a data folder, and close them."""
    hindsight = open_hindsight(settings_or_exit(data=data))
    try:
        yield hindsight
    finally:
        hindsight.close()

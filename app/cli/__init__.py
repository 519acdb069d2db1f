"""The command line: another edge on the same catalog."""

import click

from app.cli.projections import projections
from app.cli.serve import serve
from app.cli.token import token


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="hindsight-catalog")
def main() -> None:
    """A virtual-machine image catalog that never forgets."""


for command in (serve, token, projections):
    main.add_command(command)

"""The command line: another edge on the same catalog."""

import click

from app.cli.exits import EXIT_CODES
from app.cli.lazy import LazyGroup

COMMANDS = {
    "serve": ("app.cli.serve:serve", "Serve the catalog until SIGTERM or Ctrl-C."),
    "images": (
        "app.cli.images:images",
        "List, show, push, pull, change, delete and restore images.",
    ),
    "history": ("app.cli.history:history", "Tell what happened to an image, and who did it."),
    "token": ("app.cli.token:token", "Tokens, with which clients say who they are."),
    "projections": (
        "app.cli.projections:projections",
        "Read models: the tables that lists are read from, built from the events.",
    ),
}


@click.group(
    cls=LazyGroup,
    lazy=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=EXIT_CODES,
)
@click.version_option(package_name="hindsight-catalog")
def main() -> None:
    """A virtual-machine image catalog that never forgets."""

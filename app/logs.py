"""How log lines look: JSON for machines, colours for people; with the request, without tokens.

Whoever logs does it with the standard library's `logging`; `extra` becomes fields of the line.
"""

import logging
import re
import sys
from typing import TextIO

import orjson
import structlog
from flask import g, has_request_context
from structlog.stdlib import ProcessorFormatter
from structlog.typing import EventDict, Processor, WrappedLogger

from app.api.request import access_log, route
from storage.tokens import PREFIX

TOKEN = re.compile(rf"{PREFIX}[\w-]{{8,}}", re.ASCII)
HIDDEN = f"{PREFIX}***"


def configure(stream: TextIO = sys.stderr) -> None:
    """Send the warnings and errors of all loggers to a stream, and the lines of requests."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_Formatter(is_terminal=stream.isatty()))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    access_log.setLevel(logging.INFO)


class _Formatter(ProcessorFormatter):
    """Renders records; whatever they hold, no token of ours comes out."""

    def __init__(self, *, is_terminal: bool) -> None:
        super().__init__(
            foreign_pre_chain=[
                structlog.stdlib.add_log_level,
                structlog.stdlib.add_logger_name,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                _add_request,
                structlog.stdlib.ExtraAdder(),
            ],
            processors=[
                ProcessorFormatter.remove_processors_meta,
                *(_for_people() if is_terminal else _for_machines()),
            ],
        )

    def format(self, record: logging.LogRecord) -> str:
        return TOKEN.sub(HIDDEN, super().format(record))


def _for_machines() -> list[Processor]:
    return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(_json)]


def _for_people() -> list[Processor]:
    # Not rich's tracebacks: they show the values of variables, secret ones, too.
    plain = structlog.dev.plain_traceback
    return [structlog.dev.ConsoleRenderer(exception_formatter=plain, colors=True)]


def _json(line: EventDict, **_options: object) -> str:
    return orjson.dumps(line, default=repr).decode()


def _add_request(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
    # Looked up for each line, of which there are few, rather than bound by each request.
    if has_request_context():
        line["request_id"] = g.get("request_id")
        line["route"] = route()
        actor = g.get("actor")
        if actor is not None:
            line["user"], line["project"] = actor.user, actor.project
    return line

"""Statements that run again and again, compiled once."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Dialect, Row
from sqlalchemy.sql import ClauseElement

Step = Callable[[Connection], None]
"""Something to be done in a transaction, prepared before."""

STATEMENTS_MAX = 200  # kinds of statements kept; a long one has some 50 KB


class Prepared:
    """A statement whose values are all named by `bindparam`, as text for one kind of database.

    SQLAlchemy's cache spares a known statement its compilation, but not the building of the key
    that finds it: for a small statement that costs more than running it.
    """

    def __init__(self, statement: ClauseElement, dialect: Dialect) -> None:
        compiled: Any = statement.compile(dialect=dialect)
        self._text = str(compiled)
        self._order: list[str] | None = compiled.positiontup
        self._constants = {k: v for k, v in compiled.params.items() if v is not None}

    def rows(self, connection: Connection, values: Mapping[str, Any]) -> Sequence[Row[Any]]:
        """Run a query with values and return all its rows."""
        return connection.exec_driver_sql(self._text, self._arguments(values)).fetchall()

    def bound(self, rows: Sequence[Mapping[str, Any]]) -> Step:
        """Return what runs a change once for each row of values."""
        arguments = [self._arguments(values) for values in rows]
        return lambda connection: _run(connection, self._text, arguments)

    def _arguments(self, values: Mapping[str, Any]) -> Any:
        given = {**self._constants, **values}
        return given if self._order is None else tuple(given[name] for name in self._order)


def _run(connection: Connection, text: str, arguments: list[Any]) -> None:
    if arguments:
        connection.exec_driver_sql(text, arguments)


@lru_cache(maxsize=STATEMENTS_MAX)
def prepared(statement: ClauseElement, dialect: Dialect) -> Prepared:
    """Return a statement that a module keeps, compiled for a kind of database."""
    return Prepared(statement, dialect)

"""Hindsight's own tokens: random, kept as a hash, with the actor that they stand for."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import JSON, Column, LargeBinary, Row, String, Table, Uuid, insert, select, update

from domain import rules
from domain.origin import Actor
from storage.database import UtcTime, operational
from storage.events import EventLog

TOKEN_BYTES = 32
PREFIX = "hs_"  # names it to secret scanners, and keeps a leading dash from looking like an option

tokens = Table(
    "tokens",
    operational,
    Column("id", Uuid, primary_key=True),
    Column("hash", LargeBinary(32), nullable=False, unique=True),  # SHA-256
    Column("user", String(255), nullable=False),
    Column("project", String(255), nullable=False),
    Column("roles", JSON, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime),
    Column("revoked_at", UtcTime),
)


@dataclass(frozen=True)
class Token:
    """What is known of a token; the token itself is not kept."""

    id: UUID
    actor: Actor
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None

    def is_valid(self, at: datetime) -> bool:
        return self.revoked_at is None and (self.expires_at is None or at < self.expires_at)


class Tokens:
    """The tokens of this installation."""

    def __init__(self, log: EventLog) -> None:
        self._log = log

    def create(self, actor: Actor, *, expires_at: datetime | None = None) -> str:
        """Mint a token and return it: this is the only moment at which it can be read.

        Raises:
            InvalidValue: the user or the project is not one line of text.
        """
        for name in ("user", "project"):
            rules.check_line(name, getattr(actor, name))
        secret = PREFIX + secrets.token_urlsafe(TOKEN_BYTES)
        row = {
            "id": uuid4(),
            "hash": _hash(secret),
            **actor.model_dump(),
            "created_at": datetime.now(UTC),
            "expires_at": expires_at,
        }
        with self._log.transaction() as connection:
            connection.execute(insert(tokens).values(row))
        return secret

    def find(self, secret: str) -> Token | None:
        """Return what a token stands for, be it valid or not."""
        with self._log.transaction(commit=False) as connection:
            row = connection.execute(
                select(tokens).where(tokens.c.hash == _hash(secret))
            ).one_or_none()
        return _token(row) if row else None

    def all(self) -> list[Token]:
        """Return every token, oldest first."""
        with self._log.transaction(commit=False) as connection:
            return [
                _token(row)
                for row in connection.execute(select(tokens).order_by(tokens.c.created_at))
            ]

    def revoke(self, token_id: UUID) -> bool:
        """Make a token invalid for good; False when there is no valid one of this id."""
        revocation = update(tokens).where(tokens.c.id == token_id, tokens.c.revoked_at.is_(None))
        with self._log.transaction() as connection:
            done = connection.execute(revocation.values(revoked_at=datetime.now(UTC)))
        return done.rowcount == 1


def _hash(secret: str) -> bytes:
    # The token is 256 random bits: there is nothing to guess that a slow hash would protect.
    return hashlib.sha256(secret.encode()).digest()


def _token(row: Row[Any]) -> Token:
    actor = Actor(user=row.user, project=row.project, roles=tuple(row.roles))
    return Token(row.id, actor, row.created_at, row.expires_at, row.revoked_at)

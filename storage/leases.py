"""Leases: which upload attempts run, and whether their process still lives.

Operational, not history: a row for each running upload, renewed by its process. Who lets it
expire has lost it (see `app.reaper`).
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Column, Connection, String, Table, Uuid, delete, insert, select, update

from storage.database import UtcTime, operational

leases = Table(
    "upload_leases",
    operational,
    Column("attempt", Uuid, primary_key=True),
    Column("image_id", Uuid, nullable=False),
    Column("store", String(255), nullable=False),
    Column("expires_at", UtcTime, nullable=False, index=True),
)


@dataclass(frozen=True)
class Lease:
    """One attempt's claim on the upload of an image."""

    attempt: UUID
    image_id: UUID
    store: str


def open_lease(connection: Connection, lease: Lease, *, until: datetime) -> None:
    """Record that the attempt runs."""
    connection.execute(insert(leases).values(**vars(lease), expires_at=until))


def replace_lease(connection: Connection, lease: Lease, *, until: datetime) -> None:
    """Record until when the attempt may run, whether there was a lease of it or none."""
    close_lease(connection, lease.attempt)
    open_lease(connection, lease, until=until)


def renew(connection: Connection, attempts: Collection[UUID], *, until: datetime) -> None:
    """Give running attempts until then; those whose lease is gone stay gone."""
    renewal = update(leases).where(leases.c.attempt.in_(attempts))
    connection.execute(renewal.values(expires_at=until))


def close_lease(connection: Connection, attempt: UUID) -> None:
    """Forget the attempt: it has ended, one way or the other."""
    connection.execute(delete(leases).where(leases.c.attempt == attempt))


def expired(connection: Connection, *, at: datetime) -> list[Lease]:
    """Return the leases that nobody renewed in time."""
    columns = (leases.c.attempt, leases.c.image_id, leases.c.store)
    query = select(*columns).where(leases.c.expires_at < at)
    return [Lease(*row) for row in connection.execute(query)]

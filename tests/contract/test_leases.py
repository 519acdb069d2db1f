"""Leases say which uploads run, and which have lost their process."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import uuid4

import pytest
from sqlalchemy import Connection

from domain.errors import HindsightError
from storage.database import operational, writing
from storage.events import EventLog
from storage.leases import Lease, close_lease, expired, open_lease, renew
from tests.contract.conftest import connected, log_of

NOW = datetime(2026, 3, 4, 5, 6, 7, 890, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)


def new_lease() -> Lease:
    return Lease(attempt=uuid4(), image_id=uuid4(), store="default")


def opened(connection: Connection, *, until: datetime) -> Lease:
    lease = new_lease()
    open_lease(connection, lease, until=until)
    return lease


def test_a_lease_holds_until_its_time_is_over(log: EventLog) -> None:
    with log.transaction() as connection:
        lease = opened(connection, until=NOW)

        assert expired(connection, at=NOW - MOMENT) == []
        assert expired(connection, at=NOW) == []
        assert expired(connection, at=NOW + MOMENT) == [lease]


def test_leases_expire_one_by_one(log: EventLog) -> None:
    with log.transaction() as connection:
        early = opened(connection, until=NOW)
        late = opened(connection, until=NOW + 2 * MOMENT)

        assert expired(connection, at=NOW + MOMENT) == [early]
        assert set(map(vars_of, expired(connection, at=NOW + 3 * MOMENT))) == {
            vars_of(early),
            vars_of(late),
        }


def vars_of(lease: Lease) -> tuple[object, ...]:
    return tuple(vars(lease).values())


def test_time_zones_do_not_matter(log: EventLog) -> None:
    in_delhi = timezone(timedelta(hours=5, minutes=30))
    with log.transaction() as connection:
        lease = opened(connection, until=NOW.astimezone(in_delhi))

        assert expired(connection, at=NOW) == []
        assert expired(connection, at=(NOW + MOMENT).astimezone(in_delhi)) == [lease]


def test_a_renewed_lease_holds_longer_and_others_do_not(log: EventLog) -> None:
    with log.transaction() as connection:
        renewed = opened(connection, until=NOW)
        also_renewed = opened(connection, until=NOW)
        forgotten = opened(connection, until=NOW)

        renew(connection, {renewed.attempt, also_renewed.attempt}, until=NOW + 2 * MOMENT)

        assert expired(connection, at=NOW + MOMENT) == [forgotten]


def test_renewing_nothing_changes_nothing(log: EventLog) -> None:
    with log.transaction() as connection:
        lease = opened(connection, until=NOW)

        renew(connection, [], until=NOW + 2 * MOMENT)

        assert expired(connection, at=NOW + MOMENT) == [lease]


def test_a_lease_that_is_gone_stays_gone(log: EventLog) -> None:
    with log.transaction() as connection:
        lease = opened(connection, until=NOW)
        close_lease(connection, lease.attempt)

        renew(connection, [lease.attempt, uuid4()], until=NOW)

        assert expired(connection, at=NOW + timedelta(days=1)) == []


def test_closing_a_lease_forgets_that_one_and_can_be_repeated(log: EventLog) -> None:
    with log.transaction() as connection:
        closed = opened(connection, until=NOW)
        other = opened(connection, until=NOW)

        close_lease(connection, closed.attempt)
        close_lease(connection, closed.attempt)

        assert expired(connection, at=NOW + MOMENT) == [other]


def test_an_attempt_has_one_lease(log: EventLog) -> None:
    with log.transaction() as connection:
        lease = opened(connection, until=NOW)

    with pytest.raises(HindsightError), log.transaction() as connection:
        open_lease(connection, lease, until=NOW + timedelta(days=1))

    with log.transaction(commit=False) as connection:
        assert expired(connection, at=NOW + MOMENT) == [lease]


def test_other_processes_see_leases_and_a_rolled_back_one_never_was(database_url: str) -> None:
    with connected(database_url) as datastore:
        log = log_of(datastore)
        log.create_tables(operational)
        with log.transaction() as connection:
            kept = opened(connection, until=NOW)
        with writing(datastore.engine).connect() as connection:
            opened(connection, until=NOW)
            connection.rollback()

    with connected(database_url) as datastore, datastore.engine.connect() as connection:
        assert expired(connection, at=NOW + MOMENT) == [kept]

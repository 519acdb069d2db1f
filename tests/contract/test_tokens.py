"""Tokens are random, stand for an actor, and are kept as a hash only."""

import hashlib
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from uuid import uuid4

import pytest

from domain.origin import Actor
from storage.database import operational
from storage.events import EventLog
from storage.tokens import TOKEN_BYTES, Token, Tokens
from tests.contract.conftest import connected, log_of, only_sqlite

ALICE = Actor(user="alice", project="blue", roles=("member", "reader"))
BOB = Actor(user="bob", project="red", roles=())
NOW = datetime(2026, 3, 4, 5, 6, 7, 890, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)


@pytest.fixture
def tokens(log: EventLog) -> Tokens:
    return Tokens(log)


def found(tokens: Tokens, secret: str) -> Token:
    token = tokens.find(secret)
    assert token is not None
    return token


def test_a_token_stands_for_its_actor(tokens: Tokens) -> None:
    before = datetime.now(UTC)
    alice, bob = tokens.create(ALICE), tokens.create(BOB)

    assert found(tokens, alice).actor == ALICE
    assert found(tokens, bob).actor == BOB
    assert before <= found(tokens, alice).created_at <= found(tokens, bob).created_at


def test_tokens_of_one_actor_differ(tokens: Tokens) -> None:
    secrets = {tokens.create(ALICE) for _ in range(20)}

    assert len(secrets) == 20
    assert all(len(secret) >= TOKEN_BYTES * 4 / 3 for secret in secrets)
    assert len({found(tokens, secret).id for secret in secrets}) == 20


def test_no_token_looks_like_an_option_of_a_command(tokens: Tokens) -> None:
    assert tokens.create(ALICE).startswith("hs_")


def test_unknown_tokens_are_not_found(tokens: Tokens) -> None:
    secret = tokens.create(ALICE)

    for unknown in ("", secret[:-1], secret + "A", secret.swapcase(), f" {secret}", "ü\0"):
        assert tokens.find(unknown) is None


@only_sqlite  # elsewhere the files are not ours to read
def test_the_database_holds_a_token_s_hash_and_not_the_token(
    tokens: Tokens, tmp_path: Path
) -> None:
    secret = tokens.create(ALICE)

    files = list(tmp_path.glob("catalog.db*"))
    kept = b"".join(file.read_bytes() for file in files)
    assert secret.encode() not in kept
    assert hashlib.sha256(secret.encode()).digest() in kept
    assert secret not in repr(tokens.all())


def test_a_token_without_an_end_stays_valid(tokens: Tokens) -> None:
    token = found(tokens, tokens.create(ALICE))

    assert token.expires_at is None
    assert token.is_valid(datetime.max.replace(tzinfo=UTC))


def test_a_token_is_valid_until_its_end(tokens: Tokens) -> None:
    in_delhi = timezone(timedelta(hours=5, minutes=30))
    token = found(tokens, tokens.create(ALICE, expires_at=NOW.astimezone(in_delhi)))

    assert token.expires_at == NOW
    assert token.is_valid(NOW - MOMENT)
    assert not token.is_valid(NOW)
    assert not token.is_valid(NOW + MOMENT)


def test_a_revoked_token_is_known_but_not_valid(tokens: Tokens) -> None:
    secret, other = tokens.create(ALICE), tokens.create(ALICE)
    before = datetime.now(UTC)

    assert tokens.revoke(found(tokens, secret).id)

    token = found(tokens, secret)
    assert token.actor == ALICE
    assert token.revoked_at is not None
    assert before <= token.revoked_at <= datetime.now(UTC)
    assert not token.is_valid(datetime.now(UTC))
    assert found(tokens, other).is_valid(datetime.now(UTC))


def test_revoking_is_for_good_and_its_time_stays(tokens: Tokens) -> None:
    secret = tokens.create(ALICE)
    tokens.revoke(found(tokens, secret).id)
    revoked = found(tokens, secret)

    assert not tokens.revoke(revoked.id)
    assert found(tokens, secret) == revoked


def test_revoking_an_unknown_token_says_so(tokens: Tokens) -> None:
    assert not tokens.revoke(uuid4())


def test_all_tokens_are_listed_oldest_first(tokens: Tokens) -> None:
    secrets = [tokens.create(ALICE), tokens.create(BOB, expires_at=NOW), tokens.create(ALICE)]
    tokens.revoke(found(tokens, secrets[2]).id)

    assert tokens.all() == [found(tokens, secret) for secret in secrets]


def test_another_process_finds_a_token(database_url: str) -> None:
    with connected(database_url) as datastore:
        log = log_of(datastore)
        log.create_tables(operational)
        secret = Tokens(log).create(ALICE)

    with connected(database_url) as datastore:
        assert found(Tokens(log_of(datastore)), secret).actor == ALICE

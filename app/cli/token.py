"""`hindsight token`: mint, list and revoke tokens, on the machine of the data."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import click

from app.cli.local import opened
from app.cli.options import data_option
from app.settings import parse_duration
from domain.origin import ROLES, Actor
from storage.tokens import Token


class Duration(click.ParamType[timedelta]):
    """A time span such as 30d or 12h."""

    name = "duration"

    def convert(
        self, value: str | timedelta, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        try:
            span = parse_duration(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)
        if not span:
            self.fail(f"{value!r} is no time span such as 30d: it is over at once", param, ctx)
        return span


@click.group()
def token() -> None:
    """Tokens, with which clients say who they are."""


@token.command()
@click.option("--user", required=True, help="Whom the token stands for.")
@click.option("--project", required=True, help="The project that owns what is registered with it.")
@click.option(
    "--role", "roles", type=click.Choice(ROLES), multiple=True, required=True, help="Repeatable."
)
@click.option("--expires", type=Duration(), help="Time span such as 30d.  [default: never]")
@data_option
def create(
    user: str, project: str, roles: tuple[str, ...], expires: timedelta | None, data: Path | None
) -> None:
    """Mint a token and print it, alone, on standard output. It can't be read again."""
    actor = Actor(user=user, project=project, roles=tuple(dict.fromkeys(roles)))
    with opened(data) as hindsight:
        expires_at = datetime.now(UTC) + expires if expires else None
        click.echo(hindsight.tokens.create(actor, expires_at=expires_at))


@token.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@data_option
def list_tokens(as_json: bool, data: Path | None) -> None:
    """List the tokens that were minted, without the tokens themselves."""
    with opened(data) as hindsight:
        tokens = hindsight.tokens.all()
    if as_json:
        click.echo(json.dumps([_described(token) for token in tokens], indent=2))
        return
    for token in tokens:
        words = _described(token)
        click.echo(
            f"{words['id']}  {words['user']}  {words['project']}  {','.join(token.actor.roles)}  "
            f"{words['state']}, expires {words['expires_at'] or 'never'}"
        )


@token.command()
@click.argument("token_id", type=click.UUID)
@data_option
def revoke(token_id: UUID, data: Path | None) -> None:
    """Make the token with TOKEN_ID (see `token list`) invalid for good."""
    with opened(data) as hindsight:
        if not hindsight.tokens.revoke(token_id):
            raise click.ClickException(f"no valid token has the id {token_id}: see `token list`")
        click.echo(
            f"Revoked. Servers stop taking it within {hindsight.settings.token_cache:g} seconds."
        )


def _described(token: Token) -> dict[str, object]:
    now = datetime.now(UTC)
    state = "revoked" if token.revoked_at else "valid" if token.is_valid(now) else "expired"
    return {
        "id": str(token.id),
        **token.actor.model_dump(mode="json"),
        "state": state,
        "created_at": token.created_at.isoformat(),
        "expires_at": token.expires_at.isoformat() if token.expires_at else None,
        "revoked_at": token.revoked_at.isoformat() if token.revoked_at else None,
    }

"""Options that several commands share."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from app.cli.client import MINT_ONE, START_ONE, Client, parse_url
from app.cli.exits import NotAllowed, Unreachable
from app.settings import Settings, WrongSetting, load_settings

data_option = click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the data.  [default: HINDSIGHT_DATA]",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


class KeyValue(click.ParamType[tuple[str, str]]):
    """A custom property, as K=V."""

    name = "k=v"

    def convert(
        self,
        value: str | tuple[str, str],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> tuple[str, str]:
        if isinstance(value, tuple):
            return value
        key, equals, rest = value.partition("=")
        if not key or not equals:
            self.fail(f"{value!r} is no property such as os_distro=debian", param, ctx)
        return key, rest


def settings_or_exit(**given: Any) -> Settings:
    """Return the settings; a wrong one ends the command and says what it should be."""
    try:
        return load_settings(**given)
    except WrongSetting as error:
        raise click.ClickException(str(error)) from None


def connected(command: Callable[..., None]) -> Callable[..., None]:
    """Hand a command its client first, and give it the options that say whom that talks to."""

    @click.option("--url", help="The Hindsight to talk to.  [default: HINDSIGHT_URL or the local]")
    @click.option("--token", help="Who you are.  [default: HINDSIGHT_TOKEN or the local admin's]")
    @data_option
    @functools.wraps(command)
    def with_client(*args: Any, url: str | None, token: str | None, **options: Any) -> None:
        settings = settings_or_exit(data=options.pop("data"), url=url, token=token)
        with _client(settings) as client:
            command(client, *args, **options)

    return with_client


def _client(settings: Settings) -> Client:
    local = _local_url(settings)
    if settings.url is None and local is None:
        raise Unreachable(f"no Hindsight serves {settings.data}", hint=START_ONE)
    url = parse_url(settings.url or str(local))
    if settings.token:
        return Client(url, settings.token.get_secret_value())
    if local is None or url != parse_url(local):
        # The local admin's token is nobody else's business.
        raise NotAllowed(f"no token for {url}", hint=MINT_ONE)
    return Client(url, _local_token(settings))


def _local_url(settings: Settings) -> str | None:
    # Without that file another service may listen where ours would: it must not see our token.
    if not settings.server_file.exists():
        return None
    return settings.server_file.read_text().strip()


def _local_token(settings: Settings) -> str:
    try:
        return settings.admin_token_file.read_text().strip()
    except FileNotFoundError:
        said = f"no Hindsight has run here yet: there is no {settings.admin_token_file}"
        raise Unreachable(said, hint=START_ONE) from None
    except OSError as error:
        said = f"can't read the admin token, {settings.admin_token_file}: {error.strerror}"
        raise NotAllowed(said, hint=MINT_ONE) from error

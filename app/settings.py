"""Every setting, read from `HINDSIGHT_*` variables or a `.env` file."""

import os
import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "HINDSIGHT_"
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def default_data() -> Path:
    """Return where this user's data lies by default (XDG base directories)."""
    home = os.environ.get("XDG_DATA_HOME")  # noqa: TID251 - this is the one place that may
    return (Path(home) if home else Path("~/.local/share").expanduser()) / "hindsight"


def _known_database(url: SecretStr) -> SecretStr:
    if not url.get_secret_value().startswith(("postgresql+psycopg://", "sqlite:///")):
        raise ValueError("must begin with postgresql+psycopg:// or sqlite:///")
    return url


def parse_duration(text: str | timedelta) -> timedelta:
    """Return the time that text such as 30d, 12h, 90m or 0s spans; ValueError if it is none."""
    if isinstance(text, timedelta):
        return text
    match = re.fullmatch(r"(\d{1,6})([smhdw])", text)
    if match is None:
        raise ValueError(f"{text!r} is no time span such as 30d, 12h or 90m")
    return timedelta(**{UNITS[match[2]]: int(match[1])})


Duration = Annotated[timedelta, BeforeValidator(parse_duration)]
DatabaseUrl = Annotated[SecretStr, AfterValidator(_known_database)]


class Settings(BaseSettings):
    """The settings; a field's description is its documentation."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=".env", env_ignore_empty=True, extra="ignore"
    )

    data: Path = Field(
        default_factory=default_data,
        description="Folder of the embedded database, the images' data and the admin token.",
    )
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(9292, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    workers: int = Field(2, ge=1, le=256, description="API processes.")
    threads: int = Field(16, ge=1, le=1024, description="Threads of each API process.")
    grace: float = Field(
        30, ge=0, description="Seconds that running requests get to end when the server stops."
    )
    lease: float = Field(
        30, ge=0.2, description="Seconds after which an upload whose process died is given up."
    )
    database_url: DatabaseUrl | None = Field(
        None,
        description="postgresql+psycopg://USER@HOST/DATABASE; else SQLite in the data folder.",
    )
    delayed_delete: Duration = Field(
        timedelta(0),
        description="Time span such as 7d in which a deleted image can be restored; 0s for none.",
    )
    os_hash_algo: Literal["sha512", "sha256", "sha384", "blake2b"] = Field(
        "sha512", description="The secure hash of image data."
    )
    image_size_cap: int = Field(
        1 << 40, ge=1, description="Bytes that an image's data may have at most."
    )
    token_cache: float = Field(
        5, ge=0, description="Seconds that a process may go on taking a revoked token."
    )
    access_log: bool = Field(
        False, description="Whether a line is logged for every request; failures always are."
    )
    url: str | None = Field(
        None, description="The Hindsight that the command line talks to; else the local one."
    )
    token: SecretStr | None = Field(
        None, description="The token that the command line sends; else the local admin's."
    )

    @property
    def database(self) -> str:
        """The database's URL; it may hold a password."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite:///{self.sqlite_file}"

    @property
    def sqlite_file(self) -> Path:
        return self.data / "catalog.db"

    @property
    def blobs(self) -> Path:
        return self.data / "blobs"

    @property
    def admin_token_file(self) -> Path:
        return self.data / "admin-token"

    @property
    def server_file(self) -> Path:
        """Where a running server says its URL, for the command line on the same machine."""
        return self.data / "server.url"


class WrongSetting(Exception):
    """A setting that stops the start; the message names the variable and what it should hold."""


def load_settings(**given: Any) -> Settings:
    """Return the settings from the environment; given values (not None) come first.

    Raises:
        WrongSetting: a variable holds what it should not.
    """
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        raise WrongSetting("\n".join(map(_sentence, error.errors()))) from None


def _sentence(problem: Any) -> str:
    name = str(problem["loc"][0])
    field = Settings.model_fields.get(name)
    about = f" ({field.description})" if field else ""
    held = "a secret" if "Secret" in str(field and field.annotation) else repr(problem["input"])
    return f"{PREFIX}{name.upper()} is {held}: {problem['msg']}{about}"

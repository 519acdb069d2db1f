"""Who asks for a change, and in which request."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

Role = Literal["reader", "member", "admin", "auditor"]
ROLES: tuple[Role, ...] = ("reader", "member", "admin", "auditor")


class Actor(BaseModel):
    """The one who acts: ids only, since they stay in the history for ever."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    user: str
    project: str
    roles: tuple[str, ...]

    @property
    def is_admin(self) -> bool:
        return "admin" in self.roles


class Origin(BaseModel):
    """Where a command comes from; every event carries it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    actor: Actor
    request_id: str

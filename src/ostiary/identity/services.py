"""What identity's actions work with, and how they are declared: its answers are the operator's own records, limited by permission, so nothing is masked."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, Field

from ostiary.actions import Action, Call, Effect, Masking, Recorded, Risk, Route
from ostiary.clock import Clock, rfc3339
from ostiary.db.database import Database
from ostiary.identity.gate import Gate
from ostiary.identity.post import Post
from ostiary.shapes import Answer, ModelShape, Params
from ostiary.vault.sealing import Vault

EMAIL_CHARACTERS_MAX = 254
_LOCAL = r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}"
_DOMAIN = r"[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63}){0,8}"
Email = Annotated[str, Field(pattern=f"^{_LOCAL}@{_DOMAIN}$", max_length=EMAIL_CHARACTERS_MAX)]
Name = Annotated[
    str,
    Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*$"),
]

EMAIL_COLUMN = "person.email"
"""What emails are blind-indexed as."""


@dataclass(frozen=True, slots=True)
class Services:
    """`environment` ("live" or "test") is written into new keys; `gate` holds what has to be dropped when something is taken away."""

    database: Database
    vault: Vault
    clock: Clock
    gate: Gate
    post: Post
    environment: str = "live"


def look(
    name: str,
    title: str,
    description: str,
    permission: str,
    params: type[Params],
    result: type[Answer],
    run: Callable[[Call, Any], Awaitable[BaseModel]],
    path: str,
) -> Action:
    """An action that changes nothing."""
    return Action(
        name=name,
        title=title,
        description=description,
        permission=permission,
        risk=Risk.LOW,
        effect=Effect.NONE,
        params=ModelShape(params),
        result=ModelShape(result),
        run=run,
        route=Route("GET", path),
        recorded=Recorded.BATCHED,
        masking=Masking.OWN,
        sentence=title,
    )


def change(
    name: str,
    title: str,
    description: str,
    permission: str,
    params: type[Params],
    result: type[Answer],
    run: Callable[[Call, Any], Awaitable[BaseModel]],
    route: Route,
    *,
    risk: Risk = Risk.LOW,
    public: bool = False,
    step_up: bool = False,
    sentence: str = "",
) -> Action:
    """An action that changes our own rows. A public one asks for no permission."""
    return Action(
        name=name,
        title=title,
        description=description,
        permission=permission,
        risk=risk,
        effect=Effect.LOCAL,
        params=ModelShape(params),
        result=ModelShape(result),
        run=run,
        route=route,
        masking=Masking.OWN,
        public=public,
        step_up=step_up,
        sentence=sentence or title,
    )


def shown(at_us: int) -> str:
    """An instant as RFC 3339; never (0) is empty."""
    return rfc3339(at_us) if at_us else ""

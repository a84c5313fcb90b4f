"""What the room's actions work with."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from ostiary.actions import Action, Actor
from ostiary.cells.pins import Pins
from ostiary.clock import Clock
from ostiary.db.database import Database
from ostiary.oauth.clients import Clients
from ostiary.oauth.grants import Grants
from ostiary.oauth.issuers.trust import Trust
from ostiary.oauth.resources import Resources
from ostiary.oauth.upstream.flow import Flows
from ostiary.oauth.upstream.tokens import Accounts
from ostiary.vault.sealing import Vault

Visible = Callable[[Actor], Awaitable[list[Action]]]
"""The actions that an actor could call."""
Connectable = Callable[[Actor], Awaitable[list[str]]]
"""The connectors where each person connects an account of their own."""


@dataclass(frozen=True, slots=True)
class OAuth:
    database: Database
    vault: Vault
    clock: Clock
    pins: Pins
    clients: Clients
    grants: Grants
    resources: Resources
    trust: Trust
    flows: Flows
    accounts: Accounts
    visible: Visible
    connectable: Connectable

"""OAuth, put together: the authorization server, the tokens that the gate takes, and people's own accounts at upstreams."""

from collections.abc import Awaitable, Callable

from sqlalchemy import Connection

from ostiary.actions import Action, Actor
from ostiary.clock import DAY_US, Clock
from ostiary.config import Settings
from ostiary.connectors import store as connectors_store
from ostiary.connectors.connectors import Connectors
from ostiary.connectors.opening import read_settings, settings_place
from ostiary.connectors.settings import McpSettings
from ostiary.db.database import Database
from ostiary.errors import NotFound
from ostiary.identity.gate import Gate
from ostiary.ids import TenantId
from ostiary.net.address import egress
from ostiary.oauth import actions, store
from ostiary.oauth.bearer import Bearers
from ostiary.oauth.clients import Clients
from ostiary.oauth.grants import FORGET_AFTER_US, Grants
from ostiary.oauth.issuers.trust import Trust
from ostiary.oauth.keys import SigningKeys
from ostiary.oauth.outward import Outward
from ostiary.oauth.resources import Resources
from ostiary.oauth.services import OAuth
from ostiary.oauth.upstream import store as upstream_store
from ostiary.oauth.upstream.flow import Flows, Upstream
from ostiary.oauth.upstream.tokens import Accounts
from ostiary.vault.sealing import Vault


class Authority:
    """Every part once: the gate takes its tokens, and the connectors use people's own accounts."""

    def __init__(
        self, settings: Settings, database: Database, vault: Vault, clock: Clock, gate: Gate, connectors: Connectors,
        visible: Callable[[Actor], Awaitable[list[Action]]],
    ) -> None:  # fmt: skip
        self._database = database
        self._clock = clock
        self._connectors = connectors
        pins = gate.pins
        outward = Outward(egress(settings.egress_allow))
        self.resources = Resources(settings.public_url.rstrip("/"))
        self.keys = SigningKeys(database, vault, clock)
        grants = Grants(database, vault, clock, self.keys, self.resources)
        trust = Trust(database, vault, clock, outward, self.resources, pins)
        self.bearers = Bearers(database, clock, self.keys, grants, self.resources, trust, pins)
        self.flows = Flows(database, vault, clock, outward, self._upstream, base=self.resources.base)
        self.accounts = Accounts(database, vault, clock, self.flows)
        self._services = OAuth(
            database, vault, clock, pins, Clients(database, vault, clock, outward), grants, self.resources, trust, self.flows,
            self.accounts, visible, self._connectable,
        )  # fmt: skip

        gate.token_actor = self.bearers.check
        connectors.accounts = self.accounts

    def actions(self) -> list[Action]:
        return actions.actions(self._services)

    async def tidy(self, tenants: list[TenantId]) -> None:
        """Write down last uses, forget what is over. Raises StoreUnavailable; no call depends on it."""
        await self.bearers.write_last_uses()
        now_us = self._clock.now_us()
        for tenant in tenants:
            await self._database.change(lambda c, tenant=tenant: _forget(c, tenant, now_us))  # type: ignore[misc]
        await self.keys.forget()

    async def _upstream(self, tenant: TenantId, name: str) -> Upstream:
        """Raises NotFound for a connector that is none, or where nobody has an account of their own."""
        row = await self._database.run(lambda connection: connectors_store.find(connection, tenant, name))
        settings = self._settings(tenant, row) if row is not None else None
        if settings is None:
            raise NotFound
        return Upstream(settings.url, settings.ca_pem)

    async def _connectable(self, actor: Actor) -> list[str]:
        rows = await self._database.run(lambda connection: connectors_store.listed(connection, actor.tenant))
        return [row.name for row in rows if self._settings(actor.tenant, row) is not None]

    def _settings(self, tenant: TenantId, row: connectors_store.ConnectorRow) -> McpSettings | None:
        if row.kind != "mcp" or row.paused:
            return None
        found = read_settings(self._connectors.vault.open(settings_place(tenant, row.name), row.settings))
        mine = isinstance(found, McpSettings) and found.credentials == "per_person" and found.url
        return found if mine else None


def _forget(connection: Connection, tenant: TenantId, now_us: int) -> None:
    store.prune_tokens(connection, tenant, before_us=now_us - DAY_US)
    store.prune(connection, tenant, before_us=now_us - FORGET_AFTER_US)
    upstream_store.prune_flows(connection, tenant, before_us=now_us - DAY_US)

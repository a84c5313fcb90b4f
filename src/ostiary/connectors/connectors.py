"""The connectors that are in use: each opened once, kept while it is used, and thrown away when it is changed, by whichever process.

`bind` makes a contract's target ready. What it returned runs only against the very configuration that it was bound to: once the connector has been
changed, a call is refused as stale and nothing is sent, until the contract has been bound anew.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from ostiary import metrics, traces, turns
from ostiary.actions import Bound, Call, JsonValue
from ostiary.clock import Clock
from ostiary.connectors import store
from ostiary.connectors.http import HttpService
from ostiary.connectors.mcp.upstream import McpTarget, Upstream
from ostiary.connectors.opening import (
    Accounts,
    Driver,
    Held,
    Limits,
    close,
    driver,
    engines,
    opened,
    versions,
)
from ostiary.connectors.postgresql import PostgresqlSource
from ostiary.connectors.settings import HttpSettings, McpSettings
from ostiary.connectors.sqlite import SqliteSource
from ostiary.connectors.targets import (
    ConstantTarget,
    HttpTarget,
    SqlTarget,
    Target,
    check_target,
    compile_target,
)
from ostiary.db.database import Database
from ostiary.db.kept import Kept
from ostiary.engines.engine import Engine
from ostiary.errors import (
    ApprovalStale,
    Fault,
    NotFound,
    OstiaryError,
    TargetTimeout,
    TargetUnavailable,
    ToolQuarantined,
)
from ostiary.ids import TenantId
from ostiary.net.address import Egress
from ostiary.vault.sealing import Vault

HELD_MAX = 512
T = TypeVar("T")


@dataclass(slots=True)
class Connectors:
    """All tenants' connectors."""

    database: Database
    vault: Vault
    clock: Clock
    allowed: Egress
    limits: Limits = field(default_factory=Limits)
    accounts: Accounts | None = None
    """Gives each person's own token for an upstream; None: there are none."""
    refused: Callable[[TenantId, str, str], Awaitable[bool]] | None = None
    """Whether a person has refused the definition of an upstream's tool with this pin."""
    _retired: list[Held] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _kept: Kept[Held] = field(init=False)

    def __post_init__(self) -> None:
        # What was changed is closed when nothing runs on it any more.
        self._kept = Kept(self.database.signals, store.CHANGED, most=HELD_MAX, gone=self._retired.append)

    def bind(self, tenant: TenantId, name: str, target: Mapping[str, JsonValue]) -> Bound:
        """The target made ready. Reads the connector's row where it is not held (then it blocks). Raises NotFound, ContractInvalid, SealBroken."""
        held = self.held_now(tenant, name)
        compiled = compile_target(held.settings.kind, target)
        bound_to = held.hash

        async def run(call: Call, params: Mapping[str, JsonValue]) -> JsonValue:
            present = await self.held(tenant, name)
            if present.hash != bound_to:
                raise ApprovalStale("The connector was changed; nothing was sent.")
            return await self._run(present, call, compiled, params)

        def preview(call: Call, params: Mapping[str, JsonValue]) -> JsonValue:
            return self._preview(self.held_now(tenant, name), call, compiled, params)

        return Bound(
            run=run,
            preview=preview,
            honours_key=isinstance(held.settings, HttpSettings) and held.settings.honours_idempotency_key,
            hash=bound_to,
            keeps_answer=not isinstance(compiled, SqlTarget),
        )

    def check(
        self, tenant: TenantId, name: str, target: Mapping[str, JsonValue], parameter_names: Sequence[str]
    ) -> list[Fault]:
        """What is wrong with a contract's target, the connector's absence included; pointers are relative to the target. Blocks as `bind` does."""
        try:
            held = self.held_now(tenant, name)
        except NotFound:
            return [Fault("", f"there is no connector named {name}")]
        return check_target(held.settings.kind, target, parameter_names)

    async def held(self, tenant: TenantId, name: str) -> Held:
        """The opened connector. Raises NotFound, SealBroken."""
        if self._retired:
            await self._sweep()
        found = self._kept.get((tenant, name))
        return found if found is not None else await asyncio.to_thread(self.held_now, tenant, name)

    def held_now(self, tenant: TenantId, name: str) -> Held:
        """`held`, in this thread."""
        place = (tenant, name)
        found = self._kept.get(place)
        if found is not None:
            return found
        mark = self._kept.mark()
        row, secrets = self._rows(tenant, name)
        found = self._kept.last(place)  # it may count, but we cannot be sure now
        if found is not None and found.versions == versions(row, secrets):
            return found
        made = opened(self.vault, tenant, row, secrets)
        with self._lock:
            found = self._kept.last(place)  # of somebody who was faster
            if found is not None and found.versions == made.versions:
                return found
            self._kept.keep(tenant, place, made, mark)
        return made

    def _rows(self, tenant: TenantId, name: str) -> tuple[store.ConnectorRow, list[store.SecretRow]]:
        row, secrets = self.database.read(
            lambda connection: (store.find(connection, tenant, name), store.secrets(connection, tenant, name))
        )
        if row is None:
            raise NotFound("The contract's connector does not exist.")
        return row, secrets

    def drop(self, tenant: TenantId) -> None:
        """Forget the tenant's connectors. What runs on them ends first."""
        self._kept.drop(tenant)

    async def _run(
        self, held: Held, call: Call, target: Target, params: Mapping[str, JsonValue]
    ) -> JsonValue:
        if held.paused:
            raise TargetUnavailable("The connector is paused.")
        if isinstance(target, ConstantTarget):
            return target.value
        with self.using(held) as used, self._counted(held.settings.kind):
            if isinstance(target, HttpTarget) and isinstance(used, HttpService):
                return await used.call(call, target, params)
            if isinstance(target, SqlTarget) and isinstance(used, SqliteSource | PostgresqlSource):
                return await used.query(target.statement, params)
            if isinstance(target, McpTarget) and isinstance(used, Upstream):
                if self.refused is not None and await self.refused(held.tenant, held.name, target.pin):
                    raise ToolQuarantined
                return await used.call(call, target, params)
        raise ApprovalStale("The connector was changed; nothing was sent.")

    def _preview(self, held: Held, call: Call, target: Target, params: Mapping[str, JsonValue]) -> JsonValue:
        if isinstance(target, HttpTarget):
            with self.using(held) as used:
                return used.preview(call, target, params) if isinstance(used, HttpService) else None
        if isinstance(target, SqlTarget):
            given = {name: params.get(name) for name in target.statement.parameters}
            return {"statement": target.statement.text, "parameters": given}
        if isinstance(target, McpTarget):
            return {"upstream": held.name, "tool": target.tool, "pin": target.pin, "arguments": dict(params)}
        return {"constant": target.value}

    @contextmanager
    def using(self, held: Held) -> Iterator[Driver]:
        """The connector's driver, which is not closed before this ends."""
        with self._lock:
            if held.driver is None:
                held.driver = driver(held, self.limits, self.allowed, self.clock, self.accounts)
            held.calls += 1
        try:
            yield held.driver
        finally:
            held.calls -= 1

    async def asked(
        self, held: Held, work: Callable[[Engine], T], *, purpose: str = "credential", accept_writer: bool
    ) -> T:
        """`work` on the connector's database, as its reader (`credential`) or its `indexer`, in a thread. Raises TargetUnavailable while it is paused, NotFound where it is no database,
        and as `Engines.run`."""
        if held.paused:
            raise TargetUnavailable("The connector is paused.")
        if not getattr(held.settings, "indexer", ""):
            purpose = "credential"
        with self._lock:
            found = held.engines.get(purpose)
            if found is None:
                found = held.engines[purpose] = engines(held, purpose, self.limits, self.allowed)
            held.calls += 1
        try:
            async with turns.away():
                with self._counted(held.settings.kind):
                    return await found.run(work, accept_writer=accept_writer)
        finally:
            held.calls -= 1

    @asynccontextmanager
    async def upstream(self, tenant: TenantId, name: str) -> AsyncIterator[Upstream]:
        """The upstream MCP server that a connector leads to, counted as a connector's work. Raises NotFound, TargetUnavailable."""
        held = await self.held(tenant, name)
        if held.paused:
            raise TargetUnavailable("The connector is paused.")
        if not isinstance(held.settings, McpSettings):
            raise NotFound
        with self.using(held) as used, self._counted("mcp"):
            if not isinstance(used, Upstream):
                raise NotFound
            yield used

    @contextmanager
    def _counted(self, kind: str) -> Iterator[None]:
        begun_us = self.clock.monotonic_us()
        try:
            with traces.span("connected system", traces.Kind.CLIENT) as span:
                if span:
                    span.attributes["ostiary.connector"] = kind
                yield
        except OstiaryError as error:
            metrics.CONNECTOR_ERRORS.labels(kind, error.code).inc()
            raise
        except asyncio.CancelledError:  # the door has waited long enough
            metrics.CONNECTOR_ERRORS.labels(kind, TargetTimeout.code).inc()
            raise
        finally:
            metrics.CONNECTORS.of(kind).observe(self.clock.monotonic_us() - begun_us)

    async def _sweep(self) -> None:
        with self._lock:
            idle = [held for held in self._retired if held.calls == 0]
            for held in idle:
                self._retired.remove(held)
        for held in idle:
            await close(held)

    async def close(self) -> None:
        """Close everything that is open; for the end of the process."""
        self._kept.clear()
        with self._lock:
            left = self._retired[:]
            self._retired.clear()
        for held in left:
            await close(held)

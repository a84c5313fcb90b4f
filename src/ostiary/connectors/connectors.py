"""The connectors that are in use: each opened once, kept while it is used, and thrown away when it is changed.

`bind` makes a contract's target ready. What it returned runs only against the very configuration that it was bound to: once the connector has been
changed, a call is refused as stale and nothing is sent, until the contract has been bound anew.
"""

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from ostiary.actions import Bound, Call, JsonValue
from ostiary.clock import Clock
from ostiary.connectors import store
from ostiary.connectors.http import HttpService
from ostiary.connectors.opening import Driver, Held, Limits, close, driver, opened
from ostiary.connectors.postgresql import PostgresqlSource
from ostiary.connectors.settings import HttpSettings
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
from ostiary.errors import ApprovalStale, Fault, NotFound, StoreUnavailable, TargetUnavailable
from ostiary.ids import TenantId
from ostiary.net.address import Egress
from ostiary.vault.sealing import Vault

HELD_MAX = 512
LOAD_ATTEMPTS_MAX = 5


@dataclass(slots=True)
class Connectors:
    """All tenants' connectors. `changed` are told the tenant after a change is durable, so that bound contracts are dropped."""

    database: Database
    vault: Vault
    clock: Clock
    allowed: Egress
    limits: Limits = field(default_factory=Limits)
    changed: list[Callable[[TenantId], None]] = field(default_factory=list)
    _held: dict[tuple[TenantId, str], Held] = field(default_factory=dict)
    _retired: list[Held] = field(default_factory=list)
    _drops: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

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
        found = self._held.get((tenant, name))
        return found if found is not None else await asyncio.to_thread(self.held_now, tenant, name)

    def held_now(self, tenant: TenantId, name: str) -> Held:
        """`held`, in this thread."""
        found = self._held.get((tenant, name))
        if found is not None:
            return found
        for _ in range(LOAD_ATTEMPTS_MAX):
            drops = self._drops
            made = self._loaded(tenant, name)
            with self._lock:
                # Otherwise something changed while this was read, and it may be the old version.
                if drops == self._drops:
                    return self._keep((tenant, name), made)
        raise StoreUnavailable("The connectors are being changed; try again.")

    def _loaded(self, tenant: TenantId, name: str) -> Held:
        row, secrets = self.database.read(
            lambda connection: (store.find(connection, tenant, name), store.secrets(connection, tenant, name))
        )
        if row is None:
            raise NotFound("The contract's connector does not exist.")
        return opened(self.vault, tenant, row, secrets)

    def _keep(self, place: tuple[TenantId, str], made: Held) -> Held:
        kept = self._held.setdefault(place, made)
        while len(self._held) > HELD_MAX:
            self._retired.append(self._held.pop(next(iter(self._held))))
        return kept

    def drop(self, tenant: TenantId, name: str) -> None:
        """Forget a connector that was changed, and tell who bound to it. What runs on it ends first."""
        with self._lock:
            self._drops += 1
            old = self._held.pop((tenant, name), None)
            if old is not None:
                self._retired.append(old)
        for tell in self.changed:
            tell(tenant)

    async def _run(
        self, held: Held, call: Call, target: Target, params: Mapping[str, JsonValue]
    ) -> JsonValue:
        if held.paused:
            raise TargetUnavailable("The connector is paused.")
        if isinstance(target, ConstantTarget):
            return target.value
        with self.using(held) as used:
            if isinstance(target, HttpTarget) and isinstance(used, HttpService):
                return await used.call(call, target, params)
            if isinstance(target, SqlTarget) and isinstance(used, SqliteSource | PostgresqlSource):
                return await used.query(target.statement, params)
        raise ApprovalStale("The connector was changed; nothing was sent.")

    def _preview(self, held: Held, call: Call, target: Target, params: Mapping[str, JsonValue]) -> JsonValue:
        if isinstance(target, HttpTarget):
            with self.using(held) as used:
                return used.preview(call, target, params) if isinstance(used, HttpService) else None
        if isinstance(target, SqlTarget):
            given = {name: params.get(name) for name in target.statement.parameters}
            return {"statement": target.statement.text, "parameters": given}
        return {"constant": target.value}

    @contextmanager
    def using(self, held: Held) -> Iterator[Driver]:
        """The connector's driver, which is not closed before this ends."""
        with self._lock:
            if held.driver is None:
                held.driver = driver(held, self.limits, self.allowed, self.clock)
            held.calls += 1
        try:
            yield held.driver
        finally:
            held.calls -= 1

    async def _sweep(self) -> None:
        with self._lock:
            idle = [held for held in self._retired if held.calls == 0]
            self._retired = [held for held in self._retired if held.calls > 0]
        for held in idle:
            await close(held)

    async def close(self) -> None:
        """Close everything that is open; for the end of the process."""
        with self._lock:
            left = [*self._held.values(), *self._retired]
            self._held, self._retired = {}, []
        for held in left:
            await close(held)

"""The connectors that are in use: each opened once, kept while it is used, and thrown away when it is changed.

`bind` makes a contract's target ready. What it returned runs only against the very configuration that it was bound to: once the connector has been
changed, a call is refused as stale and nothing is sent, until the contract has been bound anew.
"""

import asyncio
import hashlib
import ssl
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson
from pydantic import TypeAdapter

from ostiary.actions import Bound, Call, JsonValue
from ostiary.clock import Clock
from ostiary.connectors import store
from ostiary.connectors.http import HttpService, Service
from ostiary.connectors.postgresql import PostgresqlSource, Server
from ostiary.connectors.settings import (
    ConnectorSettings,
    ConstantSettings,
    HttpSettings,
    PostgresqlSettings,
    SqliteSettings,
)
from ostiary.connectors.sqlite import RowBounds, SqliteSource, source_file
from ostiary.connectors.statement import read_statement
from ostiary.connectors.targets import (
    ConstantTarget,
    HttpTarget,
    SqlTarget,
    Target,
    check_target,
    compile_target,
)
from ostiary.db.database import Database
from ostiary.errors import (
    ApprovalStale,
    Fault,
    InvalidParameters,
    NotFound,
    OstiaryError,
    StoreUnavailable,
    TargetRefused,
    TargetUnavailable,
)
from ostiary.ids import TenantId
from ostiary.net.address import Egress, Endpoint, normal_host, parse_url, vetted
from ostiary.net.http import Bounds, Client, tls_context
from ostiary.secret import Secret
from ostiary.vault.sealing import Place, Vault

PURPOSE = "connector"
HELD_MAX = 512
LOAD_ATTEMPTS_MAX = 5
_READ_SETTINGS: TypeAdapter[Any] = TypeAdapter(ConnectorSettings)
_PROBE = read_statement("SELECT 1 AS answer", sqlite=True)

Driver = HttpService | SqliteSource | PostgresqlSource


@dataclass(frozen=True, slots=True)
class Limits:
    """The operator's bounds: a connector may lower them. `own_paths`: the product's databases and folders, which are no source."""

    timeout_s: int = 30
    answer_bytes_max: int = 1 << 20
    answer_rows_max: int = 1000
    connections_max: int = 16
    threads_max: int = 4
    backoff_s: tuple[float, ...] = (0.1, 0.4)
    source_roots: tuple[Path, ...] = ()
    own_paths: tuple[Path, ...] = ()


@dataclass(slots=True)
class Held:
    """One connector, opened. `secrets`: (purpose, secret, until_us), newest first; until 0 is the current one."""

    name: str
    settings: Any
    paused: bool
    hash: str
    secrets: list[tuple[str, Secret, int]]
    driver: Driver | None = None
    calls: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that a test tried. `code` is the error's, empty where it worked."""

    name: str
    ok: bool
    code: str = ""
    detail: str = ""


class _ProbeFailed(Exception):
    """A step of a test did not work."""

    def __init__(self, step: str, error: OstiaryError) -> None:
        super().__init__(step)
        self.step = step
        self.error = error


@contextmanager
def _probing(step: str) -> Iterator[None]:
    try:
        yield
    except OstiaryError as error:
        raise _ProbeFailed(step, error) from error


@dataclass(slots=True)
class Connectors:
    """All tenants' connectors. `changed` are told (tenant, name) after a change is durable, so that bound contracts are dropped."""

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
                if (
                    drops == self._drops
                ):  # else something changed while this was read, and it may be the old version
                    return self._keep((tenant, name), made)
        raise StoreUnavailable("The connectors are being changed; try again.")

    def _loaded(self, tenant: TenantId, name: str) -> Held:
        row, secrets = self.database.read(
            lambda connection: (store.find(connection, tenant, name), store.secrets(connection, tenant, name))
        )
        if row is None:
            raise NotFound("The contract's connector does not exist.")
        return self._opened(tenant, row, secrets)

    def _keep(self, place: tuple[TenantId, str], made: Held) -> Held:
        kept = self._held.setdefault(place, made)
        while len(self._held) > HELD_MAX:
            self._retired.append(self._held.pop(next(iter(self._held))))
        return kept

    def _opened(self, tenant: TenantId, row: store.ConnectorRow, secrets: Sequence[store.SecretRow]) -> Held:
        raw = self.vault.open(settings_place(tenant, row.name), row.settings)
        opened = [
            (
                each.purpose,
                Secret(
                    self.vault.open(
                        secret_place(tenant, each.connector, each.purpose, each.version), each.value
                    ).decode()
                ),
                each.until_us,
            )
            for each in secrets
        ]
        return Held(row.name, read_settings(raw), row.paused, fingerprint(row.name, raw), opened)

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
        with self._using(held) as driver:
            if isinstance(target, HttpTarget) and isinstance(driver, HttpService):
                return await driver.call(call, target, params)
            if isinstance(target, SqlTarget) and isinstance(driver, SqliteSource | PostgresqlSource):
                return await driver.query(target.statement, params)
        raise ApprovalStale("The connector was changed; nothing was sent.")

    def _preview(self, held: Held, call: Call, target: Target, params: Mapping[str, JsonValue]) -> JsonValue:
        if isinstance(target, HttpTarget):
            with self._using(held) as driver:
                return driver.preview(call, target, params) if isinstance(driver, HttpService) else None
        if isinstance(target, SqlTarget):
            given = {name: params.get(name) for name in target.statement.parameters}
            return {"statement": target.statement.text, "parameters": given}
        return {"constant": target.value}

    async def test(self, tenant: TenantId, name: str) -> list[Step]:
        """Try the connector in steps, up to the first that fails: `address`; then `connect` and `signature` for a service, `query` for a database.
        Raises NotFound."""
        held = await self.held(tenant, name)
        steps: list[Step] = []
        try:
            async for step, detail in self._probes(held):
                steps.append(Step(step, ok=True, detail=detail))
        except _ProbeFailed as failed:
            steps.append(Step(failed.step, ok=False, code=failed.error.code, detail=str(failed.error)))
        return steps

    async def _probes(self, held: Held) -> AsyncIterator[tuple[str, str]]:
        with _probing("address"):
            await self._probe_address(held.settings)
        yield "address", "may be reached"
        if isinstance(held.settings, HttpSettings):
            with _probing("connect"), self._using(held) as service:
                status = await service.probe() if isinstance(service, HttpService) else 0
            yield "connect", f"answers with status {status}"
            with _probing("signature"):
                if status in {401, 403}:
                    raise TargetRefused(
                        f"The connected system answered with status {status}: check secret and credential."
                    )
            yield "signature", "not refused"
        elif not isinstance(held.settings, ConstantSettings):
            with _probing("query"), self._using(held) as source:
                if not isinstance(source, HttpService):
                    await source.query(_PROBE, {})
            yield "query", "can be read"

    async def _probe_address(self, settings: Any) -> None:
        endpoint = _endpoint(settings)
        if endpoint is not None:
            await vetted(endpoint, self.allowed)
        elif isinstance(settings, SqliteSettings):
            source_file(settings.path, self.limits.source_roots, self.limits.own_paths)

    @contextmanager
    def _using(self, held: Held) -> Iterator[Driver]:
        """The connector's driver, which is not closed before this ends."""
        with self._lock:
            if held.driver is None:
                held.driver = self._driver(held)
            held.calls += 1
        try:
            yield held.driver
        finally:
            held.calls -= 1

    def _driver(self, held: Held) -> Driver:
        settings = held.settings
        if isinstance(settings, HttpSettings):
            return self._http(held, settings)
        bounds = RowBounds(
            timeout_s=_lower(settings.timeout_s, self.limits.timeout_s),
            answer_rows_max=_lower(settings.answer_rows_max, self.limits.answer_rows_max),
            answer_bytes_max=_lower(settings.answer_bytes_max, self.limits.answer_bytes_max),
            threads_max=self.limits.threads_max,
        )
        if isinstance(settings, SqliteSettings):
            path = source_file(settings.path, self.limits.source_roots, self.limits.own_paths)
            return SqliteSource(path, bounds, self.clock)
        password = next(
            (secret for purpose, secret, _ in held.secrets if purpose == "credential"), Secret("")
        )
        endpoint = Endpoint("postgresql", normal_host(settings.host), settings.port)
        server = Server(
            endpoint,
            settings.database,
            settings.user,
            password,
            settings.tls,
            settings.schemas,
            settings.ca_pem,
        )
        return PostgresqlSource(server, bounds, self.allowed)

    def _http(self, held: Held, settings: HttpSettings) -> HttpService:
        bounds = Bounds(
            timeout_s=_lower(settings.timeout_s, self.limits.timeout_s),
            answer_bytes_max=_lower(settings.answer_bytes_max, self.limits.answer_bytes_max),
            connections_max=self.limits.connections_max,
        )
        client = Client(parse_url(settings.base_url), self.allowed, bounds, ca_pem=settings.ca_pem)
        service = Service(
            signing=lambda: self._signing(held),
            credential=next(
                (secret for purpose, secret, _ in held.secrets if purpose == "credential"), Secret("")
            ),
            credential_header=settings.credential_header,
            honours_key=settings.honours_idempotency_key,
            backoff_s=self.limits.backoff_s,
        )
        return HttpService(client, service, self.clock)

    def _signing(self, held: Held) -> list[Secret]:
        now_us = self.clock.now_us()
        return [
            secret
            for purpose, secret, until_us in held.secrets
            if purpose == "signing" and (until_us == 0 or until_us > now_us)
        ]

    async def _sweep(self) -> None:
        with self._lock:
            idle = [held for held in self._retired if held.calls == 0]
            self._retired = [held for held in self._retired if held.calls > 0]
        for held in idle:
            await _close(held)

    async def close(self) -> None:
        """Close everything that is open; for the end of the process."""
        with self._lock:
            left = [*self._held.values(), *self._retired]
            self._held, self._retired = {}, []
        for held in left:
            await _close(held)


async def _close(held: Held) -> None:
    if isinstance(held.driver, HttpService):
        await held.driver.close()
    elif held.driver is not None:
        await asyncio.to_thread(held.driver.close)


def settings_place(tenant: TenantId, name: str) -> Place:
    return Place(tenant, "connector", "settings", name)


def secret_place(tenant: TenantId, name: str, purpose: str, version: int) -> Place:
    return Place(tenant, "connector_secret", "value", f"{name}|{purpose}|{version}")


def read_settings(raw: bytes) -> Any:
    """The settings of one of the kinds, as they were written."""
    return _READ_SETTINGS.validate_json(raw)


def write_settings(settings: Any) -> bytes:
    """Canonical: equal settings give equal bytes."""
    return orjson.dumps(settings.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS)


def fingerprint(name: str, raw: bytes) -> str:
    """What an approval is bound to: the connector's name and settings, without secrets and versions."""
    return hashlib.sha256(name.encode() + b"\n" + raw).hexdigest()


def reach(settings: Any) -> tuple[object, ...]:
    """Where a credential would go, and how well it is guarded on the way."""
    return (
        settings.kind,
        _endpoint(settings),
        *(getattr(settings, name, "") for name in ("tls", "ca_pem", "credential_header")),
    )


def check_settings(settings: Any, limits: Limits) -> None:
    """Raises AddressRefused for an address or file that can never be reached, whatever it resolves to; InvalidParameters."""
    if isinstance(settings, SqliteSettings):
        source_file(settings.path, limits.source_roots, limits.own_paths)
    else:
        _endpoint(settings)
    if getattr(settings, "ca_pem", ""):
        _check_certificates(settings.ca_pem)


def _check_certificates(pem: str) -> None:
    try:
        tls_context(pem)
    except (ssl.SSLError, ValueError):
        raise InvalidParameters(faults=(Fault("/settings/ca_pem", "holds no certificate in PEM"),)) from None


def _endpoint(settings: Any) -> Endpoint | None:
    if isinstance(settings, HttpSettings):
        return replace(parse_url(settings.base_url), path="")
    if isinstance(settings, PostgresqlSettings):
        return Endpoint("postgresql", normal_host(settings.host), settings.port)
    return None


def _lower(own: int | None, operators: int) -> int:
    return operators if own is None else min(own, operators)

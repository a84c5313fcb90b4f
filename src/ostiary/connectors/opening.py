"""From a connector's rows to something that can be called: its settings and secrets opened, its driver made within the operator's limits."""

import asyncio
import hashlib
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import orjson
from pydantic import TypeAdapter

from ostiary.actions import Actor
from ostiary.clock import Clock
from ostiary.connectors import store
from ostiary.connectors.engines import Engines, Own, Reached, opened_file
from ostiary.connectors.http import HttpService, Service
from ostiary.connectors.mcp.session import HttpSession
from ostiary.connectors.mcp.stdio import PROGRAMS_MAX, Program, StdioSession
from ostiary.connectors.mcp.upstream import Credentials, Upstream
from ostiary.connectors.mcp.wire import Challenged, Wire
from ostiary.connectors.postgresql import PostgresqlSource, Server
from ostiary.connectors.settings import (
    ConnectorSettings,
    DuckdbSettings,
    HttpSettings,
    McpSettings,
    MysqlSettings,
    PostgresqlSettings,
    SqliteSettings,
)
from ostiary.connectors.sqlite import RowBounds, SqliteSource, source_file
from ostiary.engines import engine
from ostiary.errors import Fault, InvalidParameters, NotFound, OstiaryError, TargetRefused, TargetUnavailable
from ostiary.ids import NO_TENANT, TenantId
from ostiary.net.address import Egress, Endpoint, normal_host, parse_url
from ostiary.net.http import Bounds, Client, tls_context
from ostiary.secret import Secret
from ostiary.vault.sealing import Place, Vault

PURPOSE = "connector"
ANSWER_BYTES_MAX = 64 << 20
"""Of one answer of a database that is asked; what an action answers with is bounded besides."""
_READ_SETTINGS: TypeAdapter[Any] = TypeAdapter(ConnectorSettings)

Driver = HttpService | SqliteSource | PostgresqlSource | Upstream


class Accounts(Protocol):
    """Each person's own token for an upstream, by tenant, connector and person."""

    async def token_for(self, tenant: TenantId, connector: str, person: str) -> Secret:
        """Raises ConnectRequired where they have none."""
        ...

    async def renew(self, tenant: TenantId, connector: str, person: str, seen: Secret) -> Secret:
        """The next one, after the upstream refused `seen`. Raises ConnectRequired."""
        ...

    async def spent(self, tenant: TenantId, connector: str, person: str, seen: Secret) -> OstiaryError:
        """The upstream refuses a token that was just renewed: what the person has to do."""
        ...

    async def too_little(
        self, tenant: TenantId, connector: str, person: str, seen: Secret, challenge: str
    ) -> OstiaryError:
        """The upstream wants more scope than the token has (`challenge`: its WWW-Authenticate): what the person has to do."""
        ...


@dataclass(frozen=True, slots=True)
class Shared:
    """The connector's own credential, for everybody."""

    secret: Secret

    async def of(self, _actor: Actor | None) -> Secret:
        return self.secret

    async def another(self, _actor: Actor | None, _seen: Secret, refused: Challenged) -> Secret:
        raise refused

    async def given_up(self, _actor: Actor | None, _seen: Secret, refused: Challenged) -> OstiaryError:
        return refused


@dataclass(frozen=True, slots=True)
class PerPerson:
    """Each person's own token: renewed once where the upstream does not take it any more, and never widened but by the person."""

    accounts: Accounts
    tenant: TenantId
    connector: str

    async def of(self, actor: Actor | None) -> Secret:
        return await self.accounts.token_for(self.tenant, self.connector, _person(actor))

    async def another(self, actor: Actor | None, seen: Secret, refused: Challenged) -> Secret:
        if refused.answered != 401:
            raise await self.given_up(actor, seen, refused)
        return await self.accounts.renew(self.tenant, self.connector, _person(actor), seen)

    async def given_up(self, actor: Actor | None, seen: Secret, refused: Challenged) -> OstiaryError:
        person = _person(actor)
        if refused.answered == 401:
            return await self.accounts.spent(self.tenant, self.connector, person, seen)
        if refused.too_little:
            return await self.accounts.too_little(
                self.tenant, self.connector, person, seen, refused.challenge
            )
        return refused


class Nobodys:
    """Nobody can connect an account here."""

    async def of(self, _actor: Actor | None) -> Secret:
        raise TargetRefused("Nobody can connect an account of their own here.")

    async def another(self, _actor: Actor | None, _seen: Secret, refused: Challenged) -> Secret:
        raise refused

    async def given_up(self, _actor: Actor | None, _seen: Secret, refused: Challenged) -> OstiaryError:
        return refused


def _person(actor: Actor | None) -> str:
    """Raises TargetRefused."""
    if actor is None or not actor.person:
        raise TargetRefused(
            "Each person connects to this upstream themselves; nobody of whom that is known is asking here."
        )
    return actor.person


@dataclass(frozen=True, slots=True)
class Limits:
    """The operator's bounds: a connector may lower them. `own_paths`: the product's databases and folders, which are no source."""

    timeout_s: int = 30
    answer_bytes_max: int = 1 << 20
    answer_rows_max: int = 1000
    connections_max: int = 16
    threads_max: int = 4
    backoff_s: tuple[float, ...] = (0.1, 0.4)
    streams_max: int = 256
    source_roots: tuple[Path, ...] = ()
    own_paths: tuple[Path, ...] = ()
    programs: Mapping[str, Program] = field(default_factory=dict)
    own_databases: tuple[Own, ...] = ()


@dataclass(slots=True)
class Held:
    """One tenant's connector, opened. `versions`: of the rows that it was opened from. `secrets`: (purpose, secret, until_us), newest first; until 0 is the current one."""

    name: str
    settings: Any
    paused: bool
    hash: str
    secrets: list[tuple[str, Secret, int]]
    versions: tuple[object, ...] = ()
    driver: Driver | None = None
    engines: dict[str, Engines] = field(default_factory=dict)
    calls: int = 0
    tenant: TenantId = NO_TENANT


def opened(
    vault: Vault, tenant: TenantId, row: store.ConnectorRow, secrets: Sequence[store.SecretRow]
) -> Held:
    """The connector of these rows. Raises SealBroken, KeysUnavailable."""
    raw = vault.open(settings_place(tenant, row.name), row.settings)
    held = Held(
        row.name,
        read_settings(raw),
        row.paused,
        fingerprint(row.name, raw),
        [],
        versions(row, secrets),
        tenant=tenant,
    )
    for each in secrets:
        text = vault.open(secret_place(tenant, each.connector, each.purpose, each.version), each.value)
        held.secrets.append((each.purpose, Secret(text.decode()), each.until_us))
    return held


def versions(row: store.ConnectorRow, secrets: Sequence[store.SecretRow]) -> tuple[object, ...]:
    """What changes with every change of the rows."""
    return (row.made_us, row.version, *((each.purpose, each.version, each.until_us) for each in secrets))


def signing(held: Held, now_us: int) -> list[Secret]:
    """The signing secrets that are valid now, newest first."""
    return [
        secret
        for purpose, secret, until_us in held.secrets
        if purpose == "signing" and (until_us == 0 or until_us > now_us)
    ]


def driver(
    held: Held, limits: Limits, allowed: Egress, clock: Clock, accounts: Accounts | None = None
) -> Driver:
    """The connector's driver; it connects when it is first used. Raises AddressRefused."""
    settings = held.settings
    if isinstance(settings, HttpSettings):
        return _service(held, settings, limits, allowed, clock)
    if isinstance(settings, McpSettings):
        return _upstream(held, settings, limits, allowed, clock, _credentials(held, settings, accounts))
    bounds = RowBounds(
        timeout_s=_lower(settings.timeout_s, limits.timeout_s),
        answer_rows_max=_lower(settings.answer_rows_max, limits.answer_rows_max),
        answer_bytes_max=_lower(settings.answer_bytes_max, limits.answer_bytes_max),
        threads_max=limits.threads_max,
    )
    if isinstance(settings, MysqlSettings | DuckdbSettings):
        raise TargetRefused("This connector is asked, and no contract points to it.")
    if isinstance(settings, SqliteSettings):
        return SqliteSource(source_file(settings.path, limits.source_roots, limits.own_paths), bounds, clock)
    return PostgresqlSource(_server(held, settings), bounds, allowed)


def engines(held: Held, purpose: str, limits: Limits, allowed: Egress) -> Engines:
    """What asks the connector's database as the reader (`credential`) or the `indexer`; it connects when it is first used. Raises NotFound where it is no database."""
    settings = held.settings
    bounds = engine.Limits(
        seconds=_lower(getattr(settings, "timeout_s", None), limits.timeout_s), bytes=ANSWER_BYTES_MAX
    )
    if isinstance(settings, SqliteSettings | DuckdbSettings):
        return Engines(_File(settings, limits, bounds), limits.threads_max, bounds)
    if not isinstance(settings, PostgresqlSettings | MysqlSettings):
        raise NotFound("This connector is no database.")
    server = _server(held, settings, purpose)
    return Engines(Reached(server, bounds, allowed, limits.own_databases), limits.threads_max, bounds)


@dataclass(frozen=True, slots=True)
class _File:
    """Files that are asked, found anew each time that they are opened."""

    settings: SqliteSettings | DuckdbSettings
    limits: Limits
    bounds: engine.Limits

    async def found(self) -> Callable[[], engine.Engine]:
        """Raises AddressRefused."""
        roots, own = self.limits.source_roots, self.limits.own_paths
        folder = isinstance(self.settings, DuckdbSettings)
        path = await asyncio.to_thread(source_file, self.settings.path, roots, own, folder=folder)
        return lambda: opened_file(path, self.bounds, lambda each: source_file(str(each), roots, own))

    def stamp(self) -> object:
        """Which file it is; of DuckDB's also when it was written, as an open one stays as it was."""
        whole = isinstance(self.settings, DuckdbSettings)
        for root in self.limits.source_roots:
            path = root / self.settings.path
            if path.exists():
                return _stamps(path, whole=whole)
        return None


def _stamps(path: Path, *, whole: bool) -> object:
    """Raises TargetUnavailable where it goes away meanwhile."""
    try:
        files = sorted(path.iterdir()) if path.is_dir() else [path]
        stats = [(str(each), each.stat()) for each in files]
    except OSError:
        raise TargetUnavailable from None
    return [(name, stat.st_dev, stat.st_ino, *((stat.st_mtime_ns, stat.st_size) if whole else ())) for name, stat in stats]  # fmt: skip


def _service(
    held: Held, settings: HttpSettings, limits: Limits, allowed: Egress, clock: Clock
) -> HttpService:
    bounds = Bounds(
        timeout_s=_lower(settings.timeout_s, limits.timeout_s),
        answer_bytes_max=_lower(settings.answer_bytes_max, limits.answer_bytes_max),
        connections_max=limits.connections_max,
    )
    client = Client(parse_url(settings.base_url), allowed, bounds, ca_pem=settings.ca_pem)
    service = Service(
        signing=lambda: signing(held, clock.now_us()),
        credential=_credential(held),
        credential_header=settings.credential_header,
        honours_key=settings.honours_idempotency_key,
        backoff_s=limits.backoff_s,
    )
    return HttpService(client, service, clock)


def _upstream(
    held: Held,
    settings: McpSettings,
    limits: Limits,
    allowed: Egress,
    clock: Clock,
    credentials: Credentials,
) -> Upstream:
    timeout_s = _lower(settings.timeout_s, limits.timeout_s)
    bytes_max = _lower(settings.answer_bytes_max, limits.answer_bytes_max)
    if settings.program:
        program = _program(settings.program, limits)
        return Upstream(
            lambda secret: StdioSession(program, secret, timeout_s=timeout_s, answer_bytes_max=bytes_max),
            credentials,
            clock,
            most=PROGRAMS_MAX,
        )
    endpoint = parse_url(settings.url)
    bounds = Bounds(timeout_s=timeout_s, answer_bytes_max=bytes_max, connections_max=limits.connections_max)
    wire = Wire(
        Client(endpoint, allowed, bounds, ca_pem=settings.ca_pem),
        Client(
            endpoint, allowed, replace(bounds, connections_max=limits.streams_max), ca_pem=settings.ca_pem
        ),
        credential_header=settings.credential_header,
    )
    return Upstream(lambda secret: HttpSession(wire, secret), credentials, clock, wire)


def _credentials(held: Held, settings: McpSettings, accounts: Accounts | None) -> Credentials:
    """Whose credential a call goes out with: never another person's."""
    if settings.credentials == "shared":
        return Shared(_credential(held))
    return PerPerson(accounts, held.tenant, held.name) if accounts else Nobodys()


def _program(name: str, limits: Limits) -> Program:
    """Raises InvalidParameters: only what the operator declared is ever started."""
    found = limits.programs.get(name)
    if found is None:
        raise InvalidParameters(
            faults=(Fault("/settings/program", "the operator has declared no program of this name"),)
        )
    return found


def _server(held: Held, settings: PostgresqlSettings | MysqlSettings, purpose: str = "credential") -> Server:
    return Server(
        endpoint=Endpoint(settings.kind, normal_host(settings.host), settings.port),
        database=settings.database,
        user=settings.indexer if purpose == "indexer" else settings.user,
        password=_credential(held, purpose),
        tls=settings.tls,
        schema=getattr(settings, "schemas", ""),
        ca_pem=settings.ca_pem,
    )


def _credential(held: Held, purpose: str = "credential") -> Secret:
    return next((secret for of, secret, _ in held.secrets if of == purpose), Secret(""))


async def close(held: Held) -> None:
    """Close what was opened; a database's runs end first."""
    for engines in held.engines.values():
        await asyncio.to_thread(engines.close)
    if isinstance(held.driver, HttpService | Upstream):
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


def url_of(settings: Any) -> str:
    """The address that an upstream MCP server was given; empty where there is none."""
    return str(settings.url) if isinstance(settings, McpSettings) else ""


def reach(settings: Any) -> tuple[object, ...]:
    """Where a credential would go, and how well it is guarded on the way."""
    return (
        settings.kind,
        endpoint_of(settings),
        *(getattr(settings, name, "") for name in ("tls", "ca_pem", "credential_header", "program")),
    )


def check_settings(settings: Any, limits: Limits) -> None:
    """Raises AddressRefused for an address or file that can never be reached, whatever it resolves to; InvalidParameters."""
    if isinstance(settings, SqliteSettings | DuckdbSettings):
        source_file(
            settings.path,
            limits.source_roots,
            limits.own_paths,
            folder=isinstance(settings, DuckdbSettings),
        )
    else:
        endpoint_of(settings)
    if isinstance(settings, McpSettings):
        if bool(settings.url) == bool(settings.program):
            raise InvalidParameters(faults=(Fault("/settings/url", "give either a url or a program"),))
        if settings.program:
            _program(settings.program, limits)
    if getattr(settings, "ca_pem", ""):
        _check_certificates(settings.ca_pem)


def _check_certificates(pem: str) -> None:
    try:
        tls_context(pem)
    except (ssl.SSLError, ValueError):
        raise InvalidParameters(faults=(Fault("/settings/ca_pem", "holds no certificate in PEM"),)) from None


def endpoint_of(settings: Any) -> Endpoint | None:
    """The server that the settings name; None where there is none. Raises AddressRefused."""
    if isinstance(settings, HttpSettings):
        return replace(parse_url(settings.base_url), path="")
    if isinstance(settings, McpSettings) and settings.url:
        return replace(parse_url(settings.url), path="")
    if isinstance(settings, PostgresqlSettings | MysqlSettings):
        return Endpoint(settings.kind, normal_host(settings.host), settings.port)
    return None


def _lower(own: int | None, operators: int) -> int:
    return operators if own is None else min(own, operators)

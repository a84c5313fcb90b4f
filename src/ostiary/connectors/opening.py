"""From a connector's rows to something that can be called: its settings and secrets opened, its driver made within the operator's limits."""

import asyncio
import hashlib
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson
from pydantic import TypeAdapter

from ostiary.clock import Clock
from ostiary.connectors import store
from ostiary.connectors.http import HttpService, Service
from ostiary.connectors.postgresql import PostgresqlSource, Server
from ostiary.connectors.settings import ConnectorSettings, HttpSettings, PostgresqlSettings, SqliteSettings
from ostiary.connectors.sqlite import RowBounds, SqliteSource, source_file
from ostiary.errors import Fault, InvalidParameters
from ostiary.ids import TenantId
from ostiary.net.address import Egress, Endpoint, normal_host, parse_url
from ostiary.net.http import Bounds, Client, tls_context
from ostiary.secret import Secret
from ostiary.vault.sealing import Place, Vault

PURPOSE = "connector"
_READ_SETTINGS: TypeAdapter[Any] = TypeAdapter(ConnectorSettings)

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


def opened(
    vault: Vault, tenant: TenantId, row: store.ConnectorRow, secrets: Sequence[store.SecretRow]
) -> Held:
    """The connector of these rows. Raises SealBroken, KeysUnavailable."""
    raw = vault.open(settings_place(tenant, row.name), row.settings)
    held = Held(row.name, read_settings(raw), row.paused, fingerprint(row.name, raw), [])
    for each in secrets:
        text = vault.open(secret_place(tenant, each.connector, each.purpose, each.version), each.value)
        held.secrets.append((each.purpose, Secret(text.decode()), each.until_us))
    return held


def signing(held: Held, now_us: int) -> list[Secret]:
    """The signing secrets that are valid now, newest first."""
    return [
        secret
        for purpose, secret, until_us in held.secrets
        if purpose == "signing" and (until_us == 0 or until_us > now_us)
    ]


def driver(held: Held, limits: Limits, allowed: Egress, clock: Clock) -> Driver:
    """The connector's driver; it connects when it is first used. Raises AddressRefused."""
    settings = held.settings
    if isinstance(settings, HttpSettings):
        return _service(held, settings, limits, allowed, clock)
    bounds = RowBounds(
        timeout_s=_lower(settings.timeout_s, limits.timeout_s),
        answer_rows_max=_lower(settings.answer_rows_max, limits.answer_rows_max),
        answer_bytes_max=_lower(settings.answer_bytes_max, limits.answer_bytes_max),
        threads_max=limits.threads_max,
    )
    if isinstance(settings, SqliteSettings):
        return SqliteSource(source_file(settings.path, limits.source_roots, limits.own_paths), bounds, clock)
    return PostgresqlSource(_server(held, settings), bounds, allowed)


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


def _server(held: Held, settings: PostgresqlSettings) -> Server:
    return Server(
        endpoint=Endpoint("postgresql", normal_host(settings.host), settings.port),
        database=settings.database,
        user=settings.user,
        password=_credential(held),
        tls=settings.tls,
        schema=settings.schemas,
        ca_pem=settings.ca_pem,
    )


def _credential(held: Held) -> Secret:
    return next((secret for purpose, secret, _ in held.secrets if purpose == "credential"), Secret(""))


async def close(held: Held) -> None:
    """Close the driver if one was made; a database's runs end first."""
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
        endpoint_of(settings),
        *(getattr(settings, name, "") for name in ("tls", "ca_pem", "credential_header")),
    )


def check_settings(settings: Any, limits: Limits) -> None:
    """Raises AddressRefused for an address or file that can never be reached, whatever it resolves to; InvalidParameters."""
    if isinstance(settings, SqliteSettings):
        source_file(settings.path, limits.source_roots, limits.own_paths)
    else:
        endpoint_of(settings)
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
    if isinstance(settings, PostgresqlSettings):
        return Endpoint("postgresql", normal_host(settings.host), settings.port)
    return None


def _lower(own: int | None, operators: int) -> int:
    return operators if own is None else min(own, operators)

"""`ostiary drill`: a backup is restored into an empty place, the application is started there, and only what it then shows makes it verified.

RTO is measured: from the first look at the backup until the application says that it is ready. RPO is how old the backup is at this moment, and how many
events of the log a disaster now would cost. Nothing of the drill reaches out: it runs no jobs, and no call is left to go on with.
"""

import asyncio
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy.engine import make_url

from ostiary.actions import Actor, ActorKind, Face
from ostiary.app.codes import OperatorDesk
from ostiary.app.gateway import Gateway
from ostiary.app.kind import Kind
from ostiary.asgi.wire import Message
from ostiary.backup import check, store
from ostiary.backup.manifest import Manifest
from ostiary.backup.restore import Restored, Wanted, restore
from ostiary.backup.source import Source
from ostiary.backup.wrong import Damaged, Refused
from ostiary.clock import SECOND_US, Clock
from ostiary.config import Settings
from ostiary.errors import ConfigurationError, OstiaryError, StoreUnavailable
from ostiary.identity.gate import Entrance
from ostiary.ids import TenantId
from ostiary.secret import Secret

Say = Callable[[str], None]
READ = "audit.checkpoint"
READ_PERMISSION = "audit.read"
ELSEWHERE = "{tenant} is pinned to a cell: its log is verified, but nothing of it was opened; drill with the cell's root key"
READY_ATTEMPTS = 40
READY_EVERY_S = 0.25


@dataclass(frozen=True, slots=True)
class Verified:
    """What a drill showed. `lost_s` is RPO, `ready_s` RTO; `events_lost` is -1 where the live log could not be asked."""

    backup: str
    keys_backup: str
    taken_us: int
    lost_s: float
    events_lost: int
    ready_s: float
    restore_s: float
    verify_s: float
    bytes: int
    rows: int
    events: int
    logs: int
    files: int
    files_opened: int
    sealed_opened: int
    sealed_destroyed: int
    columns: tuple[check.Opened, ...]
    warnings: tuple[str, ...]


def drill(
    settings: Settings,
    clock: Clock,
    wanted: Wanted,
    scratch: Path,
    *,
    database_url: str = "",
    keys_url: str = "",
    say: Say,
) -> Verified:
    """Restore, start, verify. Raises Refused; Damaged or OstiaryError where the backup is not one that could be relied upon.

    `scratch`: an empty folder for SQLite and files, removed at the end. PostgreSQL: addresses of two empty databases.
    """
    with _place(settings, scratch, database_url, keys_url) as there:
        began_us = clock.monotonic_us()
        restored, found = restore(there, clock, replace(wanted, quiet=True), say=say)
        say("starting the application on the copy")
        manifest = found.data.manifest
        tenants = [TenantId(name) for name in manifest.tenants]
        rows = check.count_rows(manifest, tenants, there.database_url)
        gateway = _gateway(there, clock)
        try:
            return asyncio.run(_verify(gateway, there, clock, restored, found, rows, began_us, settings, say))
        finally:
            gateway.close()


async def _verify(
    gateway: Gateway,
    there: Settings,
    clock: Clock,
    restored: Restored,
    found: Source,
    rows: int,
    began_us: int,
    live: Settings,
    say: Say,
) -> Verified:
    manifest = found.data.manifest
    verified_us = clock.monotonic_us()
    say(f"verifying {len(manifest.logs)} logs")
    events = sum([await check.verify_log(gateway.audit, log) for log in manifest.logs])
    tenants = [TenantId(name) for name in manifest.tenants]
    away = check.pinned_elsewhere(gateway.vault, gateway.keys_database, tenants)
    ours = [tenant for tenant in tenants if tenant not in away]
    columns = check.open_samples(gateway.vault, ours, there.database_url, there.keys_url)
    opened = check.open_files(gateway.vault, gateway.blobs, manifest, ours, there.keys_url)
    verify_us = clock.monotonic_us() - verified_us
    await gateway.start()
    try:
        await _ready(gateway)
        ready_us = clock.monotonic_us() - began_us - verify_us
        for log in manifest.logs:
            if log.tenant not in away:
                await _read(gateway, TenantId(log.tenant))
    finally:
        await gateway.stop()
    return Verified(
        backup=restored.backup,
        keys_backup=restored.keys_backup,
        taken_us=restored.taken_us,
        lost_s=round((clock.now_us() - manifest.taken_us) / SECOND_US, 3),
        events_lost=_events_lost(live, manifest),
        ready_s=round(ready_us / SECOND_US, 3),
        restore_s=restored.seconds,
        verify_s=round(verify_us / SECOND_US, 3),
        bytes=restored.bytes,
        rows=rows,
        events=events,
        logs=len(manifest.logs),
        files=restored.files,
        files_opened=opened,
        sealed_opened=sum(each.opened for each in columns),
        sealed_destroyed=sum(each.destroyed for each in columns),
        columns=tuple(columns),
        warnings=(*restored.warnings, *(ELSEWHERE.format(tenant=tenant) for tenant in away)),
    )


@contextmanager
def _place(settings: Settings, scratch: Path, database_url: str, keys_url: str) -> Iterator[Settings]:
    """The settings of the copy: the same, but for where it lives, and nothing that it could send by. Raises Refused."""
    if scratch.exists() and any(scratch.iterdir()):
        raise Refused(f"{scratch} is not empty; a drill needs a folder of its own")
    home = scratch.resolve() / "home"
    there = replace(
        settings,
        home=home,
        database_url=database_url or f"sqlite:///{home / 'ostiary.db'}",
        keys_url=keys_url or f"sqlite:///{home / 'keys.db'}",
        blob_url=f"file://{home / 'blobs'}",
        host="127.0.0.1",
        port=0,
        public_url="http://localhost",
        allowed_hosts=(),
        behind_proxy=(),
        tls_cert="",
        tls_key="",
        smtp_url=Secret(""),
        audit_stdout=False,
    )
    live = {make_url(settings.database_url), make_url(settings.keys_url)}
    if live & {make_url(there.database_url), make_url(there.keys_url)}:
        raise Refused("A drill does not touch the databases that the gateway uses; give it two empty ones")
    try:
        yield there
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


class _Silent(OperatorDesk):
    """Nobody is shown anything."""

    def show(self, line: str) -> None:
        pass


def _gateway(there: Settings, clock: Clock) -> Gateway:
    """The application on the copy. Raises Damaged where it does not start."""
    try:
        return Gateway(there, clock, desk=_Silent(there.home, clock), kind=Kind.DRILL)
    except (ConfigurationError, OstiaryError) as error:
        raise Damaged(f"the application does not start on the copy: {error}") from error


async def _ready(gateway: Gateway) -> None:
    """Wait until the application says so itself, over its own HTTP interface. Raises Damaged."""
    status = 0
    for _ in range(READY_ATTEMPTS):
        status = await _ask(gateway, "/readyz")
        if status == 200:
            return
        await asyncio.sleep(READY_EVERY_S)
    raise Damaged(f"the application is not ready on the copy (/readyz says {status})")


async def _ask(gateway: Gateway, path: str) -> int:
    """The status of a GET, in this process: a drill opens no port."""
    statuses: list[int] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http", "path": path,
        "raw_path": path.encode(), "query_string": b"", "root_path": "", "headers": [(b"host", b"localhost")],
        "client": ("127.0.0.1", 1), "server": ("localhost", 80), "state": {},
    }  # fmt: skip
    await gateway.asgi(scope, receive, send)
    return statuses[0]


async def _read(gateway: Gateway, tenant: TenantId) -> None:
    """A read of the tenant's, through the door. Raises Damaged."""
    reader = Actor(tenant, ActorKind.SERVICE, "drill", permissions=frozenset({READ_PERMISSION}))
    try:
        await gateway.door.call(Entrance(reader), READ, {}, face=Face.CLI)
    except OstiaryError as error:
        raise Damaged(f"a read of {tenant} through the door fails on the copy ({error.code})") from error


def _events_lost(live: Settings, manifest: Manifest) -> int:
    """How many events the live logs have more than the backup."""
    try:
        with store.opened(make_url(live.backup_database_url)) as raw:
            return sum(size for _, size, _, _ in store.heads(raw)) - sum(log.size for log in manifest.logs)
    except (StoreUnavailable, *store.ERRORS):
        return -1

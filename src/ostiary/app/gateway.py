"""The gateway in one process: every part built once from Settings, started and stopped in order."""

import asyncio
import fcntl
import os
import sys
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import IO

from starlette.routing import Router

from ostiary import config, log, metrics
from ostiary.access import actions as access_actions
from ostiary.actions import Action, Registry
from ostiary.app.codes import OperatorDesk, code_letter
from ostiary.app.probes import PATHS as PROBE_PATHS
from ostiary.app.probes import Probes
from ostiary.asgi.caller import Proxies
from ostiary.asgi.guard import guard
from ostiary.asgi.wire import App, Receive, Scope, Send, answer_problem
from ostiary.audit import actions as audit_actions
from ostiary.audit.large import Large
from ostiary.audit.log import Audit
from ostiary.audit.stdout import EnvelopeStream
from ostiary.blobs import storage
from ostiary.clock import Clock
from ostiary.config import Settings
from ostiary.connectors import actions as connector_actions
from ostiary.connectors.connectors import Connectors
from ostiary.connectors.opening import Limits
from ostiary.connectors.targets import check_target
from ostiary.consent import actions as consent_actions
from ostiary.consent.actions import Consent
from ostiary.consent.ledger import Ledger
from ostiary.consent.watch import Watch
from ostiary.contracts import actions as contract_actions
from ostiary.contracts.book import Book
from ostiary.contracts.provenance import Provenance
from ostiary.db.database import Database, ping
from ostiary.db.migrate import upgrade
from ostiary.door.door import Door
from ostiary.door.perform import Performer
from ostiary.door.resume import Resumer
from ostiary.errors import ConfigurationError, KeysUnavailable, NotFound, OstiaryError
from ostiary.identity import actions as identity_actions
from ostiary.identity import setup
from ostiary.identity import store as identity_store
from ostiary.identity.gate import Gate
from ostiary.identity.post import Post
from ostiary.identity.services import Services
from ostiary.identity.sessions import SessionLimits
from ostiary.identity.standing import standing
from ostiary.ids import INSTALL, TenantId
from ostiary.mcp_server.face import McpFace
from ostiary.net.address import egress
from ostiary.net.mail import mail_server, send
from ostiary.privacy import actions as privacy_actions
from ostiary.privacy.policy import Masker
from ostiary.rest.face import RestFace
from ostiary.shield.admission import Shield
from ostiary.vault import actions as vault_actions
from ostiary.vault.root import EnvironmentRoot, FileRoot, RootKeyProvider
from ostiary.vault.sealing import Vault
from ostiary.web.console import routes
from ostiary.web.desk import Fittings

_LOG = log.get("app")

DRAIN_S = 20
FLUSH_EVERY_S = 5
READY_TIMEOUT_S = 3
REST_PREFIXES = ("/v1/", "/openapi.json", "/docs")


class Gateway:
    """`asgi` is the application; `running` has to be entered while it serves."""

    def __init__(self, settings: Settings, clock: Clock, *, desk: OperatorDesk | None = None) -> None:
        self.settings = settings
        self.clock = clock
        prepare_home(settings)
        self._lock = exclusive(settings)
        self.database = Database(settings.database_url)
        self.keys_database = Database(settings.keys_url)
        upgrade(self.database, "data")
        upgrade(self.keys_database, "keys")
        self.vault = Vault(self.keys_database, root_key(settings), clock)
        try:
            rotate_root(self.vault)
        except ConfigurationError:
            self.close()
            raise
        self.vault.create_tenant_now(INSTALL)
        self.desk = desk or OperatorDesk(settings.home, clock)
        self.stopping: Callable[[], bool] = lambda: False
        """Whether the server was asked to stop: open event streams end then, so that nobody waits for a browser tab."""
        self.blobs = storage.at(settings.blob_url)
        self._build()

    def _build(self) -> None:
        settings, clock, database, vault = self.settings, self.clock, self.database, self.vault
        self._stdout = EnvelopeStream(sys.stdout.buffer) if settings.audit_stdout else None
        self.audit = Audit(
            database, vault, clock, origin=f"ostiary-{vault.pseudonym(INSTALL, 'log')[:12]}", batch_max=settings.audit_batch_max,
            queue_max=settings.audit_queue_max, stdout=self._stdout.write if self._stdout else None, large=Large(vault, self.blobs),
        )  # fmt: skip
        limits = SessionLimits(idle_s=settings.session_idle_s, absolute_s=settings.session_ttl_s)
        self.gate = Gate(database, vault, clock, limits)
        self.connectors = Connectors(database, vault, clock, egress(settings.egress_allow), _limits(settings))
        self.book = Book(database, vault, clock, self.connectors.bind)
        self.connectors.changed.append(self.book.drop)
        self.masker = Masker(database)
        self.provenance = Provenance(clock)
        self.ledger = Ledger(
            database, vault, clock, Watch(), approval_ttl_s=settings.approval_ttl_s,
            idempotency_ttl_s=settings.idempotency_ttl_s,
        )  # fmt: skip
        self.ledger.watch.stopping = lambda: self.stopping()
        self.registry = Registry(self._actions())
        self.performer = Performer(
            self.ledger,
            self.masker,
            self.provenance,
            self.audit,
            vault,
            clock,
            call_timeout_s=settings.call_timeout_s,
        )
        shield = Shield(
            clock, key_rate_per_s=settings.key_rate_per_s, calls_at_once_max=settings.calls_at_once_max,
            anonymous_rate_per_minute=settings.anonymous_rate_per_minute,
        )  # fmt: skip
        self.door = Door(
            self.registry, self.gate, shield, self.book, self.provenance, self.ledger, self.performer, self.audit, vault, clock,
            step_up_s=settings.step_up_s,
        )  # fmt: skip
        self.resumer = Resumer(
            self.registry, self.book, self.ledger, self.performer, self.audit, vault, clock,
            tenants=self.tenants, who_now=standing(database, self.gate.keys, clock),
            call_timeout_s=settings.call_timeout_s,
        )  # fmt: skip
        self._faces()

    def _actions(self) -> list[Action]:
        settings, clock, database, vault = self.settings, self.clock, self.database, self.vault
        post = Post(self._send_code())
        services = Services(database, vault, clock, self.gate, post, settings.environment)
        consent = Consent(
            database,
            self.ledger,
            clock,
            step_up_s=settings.step_up_s,
            wake=lambda: self.resumer.wake(),
        )
        return [
            *identity_actions.actions(services),
            *access_actions.actions(
                database,
                vault,
                lambda: self.registry.all().values(),
                identity_store.role_in_use,
                self.gate.keys.forget_tenant,
            ),
            *consent_actions.actions(consent),
            *contract_actions.actions(database, self.book, check_target),
            *connector_actions.actions(self.connectors),
            *privacy_actions.actions(self.masker),
            *audit_actions.actions(self.audit),
            *vault_actions.actions(vault),
        ]

    def _send_code(self) -> Callable[[str, str], Awaitable[None]]:
        if not self.settings.smtp_url:
            return self.desk.send_code
        mails = mail_server(self.settings.smtp_url, self.settings.mail_from)

        async def send_code(email: str, code: str) -> None:
            await send(mails, code_letter(email, code, self.settings.public_url), self.clock)

        return send_code

    def _faces(self) -> None:
        settings = self.settings
        proxies = Proxies(settings.behind_proxy)
        secure = settings.public_url.startswith("https://")
        rest = RestFace(
            self.door,
            self.registry,
            proxies,
            body_bytes_max=settings.body_bytes_max,
            public_url=settings.public_url,
        )

        self.mcp = McpFace(
            self.door, self.ledger, self.vault, self.clock, proxies, hosts=config.allowed_hosts(settings),
            wait_s=settings.mcp_wait_s, body_bytes_max=settings.body_bytes_max,
        )  # fmt: skip
        probes = Probes(
            self.clock, self.is_ready, contact=settings.security_contact, public_url=settings.public_url
        )
        fittings = Fittings(
            self.door, self.ledger.watch, self.clock, proxies, origins=frozenset({settings.public_url}), secure=secure,
            mailed=bool(settings.smtp_url), code_place=self.desk.place,
            stopping=lambda: self.stopping(),
        )  # fmt: skip
        pages = Router(routes=routes(fittings), redirect_slashes=False, default=_nowhere)
        self.asgi = guard(
            _dispatch(rest, self.mcp, probes, pages),
            hosts=config.allowed_hosts(settings),
            proxies=proxies,
            https=secure,
        )

    async def tenants(self) -> list[TenantId]:
        return await self.database.run(
            lambda c: [TenantId(name) for name in identity_store.all_tenants(c, INSTALL)]
        )

    async def is_ready(self) -> bool:
        """Whether calls would pass: both databases answer, and the log takes events."""
        try:
            async with asyncio.timeout(READY_TIMEOUT_S):
                await self.database.run(ping)
                await self.keys_database.run(ping)
        except (OstiaryError, TimeoutError):
            return False
        return self.audit.healthy

    async def start(self) -> None:
        """Start the log, the faces and the loops; the first start shows the set-up token."""
        self._stack = AsyncExitStack()
        self.audit.start()
        await self._stack.enter_async_context(self.mcp.running())
        with suppress(OstiaryError):
            await asyncio.to_thread(self.blobs.sweep, self.clock)  # what a crash left half written
        self._loops = [asyncio.create_task(self.resumer.run()), asyncio.create_task(self._flush())]
        if await asyncio.to_thread(setup.is_waiting, self.database):
            token = await asyncio.to_thread(setup.issue_token, self.database, self.clock)
            self.desk.show(
                f"Set up this gateway at {self.settings.public_url}/setup with the token {token.reveal()}"
            )
        _LOG.info("started", port=self.settings.port, database=self.database.url.get_backend_name())

    async def stop(self) -> None:
        """Let what is under way end, then close in reverse order. Nothing that was acknowledged is lost either way."""
        await self.door.drain(DRAIN_S)
        await self.resumer.drain(DRAIN_S)
        for loop in self._loops:
            loop.cancel()
        await asyncio.gather(*self._loops, return_exceptions=True)
        with suppress(OstiaryError):
            await self.performer.pay()
            await self.gate.flush()
        await self._stack.aclose()
        await self.connectors.close()
        await asyncio.to_thread(self.audit.stop)
        if self._stdout:
            await asyncio.to_thread(self._stdout.close)
        self.close()
        _LOG.info("stopped")

    def close(self) -> None:
        self.database.close()
        self.keys_database.close()
        if self._lock:
            self._lock.close()

    async def _flush(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_EVERY_S)
            try:
                await self.tidy()
            except OstiaryError as error:
                _LOG.warning("flush.failed", code=error.code)
            except Exception as fault:  # noqa: BLE001 - a mistake of ours ends one round, not the loop
                _LOG.error("flush.broke", error=type(fault).__name__, where=log.where(fault))

    async def tidy(self) -> None:
        """Write down last uses, forget what is over, count what waits. Raises StoreUnavailable; no call depends on it."""
        await self.gate.flush()
        waiting = 0
        for tenant in await self.tenants():
            await self.ledger.forget(tenant)
            waiting += await self.ledger.waiting(tenant)
        metrics.WAITING.set(waiting)


def _limits(settings: Settings) -> Limits:
    files = [
        url.removeprefix("sqlite:///")
        for url in (settings.database_url, settings.keys_url)
        if url.startswith("sqlite:///")
    ]
    own = [settings.home, *map(Path, files)]
    return Limits(
        timeout_s=settings.call_timeout_s,
        answer_bytes_max=settings.answer_bytes_max,
        answer_rows_max=settings.answer_rows_max,
        source_roots=settings.source_roots,
        own_paths=tuple(own),
    )


def _dispatch(rest: App, mcp: App, probes: App, pages: App) -> App:
    async def dispatch(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        path: str = scope["path"]
        if path.startswith(REST_PREFIXES):
            await rest(scope, receive, send)
        elif path == "/mcp" or path.startswith("/mcp/"):
            await mcp(scope, receive, send)
        elif path in PROBE_PATHS:
            await probes(scope, receive, send)
        else:
            await pages(scope, receive, send)

    return dispatch


async def _nowhere(_scope: Scope, _receive: Receive, send: Send) -> None:
    await answer_problem(send, NotFound())


def root_key(settings: Settings) -> RootKeyProvider:
    """From the mounted file, which is checked for who can read it, else from the environment. Raises ConfigurationError."""
    if settings.root_key_file:
        return FileRoot(settings.root_key_file, data_folder=settings.home)
    return EnvironmentRoot(settings.root_key)


def rotate_root(vault: Vault) -> None:
    """Wrap under the first root key what an older one wraps. Raises ConfigurationError where none of those given opens it."""
    try:
        count = vault.keys.rewrap_tenant_keys()
    except KeysUnavailable as error:
        raise ConfigurationError(
            ["OSTIARY_ROOT_KEY does not open this installation's keys; give the one that they were made with"]
        ) from error
    if count:
        _LOG.info("root_key.rotated", tenant_keys=count)


def prepare_home(settings: Settings) -> None:
    """The data folder, for the operator's eyes only."""
    settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.chmod(settings.home, 0o700)


def exclusive(settings: Settings) -> IO[bytes] | None:
    """One process at a time on an embedded database: two sequencers would fork the log. Raises ConfigurationError."""
    if not settings.database_url.startswith("sqlite"):
        return None
    lock = open(settings.home / "lock", "ab")  # noqa: SIM115 - held for as long as the process lives
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise ConfigurationError(
            [f"OSTIARY_HOME {settings.home} is in use by another process of Ostiary; stop it first"]
        ) from error
    return lock

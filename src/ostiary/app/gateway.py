"""The gateway: every part built once from Settings, started and stopped in order. One process may do all of it, or only the faces, or only the jobs."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from functools import partial

from sqlalchemy import Connection

from ostiary import config, log
from ostiary.access import actions as access_actions
from ostiary.actions import Action, JsonValue, Registry, Write
from ostiary.app import (
    cell,
    consents,
    discovering,
    documents,
    health,
    importing,
    reaching,
    redactions,
    sessions,
    upkeep,
)
from ostiary.app.accounts import Authority
from ostiary.app.codes import OperatorDesk, code_letter
from ostiary.app.counting import Counting
from ostiary.app.dispatch import only
from ostiary.app.exporter import Exporter
from ostiary.app.forgeries import Forgeries, mark_earlier
from ostiary.app.home import exclusive, prepare_home, root_key, rotate_root
from ostiary.app.kind import Kind
from ostiary.app.notices import Notices
from ostiary.app.probes import Audience, Probes
from ostiary.app.storing import Storing
from ostiary.asgi.caller import Proxies
from ostiary.asgi.guard import guard
from ostiary.audit import actions as audit_actions
from ostiary.audit import jobs as audit_jobs
from ostiary.audit.large import Large
from ostiary.audit.log import Audit
from ostiary.audit.publishing import actions as publishing_actions
from ostiary.audit.publishing import jobs as publishing_jobs
from ostiary.audit.publishing.publisher import Publisher
from ostiary.audit.stdout import EnvelopeStream
from ostiary.blobs import storage
from ostiary.cells import actions as cell_actions
from ostiary.cells.moving import Moving
from ostiary.cells.pins import Pins
from ostiary.clock import Clock
from ostiary.config import Settings
from ostiary.connectors import actions as connector_actions
from ostiary.connectors.connectors import Connectors
from ostiary.connectors.upstreams import actions as upstream_actions
from ostiary.connectors.upstreams import jobs as upstream_jobs
from ostiary.connectors.upstreams.shelf import Upstreams
from ostiary.consent import actions as consent_actions
from ostiary.consent import jobs as consent_jobs
from ostiary.consent import letting_go
from ostiary.consent.actions import Consent
from ostiary.consent.ledger import Ledger
from ostiary.consent.watch import Watch
from ostiary.contracts.book import Book
from ostiary.db.database import Database
from ostiary.db.migrate import prepare
from ostiary.door.door import Door
from ostiary.door.perform import Performer
from ostiary.door.resume import Resumer
from ostiary.errors import ConfigurationError, OstiaryError, StoreUnavailable
from ostiary.identity import actions as identity_actions
from ostiary.identity import moving as people_moving
from ostiary.identity import setup
from ostiary.identity import store as identity_store
from ostiary.identity.gate import Gate
from ostiary.identity.letting_go import shut
from ostiary.identity.post import Post
from ostiary.identity.services import Services
from ostiary.identity.sessions import SessionLimits
from ostiary.identity.standing import standing
from ostiary.ids import INSTALL, TenantId, digits_of, install_of
from ostiary.jobs import actions as job_actions
from ostiary.jobs.kinds import Kinds
from ostiary.jobs.processes import Processes
from ostiary.jobs.queue import Queue
from ostiary.net.address import egress
from ostiary.net.mail import MailServer, mail_server, send
from ostiary.privacy.policy import Masker
from ostiary.privacy.provider import provider_of
from ostiary.provenance import jobs as provenance_jobs
from ostiary.provenance import letting_go as provenance_letting_go
from ostiary.provenance.provenance import Provenance
from ostiary.provenance.surroundings import Surroundings
from ostiary.recovery import actions as recovery_actions
from ostiary.retention import actions as retention_actions
from ostiary.retention.services import Retention
from ostiary.review import erasing as document_erasing
from ostiary.shield import actions as shield_actions
from ostiary.shield.actions import Switch
from ostiary.shield.admission import Shield
from ostiary.shield.leases import Leases
from ostiary.shield.limits import actions as limit_actions
from ostiary.shield.limits.limits import Limits
from ostiary.shield.quotas import actions as quota_actions
from ostiary.shield.quotas.quotas import Quotas
from ostiary.shield.stops import Stops
from ostiary.sources import ask_actions as source_actions
from ostiary.sources.services import Sources
from ostiary.upkeep import actions as upkeep_actions
from ostiary.vault import actions as vault_actions
from ostiary.vault import jobs as vault_jobs
from ostiary.vault.sealing import Vault
from ostiary.webhooks import jobs as webhook_jobs
from ostiary.webhooks import letting_go as webhook_letting_go
from ostiary.worker.runner import Runner
from ostiary.worker.worker import Worker

_LOG = log.get("app")

DRAIN_S = 20
FLUSH_EVERY_S = 5
SETUP_KEPT_S = 60
"""Of several processes that start together, the first shows the set-up token."""
ONE_PROCESS = "Several processes need PostgreSQL: set OSTIARY_DATABASE_URL, or run `ostiary serve`, which does everything in one process on SQLite"

KINDS = (
    audit_jobs.EXPORT,
    audit_jobs.TIDY,
    consent_jobs.EXPIRE,
    consent_jobs.NOTICE,
    provenance_jobs.TIDY,
    redactions.KIND,
    *discovering.KINDS,
    *documents.KINDS,
    publishing_jobs.PUBLISH,
    upstream_jobs.LOOK,
    vault_jobs.ROTATION,
    *webhook_jobs.KINDS,
    *retention_actions.KINDS,
)
"""The kinds of jobs; each one's step action is among the actions below."""


class Gateway:
    """`asgi` is the application; `running` has to be entered while it serves."""

    def __init__(
        self, settings: Settings, clock: Clock, *, desk: OperatorDesk | None = None, kind: Kind = Kind.SERVE, jobs: bool = True
    ) -> None:  # fmt: skip
        """`jobs` False: none is worked on here, whatever the kind."""
        self.settings = settings
        self.clock = clock
        self.kind = kind
        self._works = kind.jobs and jobs
        if (kind in (Kind.WEB, Kind.WORKER) or settings.tenant) and settings.database_url.startswith(
            "sqlite"
        ):
            raise ConfigurationError([ONE_PROCESS])
        self.cell = settings.tenant
        install = install_of(self.cell) if self.cell else INSTALL
        prepare_home(settings)
        self._lock = exclusive(settings) if kind is not Kind.TOOL else None
        self.database = Database(settings.database_url, install=install)
        self.keys_database = Database(settings.keys_url, name="keys", install=install)
        try:
            prepare(self.database, "data")
            prepare(self.keys_database, "keys")
        except StoreUnavailable:
            self.close()
            raise
        self.vault = Vault(self.keys_database, root_key(settings), clock, cell=digits_of(self.cell))
        self.database.marks = self.vault.marks(lambda forged: self.forgeries.refused(forged))
        self.pins = Pins(self.database, self.cell)
        self._origin = ""
        try:
            if self.cell:
                self._origin = cell.take(self.database, self.vault, self.cell).origin
            else:
                everybody = self.database.read(lambda c: identity_store.all_tenants(c, INSTALL))
                rotate_root(self.vault, [INSTALL, *everybody])
        except ConfigurationError:
            self.close()
            raise
        self.vault.create_tenant_now(INSTALL)
        self.desk = desk or OperatorDesk(settings.home, clock)
        self.stopping: Callable[[], bool] = lambda: False
        """Whether the server was asked to stop: open event streams end then, so that nobody waits for a browser tab."""
        self.blobs = storage.at(settings.blob_url, install=install)
        self.exporter = Exporter(settings, process=kind.label) if settings.otlp_endpoint else None
        self._build()

    def _build(self) -> None:
        settings, clock, database, vault = self.settings, self.clock, self.database, self.vault
        origin = self._origin or f"ostiary-{vault.pseudonym(INSTALL, 'log')[:12]}"
        self._stdout = EnvelopeStream(sys.stdout.buffer) if settings.audit_stdout else None
        self.audit = Audit(
            database, vault, clock, origin=origin, batch_max=settings.audit_batch_max,
            queue_max=settings.audit_queue_max, stdout=self._stdout.write if self._stdout else None, large=Large(vault, self.blobs),
        )  # fmt: skip
        self.forgeries = Forgeries(self.audit, clock)
        limits = SessionLimits(idle_s=settings.session_idle_s, absolute_s=settings.session_ttl_s)
        self.gate = Gate(database, vault, clock, limits, self.pins)
        self.connectors = Connectors(
            database, vault, clock, egress(settings.egress_allow), reaching.limits(settings)
        )
        self.upstreams = Upstreams(self.connectors)
        self.authority = Authority(
            settings, database, vault, clock, self.gate, self.connectors, lambda actor: self.door.visible(actor)
        )  # fmt: skip
        self.book = Book(database, vault, self.connectors.bind, beside=self.upstreams.action)
        self.masker = Masker(database)
        self.provider = provider_of(settings, clock)
        self.provenance = Provenance(database, vault, clock)
        self.processes = Processes(database, clock, self.kind.label)
        self.ledger = Ledger(
            database, vault, clock, Watch(), self.processes, approval_ttl_s=settings.approval_ttl_s,
            idempotency_ttl_s=settings.idempotency_ttl_s,
        )  # fmt: skip
        self.ledger.watch.stopping = lambda: self.stopping()
        self._who_now = standing(database, self.gate.keys, clock, self.authority.bearers.standing)
        self.consents = consents.build(
            database, vault, clock, self.ledger, self.provenance, self._who_now, step_up_s=settings.step_up_s
        )
        self.jobs = Queue(database, vault, clock, Kinds(KINDS))
        self.notices = Notices(settings, database, vault, clock, self.jobs, self.ledger)
        self.audit.beside = self.notices.outbox.beside
        self.ledger.on_hold = consent_jobs.asked(self.jobs, mailed=bool(settings.smtp_url))
        self.registry = Registry(self._actions())
        self._path()
        self._work()
        self._faces()

    def _path(self) -> None:
        """What a call passes: the shield, the door, and whoever goes on with what was held."""
        settings, clock, database, vault = self.settings, self.clock, self.database, self.vault
        self.performer = Performer(
            self.ledger, self.masker, self.provenance, self.audit, vault, clock, call_timeout_s=settings.call_timeout_s
        )  # fmt: skip
        leases = Leases(database, vault, clock)
        self.quotas, use_limits = Quotas(database, leases, clock), Limits(database, clock)
        self.shield = Shield(
            leases, Stops(database), clock, quotas=self.quotas, limits=use_limits, key_rate_per_s=settings.key_rate_per_s, calls_at_once_max=settings.calls_at_once_max,
            anonymous_rate_per_minute=settings.anonymous_rate_per_minute,
        )  # fmt: skip
        self.door = Door(
            self.registry, self.gate, self.shield, self.book, self.provenance, self.consents.consenting, self.ledger, self.performer, self.audit, vault,
            clock,
        )  # fmt: skip
        self.resumer = Resumer(
            self.registry, self.book, self.ledger, self.performer, self.audit, vault, clock,
            tenants=self.tenants, who_now=self._who_now,
            stops=self.shield.stops, limits=use_limits, policies=self.consents.policies, approving=self.consents.approving,
        )  # fmt: skip

    def _work(self) -> None:
        """Jobs, and what counts beside them."""
        self.runner = Runner(self.jobs, self.door, self.processes, self.clock, self._who_now, self.pins)
        self.worker = Worker(
            self.jobs, self.runner, self.processes, self.clock, self.tenants,
            home=self.settings.home, share=self.quotas.jobs_at_once,
        )  # fmt: skip
        self.storing = Storing(self.database, self.blobs, self.clock, self.tenants)

    def _actions(self) -> list[Action]:
        settings, clock, database, vault = self.settings, self.clock, self.database, self.vault
        post = Post(self._send_code())
        mails = mail_server(settings.smtp_url, settings.mail_from) if settings.smtp_url else None
        routine = {kind.step for kind in KINDS if kind.every_s} | {webhook_jobs.DELIVER.step}
        publisher = Publisher(
            self.audit, clock, egress(settings.egress_allow), mails, routine=routine, announce=self.notices.outbox.announce, room=self.notices.checkpoints,
        )  # fmt: skip
        services = Services(database, vault, clock, self.gate, post, settings.environment)
        consent = Consent(
            database,
            self.ledger,
            clock,
            self.consents.approving,
            step_up_s=settings.step_up_s,
            wake=lambda: self.resumer.wake(),
            still=lambda actor: self.shield.stops.check(actor, ""),
        )
        consent.surroundings = Surroundings(self.audit).of
        self.discovery = discovering.build(settings, vault, clock, self.connectors, self.jobs, self.notices.outbox.announce)  # fmt: skip
        self.documents = documents.Documents(database, vault, self.blobs, clock, self.jobs)
        self.retention = Retention(
            database, self.keys_database, vault, self.audit, self.blobs, clock, self.jobs.enqueue, shut,
            kinds=(retention_actions.LOG, *letting_go.kept_kinds(vault), provenance_letting_go.KEPT, webhook_letting_go.KEPT, discovering.KEPT, documents.KEPT, source_actions.KEPT), holders=(letting_go.HOLDER, letting_go.ALLOWANCES, provenance_letting_go.HOLDER, source_actions.HOLDER),
            searchers=(document_erasing.searcher(self.documents.reviews),), keys_backup_days=settings.keys_backup_days,
        )  # fmt: skip
        return [
            *identity_actions.actions(services),
            *access_actions.actions(
                database, vault, lambda: self.registry.all().values(), identity_store.role_in_use
            ),
            *consent_actions.actions(consent),
            *consents.actions(
                self.consents, database, self.audit, self.book, clock, step_up_s=settings.step_up_s
            ),
            *consent_jobs.steps(
                self.ledger,
                self.jobs,
                clock,
                self.notices.approvers,
                self._send_letter(mails),
                settings.public_url,
                self.notices.card_links,
            ),
            *sessions.actions(database, vault, clock, self.authority.bearers.acts_for),
            *importing.actions(database, vault, self.book, self.upstreams),
            *connector_actions.actions(self.connectors),
            *upstream_actions.actions(self.upstreams, self._quarantined),
            *upstream_jobs.steps(self.upstreams, self._quarantined),
            *redactions.actions(database, vault, self.masker, self.retention, self.provider),
            *discovering.actions(self.discovery),
            *source_actions.actions(Sources(database, vault, clock, self.connectors), settings),
            *self.documents.actions(),
            *shield_actions.actions(Switch(database, vault, clock)),
            *quota_actions.actions(database),
            *limit_actions.actions(database, clock),
            *audit_actions.actions(self.audit),
            *audit_jobs.actions(self.audit, vault, self.blobs, clock),
            *recovery_actions.actions(database),
            *cell_actions.actions(self._moving()),
            *upkeep_actions.actions(),
            *publishing_actions.actions(publisher),
            *publishing_jobs.steps(publisher),
            *vault_actions.actions(vault, self.jobs.enqueue),
            *self.notices.actions(),
            *retention_actions.actions(self.retention),
            *job_actions.actions(self.jobs, clock),
            *self.authority.actions(),
        ]

    def _moving(self) -> Moving:
        crossing = cell.Crossing(self.retention, self.settings.blob_url)
        return Moving(
            self.database,
            self.vault,
            self.clock,
            self.settings.public_url,
            self.audit.origin,
            go=crossing.go,
            come_back=crossing.come_back,
            may_return=crossing.may_return,
            close=people_moving.close,
            exists=lambda connection, tenant: (
                identity_store.find_tenant(connection, INSTALL, tenant) is not None
            ),
            at_work=partial(cell.at_work, clock=self.clock),
        )

    def _quarantined(self, tenant: TenantId, _connector: str, data: dict[str, JsonValue]) -> Write:
        return self.notices.outbox.announce(tenant, "upstream.quarantined", data)

    def _send_letter(self, mails: MailServer | None) -> consent_jobs.SendLetter | None:
        return partial(send, mails, clock=self.clock) if mails else None

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
        hosts = config.allowed_hosts(settings)
        self.health = health.of(
            settings,
            self.clock,
            self.database,
            self.keys_database,
            self.audit,
            working=lambda: self.worker.ready or not self._works,
            stopping=lambda: self.stopping(),
            alive=lambda: self.processes.alive,
        )
        self.counting = Counting(
            settings, self.clock, (self.database, self.keys_database), self.audit, self.ledger, self.performer, self.shield,
            self.processes, self.tenants, [each.name for each in KINDS],
        )  # fmt: skip
        probes = Probes(
            self.clock, self.health, Audience(settings), self.counting.look, contact=settings.security_contact, public_url=settings.public_url
        )  # fmt: skip
        if not self.kind.faces:
            self.asgi = guard(only(probes), hosts=hosts, proxies=proxies, https=False)
            return
        from ostiary.app.faces import Faces  # noqa: PLC0415 - half of what a start imports, and a worker needs none of it

        self.faces = Faces(self, probes, proxies)
        self.asgi = guard(self.faces.asgi, hosts=hosts, proxies=proxies, https=secure)

    async def tenants(self) -> list[TenantId]:
        """Those that this process serves."""
        return await self.database.run(self._tenants)

    def _tenants(self, connection: Connection) -> list[TenantId]:
        known = identity_store.all_tenants(connection, INSTALL)
        return [tenant for tenant in known if self.pins.serves(connection, tenant)]

    async def start(self) -> None:
        """Start the log, the faces and the loops; the first start shows the set-up token."""
        self._stack = AsyncExitStack()
        if self.exporter:
            self.exporter.begin(self.clock)
        self.database.signals.start()
        self.keys_database.signals.start()
        await self.processes.start()
        self.audit.start()
        await self._mark_earlier(await self.tenants())
        if self.kind.faces:
            await self._stack.enter_async_context(self.faces.running())
        with suppress(OstiaryError):
            await asyncio.to_thread(self.blobs.sweep, self.clock)  # what a crash left half written
        self._loops = [
            asyncio.create_task(work())
            for work in (
                self.resumer.run,
                self._flush,
                self.counting.run,
                self.storing.run,
                *([self.exporter.run] if self.exporter else []),
            )
        ]
        if self.kind is not Kind.TOOL and not self.cell:
            await upkeep.look(self.database, self.vault, self.clock, self.door)
        if self._works:
            await self.worker.start()
        if self.kind.faces and not self.cell and await asyncio.to_thread(setup.is_waiting, self.database):
            kept_s = 0 if self.kind is Kind.SERVE else SETUP_KEPT_S
            token = await asyncio.to_thread(setup.issue_token, self.database, self.clock, kept_s=kept_s)
            if token:
                self.desk.show(
                    f"Set up this gateway at {self.settings.public_url}/setup with the token {token.reveal()}"
                )
        _LOG.info(
            "started",
            kind=self.kind.label,
            port=self.settings.port,
            database=self.database.url.get_backend_name(),
        )

    async def stop(self) -> None:
        """Let what is under way end, then close in reverse order. Nothing that was acknowledged is lost either way."""
        await self.worker.stop(DRAIN_S)
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
        await asyncio.to_thread(self.discovery.looker.close)
        await asyncio.to_thread(self.audit.stop)
        await self.processes.stop()
        if self.exporter:
            await self.exporter.close()
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

    async def _mark_earlier(self, tenants: list[TenantId]) -> None:
        """The upgrade's last step, once no process of an earlier release is left. Raises StoreUnavailable, KeysUnavailable."""
        everyone = [INSTALL, *tenants]
        await mark_earlier(self.processes, self.database, self.vault, self.audit, self.clock, everyone)

    async def tidy(self) -> None:
        """Write down last uses, forget what is over. Raises StoreUnavailable; no call depends on it."""
        tenants = await self.tenants()
        await self._mark_earlier(tenants)
        await self.gate.flush()
        for tenant in tenants:
            await self.ledger.forget(tenant)
        await self.authority.tidy(tenants)
        await recovery_actions.measure(self.database)

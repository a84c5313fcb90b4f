"""What `/metrics` shows that nobody counts on the way: how things stand. What is in memory is looked at when a collector asks; what is in the database every
now and then, beside the calls, and never for more than a small part of the time."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

from cryptography import x509

from ostiary import errors, log, metrics
from ostiary.app.unusual import Refused
from ostiary.audit.log import Audit
from ostiary.clock import SECOND_US, Clock
from ostiary.config import Settings
from ostiary.consent.ledger import Ledger
from ostiary.db.database import Database
from ostiary.door.perform import Performer
from ostiary.errors import OstiaryError
from ostiary.ids import INSTALL, TenantId
from ostiary.jobs import store as jobs_store
from ostiary.jobs.processes import DEAD_S, Processes
from ostiary.recovery import actions as recovery
from ostiary.shield.admission import Shield
from ostiary.webhooks import store as webhooks_store

COUNT_EVERY_S = 15
COUNT_SHARE = 0.02
"""No more than this part of the time goes into counting, however many tenants there are."""
LAG_EVERY_S = 0.5
CREDENTIALS = tuple(
    each.code
    for each in (errors.CredentialRefused, errors.CodeRefused, errors.SignatureRefused, errors.Replayed)
)

_LOG = log.get("app")


class Counting:
    """`look` for a collector; `run` for as long as the process lives."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        databases: Sequence[Database],
        audit: Audit,
        ledger: Ledger,
        performer: Performer,
        shield: Shield,
        processes: Processes,
        tenants: Callable[[], Awaitable[list[TenantId]]],
        kinds: Iterable[str],
    ) -> None:
        self._certificate = settings.tls_cert
        self._clock = clock
        self._databases = databases
        self._audit = audit
        self._ledger = ledger
        self._performer = performer
        self._shield = shield
        self._processes = processes
        self._tenants = tenants
        self._shown: set[tuple[str, ...]] = set()
        self._refused = Refused()
        metrics.CONFIGURED.info(configured(settings, databases))
        begin_at_zero(kinds)

    def look(self) -> None:
        """What is in memory, now."""
        metrics.UNDER_WAY.set(self._shield.under_way)
        metrics.AUDIT_QUEUE.set(self._audit.waiting())
        metrics.AUDIT_WRITABLE.set(self._audit.healthy)
        metrics.AUDIT_OWED.set(self._performer.owed())
        for database in self._databases:
            used, most = database.connections()
            metrics.CONNECTIONS.labels(database.name, "used").set(used)
            metrics.CONNECTIONS.labels(database.name, "most").set(most)
            metrics.SIGNALS_FRESH.labels(database.name).set(database.signals.fresh)

    async def run(self) -> None:
        """Count what is in the database, and how late the event loop comes round, until it is cancelled."""
        async with asyncio.TaskGroup() as both:
            both.create_task(self._lag())
            both.create_task(self._every())

    async def _every(self) -> None:
        while True:
            begun_us = self._clock.monotonic_us()
            try:
                await self.count()
            except OstiaryError as error:
                _LOG.warning("counting.failed", code=error.code)
            except Exception as fault:  # noqa: BLE001 - a mistake of ours ends one round, not the loop
                _LOG.error("counting.broke", error=type(fault).__name__, where=log.where(fault))
            took_s = (self._clock.monotonic_us() - begun_us) / SECOND_US
            await asyncio.sleep(max(COUNT_EVERY_S, took_s / COUNT_SHARE))

    async def _lag(self) -> None:
        while True:
            due_us = self._clock.monotonic_us() + LAG_EVERY_S * SECOND_US
            await asyncio.sleep(LAG_EVERY_S)
            metrics.LOOP_LAG.observe(max(0.0, (self._clock.monotonic_us() - due_us) / SECOND_US))

    async def count(self) -> None:
        """What is in the database and in files, once. Raises StoreUnavailable."""
        self._judge()
        live = await self._count_processes()
        tenants = await self._tenants()
        await self._count_calls(tenants, live)
        await self._count_jobs(tenants, live)
        await self._count_notices(tenants)
        stopped = [await self._shield.stops.count(tenant) for tenant in (INSTALL, *tenants)]
        metrics.STOPS.set(sum(stopped))
        await recovery.measure(self._databases[0])
        if self._certificate:
            until = await asyncio.to_thread(certificate_until, Path(self._certificate))
            metrics.CERTIFICATE_UNTIL.set(until)

    def _judge(self) -> None:
        count = sum(metrics.refused(code) for code in CREDENTIALS)
        if self._refused.see(self._clock.monotonic_us() / SECOND_US, count):
            _LOG.warning(
                "credentials.odd", rate=round(self._refused.rate, 2), usual=round(self._refused.usual, 2)
            )
        metrics.STRANGERS.set(self._refused.rate)
        metrics.STRANGERS_USUAL.set(self._refused.usual)
        metrics.STRANGERS_ODD.set(self._refused.odd)

    async def _count_processes(self) -> frozenset[str]:
        rows = [] if self._databases[0].sqlite else await self._processes.all()
        living = [row for row in rows if not row.stopped and row.quiet_us < DEAD_S * SECOND_US]
        kinds = Counter(row.kind for row in living) or Counter({self._processes.kind: 1})
        for kind in ("serve", "web", "worker"):
            metrics.PROCESSES.labels(kind).set(kinds[kind])
        return frozenset({self._processes.id, *(row.id for row in living)})

    async def _count_calls(self, tenants: list[TenantId], live: frozenset[str]) -> None:
        standing = [await self._ledger.standing(tenant) for tenant in tenants]
        metrics.WAITING.set(sum(each.waiting for each in standing))
        metrics.OLDEST_ASKED.set(_first(each.oldest_us for each in standing))
        metrics.NEXT_EXPIRY.set(_first(each.expiry_us for each in standing))
        metrics.UNKNOWN.set(sum(each.unknown for each in standing))
        left = sum(count for each in standing for boot, count in each.running.items() if boot not in live)
        metrics.ORPHANS.labels("calls").set(left)

    async def _count_notices(self, tenants: list[TenantId]) -> None:
        counted = [
            each
            for tenant in [INSTALL, *tenants]
            for each in (
                await self._databases[0].run(partial(webhooks_store.counted, tenant=tenant))
            ).values()
        ]
        metrics.WEBHOOK_DELIVERIES.labels("waiting").set(sum(each.waiting for each in counted))
        metrics.WEBHOOK_DELIVERIES.labels("dead").set(sum(each.dead for each in counted))

    async def _count_jobs(self, tenants: list[TenantId], live: frozenset[str]) -> None:
        counts: Counter[tuple[str, ...]] = Counter()
        due: list[int] = []
        left = 0
        for tenant in tenants:
            for kind, state, process, count, due_us in await self._databases[0].run(
                partial(jobs_store.tally, tenant=tenant)
            ):
                counts[kind, state] += count
                left += count if state == "running" and process not in live else 0
                due += [due_us] if state == "queued" and due_us <= self._clock.now_us() else []
        for kind_state in self._shown | set(counts):
            metrics.JOBS.labels(*kind_state).set(counts[kind_state])
        self._shown |= set(counts)
        metrics.JOB_DUE_AT.set(_first(due))
        metrics.ORPHANS.labels("jobs").set(left)


def begin_at_zero(kinds: Iterable[str]) -> None:
    """A counter that comes into being with its first 1 has not grown, to a collector: what alerts ask for stands there from the start."""
    for error in errors.all_errors():
        metrics.REFUSALS.labels(error.code)
    for result in ("cosigned", "short", "plain"):
        metrics.CHECKPOINTS.labels(result)
    for result in ("sent", "failed"):
        metrics.MAILS.labels(result)
    for result in ("taken", "failed", "dead"):
        metrics.WEBHOOKS.labels(result)
    for outcome in ("done", "unfit", "failed"):
        metrics.REDACTIONS.labels(outcome)
    for outcome in ("restored", "not_ours", "key_destroyed", "no_string"):
        metrics.RESTORED_TOKENS.labels(outcome)
    for kind in kinds:
        for result in ("done", "failed", "waits"):
            metrics.JOB_STEPS.labels(kind, result)


def certificate_until(path: Path) -> float:
    """When the first certificate of a file ends, in Unix seconds; 0 where it cannot be read."""
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())[0].not_valid_after_utc.timestamp()
    except (OSError, ValueError):
        return 0.0


def configured(settings: Settings, databases: Sequence[Database]) -> dict[str, str]:
    """How it is set up, in words from closed lists: never an address, a name or a path."""
    return {
        "environment": settings.environment,
        **{f"{each.name}_database": each.url.get_backend_name() for each in databases},
        "blobs": settings.blob_url.partition(":")[0],
        "tls": "own" if settings.tls_cert else "proxy" if settings.behind_proxy else "none",
        "mail": "yes" if settings.smtp_url else "no",
        "traces": "yes" if settings.otlp_endpoint else "no",
    }


def _first(instants_us: Iterable[int]) -> float:
    """The earliest of instants that are not 0, in Unix seconds; 0 where there is none."""
    return min((at_us for at_us in instants_us if at_us), default=0) / SECOND_US

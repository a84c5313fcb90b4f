"""What is counted, for `/metrics`. Labels are closed vocabularies: never an id of a tenant, a person or a call, an address, a name or a value.

Names follow the conventions of Prometheus: base units, `_total` for counters, an instant as a Unix time, so that its age is `time() - x`. Every process counts
its own; what is read from the database (`approvals_waiting`, `jobs`, ...) is the same in each that shows it: take the maximum, not the sum.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from importlib.metadata import version
from platform import python_version

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    Info,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.metrics_core import HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

REGISTRY = CollectorRegistry()
disable_created_metrics()  # type: ignore[no-untyped-call]  # a series more for each counter, which nobody looks at
SHORT_S = (0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)
LONG_S = (0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 4 * 3600, 24 * 3600, 7 * 24 * 3600)


class Times:
    """How long something took, in microseconds. Two threads that observe at the very same moment may lose one: none is worth a lock on every call's way."""

    __slots__ = ("bounds", "counts", "total_us")

    def __init__(self, bounds_us: Sequence[int]) -> None:
        self.bounds = bounds_us
        self.counts = [0] * (len(bounds_us) + 1)
        self.total_us = 0

    def observe(self, us: int) -> None:
        self.counts[bisect_left(self.bounds, us)] += 1
        self.total_us += us


class Durations(Collector):
    """A histogram of durations: what `Histogram` shows, at a sixth of its cost. Its labels are from closed vocabularies."""

    def __init__(
        self, name: str, documentation: str, *labels: str, bounds_s: Sequence[float] = SHORT_S
    ) -> None:
        self.name, self.documentation, self.labels = name, documentation, labels
        self._bounds_us = tuple(round(bound * 1e6) for bound in bounds_s)
        self._names = [*map(str, map(float, bounds_s)), "+Inf"]
        self._of: dict[tuple[str, ...], Times] = {}
        REGISTRY.register(self)

    def of(self, *values: str) -> Times:
        """The times under one value of each label."""
        found = self._of.get(values)
        return found if found is not None else self._of.setdefault(values, Times(self._bounds_us))

    def describe(self) -> Iterable[Metric]:
        return [HistogramMetricFamily(self.name, self.documentation, labels=self.labels)]

    def collect(self) -> Iterator[Metric]:
        family = HistogramMetricFamily(self.name, self.documentation, labels=self.labels)
        for values, times in sorted(self._of.copy().items()):
            counts, running, buckets = list(times.counts), 0, []
            for name, count in zip(self._names, counts, strict=True):
                running += count
                buckets.append((name, running))
            family.add_metric(values, buckets, times.total_us / 1e6)
        yield family


def _counter(name: str, meaning: str, *labels: str) -> Counter:
    return Counter(f"ostiary_{name}", meaning, labels, registry=REGISTRY)


def _gauge(name: str, meaning: str, *labels: str) -> Gauge:
    return Gauge(f"ostiary_{name}", meaning, labels, registry=REGISTRY)


def _histogram(name: str, meaning: str, *labels: str, bounds: Sequence[float] = SHORT_S) -> Histogram:
    return Histogram(f"ostiary_{name}", meaning, labels, buckets=bounds, registry=REGISTRY)


# The door.

CALLS = _counter("calls", "Calls through the door.", "face", "decision")
REFUSALS = _counter("refusals", "Refused requests and failed calls by problem code.", "code")
SECONDS = Durations("ostiary_call_seconds", "Time in the door, the connected system included.", "face")
STAGES = Durations("ostiary_stage_seconds", "Time in each step of the door's path.", "stage")
UNDER_WAY = _gauge("calls_under_way", "Calls that are in the door now.")
MASKED = _counter("masked", "Findings masked on the way out.", "category")
REDACTIONS = _counter(
    "redactions", "Texts and values redacted by a plan: done, unfit (the plan cannot), failed.", "outcome"
)
RESTORED_TOKENS = _counter(
    "restored_tokens", "Reversible tokens handed in: restored, or left as they stand, by reason.", "outcome"
)
STOPS = _gauge("stops_active", "Kill switches that are on.")

STRANGERS = _gauge("refused_credentials_rate", "Refused credentials a second over the last minute.")
STRANGERS_USUAL = _gauge(
    "refused_credentials_usual_rate",
    "What that rate usually is: its mean over about a day, in which single peaks hardly count.",
)
STRANGERS_ODD = _gauge(
    "refused_credentials_odd",
    "Whether far more credentials are refused than usual: 1 or 0. The process log says so too.",
)

# Consent.

WAITING = _gauge("approvals_waiting", "Calls that wait for a person.")
OLDEST_ASKED = _gauge(
    "approval_oldest_timestamp_seconds",
    "When the oldest question that still waits was asked; 0 where none waits.",
)
NEXT_EXPIRY = _gauge(
    "approval_next_expiry_timestamp_seconds",
    "When the next question that still waits expires; 0 where none waits.",
)
DECIDED = _histogram("approval_decision_seconds", "From the question to its end.", "decision", bounds=LONG_S)
UNKNOWN = _gauge("calls_unknown", "Calls whose outcome nobody knows and nobody has settled yet.")

# The log.

AUDIT_EVENTS = _counter("audit_events", "Audit events made durable.")
AUDIT_BATCHES = _counter("audit_batches", "Transactions of the audit log.")
AUDIT_FAILURES = _counter("audit_failures", "Transactions of the audit log that failed.")
AUDIT_BATCH_EVENTS = _histogram(
    "audit_batch_events",
    "Audit events in one transaction.",
    bounds=(1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000),
)
AUDIT_COMMIT = _histogram("audit_commit_seconds", "One transaction of the audit log, the disk included.")
AUDIT_QUEUE = _gauge("audit_queue_entries", "Entries that wait for the log.")
AUDIT_WRITABLE = _gauge(
    "audit_writable", "Whether the log takes entries: 1, or 0 while calls are refused for it."
)
AUDIT_DURABLE_AT = _gauge("audit_durable_timestamp_seconds", "When this process last made an event durable.")
AUDIT_OWED = _gauge("audit_owed_entries", "Outcomes of calls that are still to be recorded.")
CHECKPOINT_AT = _gauge(
    "checkpoint_checked_timestamp_seconds",
    "When this process last saw a log extend what was published of it, and published what was new.",
)
CHECKPOINTS = _counter(
    "checkpoints_published",
    "Published checkpoints: cosigned by enough witnesses, short of them, or plain where none is asked for.",
    "result",
)

# Keys.

SIGNALS_FRESH = _gauge(
    "signals_fresh",
    "Whether what other processes change is heard at once: 1, or 0 while memory is not trusted.",
    "database",
)
CACHE_LOADS = _counter(
    "cache_loads", "What had to be read anew because memory did not have it, or was not trusted.", "cache"
)
ROWS_FORGED = _counter(
    "rows_forged",
    "Rows that were refused because they are not as the gateway wrote them. Any is worth an alarm.",
    "table",
)

# Jobs and processes.

JOBS = _gauge("jobs", "Jobs by state.", "kind", "state")
JOB_DUE_AT = _gauge(
    "job_oldest_due_timestamp_seconds", "When the oldest job that waits was due; 0 where none is late."
)
JOB_STEPS = _counter("job_steps", "Steps of jobs.", "kind", "result")
JOB_DELAY = _histogram(
    "job_delay_seconds", "From when a job was due to its first step.", "kind", bounds=LONG_S
)
TAKEOVERS = _counter("job_takeovers", "Jobs taken over from a process that died.")
ORPHANS = _gauge(
    "orphans", "Running calls and jobs whose process is dead and that nobody has taken over yet.", "what"
)
PROCESSES = _gauge("processes", "Processes of this installation that are alive.", "kind")

# Databases, blobs, what is reached outside.

DATABASE = Durations(
    "ostiary_database_seconds",
    "Units of work on a database, waiting for a connection included.",
    "database",
    "work",
)
DATABASE_WAIT = Durations(
    "ostiary_database_wait_seconds", "Waiting for a connection or for the writer's turn.", "database"
)
DATABASE_ERRORS = _counter(
    "database_errors", "Units of work that failed because the database was away.", "database"
)
CONNECTIONS = _gauge(
    "database_connections", "Connections: in use, and how many there may be.", "database", "kind"
)
BLOBS = Durations("ostiary_blob_seconds", "Operations on stored files.", "operation")
BLOB_ERRORS = _counter(
    "blob_errors", "Operations on stored files that failed because the storage was away.", "operation"
)
CONNECTORS = Durations("ostiary_connector_seconds", "Calls of connected systems.", "kind")
CONNECTOR_ERRORS = _counter("connector_errors", "Calls of connected systems that failed.", "kind", "code")
MAILS = _counter("mails", "Mails given to the mail server.", "result")

WEBHOOKS = _counter(
    "webhook_tries",
    "Tries to deliver notices: taken, failed, or dead where it was the last.",
    "result",
)
WEBHOOKS_DROPPED = _counter(
    "webhooks_dropped", "Notices that were not kept: too many waited for an endpoint, or came in one minute."
)
WEBHOOK_DELIVERIES = _gauge(
    "webhook_deliveries", "Notices that wait for an endpoint, or are dead letters.", "state"
)

# Safety nets.

BACKUP_AT = _gauge("backup_timestamp_seconds", "When the newest backup was finished; 0 where there is none.")
BACKUP_BYTES = _gauge("backup_size_bytes", "What the newest backup weighs.")
DRILL_AT = _gauge("drill_timestamp_seconds", "When a backup was last restored for a test; 0 where none was.")
DRILL_GOOD = _gauge("drill_success", "Whether that test succeeded: 1 or 0.")
CERTIFICATE_UNTIL = _gauge(
    "certificate_expiry_timestamp_seconds",
    "When the certificate that we serve HTTPS with ends; 0 where a proxy has it.",
)
DISK_FREE = _gauge("disk_free_bytes", "Free space where data is kept.", "place")
DISK_SIZE = _gauge("disk_size_bytes", "Whole space where data is kept.", "place")

# The process.

READY = _gauge("ready", "Whether a part that calls depend on is well: 1 or 0.", "component")
LOOP_LAG = _histogram(
    "event_loop_lag_seconds",
    "How much later than asked for the event loop came round.",
    bounds=(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)
SPANS = _counter("spans", "Spans of traces: exported, failed, or dropped for want of room.", "result")
BUILD = Info("ostiary_build", "What runs.", registry=REGISTRY)
BUILD.info({"version": version("ostiary"), "python": python_version()})
CONFIGURED = Info("ostiary_config", "How it is set up, without anything secret.", registry=REGISTRY)
ProcessCollector(registry=REGISTRY)
GCCollector(registry=REGISTRY)


@cache
def calls(face: str, decision: str) -> Counter:
    """CALLS of one face and decision: finding it by its labels costs more than counting."""
    return CALLS.labels(face, decision)


def refused(code: str) -> float:
    """How many were refused under a code so far."""
    return float(REFUSALS.labels(code)._value.get())


seconds = SECONDS.of
stage = STAGES.of

"""What is counted, for `/metrics`. Labels are closed vocabularies or contract names; never an id of a person, an address or a value."""

from functools import cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

REGISTRY = CollectorRegistry()

CALLS = Counter("ostiary_calls", "Calls through the door.", ["face", "decision"], registry=REGISTRY)
REFUSALS = Counter("ostiary_refusals", "Refused calls by problem code.", ["code"], registry=REGISTRY)
SECONDS = Histogram(
    "ostiary_call_seconds",
    "Time in the door, the connected system included.",
    ["face"],
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30),
    registry=REGISTRY,
)
MASKED = Counter("ostiary_masked", "Findings masked on the way out.", ["category"], registry=REGISTRY)
WAITING = Gauge("ostiary_approvals_waiting", "Calls that wait for a person.", registry=REGISTRY)
AUDIT_EVENTS = Counter("ostiary_audit_events", "Audit events made durable.", registry=REGISTRY)
AUDIT_BATCHES = Counter("ostiary_audit_batches", "Transactions of the audit log.", registry=REGISTRY)
AUDIT_FAILURES = Counter(
    "ostiary_audit_failures", "Transactions of the audit log that failed.", registry=REGISTRY
)


@cache
def calls(face: str, decision: str) -> Counter:
    """CALLS of one face and decision: finding it by its labels costs more than counting."""
    return CALLS.labels(face, decision)


@cache
def seconds(face: str) -> Histogram:
    """SECONDS of one face."""
    return SECONDS.labels(face)

"""What can be asked, and by whom: the vocabulary that the door, the faces and the documentation share.

An operation exists only as an `Action`. Routes, MCP tools, CLI commands, the permission matrix, the audit vocabulary and the reference
are derived from the registry. A tenant's contracts become the same `Action` at run time, as data. Nothing here does any work.
"""

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from sqlalchemy import Connection

from ostiary.ids import NO_SUBJECT, NO_TENANT, CallId, SubjectId, TenantId

JsonValue = Any
"""A value as `orjson.loads` gives it: dict, list, str, int, float, bool or None. `Any` is confined to this name."""

Write = Callable[[Connection], None]
"""Rows to change. It runs inside the transaction that also holds the audit event, in the sequencer's thread; raising undoes it."""

_NAME = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")


class Risk(StrEnum):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Confirmation(StrEnum):
    """When a human must say yes before the call runs."""

    NEVER = "never"
    ONCE_PER_SESSION = "once_per_session"
    ALWAYS = "always"


class Effect(StrEnum):
    """What a call changes, which decides how it is recorded.

    none: nothing; recorded once, at the end. local: rows of our own; they commit together with the record, so the outcome is never
    unknown. outside: something we cannot roll back; intent is committed first, the outcome after.
    """

    NONE = "none"
    LOCAL = "local"
    OUTSIDE = "outside"


class Surface(StrEnum):
    """admin: staff. customer: the tenant's own customer, only their own records. write_only: may submit, reads nothing back."""

    ADMIN = "admin"
    CUSTOMER = "customer"
    WRITE_ONLY = "write_only"


class Recorded(StrEnum):
    """durable: data, writes, refusals. batched: console navigation; it does not wait for the disk. counted: health; a metric only."""

    DURABLE = "durable"
    BATCHED = "batched"
    COUNTED = "counted"


class Masking(StrEnum):
    """policy: sensitive values are masked by the tenant's policy. own: the answer is the operator's own records (members, keys, events),
    already limited by permission. Policy is what you get by forgetting."""

    POLICY = "policy"
    OWN = "own"


class ActorKind(StrEnum):
    PERSON = "person"
    PROGRAM = "program"
    AGENT = "agent"
    CUSTOMER = "customer"
    SERVICE = "service"
    ANONYMOUS = "anonymous"


class Face(StrEnum):
    CONSOLE = "console"
    REST = "rest"
    MCP = "mcp"
    CLI = "cli"
    JOB = "job"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks. Nobody is an actor too (`kind=ANONYMOUS`, no permissions).

    `permissions` come from roles; `scopes` narrow them for keys (None: not narrowed; a pattern is an action name, or a prefix ending in
    `.*`). `subject` is the customer whose own records a customer surface may touch. `name` and `address` are for people to read: they are
    sealed wherever they are kept. `stepped_up_us` is when a second factor was last given in this session, 0 for never.
    """

    tenant: TenantId
    kind: ActorKind
    id: str
    permissions: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    scopes: frozenset[str] | None = None
    surface: Surface = Surface.ADMIN
    subject: SubjectId = NO_SUBJECT
    session: str = ""
    stepped_up_us: int = 0
    name: str = ""
    address: str = ""
    acts_for: str = ""
    """The person who gave an agent its OAuth grant, proven; "" for everyone else. A person acts for themselves."""

    @property
    def person(self) -> str:
        """The person whose own accounts a call may use; "" for a key, which has none."""
        return self.id if self.kind is ActorKind.PERSON else self.acts_for


class Shape(Protocol):
    """What parameters or results must look like: a JSON Schema 2020-12 that can be shown, and the check that enforces it."""

    def schema(self) -> dict[str, JsonValue]:
        """The JSON Schema, as published."""
        ...

    def parse(self, raw: JsonValue) -> Any:
        """The exact value. Raises InvalidParameters with a fault a mistake."""
        ...

    def __hash__(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Route:
    """Where REST offers an action: `Route("GET", "/v1/keys/{key_id}")`. Path and query values join the body's as parameters."""

    method: str
    path: str
    status: int = 200


@dataclass(frozen=True, slots=True)
class Action:
    """One operation. Built-in ones come from a room's `actions.py`, a tenant's contracts from `contracts`.

    run(call, params) -> result: `params` is what `params.parse` returned, the result is a pydantic model or a JsonValue. It reaches out
    only through a connector, and changes our own rows only through `call.write(...)` (effect `local`).
    permission: the name a role must hold. For a contract it is "contract.call" and `roles` says who.
    roles: further limits to these roles (contracts); empty means the permission decides alone.
    scope: what an API key's scopes are matched against, beside the name.
    subject_of: gives the ids of the subjects that the parameters are about; content is sealed under their keys.
    sentence: how a person reads the call, with {parameter} places: "Refund {amount} of invoice {invoice_id}".
    hash: canonical hash of the contract; an approval is bound to it. Built-ins carry their version here.
    honours_key: the target does a repeated Idempotency-Key once, so a call of unknown outcome may be sent again.
    preview(call, params): what would be sent, for the approval card; it has no effect.
    own: the parameter that must equal the caller's subject on the customer surface.
    keeps_answer: false for database answers: the log keeps a keyed digest and counts, never the rows.
    labels: what each parameter is (recipient, account, url, address, id, amount, currency, content, selector), by JSON Pointer in which `*` is any item.
    readers: who may read what a field of the answer holds, by key, pointer with `*`, or `*` for all of it: roles, `*` for everybody, or pointers to the fields
    of the same answer that list them (an `*` stands for the same item in both).
    egress: it reads, and still carries a URL or free text outward; judged as a write.
    approvers: the roles of which whoever approves must hold one; empty means the permission decides alone. quorum: how many different people must say yes.
    four_eyes: neither who asked nor who made the asking key may be one of them.
    handshake: words of a protocol that carry nothing of their own: scopes that reach anything beside it (`mcp.crm.create` for `mcp.crm.session`) reach it.
    step: one step of a job. Only the worker calls it; for every other face it does not exist.
    takes_bytes: at its route the parameters are the path's, and the body is bytes: the face hands them to the intake after the call, and adds to the answer how many they were and
    their SHA-256.
    streams: media types that it answers with at its route, written while the call runs (`sinks.SINK`); what it returns is told to nobody but the log.
    stops: its work ends when nobody waits for the answer any more (`sinks.SINK`).
    """

    name: str
    title: str
    description: str
    permission: str
    risk: Risk
    effect: Effect
    params: Shape
    result: Shape
    run: Callable[["Call", Any], Awaitable[Any]]
    route: Route | None = None
    confirmation: Confirmation = Confirmation.NEVER
    roles: frozenset[str] = frozenset()
    scope: str = ""
    surfaces: frozenset[Surface] = frozenset({Surface.ADMIN})
    recorded: Recorded = Recorded.DURABLE
    masking: Masking = Masking.POLICY
    public: bool = False
    step_up: bool = False
    self_approval: bool = False
    subject_of: Callable[[Any], tuple[SubjectId, ...]] | None = None
    sentence: str = ""
    hash: str = ""
    honours_key: bool = False
    contract: bool = False
    tool: bool = False
    preview: Callable[["Call", Any], JsonValue] | None = None
    trusted_fields: frozenset[str] = frozenset()
    sinks: frozenset[str] = frozenset()
    own: str = ""
    keeps_answer: bool = True
    handshake: bool = False
    step: bool = False
    takes_bytes: bool = False
    streams: tuple[str, ...] = ()
    stops: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)
    readers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    egress: bool = False
    approvers: frozenset[str] = frozenset()
    quorum: int = 1
    four_eyes: bool = False

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"action name {self.name!r}: lower-case words joined by dots")
        if self.step and (self.route or self.tool or self.public or self.risk is Risk.HIGH):
            raise ValueError(
                f"{self.name} is a step of a job: no face offers it, and nobody is asked between two steps"
            )


@dataclass(frozen=True, slots=True)
class Trace:
    """Something else that this call brings about, recorded beside it: a step in another call's life (approved, rejected, settled), under that call's id;
    or a sign-in, which the tenant's own log should know too: then `tenant` and `person` say where and who. `digest`: of a document that the event vouches for."""

    call: CallId
    action: str
    decision: str
    approval: str = ""
    tenant: TenantId = NO_TENANT
    person: str = ""
    code: str = ""
    digest: str = ""


class Unlimited:
    """What a call takes from the limits that somebody has set (`shield.limits`), as rows for the transactions that record it: nothing, where none is met."""

    def waiting(self) -> tuple[Write, ...]:
        """The call waits for a person: nothing is taken, but it has to fit."""
        return ()

    def intended(self) -> tuple[Write, ...]:
        """With the intent of an effect outside."""
        return ()

    def answered(self, counts: Mapping[str, int]) -> tuple[Write, ...]:
        """With the record of a call without one; `counts` of its answer."""
        return ()

    def settled(self, counts: Mapping[str, int]) -> tuple[Write, ...]:
        """With the outcome of an effect outside."""
        return ()

    def undone(self) -> tuple[Write, ...]:
        """With an outcome that says that nothing was done."""
        return ()


UNLIMITED = Unlimited()


@dataclass(slots=True)
class Call:
    """One call on its way through the door. An action's `run` sees who asks and adds its rows; nothing else of the door is visible."""

    id: CallId
    actor: Actor
    action: Action
    face: Face
    at_us: int
    idempotency_key: str
    on_behalf_of: str = ""
    writes: list[Write] = field(default_factory=list)
    after: list[Callable[[], None]] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    traces: list[Trace] = field(default_factory=list)
    attempt: int = 1
    charges: Unlimited = UNLIMITED
    session: str = ""
    """The agent's session (`provenance`), checked: it is open, and this actor's. Not a person's sign-in, which is `actor.session`."""
    facts: JsonValue = None
    """What was known when the call was decided, and what came of it (`consent.facts`): for the sealed content of its first event."""
    whole: Callable[[JsonValue], JsonValue] = lambda result: result
    """Puts back into the masked result what was put aside so that masking does not break it (bytes). Neither log nor memory gets it."""

    @property
    def tenant(self) -> TenantId:
        return self.actor.tenant

    def write(self, rows: Write) -> None:
        """Change our own rows, in the transaction that records this call. Only for actions with effect `local`."""
        self.writes.append(rows)

    def then(self, hook: Callable[[], None]) -> None:
        """Run after that transaction is durable, on the event loop: to drop a cache, to wake a page."""
        self.after.append(hook)


@dataclass(frozen=True, slots=True)
class Bound:
    """A target made ready by its connector: what a contract's action runs.

    run(call, params) -> the target's answer as a JsonValue; raises the `Target...` errors, AddressRefused or SealBroken.
    preview(call, params): what would be sent, for the approval card, with nothing of the connector's secrets; it has no effect.
    honours_key: the target does a repeated Idempotency-Key once.
    hash: fingerprint of the connector's configuration without its secrets; when it changes, what was approved is stale.
    keeps_answer: false for database answers, as in `Action`.
    """

    run: Callable[[Call, Mapping[str, JsonValue]], Awaitable[JsonValue]]
    preview: Callable[[Call, Mapping[str, JsonValue]], JsonValue]
    honours_key: bool
    hash: str
    keeps_answer: bool = True


class Registry:
    """The built-in actions by name. Order is the order of the rooms; a name that is taken twice is a mistake at start."""

    def __init__(self, actions: Iterable[Action]) -> None:
        self._actions: dict[str, Action] = {}
        for action in actions:
            if action.name in self._actions:
                raise ValueError(f"two actions are named {action.name}")
            self._actions[action.name] = action

    def get(self, name: str) -> Action | None:
        return self._actions.get(name)

    def all(self) -> Mapping[str, Action]:
        return self._actions

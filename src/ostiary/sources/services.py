"""What this room works with: sources opened once and kept, the catalogue read anew, a statement governed for whoever asks, and run."""

import asyncio
import hashlib
import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ostiary.actions import Actor, Call
from ostiary.clock import Clock
from ostiary.connectors.connectors import Connectors
from ostiary.connectors.opening import Held
from ostiary.consent.binding import canonical
from ostiary.db.database import Database
from ostiary.db.kept import Kept
from ostiary.engines.encoding import Form
from ostiary.engines.engine import Answer, Engine
from ostiary.engines.libraries import needed
from ostiary.engines.values import plain, told_apart
from ostiary.errors import Conflict, Fault, NotFound, QueryRefused, SourceInvalid, TooMany
from ostiary.guard.catalogue import CatalogueError, Table
from ostiary.guard.verdict import Verdict
from ostiary.ids import TenantId
from ostiary.semantics.draft import drafted
from ostiary.semantics.lexicon import Lexicon
from ostiary.shapes import pointer
from ostiary.sinks import Sink
from ostiary.sources import policy as policies
from ostiary.sources import schema, store
from ostiary.sources.meaning import Meaning
from ostiary.sources.policy import Asker, Opened, SourcePolicy, View
from ostiary.sources.streaming import Sending, Sent, unless_gone
from ostiary.vault.sealing import Place, Vault

PURPOSE = "source"
SOURCES_MAX = 100
KEPT_MAX = 512
STATEMENTS_MAX = 256
"""Governed statements that are kept of a source, so that one which is asked again costs no reading."""
READ_HERE_CHARACTERS_MAX = 500
"""Longer statements are read in a thread."""
DATABASES = frozenset(["postgresql", "mysql", "sqlite", "duckdb"])
"""Kinds of connectors that can be asked; each is called as its dialect."""


@dataclass(frozen=True)
class Known:
    """A source, opened out of its row."""

    row: store.SourceRow
    opened: Opened
    meaning: Meaning
    statements: "Statements"
    meanings: dict[tuple[int, ...], Lexicon] = field(default_factory=dict, compare=False, repr=False)

    def check_bound(self, held: Held) -> None:
        """Raises Conflict where the connector is another than the one whose tables were taken in."""
        if self.row.bound != held.hash:
            raise Conflict("The connector was changed since its tables were taken in: take them in again.")

    def lexicon(self, view: View, dialect: str) -> Lexicon:
        """The words for what a view shows (`semantics.lexicon`): what somebody may not read is no word of theirs. Blocks where nobody asked before. Raises Conflict, LibraryMissing."""
        found = self.meanings.get(view.fitting)
        if found is None:
            meant = self.meaning.seen(self.opened.tables, view.tables, dialect)
            found = self.meanings[view.fitting] = Lexicon(meant or drafted(self.row.name, view.tables))
        return found


@dataclass(frozen=True, slots=True)
class Asked:
    """A statement as it would be run for whoever asks. `consent` and `rule`: who has to agree, and why. `binding`: what an agreement to it is for."""

    known: Known
    held: Held
    view: View
    verdict: Verdict
    consent: str
    rule: str
    binding: bytes


@dataclass(frozen=True, slots=True)
class Rows:
    columns: list[str]
    rows: list[dict[str, Any]]
    truncated: bool


@dataclass(slots=True)
class Statements:
    """Governed statements by everything that they depend on besides the source. Safe between threads."""

    _held: OrderedDict[bytes, Verdict] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, name: bytes) -> Verdict | None:
        with self._lock:
            found = self._held.get(name)
            if found:
                self._held.move_to_end(name)
            return found

    def keep(self, name: bytes, verdict: Verdict) -> None:
        with self._lock:
            self._held[name] = verdict
            if len(self._held) > STATEMENTS_MAX:
                self._held.popitem(last=False)


@dataclass
class Sources:
    """One for the process."""

    database: Database
    vault: Vault
    clock: Clock
    connectors: Connectors
    _kept: Kept[Known] = field(init=False)
    _streaming: Counter[tuple[TenantId, str]] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._kept = Kept(self.database.signals, store.CHANGED, most=KEPT_MAX)

    # What is held.

    def known_now(self, tenant: TenantId, name: str) -> Known:
        """The source; reads its row where it is not held (then it blocks). Raises NotFound, SealBroken, RowForged."""
        found = self._kept.get((tenant, name))
        if found is not None:
            return found
        mark = self._kept.mark()
        row, models = self.database.read(
            lambda connection: (
                store.find(connection, tenant, name),
                store.models(connection, tenant, name, limit=1),
            )
        )
        if row is None:
            raise NotFound("There is no such source.")
        found = self._kept.last((tenant, name))
        version = (models[0].version, models[0].made_us) if models else (0, 0)
        if found is not None and (found.row, found.meaning.version, found.meaning.made_us) == (row, *version):
            return found
        made = self.open(tenant, row, *models)
        self._kept.keep(tenant, (tenant, name), made, mark)
        return made

    async def known(self, tenant: TenantId, name: str) -> Known:
        """`known_now`, off the event loop where it blocks."""
        found = self._kept.get((tenant, name))
        return found if found is not None else await asyncio.to_thread(self.known_now, tenant, name)

    def open(self, tenant: TenantId, row: store.SourceRow, model: store.ModelRow | None = None) -> Known:
        policy = SourcePolicy.model_validate_json(self.vault.open(_place(tenant, "policy", row.name), row.policy))  # fmt: skip
        tables = schema.from_data(self.vault.open_json(_place(tenant, "tables", row.name), row.tables))
        meaning = (
            Meaning(model.version, self.model_text(tenant, model), model.made_us) if model else Meaning()
        )
        return Known(row, Opened(policy, tables), meaning, Statements())

    def model_text(self, tenant: TenantId, row: store.ModelRow) -> str:
        return self.vault.open(_of_model(tenant, row.source, row.version), row.text).decode()

    def sealed_model(self, tenant: TenantId, source: str, version: int, text: str) -> bytes:
        return self.vault.seal(_of_model(tenant, source, version), text.encode(), purpose=PURPOSE)

    def sealed(
        self, tenant: TenantId, name: str, policy: SourcePolicy, tables: Sequence[Table]
    ) -> tuple[bytes, bytes]:
        """Policy and tables for the row of a source."""
        text = policy.model_dump_json().encode()
        return (
            self.vault.seal(_place(tenant, "policy", name), text, purpose=PURPOSE),
            self.vault.seal_json(_place(tenant, "tables", name), schema.to_data(tables), purpose=PURPOSE),
        )

    # The database behind it.

    async def held(self, tenant: TenantId, name: str) -> Held:
        """The connector of that name. Raises NotFound where there is none, or none that is a database."""
        held = await self.connectors.held(tenant, name)
        if held.settings.kind not in DATABASES:
            raise NotFound("This connector is no database.")
        return held

    async def index(self, held: Held, *, accept_writer: bool) -> tuple[Table, ...]:
        """What the database holds, from its catalogue alone, read by the indexer. Raises as `Engines.run`; Conflict where it is too much."""
        tables = await self.connectors.asked(
            held, lambda engine: engine.index(), purpose="indexer", accept_writer=accept_writer or bool(getattr(held.settings, "indexer", ""))
        )  # fmt: skip
        if len(tables) > schema.TABLES_MAX or sum(len(each.columns) for each in tables) > schema.COLUMNS_MAX:
            raise Conflict(f"A source has at most {schema.TABLES_MAX:,} tables with {schema.COLUMNS_MAX:,} columns: give a role that sees fewer.")  # fmt: skip
        return tuple(tables)

    async def beyond_reading(self, held: Held) -> list[str]:
        """What the reader's credential may do besides. Raises as `Engines.run`."""
        return await self.connectors.asked(held, lambda engine: engine.beyond_reading(), accept_writer=True)

    async def check(self, held: Held, policy: SourcePolicy, tables: tuple[Table, ...]) -> None:
        """That the policy speaks of what is there. Raises SourceInvalid."""
        found = policies.faults(policy, tables)
        found += await asyncio.to_thread(_row_faults, policy, tables, held.settings.kind)
        if found:
            raise SourceInvalid("Nothing was changed.", faults=tuple(found[:20]))

    # One statement.

    async def asked(self, call: Call, source: str, statement: str, asker: Asker) -> Asked:
        """The statement as it may be run for whoever asks. Raises NotFound, QueryRefused, Conflict (the connector has changed)."""
        tenant = call.tenant
        known = await self.known(tenant, source)
        held = await self.held(tenant, source)
        if len(statement) > READ_HERE_CHARACTERS_MAX:
            return await asyncio.to_thread(self.governed, tenant, call.actor, known, held, statement, asker)
        return self.governed(tenant, call.actor, known, held, statement, asker)

    def asked_now(self, call: Call, source: str, statement: str, asker: Asker) -> Asked:
        """`asked`, in this thread."""
        held = self.connectors.held_now(call.tenant, source)
        return self.governed(
            call.tenant, call.actor, self.known_now(call.tenant, source), held, statement, asker
        )

    def governed(self, tenant: TenantId, actor: Actor, known: Known, held: Held, statement: str, asker: Asker) -> Asked:  # fmt: skip
        """Raises as `asked`."""
        known.check_bound(held)
        view = known.opened.view(asker)
        if not view.tables:
            raise NotFound("There is no such source.")
        claims = policies.claims(known.opened.policy, asker, actor.id, actor.person)
        named = hashlib.sha256(canonical([statement, view.fitting, claims])).digest()  # fmt: skip
        verdict = known.statements.get(named)
        if verdict is None:
            verdict = _governed(statement, held.settings.kind, view, claims)
            known.statements.keep(named, verdict)
        if not verdict.allowed:
            raise QueryRefused(verdict.why, faults=(Fault("/statement", verdict.code),))
        consent, rule = view.consent(verdict.tables)
        whom = [actor.kind, actor.id, actor.acts_for, sorted(asker.roles), asker.purpose]
        binding = self.vault.mac(tenant, "source.pass", canonical([known.row.name, known.row.version, known.row.bound, verdict.sql, whom]))  # fmt: skip
        return Asked(known, held, view, verdict, consent, rule, binding)

    async def weighed(self, tenant: TenantId, asked: Asked) -> tuple[Asked, float | None]:
        """With what its cost asks for besides, and the cost as the engine estimates it. Raises QueryRefused where nobody may agree to it, and as `Engines.run`."""
        policy = asked.known.opened.policy
        bounds = (policy.cost_confirm, policy.cost_approve)
        if not any((*bounds, policy.cost_max)):
            return asked, None
        cost = await self.connectors.asked(
            asked.held, lambda engine: engine.cost(asked.verdict, self._key_of(tenant, asked)), accept_writer=policy.accept_writer
        )  # fmt: skip
        if cost is None:
            return asked, None
        if policy.cost_max and cost > policy.cost_max:
            raise QueryRefused(f"It would cost {cost:,.0f}, and {policy.cost_max:,.0f} is the most here: ask for less.", faults=(Fault("/statement", "sql.costly"),))  # fmt: skip
        for consent, bound in zip(policies.CONSENTS[1:], bounds, strict=True):
            if (
                bound
                and cost > bound
                and policies.CONSENTS.index(consent) > policies.CONSENTS.index(asked.consent)
            ):
                asked = replace(asked, consent=consent, rule="cost")
        return asked, cost

    async def run(self, tenant: TenantId, asked: Asked, rows_max: int, sink: Sink | None) -> Rows:
        """All rows, within the bounds. Raises AnswerUnread where `sink` says so, and as `Engines.run`."""
        bytes_max = self.connectors.limits.answer_bytes_max
        key_of = self._key_of(tenant, asked)

        def work(engine: Engine) -> Rows:
            answer = engine.run(asked.verdict, key_of)
            answer.limits = replace(answer.limits, rows=rows_max, bytes=bytes_max)
            return _read(answer)

        running = self.connectors.asked(
            asked.held, work, accept_writer=asked.known.opened.policy.accept_writer
        )
        return await (unless_gone(asyncio.ensure_future(running), sink) if sink else running)

    async def stream(self, call: Call, asked: Asked, form: Form, sink: Sink, rows: int | None) -> Sent:
        """Rows into the sink, as they come; `call.counts` says how many, also where it ended early. One connection is always left to those who ask for an answer that is not streamed.
        Raises AnswerUnread, TargetAnswerTooLarge, TooMany, and as `Engines.run`."""
        place, most = (call.tenant, asked.known.row.name), asked.known.opened.policy.stream_rows_max
        if self._streaming[place] >= max(1, self.connectors.limits.threads_max - 1):
            raise TooMany("So many answers of this source are being read already: wait for one to end.", retry_after_s=5)  # fmt: skip
        sending = Sending(asked.verdict, self._key_of(call.tenant, asked), form, sink, call.id, rows_max=min(rows or most, most), meant=rows is not None and rows <= most)  # fmt: skip
        running = self.connectors.asked(
            asked.held, sending, accept_writer=asked.known.opened.policy.accept_writer
        )
        self._streaming[place] += 1
        try:
            return await unless_gone(asyncio.ensure_future(running), sink)
        finally:
            self._streaming[place] -= 1
            sending.abandon()
            call.counts |= {"rows": sending.rows, "columns": sending.columns}

    def _key_of(self, tenant: TenantId, asked: Asked) -> Callable[[str], str]:
        """Keys of the masks hash and token: of this source, and no other tenant's."""
        source = asked.known.row.name
        return lambda name: self.vault.mac(tenant, "source.mask", f"{source}\n{name}".encode()).hex()


def _read(answer: Answer) -> Rows:
    names = told_apart(answer.columns)
    rows = [dict(zip(names, map(plain, row), strict=True)) for batch in answer.batches() for row in batch]
    return Rows(names, rows, answer.truncated)


def _governed(statement: str, dialect: str, view: View, claims: Any) -> Verdict:
    with needed():
        from ostiary.guard.governed import governed  # noqa: PLC0415 - libraries of an extra
    return governed(statement, dialect, view.catalogue, claims)


def _row_faults(policy: SourcePolicy, tables: tuple[Table, ...], dialect: str) -> list[Fault]:
    """Conditions on rows that cannot be applied, and what they name of whoever asks that is not known of anybody."""
    with needed():
        from ostiary.guard.dialects import dialect_of  # noqa: PLC0415 - libraries of an extra
    spoken = dialect_of(dialect)
    known = {*policies.BUILT_IN, *(entry.name for entry in policy.claims)}
    found = []
    for number, rule in enumerate(policy.rules):
        for name, text in rule.rows.items():
            for table in tables:
                if policies.covers(name, table) and (wrong := _wrong(replace(table, rows=text, written={}), spoken, known)):  # fmt: skip
                    found.append(Fault(pointer("rules", number, "rows", name), wrong))
    return found


def _wrong(table: Table, spoken: Any, known: set[str]) -> str:
    from ostiary.guard.relation import RowsError, relation  # noqa: PLC0415 - libraries of an extra

    try:
        unknown = relation(table, spoken).claims - known
    except (RowsError, CatalogueError) as error:
        return str(error)
    return f":{min(unknown)} is not known of anybody who asks" if unknown else ""


def _place(tenant: TenantId, column: str, name: str) -> Place:
    return Place(tenant, "source", column, name)


def _of_model(tenant: TenantId, source: str, version: int) -> Place:
    return Place(tenant, "source_model", "text", f"{source}/{version}")

"""Where the values of a call came from, gathered for whoever judges: `explain` before a call is decided, `remember` after each answer.

What an agent has read is remembered for the agent, whether it names a session or not: who leaves the session out loses the person's words and keeps the
taint. It is written in the transaction that records the answer, before the answer leaves, so that every process knows of it when the agent acts on it. A
read asks the database for nothing; a call with consequences asks once for what this process has not seen.
"""

import asyncio
from collections import OrderedDict
from dataclasses import replace
from functools import partial
from itertools import islice

from ostiary import ids, turns
from ostiary.actions import Actor, ActorKind, Call, Effect, JsonValue, Recorded, Write
from ostiary.clock import DAY_US, Clock
from ostiary.db.database import Database
from ostiary.errors import SealBroken
from ostiary.evidence import SINKS, Evidence, Kind, Label, Origin
from ostiary.ids import SubjectId, TenantId
from ostiary.provenance import forms, store, values
from ostiary.provenance.marked import store as marked_rows
from ostiary.provenance.marked.store import SeenRow, WrittenRow
from ostiary.provenance.marks import marks
from ostiary.provenance.memory import (
    ANSWERS_MAX,
    Answer,
    Left,
    Memory,
    View,
    fingerprint,
    left_by,
    packed,
    unpacked,
)
from ostiary.provenance.sessions import SESSION_US_MAX, Session, Sessions
from ostiary.provenance.store import DeedRow
from ostiary.turns import Turns
from ostiary.vault.sealing import Place, Vault

PURPOSE = "provenance"
EXPIRY_US = SESSION_US_MAX
WRITTEN_KEPT_US = 30 * DAY_US
WRITTEN_MARKS_MAX = 200
"""Of one call."""
AGENTS_HELD_MAX = 1_000
MARKS_HELD_MAX = 400_000
LARGE_CHARACTERS = 1_000
"""Fingerprints of larger answers are made in a thread: a thousand characters take some 3 ms, in which nobody else's call would go on."""
LARGE_AT_ONCE = 1
"""So many threads at that, as in the door: each takes its share of the interpreter from the event loop."""
READ_ANSWERS_MAX = 4 * ANSWERS_MAX
"""What several processes may have left of one agent; with more, the memory counts as one with gaps."""

MACHINES = frozenset({ActorKind.AGENT, ActorKind.PROGRAM, ActorKind.CUSTOMER})
OF_OTHERS = frozenset({"approval.list", "approval.show", "call.show"})
"""Our own reads that hold what others wrote."""

_Agent = tuple[TenantId, str]


class Provenance:
    """`sessions` looks sessions up. The memories that are held here are those of the agents that came last; the others are in the database."""

    def __init__(self, database: Database, vault: Vault, clock: Clock) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock
        self.sessions = Sessions(database, vault, clock)
        self._memories: OrderedDict[_Agent, Memory] = OrderedDict()
        self._held = 0
        self._large = Turns(LARGE_AT_ONCE)

    async def explain(self, call: Call, params: JsonValue) -> Evidence:
        """What is known about the values of a call. Raises what Sessions.named raises, StoreUnavailable, KeysUnavailable."""
        actor = call.actor
        session = await self.sessions.named(actor, call.session) if call.session else None
        view = await self._view(actor, session) if remembers(actor) else None
        words = session.words_for(call.action) if session else ()
        evidence = values.explain(call.action, params, view, words, session=call.session)
        return await self._unlaundered(actor.tenant, evidence)

    async def remember(self, call: Call, result: JsonValue) -> None:
        """Keep fingerprints of what the actor gets as the answer, and add their row to the call's record. Raises KeysUnavailable."""
        actor, action = call.actor, call.action
        if not remembers(actor):
            return
        memory = await self._memory(actor)
        now_us = self._clock.now_us()
        text = f"a:{action.name} {action.hash} {call.session} {result!r}"
        whole = fingerprint(memory.key, text)
        if memory.repeats(whole, now_us):
            return
        make = partial(left_by, memory.key, marks(action, result))
        if len(text) > LARGE_CHARACTERS:
            async with turns.away(), self._large.turn(actor.tenant):
                left = await asyncio.to_thread(make)
        else:
            left = make()
        if not left.marks:
            memory.note(whole, now_us)
            return
        before = memory.size
        gone = memory.make_room(len(left.marks))
        left.cut = left.cut or bool(gone)
        answer = _answer(ids.new("sen"), call, left, now_us)
        memory.add(answer)
        memory.note(whole, now_us)  # not before: who gets the same answer meanwhile may act on it at once
        self._count(memory, before)
        if action.recorded is Recorded.DURABLE or action.name in OF_OTHERS:
            await self._keep(call, answer, left, gone)

    async def written(self, call: Call, evidence: Evidence, *, held: bool = False) -> tuple[Write, ...]:
        """The rows of a call with an effect outside, or one that is held, for the entry that tells of it first: that it belongs to its session, and what it
        writes that must not be trusted when it is read back."""
        rows: list[Write] = []
        if call.session:
            deed = DeedRow(call.id, call.session, call.action.name, "held" if held else "ran", call.at_us)
            rows.append(lambda connection: store.add_deed(connection, call.tenant, deed))
        found = list(dict.fromkeys(form for origin in evidence.origins for form in _suspect(origin)))
        if call.action.effect is Effect.OUTSIDE and found:
            macs = await self._macs(call.tenant, found[:WRITTEN_MARKS_MAX])
            until_us = call.at_us + WRITTEN_KEPT_US
            marked = [WrittenRow(mac, call.id, call.action.name, until_us) for mac in dict.fromkeys(macs)]
            rows.append(lambda connection: marked_rows.add_written(connection, call.tenant, marked))
        return tuple(rows)

    def forget(self, tenant: TenantId, agent: str) -> None:
        """Drop what is held of this agent; the rows stay."""
        memory = self._memories.pop((tenant, agent), None)
        self._held -= memory.size if memory else 0

    async def _view(self, actor: Actor, session: Session | None) -> View:
        memory = await self._memory(actor)
        now_us = self._clock.now_us()
        known = await self._database.run(
            lambda c: marked_rows.seen_ids(c, actor.tenant, actor.id, now_us=now_us, most=READ_ANSWERS_MAX)
        )
        missing = [each for each in known if each not in memory.answers]
        before = memory.size
        memory.expire(now_us)
        whole = len(known) < READ_ANSWERS_MAX
        if missing:
            rows = await self._database.run(lambda c: marked_rows.seen_rows(c, actor.tenant, missing))
            opened = await asyncio.to_thread(lambda: [self._opened(actor.tenant, row) for row in rows])
            for answer in opened:
                memory.add(answer)
        self._count(memory, before)
        since_us = session.row.opened_us if session else 0
        name = session.row.id if session else ""
        return View(memory, name, whole and memory.is_clean(since_us, name))

    def _opened(self, tenant: TenantId, row: SeenRow) -> Answer:
        """A row that does not open says nothing, but that something was read that is not known: its subject was erased, or it made room for others."""
        try:
            content = self._vault.open(_place(tenant, row.id), row.marks)
            left = unpacked(content)
        except (SealBroken, ValueError):
            left = Left((), (), (), tainted=True, cut=True)
        return Answer(
            row.id, row.call, row.action, row.session, row.at_us, row.expires_us, left.tainted, left.cut, left.places, left.readers, left.marks
        )  # fmt: skip

    async def _keep(self, call: Call, answer: Answer, left: Left, gone: list[str]) -> None:
        subject = call.actor.subject or SubjectId(call.actor.id)
        await self._vault.prepare(call.tenant, PURPOSE, (subject,))
        content = self._vault.seal(
            _place(call.tenant, answer.id), packed(left), purpose=PURPOSE, subject=subject
        )
        row = SeenRow(
            answer.id, call.actor.id, call.session, call.id, call.action.name, left.tainted, len(content), answer.at_us,
            answer.expires_us, content,
        )  # fmt: skip
        call.writes.append(lambda connection: marked_rows.add_seen(connection, call.tenant, row, gone=gone))

    async def _memory(self, actor: Actor) -> Memory:
        name = (actor.tenant, actor.id)
        memory = self._memories.get(name)
        if memory is None:
            key = await asyncio.to_thread(
                self._vault.mac, actor.tenant, PURPOSE, f"{actor.kind} {actor.id}".encode()
            )
            memory = self._memories.setdefault(name, Memory(key))
        self._memories.move_to_end(name)
        return memory

    def _count(self, memory: Memory, before: int) -> None:
        """The agents that came longest ago are held no more, where too much is."""
        self._held += memory.size - before
        while len(self._memories) > 1 and (
            self._held > MARKS_HELD_MAX or len(self._memories) > AGENTS_HELD_MAX
        ):
            _, oldest = self._memories.popitem(last=False)
            self._held -= oldest.size

    async def _unlaundered(self, tenant: TenantId, evidence: Evidence) -> Evidence:
        """What an agent wrote from what it should not trust does not become trusted by being read back."""
        trusted = {
            form for origin in evidence.origins if origin.kind is Kind.TRUSTED for form in forms.exact(origin.value)
        }  # fmt: skip
        if not trusted:
            return evidence
        ordered = sorted(trusted)
        macs = await self._macs(tenant, ordered)
        now_us = self._clock.now_us()
        rows = await self._database.run(lambda c: marked_rows.find_written(c, tenant, macs, now_us=now_us))
        if not rows:
            return evidence
        by = {row.mark: row for row in rows}
        bad = {form: by[mac] for form, mac in zip(ordered, macs, strict=True) if mac in by}
        return replace(evidence, origins=tuple(_tainted(origin, bad) for origin in evidence.origins))

    async def _macs(self, tenant: TenantId, each: list[str]) -> list[bytes]:
        def make() -> list[bytes]:
            return [self._vault.mac(tenant, "provenance.written", form.encode("utf-8", "surrogatepass")) for form in each]  # fmt: skip

        return await asyncio.to_thread(make)


def tells_of_others(call: Call, result: JsonValue) -> bool:
    """Whether a machine reads what others asked for or got: their words are not trusted, in whichever of our own answers they stand."""
    if call.actor.kind not in MACHINES or call.action.name not in OF_OTHERS or not isinstance(result, dict):
        return False
    rows = result.get("approvals", [result])
    askers = [row.get("actor_id") or row.get("asked_by", {}).get("id") for row in rows]
    return any(asker != call.actor.id for asker in askers)


def remembers(actor: Actor) -> bool:
    """Whether what this actor reads is remembered: nobody and our own jobs act on nothing that they read."""
    return bool(actor.id) and actor.kind is not ActorKind.SERVICE


def _answer(name: str, call: Call, left: Left, at_us: int) -> Answer:
    return Answer(
        name, call.id, call.action.name, call.session, at_us, at_us + EXPIRY_US, left.tainted, left.cut, left.places, left.readers, left.marks
    )  # fmt: skip


def _suspect(origin: Origin) -> list[str]:
    """The forms of a value that must not be trusted when it is read back: what came from untrusted text, what a text carries that nothing explains, and
    text that the agent made up. A number or an id that is merely unexplained is not among them: every later use of it would be a question."""
    if origin.kind is Kind.SAID or origin.constant or origin.kind is Kind.TRUSTED:
        return []  # what stands in a trusted field already gains nothing by being written
    if origin.label == Label.AMOUNT or (origin.label in SINKS and str(origin.value).isalpha()):
        return []  # 10, or "general", is the same everywhere: marked once, it would raise a question in the whole company
    bad = origin.kind is Kind.UNTRUSTED or origin.tainted or origin.disguised
    free = isinstance(origin.value, str) and origin.kind is Kind.UNEXPLAINED
    made_up = free and (
        origin.label == Label.CONTENT or (origin.label not in SINKS and " " in str(origin.value).strip())
    )
    found = list(forms.exact(origin.value)) if bad or made_up else []
    if isinstance(origin.value, str) and (bad or made_up or origin.carries):
        found += islice(forms.address_forms(origin.value), WRITTEN_MARKS_MAX)
    return found


def _tainted(origin: Origin, bad: dict[str, WrittenRow]) -> Origin:
    if origin.kind is not Kind.TRUSTED:
        return origin
    row = next((bad[form] for form in forms.exact(origin.value) if form in bad), None)
    if row is None:
        return origin
    return replace(origin, kind=Kind.UNTRUSTED, tainted=True, source=f"{row.action} wrote it ({row.call})")


def _place(tenant: TenantId, seen: str) -> Place:
    return Place(tenant, "seen", "marks", seen)

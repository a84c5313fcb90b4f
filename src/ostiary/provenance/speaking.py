"""How a person's words get into an agent's session: by the person's own credential, or in a statement that a key signed which the agent does not hold.

What an agent says the person wanted is kept apart (`claim`): it is shown, and explains nothing.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field
from sqlalchemy import Connection

from ostiary import ids
from ostiary.actions import Actor, ActorKind, Call
from ostiary.clock import SECOND_US, Clock, rfc3339
from ostiary.db.database import Database
from ostiary.errors import (
    Fault,
    Forbidden,
    InvalidParameters,
    SessionClosed,
    SessionExpired,
    SessionNotYours,
    SessionUnknown,
    StatementRefused,
)
from ostiary.ids import PersonId, SubjectId, TenantId
from ostiary.provenance import sessions, statement, store
from ostiary.provenance.marked import store as marked
from ostiary.provenance.marked.store import ReadRow
from ostiary.provenance.sessions import (
    OPEN_PER_AGENT_MAX,
    PURPOSE,
    SESSION_S,
    SESSION_S_MAX,
    WORDS_CHARACTERS_MAX,
    WORDS_MAX,
    Said,
)
from ostiary.provenance.store import DeedRow, SessionRow, WordsRow
from ostiary.shapes import Answer, Page, Params
from ostiary.vault.sealing import Place, Vault

SHOWN_ROWS_MAX = 200
SAY = "intent.say"
MACHINES = frozenset({ActorKind.AGENT, ActorKind.PROGRAM, ActorKind.CUSTOMER})

SessionId = Annotated[str, Field(pattern=r"^ses_[0-9a-f]{32}$")]
AgentId = Annotated[
    str,
    Field(pattern=r"^[A-Za-z0-9_]{1,40}(\.[0-9a-f]{20})?$", description="The id of the agent's key."),
]
Words = Annotated[str, Field(min_length=1, max_length=WORDS_CHARACTERS_MAX, pattern=r"\S")]
LastsS = Annotated[int, Field(ge=60, le=SESSION_S_MAX, description="After this many seconds it is over.")]


class Open(Params):
    """`intent`: what the agent is to do, in the person's own words: the values in it are explained by it."""

    agent: AgentId
    intent: Words
    max_s: LastsS = SESSION_S


class OneSession(Params):
    session_id: SessionId


class Say(OneSession):
    """Further words of the person, such as an answer to the agent's question."""

    words: Words


class Present(Params):
    """`statement`: a compact JWS (RFC 7515), alg EdDSA, typ ostiary-intent+jwt, kid the intent key's id. Claims: aud (the tenant), sub (the agent's key),
    jti, iat, exp (15 minutes at most), intent; session where it adds to an open one, max_s where it opens one."""

    statement: Annotated[str, Field(min_length=1, max_length=statement.STATEMENT_CHARACTERS_MAX)]


class List(Page):
    """`state`: open, or any. `agent`: of this one only."""

    state: Literal["open", "any"] = "open"
    agent: Annotated[str, Field(max_length=64)] = ""


class SessionView(Answer):
    """`state` is open, closed or expired. `signed`: a statement opened it, and `opened_by` is its key."""

    session_id: str
    agent: str
    opened_by: str
    signed: bool
    state: str
    opened_at: str
    expires_at: str
    closed_at: str | None


class WordsView(Answer):
    """`claimed`: the agent's own account, which explains nothing. `text` is empty where its speaker was erased."""

    by: str
    claimed: bool
    text: str
    at: str


class ReadView(Answer):
    """An answer that the agent got in the session, while it is remembered. `untrusted`: something in it is not trusted."""

    call: str
    action: str
    untrusted: bool
    at: str


class DeedView(Answer):
    """A call with an effect: held for a person, or begun (`ran`)."""

    call: str
    action: str
    decision: str
    at: str


class SessionShown(Answer):
    session: SessionView
    words: list[WordsView]
    reads: list[ReadView]
    deeds: list[DeedView]


class SessionList(Answer):
    sessions: list[SessionView]
    next: str


SpeaksFor = Callable[[TenantId, str, PersonId], Awaitable[bool]]
"""`await speaks_for(tenant, agent, person)`: whether the agent is the tenant's and stands, and this person's words may be what it is to do."""


@dataclass(frozen=True, slots=True)
class Speaking:
    """The functions behind the actions."""

    database: Database
    vault: Vault
    clock: Clock
    speaks_for: SpeaksFor

    async def open(self, call: Call, asked: Open) -> SessionView:
        """A person opens a session for an agent."""
        _person(call.actor)
        if not await self.speaks_for(call.tenant, asked.agent, PersonId(call.actor.id)):
            raise InvalidParameters(
                faults=(Fault("/agent", "the id of a key of this tenant, or of an agent that acts for you"),)
            )
        row = _fresh(call, asked.agent, by=call.actor.id, signed=False, max_s=asked.max_s)
        words = Said(asked.intent, call.actor.roles)
        await self._opened(call, row, words, by=call.actor.id, jti=ids.new("wrd"))
        return self._view(row)

    async def say(self, call: Call, asked: Say) -> SessionView:
        """Further words of a person."""
        _person(call.actor)
        row = await self._open_one(call.tenant, asked.session_id)
        if not await self.speaks_for(call.tenant, row.agent, PersonId(call.actor.id)):
            raise Forbidden("This agent is no more, or acts for another person.")
        words = Said(asked.words, call.actor.roles)
        await self._said(call, row.id, words, by=call.actor.id, jti=ids.new("wrd"))
        return self._view(row)

    async def present(self, call: Call, asked: Present) -> SessionView:
        """An agent brings a signed statement. Raises StatementRefused: whatever is wrong with it, it is one no."""
        _machine(call.actor)
        made, roles = await self._vouched(call, statement.read(asked.statement))
        if not made.intent.strip() or len(made.intent) > WORDS_CHARACTERS_MAX:
            raise StatementRefused(f"intent must be 1 to {WORDS_CHARACTERS_MAX} characters.")
        words = Said(made.intent, roles)
        if made.session:
            row = await self._open_one(call.tenant, made.session)
            if row.agent != call.actor.id:
                raise SessionNotYours
            await self._said(call, row.id, words, by=made.key, jti=made.jti)
        else:
            max_s = min(max(made.max_s or SESSION_S, 60), SESSION_S_MAX)
            row = _fresh(call, call.actor.id, by=made.key, signed=True, max_s=max_s)
            await self._opened(call, row, words, by=made.key, jti=made.jti)
        return self._view(row)

    async def claim(self, call: Call, asked: Say) -> SessionView:
        """What an agent says the person wants. People see it; it explains nothing."""
        _machine(call.actor)
        row = await self._open_one(call.tenant, asked.session_id)
        if row.agent != call.actor.id:
            raise SessionNotYours
        words = Said(asked.words, frozenset())
        await self._said(call, row.id, words, by=call.actor.id, jti=ids.new("wrd"), claimed=True)
        return self._view(row)

    async def close(self, call: Call, asked: OneSession) -> SessionView:
        """End a session: by a person who may open one, or by its own agent."""
        row = await self._one(call.actor, asked.session_id)
        if call.actor.kind is ActorKind.PERSON and SAY not in call.actor.permissions:
            raise Forbidden
        at_us = self.clock.now_us()
        if row.closed_us:
            raise SessionClosed
        by = call.actor.id
        call.write(lambda c: store.close_session(c, call.tenant, row.id, at_us=at_us, by=by))
        return self._view(row).model_copy(update={"state": "closed", "closed_at": rfc3339(at_us)})

    async def show(self, call: Call, asked: OneSession) -> SessionShown:
        row = await self._one(call.actor, asked.session_id)

        def look(connection: Connection) -> tuple[list[WordsRow], list[ReadRow], list[DeedRow]]:
            return (
                store.words(connection, call.tenant, row.id),
                marked.reads(connection, call.tenant, row.id, limit=SHOWN_ROWS_MAX),
                store.deeds(connection, call.tenant, row.id, limit=SHOWN_ROWS_MAX),
            )

        words, reads, deeds = await self.database.run(look)
        return SessionShown(
            session=self._view(row),
            words=[
                WordsView(
                    by=each.said_by,
                    claimed=each.claimed,
                    text=sessions.opened(self.vault, call.tenant, each).text,
                    at=rfc3339(each.at_us),
                )
                for each in words
            ],
            reads=[
                ReadView(call=each.call, action=each.action, untrusted=each.tainted, at=rfc3339(each.at_us))
                for each in reads
            ],
            deeds=[
                DeedView(call=each.call, action=each.action, decision=each.decision, at=rfc3339(each.at_us))
                for each in deeds
            ],
        )

    async def list_(self, call: Call, asked: List) -> SessionList:
        agent = call.actor.id if call.actor.kind in MACHINES else asked.agent
        open_at_us = self.clock.now_us() if asked.state == "open" else 0
        rows = await self.database.run(
            lambda c: store.list_sessions(
                c, call.tenant, before=asked.cursor, limit=asked.limit + 1, agent=agent, open_at_us=open_at_us
            )
        )
        shown = rows[: asked.limit]
        more = shown[-1].id if len(rows) > asked.limit else ""
        return SessionList(sessions=[self._view(row) for row in shown], next=more)

    async def _vouched(
        self, call: Call, claimed: statement.Claimed
    ) -> tuple[statement.Statement, frozenset[str] | None]:
        """A statement that counts, and for which roles its key speaks (None: all)."""
        row = await self.database.run(lambda c: store.find_intent_key(c, call.tenant, claimed.key))
        if row is None or row.revoked_us:
            raise StatementRefused("kid names no intent key that counts here.")
        public = statement.public_bytes(row.public)
        now_s = self.clock.now_us() // SECOND_US
        agent = call.actor.id
        made = statement.checked(claimed, public, tenant=call.tenant, agent=agent, now_s=now_s)
        return made, key_details(self.vault, call.tenant, row).roles

    async def _opened(self, call: Call, row: SessionRow, words: Said, *, by: str, jti: str) -> None:
        call.write(lambda c: store.add_session(c, call.tenant, row, most=OPEN_PER_AGENT_MAX))
        await self._said(call, row.id, words, by=by, jti=jti)

    async def _said(
        self, call: Call, session: str, words: Said, *, by: str, jti: str, claimed: bool = False
    ) -> None:
        await self.vault.prepare(call.tenant, PURPOSE, (SubjectId(by),))
        number = 1 + len(await self.database.run(lambda c: store.words(c, call.tenant, session)))
        content = sessions.sealed(self.vault, call.tenant, session, number, words, by=by)
        row = WordsRow(session, number, by, jti, claimed, content, call.at_us)
        call.write(lambda c: store.add_words(c, call.tenant, row, most=WORDS_MAX))

    async def _one(self, actor: Actor, session: str) -> SessionRow:
        """Raises SessionUnknown, and SessionNotYours for another agent's."""
        row = await self.database.run(lambda c: store.find_session(c, actor.tenant, session))
        if row is None:
            raise SessionUnknown
        if actor.kind in MACHINES and row.agent != actor.id:
            raise SessionNotYours
        return row

    async def _open_one(self, tenant: TenantId, session: str) -> SessionRow:
        row = await self.database.run(lambda c: store.find_session(c, tenant, session))
        if row is None:
            raise SessionUnknown
        if row.closed_us:
            raise SessionClosed
        if row.expires_us <= self.clock.now_us():
            raise SessionExpired
        return row

    def _view(self, row: SessionRow) -> SessionView:
        state = "closed" if row.closed_us else "open"
        if not row.closed_us and row.expires_us <= self.clock.now_us():
            state = "expired"
        return SessionView(
            session_id=row.id,
            agent=row.agent,
            opened_by=row.opened_by,
            signed=row.signed,
            state=state,
            opened_at=rfc3339(row.opened_us),
            expires_at=rfc3339(row.expires_us),
            closed_at=rfc3339(row.closed_us) if row.closed_us else None,
        )


@dataclass(frozen=True, slots=True)
class KeyDetails:
    """What is sealed of an intent key. `roles`: it speaks for people with these; None: for all."""

    title: str
    roles: frozenset[str] | None


def key_details(vault: Vault, tenant: TenantId, row: store.IntentKeyRow) -> KeyDetails:
    kept = vault.open_json(key_place(tenant, row.id), row.details)
    roles = kept["roles"]
    return KeyDetails(kept["title"], None if roles is None else frozenset(roles))


def key_place(tenant: TenantId, key: str) -> Place:
    return Place(tenant, "intent_key", "details", key)


def _fresh(call: Call, agent: str, *, by: str, signed: bool, max_s: int) -> SessionRow:
    until_us = call.at_us + max_s * SECOND_US
    return SessionRow(ids.new("ses"), agent, by, signed, call.at_us, until_us, 0, "")


def _person(actor: Actor) -> None:
    """Raises Forbidden for everybody else: a key speaks for nobody."""
    if actor.kind is not ActorKind.PERSON:
        raise Forbidden("Only a person says what a person wants; an agent brings a signed statement.")


def _machine(actor: Actor) -> None:
    if actor.kind not in MACHINES:
        raise Forbidden("This is for agents; a person opens a session and says so.")

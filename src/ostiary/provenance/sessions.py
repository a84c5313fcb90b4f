"""An agent's sessions as the door sees them: whether one may be named now, by this actor, and what the person said in it. Held in memory until a signal says
that it changed; where the database cannot be asked, nothing counts."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from ostiary import ids
from ostiary.actions import Action, Actor
from ostiary.clock import SECOND_US, Clock
from ostiary.db.database import Database
from ostiary.db.kept import Kept
from ostiary.errors import SealBroken, SessionClosed, SessionExpired, SessionNotYours, SessionUnknown
from ostiary.ids import SubjectId, TenantId
from ostiary.provenance import store
from ostiary.provenance.store import SessionRow, WordsRow
from ostiary.vault.sealing import Place, Vault

PURPOSE = "session"
HELD_MAX = 2_000
SESSION_S_MAX = 12 * 3600
SESSION_US_MAX = SESSION_S_MAX * SECOND_US
"""No session is longer, and what an agent reads is remembered for as long."""
SESSION_S = 4 * 3600
OPEN_PER_AGENT_MAX = 1_000
WORDS_MAX = 100
WORDS_CHARACTERS_MAX = 8_000


@dataclass(frozen=True, slots=True)
class Session:
    """A session that is known. `words`: what the person said, in order; what the agent says of them is not among it."""

    row: SessionRow
    words: tuple["Said", ...]

    def words_for(self, action: Action) -> tuple[str, ...]:
        """The words of those who might ask for this themselves: nobody lends an agent a say that they do not have."""
        return tuple(
            each.text
            for each in self.words
            if not action.roles or each.roles is None or action.roles & each.roles
        )


@dataclass(frozen=True, slots=True)
class Said:
    """Words, and the roles that their speaker had then; None: an intent key that speaks for all."""

    text: str
    roles: frozenset[str] | None


class Sessions:
    """Looks sessions up."""

    def __init__(self, database: Database, vault: Vault, clock: Clock) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock
        self._held: Kept[Session] = Kept(database.signals, store.CHANGED, most=HELD_MAX)

    async def named(self, actor: Actor, session: str) -> Session:
        """The session that this actor names. Raises SessionUnknown, SessionNotYours, SessionClosed, SessionExpired, StoreUnavailable."""
        found = await self._known(actor.tenant, session)
        if found is None:
            raise SessionUnknown
        if found.row.agent != actor.id:
            raise SessionNotYours
        if found.row.closed_us:
            raise SessionClosed
        if found.row.expires_us <= self._clock.now_us():
            raise SessionExpired
        return found

    async def _known(self, tenant: TenantId, session: str) -> Session | None:
        if not ids.is_id(session, "ses"):
            return None
        name = (tenant, session)
        held = self._held.get(name)
        if held is None:
            mark = self._held.mark()
            held = await self._database.run(lambda connection: self._read(connection, tenant, session))
            if held is not None:
                self._held.keep(tenant, name, held, mark)
        return held

    def _read(self, connection: Connection, tenant: TenantId, session: str) -> Session | None:
        row = store.find_session(connection, tenant, session)
        if row is None:
            return None
        return Session(row, said(self._vault, tenant, store.words(connection, tenant, session)))


def said(vault: Vault, tenant: TenantId, rows: Sequence[WordsRow]) -> tuple[Said, ...]:
    """The person's own words."""
    each = [opened(vault, tenant, row) for row in rows if not row.claimed]
    return tuple(words for words in each if words.text)


def opened(vault: Vault, tenant: TenantId, row: WordsRow) -> Said:
    """What was said; no text where its speaker was erased."""
    try:
        kept = vault.open_json(place(tenant, row.session, row.number), row.words) if row.words else {}
    except SealBroken:
        kept = {}
    roles = kept.get("roles", [])
    return Said(kept.get("text", ""), None if roles is None else frozenset(roles))


def sealed(vault: Vault, tenant: TenantId, session: str, number: int, words: Said, *, by: str) -> bytes:
    """Words as they are kept, under the key of who said them (see `Vault.prepare`)."""
    kept = {"text": words.text, "roles": None if words.roles is None else sorted(words.roles)}
    return vault.seal_json(place(tenant, session, number), kept, purpose=PURPOSE, subject=SubjectId(by))


def place(tenant: TenantId, session: str, number: int) -> Place:
    return Place(tenant, "session_words", "words", f"{session}/{number}")

"""Tables and SQL of agents' sessions: keys that sign intent, sessions, the person's words, and what was done."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    Boolean,
    Connection,
    Index,
    Integer,
    String,
    Table,
    UniqueConstraint,
    delete,
    func,
    insert,
    select,
)

from ostiary.db import marks
from ostiary.db.marks import mark, marked, unmarked
from ostiary.db.scope import of_tenant
from ostiary.db.signals import tell
from ostiary.db.tables import clear, metadata, sealed
from ostiary.errors import Conflict, SessionClosed, StatementRefused, TooMany
from ostiary.ids import TenantId

CHANGED = "agent_session"
"""The signal that a session was opened, closed, or has new words; the detail is its id."""

_ID = String(40)
_ACTOR = String(64)
QUERY_MARKS_MAX = 500

INTENT_KEY = Table(
    "intent_key",
    metadata,
    clear("tenant", _ID, primary_key=True),
    clear("id", _ID, primary_key=True),
    clear("public", String(43)),
    sealed("details"),
    clear("created_by", _ACTOR),
    clear("created_us", BigInteger),
    clear("revoked_us", BigInteger),
    mark(),
    info=marked(),
)

SESSION = Table(
    "agent_session",
    metadata,
    clear("tenant", _ID, primary_key=True),
    clear("id", _ID, primary_key=True),
    clear("agent", _ACTOR),
    clear("opened_by", _ACTOR),
    clear("signed", Boolean),
    clear("opened_us", BigInteger),
    clear("expires_us", BigInteger),
    clear("closed_us", BigInteger),
    clear("closed_by", _ACTOR),
    mark(),
    Index(None, "tenant", "agent", "expires_us"),
    info=marked(),
)

WORDS = Table(
    "session_words",
    metadata,
    clear("tenant", _ID, primary_key=True),
    clear("session", _ID, primary_key=True),
    clear("number", Integer, primary_key=True, autoincrement=False),
    clear("said_by", _ACTOR),
    clear("statement", String(64)),
    clear("claimed", Boolean),
    sealed("words"),
    clear("at_us", BigInteger),
    mark(),
    UniqueConstraint("tenant", "said_by", "statement"),
    info=marked(),
)

DEED = Table(
    "session_deed",
    metadata,
    clear("tenant", _ID, primary_key=True),
    clear("call", _ID, primary_key=True),
    clear("session", _ID),
    clear("action", String(200)),
    clear("decision", String(16)),
    clear("at_us", BigInteger),
    Index(None, "tenant", "session", "at_us"),
    info=unmarked("shown beside a session; the log has every call with its own proof"),
)


@dataclass(frozen=True, slots=True)
class IntentKeyRow:
    """`public`: base64url of the 32 bytes of an Ed25519 key. `revoked_us` 0: it counts."""

    id: str
    public: str
    details: bytes
    created_by: str
    created_us: int
    revoked_us: int


@dataclass(frozen=True, slots=True)
class SessionRow:
    """`signed`: opened by a statement; `opened_by` is its key then, else a person. `closed_us` 0: not closed."""

    id: str
    agent: str
    opened_by: str
    signed: bool
    opened_us: int
    expires_us: int
    closed_us: int
    closed_by: str


@dataclass(frozen=True, slots=True)
class WordsRow:
    """`claimed`: the agent's own account of what the person wants; shown, and nothing more. `statement` names what was signed, or this row."""

    session: str
    number: int
    said_by: str
    statement: str
    claimed: bool
    words: bytes
    at_us: int


@dataclass(frozen=True, slots=True)
class DeedRow:
    """A call of a session with an effect: held, or begun (`ran`)."""

    call: str
    session: str
    action: str
    decision: str
    at_us: int


def _values(row: object) -> dict[str, object]:
    return {name: getattr(row, name) for name in type(row).__slots__}  # type: ignore[attr-defined]  # our rows are slotted dataclasses


# Keys that sign intent.


@of_tenant
def add_intent_key(connection: Connection, tenant: TenantId, row: IntentKeyRow, *, most: int) -> None:
    """Raises TooMany where `most` count already."""
    standing = (INTENT_KEY.c.tenant == tenant, INTENT_KEY.c.revoked_us == 0)
    if (connection.scalar(select(func.count()).select_from(INTENT_KEY).where(*standing)) or 0) >= most:
        raise TooMany(f"At most {most} intent keys count at a time; revoke one.")
    marks.add(connection, tenant, INTENT_KEY, _values(row))


@of_tenant
def intent_keys(connection: Connection, tenant: TenantId) -> list[IntentKeyRow]:
    """Newest first; those that were revoked too."""
    query = select(INTENT_KEY).where(INTENT_KEY.c.tenant == tenant).order_by(INTENT_KEY.c.id.desc())
    return [IntentKeyRow(**row) for row in marks.read(connection, tenant, query)]


@of_tenant
def find_intent_key(connection: Connection, tenant: TenantId, key: str) -> IntentKeyRow | None:
    where = (INTENT_KEY.c.tenant == tenant, INTENT_KEY.c.id == key)
    row = marks.first(connection, tenant, select(INTENT_KEY).where(*where))
    return IntentKeyRow(**row) if row else None


@of_tenant
def revoke_intent_key(connection: Connection, tenant: TenantId, key: str, at_us: int) -> None:
    """Raises Conflict where it counts no more."""
    where = (INTENT_KEY.c.id == key, INTENT_KEY.c.revoked_us == 0)
    if not marks.change(connection, tenant, INTENT_KEY, where, {"revoked_us": at_us}):
        raise Conflict("This key is revoked already.")


# Sessions and words.


@of_tenant
def add_session(connection: Connection, tenant: TenantId, row: SessionRow, *, most: int) -> None:
    """Raises TooMany where the agent has `most` open already."""
    open_now = (
        SESSION.c.tenant == tenant,
        SESSION.c.agent == row.agent,
        SESSION.c.closed_us == 0,
        SESSION.c.expires_us > row.opened_us,
    )
    if (connection.scalar(select(func.count()).select_from(SESSION).where(*open_now)) or 0) >= most:
        raise TooMany(f"An agent has at most {most} open sessions; close one.")
    marks.add(connection, tenant, SESSION, _values(row))
    tell(connection, tenant, CHANGED, row.id)


@of_tenant
def find_session(connection: Connection, tenant: TenantId, session: str) -> SessionRow | None:
    where = (SESSION.c.tenant == tenant, SESSION.c.id == session)
    row = marks.first(connection, tenant, select(SESSION).where(*where))
    return SessionRow(**row) if row else None


@of_tenant
def list_sessions(
    connection: Connection, tenant: TenantId, *, before: str, limit: int, agent: str = "", open_at_us: int = 0
) -> list[SessionRow]:
    """Newest first; `before` is the last id of the page before. `open_at_us`: only those that were open then."""
    where = [SESSION.c.tenant == tenant]
    if before:
        where.append(SESSION.c.id < before)
    if agent:
        where.append(SESSION.c.agent == agent)
    if open_at_us:
        where += [SESSION.c.closed_us == 0, SESSION.c.expires_us > open_at_us]
    query = select(SESSION).where(*where).order_by(SESSION.c.id.desc()).limit(limit)
    return [SessionRow(**row) for row in marks.read(connection, tenant, query)]


@of_tenant
def close_session(connection: Connection, tenant: TenantId, session: str, *, at_us: int, by: str) -> None:
    """Raises SessionClosed where somebody was faster."""
    where = (SESSION.c.id == session, SESSION.c.closed_us == 0)
    if not marks.change(connection, tenant, SESSION, where, {"closed_us": at_us, "closed_by": by}):
        raise SessionClosed
    tell(connection, tenant, CHANGED, session)


@of_tenant
def add_words(connection: Connection, tenant: TenantId, row: WordsRow, *, most: int) -> None:
    """Raises TooMany beyond `most` words of a session, StatementRefused where this statement was used before, Conflict where two speak at once, SessionClosed."""
    live = (SESSION.c.id == row.session, SESSION.c.closed_us == 0)
    # Writing the row of the session is a lock on both databases: words and the end of a session come one after the other.
    if not marks.change(connection, tenant, SESSION, live, {"closed_us": 0}):
        raise SessionClosed
    if row.number > most:
        raise TooMany(f"A session has at most {most} words of people.")
    taken = (WORDS.c.tenant == tenant, WORDS.c.said_by == row.said_by, WORDS.c.statement == row.statement)
    same = (WORDS.c.tenant == tenant, WORDS.c.session == row.session, WORDS.c.number == row.number)
    if connection.execute(select(WORDS.c.number).where(*taken)).first():
        raise StatementRefused("It was used before.")
    if connection.execute(select(WORDS.c.number).where(*same)).first():
        raise Conflict("Somebody else said something at this moment; say it again.")
    marks.add(connection, tenant, WORDS, _values(row))
    tell(connection, tenant, CHANGED, row.session)


@of_tenant
def words(connection: Connection, tenant: TenantId, session: str) -> list[WordsRow]:
    """In the order in which they were said."""
    where = (WORDS.c.tenant == tenant, WORDS.c.session == session)
    query = select(WORDS).where(*where).order_by(WORDS.c.number)
    return [WordsRow(**row) for row in marks.read(connection, tenant, query)]


# Deeds.


@of_tenant
def add_deed(connection: Connection, tenant: TenantId, row: DeedRow) -> None:
    connection.execute(insert(DEED).values(tenant=tenant, **_values(row)))


@of_tenant
def deeds(connection: Connection, tenant: TenantId, session: str, *, limit: int) -> list[DeedRow]:
    """Newest first."""
    where = (DEED.c.tenant == tenant, DEED.c.session == session)
    rows = connection.execute(select(DEED).where(*where).order_by(DEED.c.at_us.desc()).limit(limit))
    return [
        DeedRow(**{name: value for name, value in row._mapping.items() if name != "tenant"}) for row in rows
    ]


@of_tenant
def session_of_call(connection: Connection, tenant: TenantId, call: str) -> str:
    """The session in which a call with an effect was made; empty for none."""
    where = (DEED.c.tenant == tenant, DEED.c.call == call)
    return connection.scalar(select(DEED.c.session).where(*where)) or ""


# Letting go.


@of_tenant
def old_sessions(
    connection: Connection, tenant: TenantId, *, before_us: int, after: str, limit: int
) -> list[SessionRow]:
    """Sessions that were over before then, in the order of their ids."""
    where = (SESSION.c.tenant == tenant, SESSION.c.expires_us < before_us, SESSION.c.id > after)
    query = select(SESSION).where(*where).order_by(SESSION.c.id).limit(limit)
    return [SessionRow(**row) for row in marks.read(connection, tenant, query)]


@of_tenant
def remove_sessions(connection: Connection, tenant: TenantId, sessions: Sequence[str]) -> None:
    """With their words and deeds."""
    for table, column in ((WORDS, WORDS.c.session), (DEED, DEED.c.session), (SESSION, SESSION.c.id)):
        connection.execute(delete(table).where(table.c.tenant == tenant, column.in_(sessions)))


@of_tenant
def words_by(connection: Connection, tenant: TenantId, speaker: str) -> int:
    """How many words of this person are kept."""
    where = (WORDS.c.tenant == tenant, WORDS.c.said_by == speaker)
    return connection.scalar(select(func.count()).select_from(WORDS).where(*where)) or 0


@of_tenant
def forget_words(connection: Connection, tenant: TenantId, speaker: str, at_us: int) -> int:
    """Overwrite what this person said, and close the sessions that they opened; how many words."""
    opened = (SESSION.c.opened_by == speaker, SESSION.c.closed_us == 0)
    said = (WORDS.c.tenant == tenant, WORDS.c.said_by == speaker)
    for session in connection.scalars(select(WORDS.c.session).where(*said).distinct()).all():
        tell(connection, tenant, CHANGED, session)
    marks.change(connection, tenant, SESSION, opened, {"closed_us": at_us, "closed_by": speaker})
    return len(marks.change(connection, tenant, WORDS, said, {"words": b""}))

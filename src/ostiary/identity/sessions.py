"""Server-side sessions: an opaque token in, the person as they stand at this moment out.

Nothing of it is cached: person, membership and role are read at every call, so that taking one away counts at the next. Only keyed hashes of tokens are
stored, so a copy of the database opens no session, and a row written into it by hand opens none either.
"""

from dataclasses import dataclass, replace

from sqlalchemy import Connection

from ostiary import ids
from ostiary.access import store as access_store
from ostiary.access.roles import INSTALL_ONLY, held_by
from ostiary.actions import Actor, ActorKind
from ostiary.cells.pins import Pins
from ostiary.clock import SECOND_US, Clock
from ostiary.db.database import Database
from ostiary.errors import CredentialRefused
from ostiary.identity import store
from ostiary.identity.store import PersonRow, SessionRow
from ostiary.ids import INSTALL, PersonId, TenantId
from ostiary.secret import Secret
from ostiary.vault.sealing import Place, Vault

TOKEN_LENGTH = 43
SEEN_EVERY_S = 60
SECOND_FACTOR_WITHIN_S = 600
"""How long a session may wait for its second factor."""

PURPOSE = "session"


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """How long a session lasts: without use, and at most."""

    idle_s: int = 2 * 3600
    absolute_s: int = 12 * 3600


class Sessions:
    """Who a session token speaks for. Lives on the event loop."""

    def __init__(
        self, database: Database, vault: Vault, clock: Clock, limits: SessionLimits, pins: Pins | None = None
    ) -> None:
        self.limits = limits
        self._pins = pins or Pins(database)
        self._database = database
        self._vault = vault
        self._clock = clock
        self._seen: dict[str, int] = {}

    async def check(self, token: Secret) -> Actor:
        """The person, in the tenant they are at; without membership they hold nothing but their own account.

        A session that still waits for its second factor speaks for nobody: the actor is anonymous and carries only the session's id.
        Raises CredentialRefused, StoreUnavailable.
        """
        text = token.reveal()
        if len(text) != TOKEN_LENGTH or not text.isascii():
            raise CredentialRefused
        hashed = self.hashed(token)
        actor = await self._database.run(lambda connection: self._find(connection, hashed))
        if actor is None:
            raise CredentialRefused
        return actor

    def hashed(self, token: Secret) -> bytes:
        """What is stored of a token."""
        return self._vault.mac(INSTALL, PURPOSE, token.reveal().encode())

    def fresh(
        self, person: PersonId, home: TenantId, at_us: int, *, origin: str
    ) -> tuple[Secret, SessionRow]:
        """A new session and its token. `origin` is the address; it is sealed under the person's key (prepare it before)."""
        token = Secret(ids.token(TOKEN_LENGTH))
        session_id = ids.new("ses")
        row = SessionRow(
            id=session_id,
            token=self.hashed(token),
            person=person,
            home=home,
            stage="open",
            created_us=at_us,
            seen_us=at_us,
            expires_us=at_us + self.limits.absolute_s * SECOND_US,
            second_us=0,
            ended_us=0,
            origin=self._vault.seal(
                origin_place(session_id), origin.encode(), purpose="person", subject=ids.SubjectId(person)
            ),
        )
        return token, row

    async def write_last_uses(self) -> None:
        """Write down when sessions were last used. Raises StoreUnavailable."""
        seen, self._seen = self._seen, {}
        if seen:
            await self._database.change(lambda connection: store.touch_sessions(connection, INSTALL, seen))

    def _find(self, connection: Connection, hashed: bytes) -> Actor | None:
        now_us = self._clock.now_us()
        row = store.find_session(connection, INSTALL, hashed)
        if row is None or not self._stands(row, now_us):
            return None
        person = store.find_person(connection, INSTALL, row.person)
        if person is None:
            return None
        if row.stage != "open":
            return Actor(INSTALL, ActorKind.ANONYMOUS, "", session=row.id)
        if now_us - row.seen_us >= SEEN_EVERY_S * SECOND_US:
            self._seen[row.id] = now_us
        return self._actor(connection, row, person)

    def _stands(self, row: SessionRow, now_us: int) -> bool:
        seen_us = max(row.seen_us, self._seen.get(row.id, 0))
        idle_us = self.limits.idle_s * SECOND_US
        return row.ended_us == 0 and now_us < row.expires_us and now_us < seen_us + idle_us

    def _actor(self, connection: Connection, row: SessionRow, person: PersonRow) -> Actor:
        """Raises Elsewhere, TenantMoves where other processes serve the tenant; who operates the installation goes on without one."""
        if person.operator and not self._pins.serves(connection, row.home):
            member = None
        else:
            self._pins.check(connection, row.home)  # first: a tenant's rows are read with its keys
            member = store.find_member(connection, row.home, row.person)
        granted: frozenset[str] = frozenset()
        roles: frozenset[str] = frozenset()
        if member is not None:
            roles = frozenset({member.role})
            granted = access_store.granted(connection, row.home, roles)
        permissions = held_by(ActorKind.PERSON, granted)
        actor = Actor(
            row.home if member is not None else INSTALL,
            ActorKind.PERSON,
            row.person,
            permissions=permissions,
            roles=roles,
            session=row.id,
            stepped_up_us=row.second_us,
            name=self._vault.open(name_place(row.person), person.name).decode(),
        )
        return replace(actor, permissions=permissions | INSTALL_ONLY) if person.operator else actor


def origin_place(session_id: str) -> Place:
    return Place(INSTALL, "session", "origin", session_id)


def name_place(person: PersonId) -> Place:
    return Place(INSTALL, "person", "name", person)


def email_place(person: PersonId) -> Place:
    return Place(INSTALL, "person", "email", person)

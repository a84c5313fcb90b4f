"""What this room works with, and the kinds of data that it lets go of itself: the bodies of the log's events."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sqlalchemy import Connection

from ostiary.audit.log import Audit
from ostiary.blobs.storage import Blobs
from ostiary.clock import DAY_US, Clock
from ostiary.db.database import Database
from ostiary.errors import OnHold
from ostiary.ids import INSTALL, SubjectId, TenantId
from ostiary.retention import store
from ostiary.retention.hold import Hold, Item, Scope, covering
from ostiary.retention.kinds import Holder, KeptKind, Searcher, Sought, Whom
from ostiary.retention.ledger.ledger import Ledger
from ostiary.vault.sealing import Place, Vault
from ostiary.work import Enqueue

PURPOSE = "retention"
DAYS_AUDIT = 365
DAYS_AUDIT_MIN = 90
AUDIT = "audit"


@dataclass(frozen=True, slots=True)
class Retention:
    """`shut`: closes a tenant for everybody, when it ends. `kinds`: what is kept for a time, beside the log. `holders`: who has rows about subjects; `searchers`: who
    has them under the tenant's own keys. `keys_backup_days`: until when a destroyed key is in backups."""

    database: Database
    keys_database: Database
    vault: Vault
    audit: Audit
    blobs: Blobs
    clock: Clock
    enqueue: Enqueue
    shut: Callable[[Connection, TenantId], None]
    kinds: tuple[KeptKind, ...] = ()
    holders: tuple[Holder, ...] = ()
    searchers: tuple[Searcher, ...] = ()
    keys_backup_days: int = 7

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.keys_database, self.blobs, self.vault, self.clock)

    def whom(self, tenant: TenantId, subject: SubjectId) -> Whom:
        """A subject by all its names. Raises KeysUnavailable."""
        return Whom(subject, self.vault.pseudonym(tenant, subject), self.vault.subject_index(tenant, subject))

    async def sought(self, tenant: TenantId, whom: Whom) -> Sought:
        """What the searchers have of a subject, with the first hold on any of it."""
        holds = await self.database.run(lambda c: store.holds(c, tenant))
        rows: dict[str, int] = {}
        held: Hold | None = None
        for searcher in self.searchers:
            found = await searcher.seek(tenant, whom, holds)
            rows |= found.rows
            held = held or found.hold
        return Sought(rows, held)

    def kinds_of(self, tenant: TenantId) -> tuple[KeptKind, ...]:
        """What is kept for this tenant."""
        return tuple(
            kind for kind in self.kinds if kind.of_install == (tenant == INSTALL) or kind.name == AUDIT
        )

    def days(self, connection: Connection, tenant: TenantId) -> dict[str, int]:
        """How many days each kind is kept: as the tenant decided, else the default."""
        decided = store.rules(connection, tenant)
        return {kind.name: decided.get(kind.name, kind.days) for kind in self.kinds_of(tenant)}

    def before_us(self, days: int) -> int:
        return self.clock.now_us() - days * DAY_US


def names_of(whom: Whom) -> list[str]:
    """How a subject stands in the log: by its pseudonym, and, where it is an actor that is no customer, by its id."""
    return [whom.pseudonym, whom.id] if whom.id else [whom.pseudonym]


def words_place(tenant: TenantId, table: str, row: str) -> Place:
    return Place(tenant, table, "words", row)


def hold_on_subject(
    connection: Connection, tenant: TenantId, holds: Iterable[Hold], whom: Whom
) -> Hold | None:
    """The hold that stands on a subject or on anything the log has about it; None where it may be erased."""
    names = names_of(whom)
    for hold in holds:
        if hold.scope in (Scope.ACTION, Scope.TIME):
            if store.held_about(connection, tenant, names, hold):
                return hold
        elif covering((hold,), Item(subjects=frozenset(names))):
            return hold
    return None


def refuse_held(hold: Hold | None) -> None:
    """Raises OnHold."""
    if hold is not None:
        raise OnHold(f"Hold {hold.id} stands on this; release it first.")

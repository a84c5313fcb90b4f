"""The kinds of data that are kept for a time, as the rooms declare them, and what a room does when somebody is erased.

Rooms above this one (calls, sessions) hand in their own statements as a `KeptKind` and a `Holder`; `app` lists them.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from sqlalchemy import Connection

from ostiary.actions import Call
from ostiary.ids import SubjectId, TenantId
from ostiary.retention.hold import Hold

DAYS_MAX = 3650
BATCH_ROWS = 500


@dataclass(frozen=True, slots=True)
class Batch:
    """One batch of a purge: what is older than `before_us`, from `cursor` on, `limit` rows looked at; nothing that a hold covers."""

    before_us: int
    cursor: str
    holds: tuple[Hold, ...]
    limit: int = BATCH_ROWS


@dataclass(frozen=True, slots=True)
class Purged:
    """What a batch did: rows let go, rows that a hold kept, where the next batch begins, and whether there is none."""

    count: int
    held: int = 0
    cursor: str = ""
    done: bool = True
    counts: dict[str, int] = field(default_factory=dict)


Purge = Callable[[Connection, TenantId, Batch], Purged]


@dataclass(frozen=True, slots=True)
class KeptKind:
    """One kind of data and how long it is kept. `purge`: how a batch goes; None for the log, whose bodies go with their proofs (`purging`). `of_install`: it is
    the installation's, not a tenant's."""

    name: str
    title: str
    description: str
    days: int
    days_min: int
    purge: Purge | None
    days_max: int = DAYS_MAX
    of_install: bool = False


@dataclass(frozen=True, slots=True)
class Whom:
    """A subject by all its names: the id as the tenant knows it, its pseudonym, its blind index in the key store."""

    id: SubjectId
    pseudonym: str
    index: bytes


@dataclass(frozen=True, slots=True)
class Holder:
    """A room's rows about subjects.

    count(connection, tenant, calls, whom): how many rows of each table are about the subject; `calls` are the calls that the log knows to be about it.
    clear(connection, tenant, calls, whom, at_us): closes what waits and overwrites what has no other content; tables with the number of rows changed.
    busy(connection, tenant, calls): whether one of these calls is under way now.
    """

    name: str
    count: Callable[[Connection, TenantId, list[str], Whom], dict[str, int]]
    clear: Callable[[Connection, TenantId, list[str], Whom, int], dict[str, int]]
    busy: Callable[[Connection, TenantId, list[str]], bool]


@dataclass(frozen=True, slots=True)
class Sought:
    """How many rows of each table an erasure would remove, and the hold that stands on one of them."""

    rows: dict[str, int]
    hold: Hold | None = None


@dataclass(frozen=True, slots=True)
class Searcher:
    """What a room keeps of subjects under the tenant's keys, so that no destroyed key reaches it.

    seek(tenant, whom, holds): what there is of the subject, and whether a hold stands on it.
    erase(call, whom): removes some of it, with files, as part of the call; whether that is all. Bears being done again.
    """

    name: str
    seek: Callable[[TenantId, Whom, tuple[Hold, ...]], Awaitable[Sought]]
    erase: Callable[[Call, Whom], Awaitable[bool]]

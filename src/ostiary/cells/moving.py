"""Pinning a tenant to a cell, and taking it back. Every step may be done again: what was cut off goes on when it is asked for again.

First nobody serves the tenant any more (that counts within a second), then what is under way ends, then people, API keys and at last the tenant's keys go over.
The keys are handed over wrapped for both sides, and the other side takes them for good when it first uses them: a root key that was lost before costs nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection

from ostiary import log
from ostiary.actions import Trace, Write
from ostiary.cells import store
from ostiary.cells.store import PinnedRow, State
from ostiary.clock import SECOND_US, Clock
from ostiary.db.database import Database
from ostiary.errors import Conflict, KeysUnavailable, NotFound
from ostiary.ids import INSTALL, TenantId, digits_of, install_of
from ostiary.vault.keyring import KeyRing
from ostiary.vault.root import RootKeyProvider
from ostiary.vault.roots import cells
from ostiary.vault.roots.adopting import adopt
from ostiary.vault.sealing import Vault
from ostiary.vault.wraps import store as roots

HEARD_S = 1.5
"""By then every process has heard of it, or knows that it hears nothing and asks."""
QUIET_MAX_S = 60
LOOK_EVERY_S = 0.2
ONLY_POSTGRESQL = "A tenant is pinned on PostgreSQL only: cells are processes of their own."

_LOG = log.get("cells")


@dataclass(frozen=True, slots=True)
class Cell:
    """What a cell has for an installation, as its own processes see it: for whoever holds its root key."""

    database: Database
    vault: Vault


@dataclass(frozen=True, slots=True)
class Ended:
    """A tenant that was destroyed in its cell: `rows` make that known here, `trace` lets the log vouch for the certificate."""

    trace: Trace
    rows: Write


@dataclass(frozen=True, slots=True)
class Returned:
    """`rows` are the last step of a return, for the transaction that records it."""

    rows: tuple[Write, ...]
    ended: Ended | None = None


@dataclass(frozen=True, slots=True)
class Moving:
    """go, come_back: copy people, API keys and the ledger of erasures, given a cell; of a tenant that was destroyed there, its end comes back instead.
    may_return: raises Conflict while it is being destroyed. close: everybody asks anew who may enter. at_work: how much is under way for the tenant in the processes of these databases."""

    database: Database
    vault: Vault
    clock: Clock
    url: str
    origin: str
    go: Callable[[Cell, TenantId], None]
    come_back: Callable[[Cell, TenantId], Ended | None]
    may_return: Callable[[Cell, TenantId], None]
    close: Callable[[Connection, TenantId], None]
    exists: Callable[[Connection, TenantId], bool]
    at_work: Callable[[Database, TenantId], Awaitable[int]]


async def pin(moving: Moving, tenant: TenantId, url: str, root: RootKeyProvider) -> PinnedRow:
    """Raises NotFound, Conflict, KeysUnavailable, StoreUnavailable."""
    if moving.database.sqlite:
        raise Conflict(ONLY_POSTGRESQL)
    row = PinnedRow(tenant, State.PINNED, url, moving.origin, moving.clock.now_us())

    def leave(connection: Connection) -> None:
        if not moving.exists(connection, tenant):
            raise NotFound("There is no tenant of that id.")
        store.put(connection, INSTALL, row)
        moving.close(connection, tenant)

    with _cell(moving, tenant, root) as cell:
        await asyncio.to_thread(_acquaint, moving, cell, tenant, root)
        await moving.database.change(leave)
        await _quiet(moving, moving.database, tenant)
        await asyncio.to_thread(_go, moving, cell, replace(row, url=moving.url))
    _LOG.info("tenant.pinned", tenant=tenant)
    return row


async def unpin(moving: Moving, tenant: TenantId, root: RootKeyProvider) -> Returned:
    """`root`: the cell's. What is returned is still to be committed. Raises NotFound, Conflict, KeysUnavailable, StoreUnavailable."""
    row = await moving.database.run(lambda connection: _find(connection, tenant))
    at_us = moving.clock.now_us()
    with _cell(moving, tenant, root) as cell:
        if not await asyncio.to_thread(_is_its_root, moving, cell, tenant):
            raise Conflict("This is not the cell's root key.")
        await asyncio.to_thread(moving.may_return, cell, tenant)
        gone = PinnedRow(tenant, State.GONE, moving.url, row.origin, at_us)
        returning = replace(row, state=State.RETURNING, changed_us=at_us)
        await moving.database.change(lambda connection: store.put(connection, INSTALL, returning))

        def leave(connection: Connection) -> None:
            store.put(connection, INSTALL, gone)
            moving.close(connection, tenant)

        await cell.database.change(leave)
        await _quiet(moving, cell.database, tenant)
        ended = await asyncio.to_thread(_come_back, moving, cell, tenant)

    def here(connection: Connection) -> None:
        store.drop(connection, INSTALL, tenant)
        moving.close(connection, tenant)

    _LOG.info("tenant.unpinned", tenant=tenant, ended=ended is not None)
    return Returned((here, *([ended.rows] if ended else [])), ended)


@contextmanager
def _cell(moving: Moving, tenant: TenantId, root: RootKeyProvider) -> Iterator[Cell]:
    install = install_of(tenant)
    data = Database(_address(moving.database), install=install)
    keys = Database(_address(moving.vault.keys.database), name="keys", install=install)
    try:
        vault = Vault(keys, root, moving.clock, cell=digits_of(tenant))
        data.marks = vault.marks()
        yield Cell(data, vault)
    finally:
        data.close()
        keys.close()


def _acquaint(moving: Moving, cell: Cell, tenant: TenantId, root: RootKeyProvider) -> None:
    """The cell has keys of its own, and one that it shares with the installation. Raises Conflict for another root key than it had before."""
    name, home, there = digits_of(tenant), moving.vault.keys, cell.vault.keys
    if set(root.known()) & set(home.root.known()):
        raise Conflict("A cell has a root key of its own, not the installation's.")
    if name not in home.read(lambda connection: roots.cells(connection, INSTALL)):
        cells.create(home, name, root)
    if name not in there.read(lambda connection: roots.cells(connection, INSTALL)):
        at_us = moving.clock.now_us()
        there.settled(lambda connection: roots.add_cell(connection, INSTALL, name, at_us=at_us))
    if not _is_its_root(moving, cell, tenant):
        raise Conflict("This cell has had another root key: give that one.")
    cell.vault.create_tenant_now(INSTALL)


def _is_its_root(moving: Moving, cell: Cell, tenant: TenantId) -> bool:
    ring, name = cell.vault.keys, digits_of(tenant)
    try:
        return ring.read(lambda connection: ring.link(connection, name)) is not None
    except KeysUnavailable:
        return False


def _go(moving: Moving, cell: Cell, row: PinnedRow) -> None:
    moving.go(cell, row.home)
    if not _keys_are_there(moving.vault.keys, row.home):
        moving.vault.pin(row.home, digits_of(row.home))
    cell.database.transact(lambda connection: store.put(connection, INSTALL, row))


def _come_back(moving: Moving, cell: Cell, tenant: TenantId) -> Ended | None:
    ended = moving.come_back(cell, tenant)
    if _keys_are_there(moving.vault.keys, tenant):
        adopt(cell.vault.keys, [tenant])
        cells.unpin(cell.vault.keys, tenant)
    adopt(moving.vault.keys, [tenant])
    return ended


def _keys_are_there(ring: KeyRing, tenant: TenantId) -> bool:
    return bool(ring.read(lambda connection: roots.cell_of(connection, tenant)))


async def _quiet(moving: Moving, database: Database, tenant: TenantId) -> None:
    """Until what was under way has ended. What has not, after QUIET_MAX_S, is gone on with at the other side, as a dead process's would be."""
    await asyncio.sleep(HEARD_S)
    until_us = moving.clock.monotonic_us() + QUIET_MAX_S * SECOND_US
    while await moving.at_work(database, tenant) and moving.clock.monotonic_us() < until_us:  # noqa: ASYNC110 - it happens in other processes
        await asyncio.sleep(LOOK_EVERY_S)


def _find(connection: Connection, tenant: TenantId) -> PinnedRow:
    for row in store.pinned(connection, INSTALL):
        if row.home == tenant:
            return row
    raise NotFound("The tenant is not pinned.")


def _address(database: Database) -> Any:
    return database.url.render_as_string(hide_password=False)

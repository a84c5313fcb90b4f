"""A tenant pinned to a cell: its keys are wrapped by the cell's own root key, which the installation's processes do not have.

A cell and the installation share one key, the link, made once by somebody who holds both root keys. Keys are handed over wrapped by the link, and taken
by the other side's next `adopt`: no key travels but inside the key store, and everything is open to one of the two at any moment. A cell opens nothing of the
installation's own: sessions, API keys and people of its tenant are its own (`ostiary.cells`).

What the installation could open before it can open still, from a backup of before: turn the tenant's keys, once they are pinned.
"""

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection

from ostiary.errors import Conflict, KeysUnavailable, NotFound
from ostiary.ids import INSTALL, TenantId
from ostiary.vault import envelope, store
from ostiary.vault.keyring import KeyRing, tenant_aad
from ostiary.vault.root import RootKeyProvider
from ostiary.vault.wraps import store as rows
from ostiary.vault.wraps.store import WrapRow


def create(ring: KeyRing, name: str, root: RootKeyProvider) -> None:
    """Make a cell whose root key is `root`; the installation's is at hand. Raises Conflict where there is one of this name."""
    link, key = rows.link_of(name), envelope.new_key()

    def make(connection: Connection) -> None:
        if name in rows.cells(connection, INSTALL):
            raise Conflict("There is a cell of this name.")
        at_us, aad = ring.clock.now_us(), tenant_aad(link, 1)
        home = store.TenantKeyRow(1, store.ACTIVE, ring.root.current(), ring.root.wrap(key, aad), at_us)
        store.add_tenant_key(connection, link, home)
        ring.wrap_further(connection, link, 1, key, but={home.root})
        rows.put(connection, link, WrapRow(1, root.current(), root.wrap(key, aad), name), at_us=at_us)
        rows.add_cell(connection, INSTALL, name, at_us=at_us)

    ring.settled(make)


def pin(ring: KeyRing, tenant: TenantId, name: str) -> None:
    """Hand a tenant's keys over to a cell, as the installation. Once the cell has taken them, only the cell opens them. Raises NotFound, Conflict."""
    if ring.cell or tenant == INSTALL:
        raise Conflict(
            "A tenant is pinned by the installation's processes, and the installation is no tenant."
        )

    def give(connection: Connection) -> None:
        if name not in rows.cells(connection, INSTALL):
            raise NotFound("There is no cell of that name.")
        if rows.cell_of(connection, tenant):
            raise Conflict("The tenant is pinned to a cell already: unpin it first.")
        _hand_over(ring, connection, tenant, name)
        rows.put_pin(connection, tenant, name, at_us=ring.clock.now_us())

    ring.settled(give)
    ring.database.scrub()


def unpin(ring: KeyRing, tenant: TenantId) -> None:
    """Hand a tenant's keys back to the installation, as the cell that has them. Raises Conflict."""

    def give(connection: Connection) -> None:
        if not ring.cell or rows.cell_of(connection, tenant) != ring.cell:
            raise Conflict("A tenant is unpinned by a process of the cell that it is pinned to.")
        _hand_over(ring, connection, tenant, ring.cell)
        rows.drop_pin(connection, tenant)

    ring.settled(give)
    ring.database.scrub()


def _hand_over(ring: KeyRing, connection: Connection, tenant: TenantId, name: str) -> None:
    link = ring.link(connection, name)
    if link is None:
        raise KeysUnavailable
    for row in store.tenant_keys(connection, tenant):
        if row.wrapped != store.GONE:
            _rewrap(ring, connection, tenant, row, link, name)
    rows.drop(connection, tenant)
    store.changed(connection, tenant)


def _rewrap(
    ring: KeyRing, connection: Connection, tenant: TenantId, row: store.TenantKeyRow, link: AESGCM, name: str
) -> None:
    plain = _plain(ring, connection, tenant, row)
    wrapped = envelope.wrap(link, plain, tenant_aad(tenant, row.version))
    if not store.rewrap_tenant_key(connection, tenant, row, root=rows.link_root(name), wrapped=wrapped):
        raise Conflict("The tenant's keys were changed meanwhile: try again.")


def _plain(ring: KeyRing, connection: Connection, tenant: TenantId, row: store.TenantKeyRow) -> bytes:
    plain = ring.unwrapped(connection, tenant, row)
    if plain is None:
        raise KeysUnavailable
    return plain

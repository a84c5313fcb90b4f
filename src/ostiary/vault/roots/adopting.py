"""A new root key takes over while processes that know only the old one go on.

A process wraps what it makes by every root key that it was given, and opens by whichever it has. At its start it wraps anew by its first root key what an
older one of its keys wraps, and keeps the old wrap beside it. A process that was given the new key alone deletes those old wraps: then the old key opens
nothing here any more. So each round of restarts may take as long as it likes.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlalchemy import Connection

from ostiary.ids import INSTALL, TenantId
from ostiary.vault import store
from ostiary.vault.keyring import KeyRing, tenant_aad
from ostiary.vault.wraps import store as rows
from ostiary.vault.wraps.store import WrapRow


@dataclass(slots=True)
class Adopted:
    """wrapped: how many versions of tenants' keys the first root key has taken over. dropped: how many wraps of older root keys were deleted.
    foreign: whose keys none of our root keys opens."""

    wrapped: int = 0
    dropped: int = 0
    foreign: list[TenantId] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Wraps:
    """By how many versions of tenants' keys a root key is named, as the one that wraps or as a further one."""

    first: int
    further: int


def adopt(ring: KeyRing, tenants: Iterable[TenantId]) -> Adopted:
    """Take these tenants' keys over by our first root key, a transaction for each tenant. Raises KeysUnavailable."""
    adopted = Adopted()
    links = [rows.link_of(name) for name in ring.read(lambda connection: rows.cells(connection, INSTALL))]
    for tenant in (*tenants, *links):
        ring.settled(lambda connection, tenant=tenant: _adopt(ring, connection, tenant, adopted))  # type: ignore[misc]
    # Another process that starts beside this one may have taken a key over between our look at its row and our look at its wraps: then the row says so now.
    closed, adopted.foreign = adopted.foreign, []
    for tenant in closed:
        ring.settled(lambda connection, tenant=tenant: _adopt(ring, connection, tenant, adopted))  # type: ignore[misc]
    return adopted


def standing(ring: KeyRing, tenants: Iterable[TenantId]) -> dict[str, Wraps]:
    """What each root key still wraps, by its fingerprint: one that is not named here is needed for nothing but old backups."""

    def look(connection: Connection) -> dict[str, Wraps]:
        first: dict[str, int] = {}
        further: dict[str, int] = {}
        for tenant in tenants:
            for key in store.tenant_keys(connection, tenant):
                if key.wrapped != store.GONE:
                    first[key.root] = first.get(key.root, 0) + 1
            for wrap in rows.find(connection, tenant):
                further[wrap.root] = further.get(wrap.root, 0) + 1
        return {root: Wraps(first.get(root, 0), further.get(root, 0)) for root in {**first, **further}}

    return ring.read(look)


def further_roots(ring: KeyRing, tenant: TenantId) -> dict[int, list[str]]:
    """By version of the tenant's key, the root keys that wrap it beside the one that its row names."""
    found: dict[int, list[str]] = {}
    for wrap in ring.read(lambda connection: rows.find(connection, tenant)):
        found.setdefault(wrap.version, []).append(wrap.root)
    return found


def _adopt(ring: KeyRing, connection: Connection, tenant: TenantId, adopted: Adopted) -> None:
    for key in store.tenant_keys(connection, tenant):
        if key.wrapped == store.GONE:
            continue
        plain = ring.unwrapped(connection, tenant, key)
        if plain is None:
            if _is_ours(ring, connection, tenant):
                adopted.foreign.append(tenant)
            return
        further = {wrap.root: wrap for wrap in rows.find(connection, tenant, key.version)}
        root = _take_over(ring, connection, tenant, key, plain, adopted)
        if {root, *further} & set(
            ring.root.known()
        ):  # else it was opened through a link: it is the other side's
            ring.wrap_further(connection, tenant, key.version, plain, but={root, *further})
        if root == ring.root.current():
            old = [
                wrap.root
                for wrap in further.values()
                if wrap.root not in ring.root.known() and wrap.cell == ring.cell
            ]
            adopted.dropped += rows.drop(connection, tenant, versions=[key.version], roots=old)


def _is_ours(ring: KeyRing, connection: Connection, tenant: TenantId) -> bool:
    """Whether our root key should open this tenant's keys: the installation's own, and those pinned to where we are."""
    return tenant == INSTALL or rows.cell_of(connection, tenant) == ring.cell


def _take_over(
    ring: KeyRing,
    connection: Connection,
    tenant: TenantId,
    key: store.TenantKeyRow,
    plain: bytes,
    adopted: Adopted,
) -> str:
    """The root key that the row names from now on: ours, where we know the one that it named to be older."""
    current = ring.root.current()
    handed_over = key.root.startswith("cell:") and rows.cell_of(connection, tenant) == ring.cell
    if key.root == current or not (handed_over or key.root in ring.root.known()):
        return key.root
    wrapped = ring.root.wrap(plain, tenant_aad(tenant, key.version))
    if not store.rewrap_tenant_key(connection, tenant, key, root=current, wrapped=wrapped):
        return key.root  # another process was first
    if handed_over:
        store.changed(connection, tenant)  # the other side holds it no longer
    else:
        old = WrapRow(key.version, key.root, key.wrapped, ring.cell)
        rows.put(connection, tenant, old, at_us=ring.clock.now_us())
    rows.drop(connection, tenant, versions=[key.version], roots=[current])
    adopted.wrapped += 1
    return current

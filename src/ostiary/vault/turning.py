"""Keys that turn: a tenant's key gets a new version and everything is wrapped anew; an old version is retired; keys are destroyed.

Nothing sealed is rewritten by any of it. Each piece of work is a transaction of its own that leaves every key openable, so a rotation that is cut off at
any point goes on later, in any process; what changes says so to every process. What wraps anew compares with what it read, so that it neither brings back
what was destroyed meanwhile nor undoes a later version.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from sqlalchemy import Connection

from ostiary.errors import Conflict
from ostiary.ids import INSTALL, TenantId
from ostiary.vault import envelope, store
from ostiary.vault.keyring import KeyRing, data_aad, named_aad
from ostiary.vault.wraps import store as root_rows

REWRAP_BATCH_ROWS = 2_000
DESTROY_BATCH_ROWS = 5_000
VERSIONS_MAX = 1000
IDS_NAMED_MAX = 1000


@dataclass(frozen=True, slots=True)
class Destroyed:
    """What was overwritten, for the certificate. Ids of keys say nothing of whom they were about.

    ids: of the data keys, in order, as many as IDS_NAMED_MAX; `digest` is SHA-256 over all of them, a line each.
    versions, names: of the tenant's key, and of its named keys; when a tenant was destroyed.
    """

    at_us: int
    data_keys: int
    ids: tuple[str, ...]
    digest: str
    versions: tuple[int, ...] = ()
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rewrapped:
    """How many keys a batch has wrapped anew; `last` is where the next one begins, empty when nothing is left."""

    count: int
    last: str


def rotate(ring: KeyRing, tenant: TenantId, *, to: int = 0) -> int:
    """Add a version of the tenant's key; the newest. `to`: unless that version stands already. Raises Conflict beyond VERSIONS_MAX."""

    def add(connection: Connection) -> int:
        version = ring.newest(connection, tenant)[0]
        if version >= to > 0:
            return version
        if version >= VERSIONS_MAX:
            raise Conflict(f"A tenant's key has at most {VERSIONS_MAX} versions.")
        ring.add_tenant_key(connection, tenant, version + 1)
        return version + 1

    return ring.settled(add)


def rewrap(ring: KeyRing, tenant: TenantId, *, after: str = "") -> Rewrapped:
    """Wrap by the newest version up to REWRAP_BATCH_ROWS data keys that an older one wraps, from `after` on; the named keys with the first batch.

    Keys are wrapped between two transactions, so nobody waits for that. Raises KeysUnavailable.
    """
    newest, rows, following = ring.read(lambda connection: _behind(connection, tenant, after))
    rewrapped = _wrapped_anew(ring, tenant, newest, rows) if rows else {}

    def put(connection: Connection) -> int:
        version = ring.newest(connection, tenant)[0]
        if version != newest:
            return -1
        if rewrapped:
            store.rewrap_data_keys(connection, tenant, rewrapped, version=version)
        return len(rewrapped) + (0 if after else _rewrap_named(ring, connection, tenant))

    count = ring.settled(put)
    return Rewrapped(count, following) if count >= 0 else rewrap(ring, tenant, after=after)


def rewrap_all(ring: KeyRing, tenant: TenantId) -> int:
    """`rewrap` until nothing is left; how many keys."""
    count, after = 0, ""
    while True:
        done = rewrap(ring, tenant, after=after)
        count, after = count + done.count, done.last
        if not after and not left(ring, tenant):
            return count


def left(ring: KeyRing, tenant: TenantId) -> int:
    """How many data keys an older version still wraps: those that were made while others were wrapped anew."""
    return sum(count for _, count in versions(ring, tenant)[1:])


def retire(ring: KeyRing, tenant: TenantId, version: int) -> None:
    """Overwrite an older version of the tenant's key, by which nothing is wrapped any more. Raises Conflict, and KeysUnavailable.

    A copy of the key store from before still has what it wrapped, but no key that opens it.
    """

    def overwrite(connection: Connection) -> None:
        row = store.tenant_key_version(connection, tenant, version, alone=True)
        if row is None or row.state not in (store.OPENING, store.RETIRED):
            raise Conflict("Only an older version of the key can be retired.")
        if store.wraps_any(connection, tenant, version):
            raise Conflict("This version still wraps keys: rotate first, to wrap them by the newest.")
        at_us = ring.clock.now_us()
        store.overwrite_tenant_keys(connection, tenant, [version], state=store.RETIRED)
        root_rows.drop(connection, tenant, versions=[version])
        store.bury(connection, tenant, [store.version_name(version)], at_us=at_us)
        store.changed(connection, tenant)

    ring.settled(overwrite)
    ring.database.scrub()


def turn_data_keys(ring: KeyRing, tenant: TenantId) -> None:
    """From now on new data keys seal, one a purpose and subject, made at their first use; those of before only open."""

    def turn(connection: Connection) -> None:
        store.turn_data_keys(connection, tenant, at_us=ring.clock.now_us())
        store.changed(connection, tenant)

    ring.settled(turn)


def destroy_subject(ring: KeyRing, tenant: TenantId, subject: bytes) -> Destroyed:
    """Destroy every data key of a subject (blind index). What they sealed never opens again."""
    at_us = ring.clock.now_us()

    def overwrite(connection: Connection) -> list[str]:
        ids = store.destroy_data_keys(connection, tenant, subject=subject, at_us=at_us)
        store.bury(connection, tenant, ids, at_us=at_us)
        store.changed(connection, tenant, ids)
        return ids

    ids = ring.settled(overwrite)
    ring.database.scrub()
    return Destroyed(at_us, len(ids), tuple(ids[:IDS_NAMED_MAX]), _digest(ids))


def destroy_named(ring: KeyRing, tenant: TenantId, name: str) -> Destroyed:
    """Destroy one named key, for good: no other is made under the name. Asked again, it says the same. Raises KeysUnavailable."""
    at_us = ring.clock.now_us()

    def overwrite(connection: Connection) -> None:
        store.overwrite_named_key(connection, tenant, name, at_us=at_us)
        store.bury(connection, tenant, [store.named_name(name)], at_us=at_us)
        store.changed(connection, tenant)

    ring.settled(overwrite)
    ring.database.scrub()
    return Destroyed(at_us, 0, (), _digest([]), names=(name,))


def destroy_tenant(ring: KeyRing, tenant: TenantId) -> Destroyed:
    """Destroy every key of a tenant, for good: it is given none again. Asked again, it goes on where it was cut off.

    What opens and seals is gone with the first transaction; the data keys, which nothing unwraps any more, are overwritten after it.
    """
    if tenant == INSTALL:
        raise ValueError("the installation's own keys are destroyed with its database")
    at_us = ring.clock.now_us()

    def overwrite(connection: Connection) -> tuple[tuple[int, ...], tuple[str, ...]]:
        versions = tuple(
            row.version for row in store.tenant_keys(connection, tenant) if row.state != store.RETIRED
        )
        names = tuple(row.name for row in store.named_keys(connection, tenant))
        store.overwrite_tenant_keys(connection, tenant, versions, state=store.DESTROYED)
        root_rows.drop(connection, tenant, versions=versions)
        store.overwrite_named_keys(connection, tenant)
        store.bury(connection, tenant, [store.ALL], at_us=at_us)
        store.changed(connection, tenant)
        return versions, names

    versions, names = ring.settled(overwrite)
    ids: list[str] = []
    while gone := ring.settled(
        lambda connection: store.destroy_data_keys(connection, tenant, limit=DESTROY_BATCH_ROWS, at_us=at_us)
    ):
        ids += gone
    ring.database.scrub()
    return Destroyed(at_us, len(ids), tuple(ids[:IDS_NAMED_MAX]), _digest(ids), versions, names)


def versions(ring: KeyRing, tenant: TenantId) -> list[tuple[store.TenantKeyRow, int]]:
    """Every version of the tenant's key, the newest first, with how many data keys it wraps."""

    def look(connection: Connection) -> list[tuple[store.TenantKeyRow, int]]:
        counts = store.data_key_counts(connection, tenant)
        return [(row, counts.get(row.version, 0)) for row in store.tenant_keys(connection, tenant)]

    return ring.read(look)


def _behind(
    connection: Connection, tenant: TenantId, after: str
) -> tuple[int, Sequence[store.BehindRow], str]:
    newest = store.newest_tenant_key(connection, tenant)
    version = newest.version if newest else 0
    rows, following = store.data_keys_behind(
        connection, tenant, version=version, after=after, limit=REWRAP_BATCH_ROWS
    )
    return version, rows, following


def _wrapped_anew(
    ring: KeyRing, tenant: TenantId, newest: int, rows: Sequence[store.BehindRow]
) -> dict[str, bytes]:
    versions = {newest, *(row.key_version for row in rows)}
    keys = ring.read(
        lambda connection: {version: ring.version(connection, tenant, version) for version in versions}
    )
    wrapping, rewrapped = keys[newest], {}
    for key_id, purpose, subject, version, wrapped in rows:
        aad = data_aad(tenant, key_id, purpose, subject)
        rewrapped[key_id] = envelope.wrap(wrapping, envelope.unwrap(keys[version], wrapped, aad), aad)
    return rewrapped


def _rewrap_named(ring: KeyRing, connection: Connection, tenant: TenantId) -> int:
    version, key = ring.newest(connection, tenant)
    behind = [
        row
        for row in store.named_keys(connection, tenant)
        if row.key_version < version
        and row.wrapped != store.GONE
        and not store.is_destroyed(connection, tenant, row.name)
    ]
    for row in behind:
        plain = ring.unwrap_named(connection, tenant, row)
        wrapped = envelope.wrap(key, plain, named_aad(tenant, row.name))
        store.rewrap_named_key(connection, tenant, row, version=version, wrapped=wrapped)
    return len(behind)


def _digest(ids: list[str]) -> str:
    return sha256("".join(f"{key_id}\n" for key_id in ids).encode()).hexdigest()

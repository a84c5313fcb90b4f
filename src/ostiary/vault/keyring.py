"""The keys of all tenants: made, unwrapped, rewrapped and destroyed. Content is not touched here; `sealing` does that.

Every key that leaves here is on the disk first, so nothing is ever sealed under a key that a crash could lose. Two threads or processes that make
the same key at once both end up with the one that was stored: a unique constraint decides, and the loser reads.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from ostiary.clock import Clock
from ostiary.db.database import Database
from ostiary.errors import Conflict, KeysUnavailable, SealBroken, StoreUnavailable
from ostiary.ids import TenantId, random_bytes
from ostiary.vault import envelope, store
from ostiary.vault.held import Held
from ostiary.vault.root import RootKeyProvider

TENANT_KEYS_HELD_MAX = 4096
NAMED_KEYS_HELD_MAX = 16384
REWRAP_BATCH_ROWS = 500
VERSIONS_MAX = 1000
_ATTEMPTS = 3

T = TypeVar("T")


class KeyRing:
    """Keys by tenant, in memory as far as the bounds allow, else from the key store."""

    def __init__(self, database: Database, root: RootKeyProvider, clock: Clock) -> None:
        self._database = database
        self._root = root
        self._clock = clock
        self._tenant_keys: Held[tuple[TenantId, int], AESGCM] = Held(TENANT_KEYS_HELD_MAX)
        self._named_keys: Held[tuple[TenantId, str], bytes] = Held(NAMED_KEYS_HELD_MAX)

    def create_tenant(self, tenant: TenantId, names: tuple[str, ...]) -> None:
        """Give a tenant its first key, and the named keys it needs from the start; nothing where they stand already."""

        def create(connection: Connection) -> None:
            if not store.tenant_keys(connection, tenant):
                self._add_tenant_key(connection, tenant, 1)
            for name in names:
                if store.find_named_key(connection, tenant, name) is None:
                    self._add_named_key(connection, tenant, name)

        self._settled(lambda: self._database.transact(create))

    def named(self, tenant: TenantId, name: str) -> bytes:
        """32 secret bytes under a name, made at first use. Raises KeysUnavailable, SealBroken."""
        held = self._named_keys.get((tenant, name))
        if held is not None:
            return held

        def make(connection: Connection) -> bytes:
            return self._read_named(connection, tenant, name) or self._add_named_key(connection, tenant, name)

        key = self._looked_up(lambda connection: self._read_named(connection, tenant, name))
        return self._named_keys.put(
            (tenant, name), key or self._settled(lambda: self._database.transact(make))
        )

    def data_keys(
        self, tenant: TenantId, purpose: str, subjects: list[bytes]
    ) -> dict[bytes, tuple[bytes, bytes]]:
        """For each subject (blind index) the id (16 bytes) and the key that seals now; missing ones are made, in one transaction."""

        def find(connection: Connection) -> dict[bytes, tuple[bytes, bytes]]:
            rows = self._latest(connection, tenant, purpose, subjects)
            return {
                subject: self._opened_row(connection, tenant, row)
                for subject, row in rows.items()
                if row and row.wrapped
            }

        def make(connection: Connection) -> dict[bytes, tuple[bytes, bytes]]:
            return {
                subject: self._opened_row(connection, tenant, row)
                if row and row.wrapped
                else self._add_data_key(
                    connection, tenant, purpose, subject, generation=row.generation + 1 if row else 1
                )
                for subject, row in self._latest(connection, tenant, purpose, subjects).items()
            }

        keys = self._looked_up(find)
        if len(keys) == len(set(subjects)):
            return keys
        return self._settled(lambda: self._database.transact(make))

    def data_key_by_id(self, tenant: TenantId, key_id: bytes) -> bytes:
        """The key that sealed something. Raises SealBroken when there is none of this id, or it is destroyed; KeysUnavailable."""

        def find(connection: Connection) -> bytes:
            row = store.data_key_by_id(connection, tenant, key_id.hex())
            if row is None:
                raise SealBroken
            return self._opened_row(connection, tenant, row)[1]

        return self._looked_up(find)

    def destroy(self, tenant: TenantId, subject: bytes) -> list[str]:
        """Destroy every data key of a subject; the ids of those destroyed. What they sealed never opens again."""
        at_us = self._clock.now_us()
        return self._settled(
            lambda: self._database.transact(
                lambda connection: store.destroy_data_keys(connection, tenant, subject, at_us=at_us)
            )
        )

    def rotate(self, tenant: TenantId) -> int:
        """Add a version of the tenant's key; the new version. The data keys are rewrapped by `rewrap`. Raises Conflict beyond VERSIONS_MAX."""

        def add(connection: Connection) -> int:
            version = self._newest(connection, tenant)[0] + 1
            if version > VERSIONS_MAX:
                raise Conflict(f"A tenant's key has at most {VERSIONS_MAX} versions.")
            self._add_tenant_key(connection, tenant, version)
            return version

        return self._settled(lambda: self._database.transact(add))

    def rewrap(self, tenant: TenantId) -> int:
        """Wrap up to REWRAP_BATCH_ROWS keys that an older version wraps under the newest; how many: 0 when all are done. Content is untouched."""

        def batch(connection: Connection) -> int:
            version, key = self._newest(connection, tenant)
            named = store.named_keys_behind(connection, tenant, version=version)
            for name in named:
                plain = self._unwrap_named(connection, tenant, name)
                wrapped = envelope.wrap(key, plain, _named_aad(tenant, name.name))
                store.rewrap_named_key(connection, tenant, name.name, version=version, wrapped=wrapped)
            rows = store.data_keys_behind(connection, tenant, version=version, limit=REWRAP_BATCH_ROWS)
            for row in rows:
                plain = self._opened_row(connection, tenant, row)[1]
                wrapped = envelope.wrap(key, plain, _data_aad(tenant, row.id, row.purpose, row.subject))
                store.rewrap_data_key(connection, tenant, row.id, version=version, wrapped=wrapped)
            return len(named) + len(rows)

        return self._settled(lambda: self._database.transact(batch))

    def rewrap_tenant_keys(self) -> int:
        """Wrap under the current root key every tenant key that an older root key wraps; how many."""

        def rewrap(connection: Connection) -> int:
            return sum(self._rewrap_under_root(connection, tenant) for tenant in store.tenants(connection))

        return self._settled(lambda: self._database.transact(rewrap))

    def versions(self, tenant: TenantId) -> list[tuple[store.TenantKeyRow, int]]:
        """Every version of the tenant's key, the newest first, with how many data keys it wraps."""

        def look(connection: Connection) -> list[tuple[store.TenantKeyRow, int]]:
            counts = store.data_key_counts(connection, tenant)
            return [(row, counts.get(row.version, 0)) for row in store.tenant_keys(connection, tenant)]

        return self._looked_up(look)

    def _looked_up(self, look: Callable[[Connection], T]) -> T:
        with _unavailable():
            return self._database.read(look)

    def _settled(self, work: Callable[[], T]) -> T:
        """Run a transaction that may lose a race for a unique row; the winner's row is there at the next attempt."""
        with _unavailable():
            for _ in range(_ATTEMPTS):
                try:
                    return work()
                except IntegrityError:
                    continue
            return work()

    def _add_tenant_key(self, connection: Connection, tenant: TenantId, version: int) -> None:
        wrapped = self._root.wrap(envelope.new_key(), _tenant_aad(tenant, version))
        store.add_tenant_key(
            connection,
            tenant,
            store.TenantKeyRow(version, store.ACTIVE, self._root.current(), wrapped, self._clock.now_us()),
        )

    def _newest(self, connection: Connection, tenant: TenantId) -> tuple[int, AESGCM]:
        rows = store.tenant_keys(connection, tenant)
        if not rows:
            raise KeysUnavailable("This tenant has no keys.")
        return rows[0].version, self._tenant_key(tenant, rows[0])

    def _tenant_key(self, tenant: TenantId, row: store.TenantKeyRow) -> AESGCM:
        held = self._tenant_keys.get((tenant, row.version))
        if held is not None:
            return held
        plain = self._root.unwrap(row.wrapped, _tenant_aad(tenant, row.version))
        return self._tenant_keys.put((tenant, row.version), AESGCM(plain))

    def _version(self, connection: Connection, tenant: TenantId, version: int) -> AESGCM:
        held = self._tenant_keys.get((tenant, version))
        if held is not None:
            return held
        for row in store.tenant_keys(connection, tenant):
            if row.version == version:
                return self._tenant_key(tenant, row)
        raise SealBroken

    def _opened_row(
        self, connection: Connection, tenant: TenantId, row: store.DataKeyRow
    ) -> tuple[bytes, bytes]:
        if row.wrapped is None:
            raise SealBroken
        key = self._version(connection, tenant, row.key_version)
        aad = _data_aad(tenant, row.id, row.purpose, row.subject)
        return bytes.fromhex(row.id), envelope.unwrap(key, row.wrapped, aad)

    def _latest(
        self, connection: Connection, tenant: TenantId, purpose: str, subjects: list[bytes]
    ) -> dict[bytes, store.DataKeyRow | None]:
        """One look a subject: the generation that follows is taken from the row that was seen, so that two makers at once collide."""
        return {subject: store.latest_data_key(connection, tenant, purpose, subject) for subject in subjects}

    def _add_data_key(
        self, connection: Connection, tenant: TenantId, purpose: str, subject: bytes, *, generation: int
    ) -> tuple[bytes, bytes]:
        version, wrapping = self._newest(connection, tenant)
        key_id, key = random_bytes(16), envelope.new_key()
        wrapped = envelope.wrap(wrapping, key, _data_aad(tenant, key_id.hex(), purpose, subject))
        row = store.DataKeyRow(key_id.hex(), purpose, subject, generation, version, wrapped)
        store.add_data_key(connection, tenant, row, at_us=self._clock.now_us())
        return key_id, key

    def _read_named(self, connection: Connection, tenant: TenantId, name: str) -> bytes | None:
        row = store.find_named_key(connection, tenant, name)
        return self._unwrap_named(connection, tenant, row) if row else None

    def _unwrap_named(self, connection: Connection, tenant: TenantId, row: store.NamedKeyRow) -> bytes:
        key = self._version(connection, tenant, row.key_version)
        return envelope.unwrap(key, row.wrapped, _named_aad(tenant, row.name))

    def _add_named_key(self, connection: Connection, tenant: TenantId, name: str) -> bytes:
        version, wrapping = self._newest(connection, tenant)
        key = envelope.new_key()
        row = store.NamedKeyRow(name, version, envelope.wrap(wrapping, key, _named_aad(tenant, name)))
        store.add_named_key(connection, tenant, row, at_us=self._clock.now_us())
        return key

    def _rewrap_under_root(self, connection: Connection, tenant: TenantId) -> int:
        behind = [row for row in store.tenant_keys(connection, tenant) if row.root != self._root.current()]
        for row in behind:
            aad = _tenant_aad(tenant, row.version)
            wrapped = self._root.wrap(self._root.unwrap(row.wrapped, aad), aad)
            store.rewrap_tenant_key(
                connection, tenant, version=row.version, root=self._root.current(), wrapped=wrapped
            )
        return len(behind)


@contextmanager
def _unavailable() -> Iterator[None]:
    """A key store that is away, full or broken: nothing is opened or sealed."""
    try:
        yield
    except (StoreUnavailable, DBAPIError, PoolTimeout) as error:
        raise KeysUnavailable from error


def _tenant_aad(tenant: TenantId, version: int) -> bytes:
    return envelope.bound("tenant_key", tenant, str(version))


def _data_aad(tenant: TenantId, key_id: str, purpose: str, subject: bytes) -> bytes:
    return envelope.bound("data_key", tenant, key_id, purpose, subject.hex())


def _named_aad(tenant: TenantId, name: str) -> bytes:
    return envelope.bound("named_key", tenant, name)

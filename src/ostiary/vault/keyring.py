"""The keys of all tenants: made, unwrapped and held in memory. Content is not touched here, `sealing` does that; `turning` rotates and destroys.

Every key that leaves here is on the disk first, so nothing is ever sealed under a key that a crash could lose. Two threads or processes that make
the same key at once both end up with the one that was stored: a unique constraint decides, and the loser reads. What is held counts while changes are
heard; else the key store is asked, and when it does not answer nothing is opened or sealed.
"""

from collections.abc import Callable, Container, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import TypeVar

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from ostiary.clock import DAY_US, SECOND_US, Clock
from ostiary.db.database import READERS, Database
from ostiary.errors import KeysUnavailable, SealBroken, StoreUnavailable
from ostiary.ids import INSTALL, NO_TENANT, TenantId, random_bytes
from ostiary.vault import envelope, store
from ostiary.vault.held import Held
from ostiary.vault.root import RootKeyProvider
from ostiary.vault.wraps import store as root_rows
from ostiary.vault.wraps.store import WrapRow

TENANT_KEYS_HELD_MAX = 4096
NAMED_KEYS_HELD_MAX = 16384
DATA_KEY_AGE_MAX_US = 90 * DAY_US
"""An older data key only opens: the next seal makes another."""
ASK_S = 3
REST_S = 2
"""Seals stand on event loops: a key store that has not answered for ASK_S is given up, and not asked again for REST_S unless it is heard of."""
_ATTEMPTS = 3

T = TypeVar("T")


class KeyRing:
    """Keys by tenant, in memory as far as the bounds allow, else from the key store."""

    def __init__(self, database: Database, root: RootKeyProvider, clock: Clock, *, cell: str = "") -> None:
        """`cell`: whose root key it is; empty: the installation's."""
        self.cell = cell
        self.database = database
        self.root = root
        self.clock = clock
        self._tenant_keys: Held[tuple[TenantId, int], AESGCM] = Held(TENANT_KEYS_HELD_MAX, database.signals)
        self._named_keys: Held[tuple[TenantId, str], bytes] = Held(NAMED_KEYS_HELD_MAX, database.signals)
        self._threads = ThreadPoolExecutor(READERS + 2, thread_name_prefix="ostiary-keys")
        self._away_until_us = 0
        database.signals.on(store.CHANGED, self._changed)

    def create_tenant(self, tenant: TenantId, names: tuple[str, ...], *, first: tuple[str, ...] = ()) -> None:
        """Give a tenant its first key, and the named keys it needs from the start; nothing where they stand already. Raises KeysUnavailable.

        `first`: named keys that only a tenant without any key gets.
        """

        def create(connection: Connection) -> None:
            if store.is_destroyed(connection, tenant):
                raise KeysUnavailable("This tenant's keys were destroyed.")
            fresh = store.newest_tenant_key(connection, tenant) is None
            if fresh:
                self.add_tenant_key(connection, tenant, 1)
            for name in (*names, *(first if fresh else ())):
                if store.find_named_key(connection, tenant, name) is None:
                    self._add_named_key(connection, tenant, name)

        self.settled(create)

    def named(self, tenant: TenantId, name: str) -> bytes:
        """32 secret bytes under a name, made at first use, and never again once it was destroyed. Raises KeysUnavailable, SealBroken."""
        held = self._named_keys.get((tenant, name))
        if held is not None:
            return held

        def make(connection: Connection) -> bytes:
            return self._read_named(connection, tenant, name) or self._add_named_key(connection, tenant, name)

        epoch = self._named_keys.epoch
        key = self.looked_up(lambda connection: self._read_named(connection, tenant, name))
        return self._named_keys.put((tenant, name), key or self._made(make), epoch=epoch)

    def standing(self, tenant: TenantId, name: str) -> bytes | None:
        """`named`, if it was made. Raises KeysUnavailable, SealBroken."""
        held = self._named_keys.get((tenant, name))
        if held is not None:
            return held
        epoch = self._named_keys.epoch
        key = self.looked_up(lambda connection: self._read_named(connection, tenant, name))
        return self._named_keys.put((tenant, name), key, epoch=epoch) if key else None

    def share(self, tenant: TenantId, name: str, key: bytes) -> None:
        """Give a tenant a named key that another one has: what the one authenticates, the other does too. One that stands stays."""

        def put(connection: Connection) -> None:
            if store.find_named_key(connection, tenant, name) is None:
                self._add_named_key(connection, tenant, name, key)

        self.settled(put)

    def data_keys(
        self, tenant: TenantId, purpose: str, subjects: list[bytes]
    ) -> dict[bytes, tuple[bytes, bytes]]:
        """For each subject (blind index) the id (16 bytes) and the key that seals now; missing ones are made, in one transaction."""

        def find(connection: Connection) -> dict[bytes, tuple[bytes, bytes]]:
            rows = self._latest(connection, tenant, purpose, subjects)
            return {
                subject: self.opened_row(connection, tenant, row)
                for subject, row in rows.items()
                if row and self._seals(row)
            }

        def make(connection: Connection) -> dict[bytes, tuple[bytes, bytes]]:
            return {
                subject: self.opened_row(connection, tenant, row)
                if row and self._seals(row)
                else self._add_data_key(
                    connection, tenant, purpose, subject, generation=row.generation + 1 if row else 1
                )
                for subject, row in self._latest(connection, tenant, purpose, subjects).items()
            }

        keys = self.looked_up(find)
        if len(keys) == len(set(subjects)):
            return keys
        return self._made(make)

    def data_key_by_id(self, tenant: TenantId, key_id: bytes) -> bytes:
        """The key that sealed something. Raises SealBroken when there is none of this id, or it is destroyed; KeysUnavailable."""

        def find(connection: Connection) -> bytes:
            row = store.data_key_by_id(connection, tenant, key_id.hex())
            if row is None:
                raise SealBroken
            return self.opened_row(connection, tenant, row)[1]

        return self.looked_up(find)

    def settled(self, work: Callable[[Connection], T]) -> T:
        """Run a transaction that may lose a race for a unique row; the winner's row is there at the next attempt. Raises KeysUnavailable."""
        with _unavailable():
            for _ in range(_ATTEMPTS):
                try:
                    return self.database.transact(work)
                except IntegrityError:
                    continue
            return self.database.transact(work)

    def read(self, look: Callable[[Connection], T]) -> T:
        """Look into the key store. Raises KeysUnavailable."""
        with _unavailable():
            return self.database.read(look)

    def add_tenant_key(self, connection: Connection, tenant: TenantId, version: int) -> None:
        """A fresh version of a tenant's key, which wraps from now on. Raises IntegrityError when another was first."""
        key, root = envelope.new_key(), self.root.current()
        wrapped = self.root.wrap(key, tenant_aad(tenant, version))
        row = store.TenantKeyRow(version, store.ACTIVE, root, wrapped, self.clock.now_us())
        store.add_tenant_key(connection, tenant, row)
        self.wrap_further(connection, tenant, version, key, but={root})

    def link(self, connection: Connection, name: str) -> AESGCM | None:
        """The key that this cell and the installation share; None where neither's root key is at hand."""
        row = store.newest_tenant_key(connection, root_rows.link_of(name))
        plain = self.unwrapped(connection, root_rows.link_of(name), row) if row else None
        return AESGCM(plain) if plain else None

    def wrap_further(
        self, connection: Connection, tenant: TenantId, version: int, key: bytes, *, but: Container[str]
    ) -> None:
        """Wrap a version by every other root key at hand too, for processes that were given that one alone."""
        for root in self.root.known():
            if root not in but:
                wrapped = self.root.wrap(key, tenant_aad(tenant, version), by=root)
                row = WrapRow(version, root, wrapped, self.cell)
                root_rows.put(connection, tenant, row, at_us=self.clock.now_us())

    def unwrapped(self, connection: Connection, tenant: TenantId, row: store.TenantKeyRow) -> bytes | None:
        """A version of a tenant's key, by whichever root key is at hand; None when none of them wraps it. Raises SealBroken, KeysUnavailable."""
        aad, known = tenant_aad(tenant, row.version), self.root.known()
        if row.root in known:
            return self.root.unwrap(row.wrapped, aad)
        wraps = [
            WrapRow(row.version, row.root, row.wrapped),
            *root_rows.find(connection, tenant, row.version),
        ]
        for wrap in wraps:
            if wrap.root in known:
                return self.root.unwrap(wrap.wrapped, aad)
        return self._unwrapped_by_link(connection, tenant, wraps)

    def _unwrapped_by_link(
        self, connection: Connection, tenant: TenantId, wraps: list[WrapRow]
    ) -> bytes | None:
        """A version that the installation and a cell hand over. Where a tenant has a version that our root key wraps,
        another of its versions is not taken from the other side: whoever has only the other root key could else give it a key of their own making."""
        links = {root_rows.link_root(name): name for name in root_rows.cells(connection, INSTALL)}
        shared = next((wrap for wrap in wraps if wrap.root in links), None)
        if shared is None:
            return None
        standing = store.tenant_keys(connection, tenant)
        if any(key.root in self.root.known() and key.wrapped != store.GONE for key in standing):
            return None
        link = self.link(connection, links[shared.root])
        aad = tenant_aad(tenant, shared.version)
        return envelope.unwrap(link, shared.wrapped, aad) if link else None

    def newest(self, connection: Connection, tenant: TenantId) -> tuple[int, AESGCM]:
        """The version that wraps, and its key, which is not retired before this transaction has ended. Raises KeysUnavailable."""
        row = store.newest_tenant_key(connection, tenant, hold=True)
        if row is None or store.is_destroyed(connection, tenant):
            raise KeysUnavailable("This tenant has no keys, or they were destroyed.")
        return row.version, self._tenant_key(connection, tenant, row)

    def opened_row(
        self, connection: Connection, tenant: TenantId, row: store.DataKeyRow
    ) -> tuple[bytes, bytes]:
        """A data key's id and the key. Raises SealBroken when it is destroyed, was changed or moved."""
        if row.wrapped is None:
            raise SealBroken
        key = self.version(connection, tenant, row.key_version)
        aad = data_aad(tenant, row.id, row.purpose, row.subject)
        return bytes.fromhex(row.id), envelope.unwrap(key, row.wrapped, aad)

    def unwrap_named(self, connection: Connection, tenant: TenantId, row: store.NamedKeyRow) -> bytes:
        """A named key. Raises SealBroken when it is destroyed, was changed or moved."""
        if row.wrapped == store.GONE or store.is_destroyed(connection, tenant, row.name):
            raise SealBroken
        key = self.version(connection, tenant, row.key_version)
        return envelope.unwrap(key, row.wrapped, named_aad(tenant, row.name))

    def _changed(self, tenant: TenantId, ids: str) -> None:
        """Another process, or this one, has changed keys: forget them. The ids are of data keys, which are not held here."""
        if not ids:
            self._tenant_keys.drop(lambda name, _key: tenant in (name[0], NO_TENANT))
            self._named_keys.drop(lambda name, _key: tenant in (name[0], NO_TENANT))

    def looked_up(self, look: Callable[[Connection], T]) -> T:
        """`read`, within ASK_S. Raises KeysUnavailable."""
        return self._asked(lambda: self.read(look))

    def _made(self, make: Callable[[Connection], T]) -> T:
        return self._asked(lambda: self.settled(make))

    def _asked(self, work: Callable[[], T]) -> T:
        """Who asks may stand on an event loop, and a network that swallows packets answers never. Fails closed: no answer, no key."""
        if self.database.sqlite:
            return work()
        if not self.database.signals.fresh and self.clock.monotonic_us() < self._away_until_us:
            raise KeysUnavailable
        answer = self._threads.submit(work)
        try:
            return answer.result(ASK_S)
        except TimeoutError as error:
            answer.cancel()
            self._away_until_us = self.clock.monotonic_us() + REST_S * SECOND_US
            raise KeysUnavailable from error

    def _tenant_key(self, connection: Connection, tenant: TenantId, row: store.TenantKeyRow) -> AESGCM:
        held = self._tenant_keys.get((tenant, row.version))
        if held is not None:
            return held
        if row.wrapped == store.GONE:
            raise SealBroken
        epoch = self._tenant_keys.epoch
        plain = self.unwrapped(connection, tenant, row)
        if plain is None:
            raise KeysUnavailable("The root key that wrapped this is not configured.")
        return self._tenant_keys.put((tenant, row.version), AESGCM(plain), epoch=epoch)

    def version(self, connection: Connection, tenant: TenantId, version: int) -> AESGCM:
        """One version of a tenant's key. Raises SealBroken when it is gone, KeysUnavailable."""
        held = self._tenant_keys.get((tenant, version))
        if held is not None:
            return held
        row = store.tenant_key_version(connection, tenant, version)
        if row is None:
            raise SealBroken
        return self._tenant_key(connection, tenant, row)

    def _seals(self, row: store.DataKeyRow) -> bool:
        youngest_us = max(row.turned_us, self.clock.now_us() - DATA_KEY_AGE_MAX_US)
        return row.wrapped is not None and row.created_us >= youngest_us

    def _latest(
        self, connection: Connection, tenant: TenantId, purpose: str, subjects: list[bytes]
    ) -> dict[bytes, store.DataKeyRow | None]:
        """One look a subject: the generation that follows is taken from the row that was seen, so that two makers at once collide."""
        return {subject: store.latest_data_key(connection, tenant, purpose, subject) for subject in subjects}

    def _add_data_key(
        self, connection: Connection, tenant: TenantId, purpose: str, subject: bytes, *, generation: int
    ) -> tuple[bytes, bytes]:
        version, wrapping = self.newest(connection, tenant)
        key_id, key = random_bytes(16), envelope.new_key()
        row = store.DataKeyRow(key_id.hex(), purpose, subject, generation, version, None, self.clock.now_us())
        wrapped = envelope.wrap(wrapping, key, data_aad(tenant, row.id, purpose, subject))
        store.add_data_key(connection, tenant, replace(row, wrapped=wrapped))
        return key_id, key

    def _read_named(self, connection: Connection, tenant: TenantId, name: str) -> bytes | None:
        row = store.find_named_key(connection, tenant, name)
        return self.unwrap_named(connection, tenant, row) if row else None

    def _add_named_key(
        self, connection: Connection, tenant: TenantId, name: str, key: bytes | None = None
    ) -> bytes:
        version, wrapping = self.newest(connection, tenant)
        if store.is_destroyed(connection, tenant, name):
            raise SealBroken
        key = key or envelope.new_key()
        row = store.NamedKeyRow(name, version, envelope.wrap(wrapping, key, named_aad(tenant, name)))
        store.add_named_key(connection, tenant, row, at_us=self.clock.now_us())
        return key


@contextmanager
def _unavailable() -> Iterator[None]:
    """A key store that is away, full or broken: nothing is opened or sealed."""
    try:
        yield
    except (StoreUnavailable, DBAPIError, PoolTimeout) as error:
        raise KeysUnavailable from error


def tenant_aad(tenant: TenantId, version: int) -> bytes:
    """What binds a version of a tenant's key to its row."""
    return envelope.bound("tenant_key", tenant, str(version))


def data_aad(tenant: TenantId, key_id: str, purpose: str, subject: bytes) -> bytes:
    """What binds a data key to its row."""
    return envelope.bound("data_key", tenant, key_id, purpose, subject.hex())


def named_aad(tenant: TenantId, name: str) -> bytes:
    """What binds a named key to its row."""
    return envelope.bound("named_key", tenant, name)

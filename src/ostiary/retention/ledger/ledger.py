"""Writing the ledger, and replaying it. `replay` is idempotent and fails closed: a ledger that was tampered with is not replayed in part.

An entry is vouched for by its tenant's own keys too: the installation, which has no key of a cell's, can then replay what a cell erased,
whether the backup is of before the tenant was pinned or of after. Such a key vouches for entries of its own tenant alone.
"""

import hmac
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Any

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ostiary.blobs.storage import Blobs
from ostiary.clock import Clock
from ostiary.db.database import Database
from ostiary.errors import Conflict, KeysUnavailable, LedgerBroken, NotFound, SealBroken
from ostiary.ids import INSTALL, TenantId, install_of
from ostiary.retention.certificate import canonical
from ostiary.retention.ledger import store
from ostiary.vault.sealing import Vault
from ostiary.vault.store import GONE, find_named_key
from ostiary.vault.wraps.store import cell_of

PURPOSE = "erasure"
PREFIX = "erasure-"
ENTRY_BYTES_MAX = 1 << 20
SUBJECT, TENANT, NAMED = "subject", "tenant", "named"
_HEAD = b"ostiary-erasure-ledger/1\n"


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """What one erasure destroys: of a subject (blind index, hex) every key up to these generations, by purpose; of a tenant everything;
    of a named key, whose name is in `keys`, that one. A key that is made afterwards has a later generation: a replay leaves it alone. A named key is never made again."""

    kind: str
    tenant: TenantId
    id: str
    number: int
    at_us: int
    subject: str = ""
    generations: Mapping[str, int] = field(default_factory=dict)
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Replayed:
    """`entries` that were read, and how many keys a restore had brought back. `unread`: entries that only the cell can vouch for that made them."""

    entries: int
    destroyed: int
    unread: int = 0


@dataclass(frozen=True, slots=True)
class Ledger:
    """Where the ledger stands. All of it blocks: for worker threads."""

    keys_database: Database
    blobs: Blobs
    vault: Vault
    clock: Clock

    def name_subject(self, tenant: TenantId, erasure: str, subject: bytes) -> LedgerEntry:
        """The entry that names every key that the subject has now; on the disk, twice, when this returns.

        Raises KeysUnavailable, StoreUnavailable, BlobsUnavailable, LedgerBroken.
        """
        rows = self.keys_database.read(lambda c: store.keys_of(c, tenant, subject))
        generations: dict[str, int] = {}
        for row in rows:
            generations[row.purpose] = max(row.generation, generations.get(row.purpose, 0))
        named = self.of(tenant, erasure)
        if named and named[-1].generations == generations:
            self._store(named[-1])  # a crash may have come between the row and the file
            return named[-1]
        entry = LedgerEntry(
            SUBJECT,
            tenant,
            erasure,
            len(named),
            self.clock.now_us(),
            subject.hex(),
            generations,
            tuple(row.id for row in rows if row.living),
        )
        self._add(entry)
        return entry

    def name_tenant(self, tenant: TenantId, erasure: str) -> LedgerEntry:
        """The entry that names a tenant; on the disk, twice, when this returns."""
        named = self.of(tenant, erasure)
        entry = named[0] if named else LedgerEntry(TENANT, tenant, erasure, 0, self.clock.now_us())
        self._add(entry)
        return entry

    def name_key(self, tenant: TenantId, erasure: str, name: str) -> LedgerEntry:
        """The entry that names one named key; on the disk, twice, when this returns."""
        named = self.of(tenant, erasure)
        entry = (
            named[0] if named else LedgerEntry(NAMED, tenant, erasure, 0, self.clock.now_us(), keys=(name,))
        )
        self._add(entry)
        return entry

    def of(self, tenant: TenantId, erasure: str = "") -> list[LedgerEntry]:
        """What the key store's ledger says. Raises LedgerBroken."""
        rows = self.keys_database.read(lambda c: store.entries(c, tenant, erasure))
        return [self._checked(tenant, named, entry, mac) for named, entry, mac in rows]

    def _add(self, entry: LedgerEntry) -> None:
        text = write(entry)
        mac = self._mac(entry, text)
        self.keys_database.transact(
            lambda c: store.add_entry(
                c, entry.tenant, entry.id, entry.number, at_us=entry.at_us, entry=text, mac=mac
            )
        )
        self._store(entry)

    def _mac(self, entry: LedgerEntry, text: bytes) -> bytes:
        """In a cell by the tenant's key, which goes back with it; but the entry of its end outlives that key."""
        whose = entry.tenant if self.vault.keys.cell and entry.kind != TENANT else INSTALL
        return self.vault.mac(whose, PURPOSE, text)

    def _store(self, entry: LedgerEntry, of_tenant: Vault | None = None) -> None:
        """The signed file. One that is there already must say the same. `of_tenant`: who has the tenant's keys, if not we. Raises LedgerBroken."""
        name, content = _name(entry), self.signed(entry, of_tenant or self.vault)
        try:
            self.blobs.put(INSTALL, name, content)
        except Conflict:
            if self._filed(entry) != entry:
                raise LedgerBroken from None

    def signed(self, entry: LedgerEntry, of_tenant: Vault) -> bytes:
        """The file's content."""
        text = write(entry)
        made = {"entry": orjson.loads(text), "signature": self.vault.signer(INSTALL).sign(_HEAD + text).hex()}
        with suppress(
            SealBroken, KeysUnavailable
        ):  # of a tenant that is destroyed, or whose keys are a cell's
            made["tenant_signature"] = of_tenant.signer(entry.tenant).sign(_HEAD + text).hex()
        return canonical(made)

    def _checked(self, tenant: TenantId, named: tuple[str, int], text: bytes, mac: bytes) -> LedgerEntry:
        """A row that is genuine, and where it was written. One of the time before a move is vouched for by its file alone. Raises LedgerBroken."""
        entry = _parsed(text)
        if (entry.tenant, (entry.id, entry.number)) != (tenant, named):
            raise LedgerBroken
        if not self._authenticates(entry, text, mac) and self._filed(entry) != entry:
            raise LedgerBroken
        return entry

    def _authenticates(self, entry: LedgerEntry, text: bytes, mac: bytes) -> bool:
        if hmac.compare_digest(mac, self.vault.mac(INSTALL, PURPOSE, text)):
            return True
        with suppress(SealBroken, KeysUnavailable):  # the tenant's keys are a cell's, or destroyed
            return hmac.compare_digest(mac, self.vault.mac(entry.tenant, PURPOSE, text))
        return False

    def _filed(self, entry: LedgerEntry) -> LedgerEntry | None:
        """What the file of an entry says; None where there is none. Raises LedgerBroken."""
        with suppress(NotFound):
            return self._read(self.blobs.get(INSTALL, _name(entry), bytes_max=ENTRY_BYTES_MAX))
        return None

    def _read(self, content: bytes) -> LedgerEntry:
        """A file that the installation signed, or the tenant that it is about. Raises LedgerBroken."""
        try:
            made = orjson.loads(content)
            entry, text = read(made["entry"]), _HEAD + canonical(made["entry"])
            by_us, by_tenant = str(made["signature"]), str(made.get("tenant_signature", ""))
        except (ValueError, KeyError, TypeError) as error:
            raise LedgerBroken from error
        if not self._signed_by(INSTALL, by_us, text) and not self._signed_by(entry.tenant, by_tenant, text):
            raise LedgerBroken
        return entry

    def _signed_by(self, whose: TenantId, signature: str, text: bytes) -> bool:
        if not signature:
            return False
        try:
            public = Ed25519PublicKey.from_public_bytes(self.vault.verifier(whose))
            public.verify(bytes.fromhex(signature), text)
        except (ValueError, InvalidSignature):
            return False
        except (KeysUnavailable, SealBroken):
            if whose == INSTALL:
                raise
            return False
        return True

    def everything(self, more: Iterable[bytes] = ()) -> list[LedgerEntry]:
        """Every entry that a file names: in blob storage, and in `more` (files from outside of a backup). Raises LedgerBroken, BlobsUnavailable."""
        found = {_key(entry): entry for entry in map(self._read, more)}
        for name, content in self._files(INSTALL):
            entry = self._read(content)
            if _name(entry) != name:
                raise LedgerBroken
            found[_key(entry)] = entry
        return [found[name] for name in sorted(found)]

    def of_cell(self, tenant: TenantId) -> tuple[list[LedgerEntry], int]:
        """The entries that the files of a tenant's cell name, and how many of them only the cell itself can vouch for (a release made them that left the
        tenant's signature out). Raises LedgerBroken, BlobsUnavailable."""
        found, unread = [], 0
        for name, content in self._files(install_of(tenant)):
            if b'"tenant_signature"' not in content:
                unread += 1
                continue
            entry = self._read(content)
            if _name(entry) != name or entry.tenant != tenant:
                raise LedgerBroken
            found.append(entry)
        return found, unread

    def _files(self, whose: TenantId) -> Iterator[tuple[str, bytes]]:
        after = PREFIX
        while page := self.blobs.list(whose, after=after):
            for stored in page:
                if not stored.id.startswith(PREFIX):
                    return
                yield stored.id, self.blobs.get(whose, stored.id, bytes_max=ENTRY_BYTES_MAX)
            after = page[-1].id

    def replay(self, tenants: Iterable[TenantId], more: Iterable[bytes] = ()) -> Replayed:
        """Destroy again whatever the ledger names: for a key store that was restored from a backup, before it opens anything.

        Raises LedgerBroken where one entry is not genuine: then nothing is replayed, and nothing may start.
        """
        entries = {_key(entry): entry for entry in self.everything(more)}
        unread = 0
        for tenant in tenants:
            of_cell, foreign = self.of_cell(tenant) if tenant != INSTALL else ([], 0)
            entries |= {_key(entry): entry for entry in of_cell}
            rows, left = self._rows(tenant, entries)
            entries |= rows
            unread += foreign + left
        destroyed = 0
        for entry in entries.values():
            self._add(entry)
            destroyed += self._destroy(entry)
        return Replayed(len(entries), destroyed, unread)

    def _rows(
        self, tenant: TenantId, vouched: "Mapping[_Key, LedgerEntry]"
    ) -> "tuple[dict[_Key, LedgerEntry], int]":
        """The key store's entries of a tenant, and how many of a cell's cannot be checked from here. Raises LedgerBroken."""
        rows, pinned = self.keys_database.read(lambda c: (store.entries(c, tenant), cell_of(c, tenant)))
        found, unread = {}, 0
        for named, text, mac in rows:
            key = (tenant, *named)
            if key in vouched and write(vouched[key]) == text:
                continue
            try:
                found[key] = self._checked(tenant, named, text, mac)
            except LedgerBroken:
                if pinned in ("", self.vault.keys.cell):
                    raise
                unread += 1
        return found, unread

    def _destroy(self, entry: LedgerEntry) -> int:
        if entry.kind == TENANT:
            gone = self.vault.destroy_tenant(entry.tenant)
            return gone.data_keys + len(gone.versions) + len(gone.names)
        if entry.kind == NAMED:
            return sum(self._destroy_named(entry.tenant, name) for name in entry.keys)
        at_us, subject = self.clock.now_us(), bytes.fromhex(entry.subject)
        again = self.keys_database.transact(
            lambda c: store.destroy_again(c, entry.tenant, subject, entry.generations, at_us=at_us)
        )
        return len(again)

    def _destroy_named(self, tenant: TenantId, name: str) -> int:
        row = self.keys_database.read(lambda c: find_named_key(c, tenant, name))
        self.vault.destroy_named(tenant, name)
        return int(row is not None and row.wrapped != GONE)


_Key = tuple[TenantId, str, int]


def carry(here: Ledger, there: Ledger, tenant: TenantId) -> None:
    """What one side of a move vouches for, the other vouches for too, in a file of its own. Raises LedgerBroken, BlobsUnavailable."""
    for entry in here.of(tenant):
        there._store(entry, here.vault)


def write(entry: LedgerEntry) -> bytes:
    """The entry as canonical JSON."""
    return canonical(asdict(entry))


def read(made: Any) -> LedgerEntry:
    """The reverse of `write`. Raises ValueError, KeyError, TypeError."""
    entry = LedgerEntry(**{**made, "keys": tuple(made["keys"])})
    if entry.kind not in (SUBJECT, TENANT, NAMED) or not all(
        type(each) is int for each in entry.generations.values()
    ):
        raise ValueError("this is no entry of the ledger")
    return entry


def _parsed(text: bytes) -> LedgerEntry:
    try:
        return read(orjson.loads(text))
    except (ValueError, KeyError, TypeError) as error:
        raise LedgerBroken from error


def _key(entry: LedgerEntry) -> _Key:
    return entry.tenant, entry.id, entry.number


def _name(entry: LedgerEntry) -> str:
    return f"{PREFIX}{entry.id}-{entry.number}"

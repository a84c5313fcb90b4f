"""What makes a restored copy a verified one: every row counted, every log counted anew against the checkpoint of the backup, proofs made and checked, and
sealed values of every table and file opened at their places."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.engine import make_url

from ostiary.audit import reading
from ostiary.audit._rfc6962 import extends, includes, leaf_hash
from ostiary.audit.event import place as event_place
from ostiary.audit.event import unpack
from ostiary.audit.log import Audit
from ostiary.audit.store import EventRow
from ostiary.backup import store
from ostiary.backup.manifest import Log, Manifest
from ostiary.backup.target import must_count
from ostiary.backup.wrong import Damaged
from ostiary.blobs.storage import Blobs
from ostiary.db.database import Database
from ostiary.db.tables import metadata
from ostiary.errors import NotFound, SealBroken
from ostiary.ids import INSTALL, TenantId
from ostiary.retention.ledger.ledger import PREFIX
from ostiary.vault.files import FILE_HEADER_BYTES, blob_place, open_pieces
from ostiary.vault.sealing import HEADER_BYTES, KEY_ID_BYTES, Place, Vault
from ostiary.vault.wraps.store import cell_of

SAMPLE_ROWS = 20
SAMPLE_EVENTS = 20
SAMPLE_FILES = 50
_EVENTS = "audit_event"


@dataclass(frozen=True, slots=True)
class Opened:
    """How many sealed values of a column were opened, and how many have no key any more because it was destroyed."""

    column: str
    opened: int
    destroyed: int


def count_rows(manifest: Manifest, tenants: list[TenantId], url: str) -> int:
    """Whether every table shows the product the rows that it had. Raises Damaged."""
    with store.opened(make_url(url)) as raw:
        counted = {table.name: store.rows_seen(raw, table.name, tenants) for table in manifest.tables}
    must_count(manifest, counted)
    return sum(counted.values())


async def verify_log(audit: Audit, log: Log) -> int:
    """One tenant's whole log, from its events, against the checkpoint that the backup carries, with inclusion and consistency proofs; its size. Raises Damaged."""
    tenant = TenantId(log.tenant)
    report = await reading.recount(audit, tenant, log.checkpoint)
    if not report.complete:
        raise Damaged(f"the log of {tenant}: {'; '.join(report.faults) or report.verdict}")
    if (report.size, report.root) != (log.size, log.root):
        raise Damaged(f"the log of {tenant} is not where it stood when the backup was taken")
    await audit.database.run(lambda connection: _prove(audit, connection, tenant, log))
    return log.size


def _prove(audit: Audit, connection: Connection, tenant: TenantId, log: Log) -> None:
    root = bytes.fromhex(log.root)
    step = max(1, log.size // SAMPLE_EVENTS)
    for number in range(0, log.size, step):
        (row,) = reading.page(connection, tenant, start=number, end=log.size, limit=1)
        proof = reading.inclusion(audit, connection, tenant, row.id, log.size) if row.id else None
        if proof and not includes(number, log.size, _leaf(proof.leaf, row), proof.hashes, root):
            raise Damaged(f"the log of {tenant}: event {number} is not in it")
    for first in {1, log.size // 2, log.size} - {0}:
        shown = reading.consistency(audit, connection, tenant, first=first, second=log.size)
        if not extends(first, log.size, shown.first_root, root, shown.hashes):
            raise Damaged(f"the log of {tenant} does not go on from its first {first} events")


def _leaf(stated: bytes, row: EventRow) -> bytes:
    return leaf_hash(row.envelope) if row.envelope else stated


def open_samples(vault: Vault, tenants: list[TenantId], url: str, keys_url: str) -> list[Opened]:
    """Sealed values of every table and tenant, opened at their places. Raises Damaged where one does not open although its key was not destroyed."""
    found: list[Opened] = []
    with store.opened(make_url(url)) as raw, store.opened(make_url(keys_url)) as keys:
        present = store.tables(raw)
        for table in metadata.sorted_tables:
            sealed = [column.name for column in table.columns if column.info["held"] == "sealed"]
            named = [column.name for column in table.primary_key.columns]
            if sealed and table.name in present:
                found += _of_table(vault, tenants, raw, keys, table.name, named, sealed)
    return found


def _of_table(
    vault: Vault,
    tenants: list[TenantId],
    raw: store.Raw,
    keys: store.Raw,
    table: str,
    named: list[str],
    sealed: list[str],
) -> Iterator[Opened]:
    wanted = [*named, *(["id"] if table == _EVENTS else []), *sealed]
    rows = [
        row for tenant in tenants for row in store.sample(raw, table, tenant, wanted, len(named), SAMPLE_ROWS)
    ]
    for column in sealed:
        opened = destroyed = 0
        for row in rows:
            for places, value in _values(table, named, column, row):
                if _opens(vault, places, value):
                    opened += 1
                elif _was_destroyed(keys, places[0].tenant, value):
                    destroyed += 1
                else:
                    raise Damaged(f"a sealed value of {table}.{column} does not open")
        yield Opened(f"{table}.{column}", opened, destroyed)


def _values(
    table: str, named: list[str], column: str, row: dict[str, Any]
) -> Iterator[tuple[list[Place], bytes]]:
    """The sealed values of a row's column, each with the places where it may belong."""
    tenant, sealed = TenantId(str(row["tenant"])), row[column]
    if not sealed:
        return
    if table == _EVENTS:
        for number, part in enumerate(unpack(bytes(sealed))):
            yield [event_place(tenant, str(row["id"]), number)], part
        return
    key = [str(row[name]) for name in named if name != "tenant"]
    places = [Place(tenant, table, column, sign.join(key)) for sign in ("/", "|", ":")]
    yield places, bytes(sealed)


def _opens(vault: Vault, places: Iterable[Place], value: bytes) -> bool:
    for place in places:
        try:
            vault.open(place, value)
            return True
        except SealBroken:
            continue
    return False


def _was_destroyed(keys: store.Raw, tenant: TenantId, value: bytes) -> bool:
    """Whether the value's data key is one that was destroyed, as opposed to one that is missing."""
    if len(value) < HEADER_BYTES:
        return False
    return store.is_destroyed(keys, tenant, value[1 : 1 + KEY_ID_BYTES].hex())


def pinned_elsewhere(vault: Vault, keys_database: Database, tenants: list[TenantId]) -> list[TenantId]:
    """The tenants whose keys are a cell's, which this root key does not open and should not."""

    def look(connection: Connection) -> list[TenantId]:
        return [each for each in tenants if each != INSTALL and cell_of(connection, each) != vault.keys.cell]

    return keys_database.read(look)


def open_files(vault: Vault, blobs: Blobs, manifest: Manifest, tenants: list[TenantId], keys_url: str) -> int:
    """Files of the file store, opened to their last byte; how many. The ledger of erasures, which is signed and not sealed, was read already. Raises Damaged."""
    sealed = [
        blob
        for blob in manifest.blobs
        if blob.tenant in tenants and not (blob.tenant == INSTALL and blob.id.startswith(PREFIX))
    ]
    opened = 0
    with store.opened(make_url(keys_url)) as keys:
        for blob in sealed[:: max(1, len(sealed) // SAMPLE_FILES)]:
            tenant, head = TenantId(blob.tenant), bytearray()
            try:
                for _ in open_pieces(
                    vault, blob_place(tenant, blob.id), _noted(blobs.pieces(tenant, blob.id), head)
                ):
                    pass
                opened += 1
            except NotFound as error:
                raise Damaged(f"the file {blob.id} is not in the restored store") from error
            except SealBroken as error:
                if not _was_destroyed(keys, tenant, bytes(head[1:])):
                    raise Damaged(f"the file {blob.id} does not open") from error
    return opened


def _noted(pieces: Iterable[bytes], head: bytearray) -> Iterator[bytes]:
    """The pieces, with the file's header noted on the way."""
    for piece in pieces:
        head += piece[: FILE_HEADER_BYTES - len(head)]
        yield piece

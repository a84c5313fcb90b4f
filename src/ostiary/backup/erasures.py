"""What was erased after a backup was taken is erased again, before anything of the restored copy is served.

The ledger is consulted wherever it can be: in the restored key store, in the file store that the restore goes to (it may have outlived the databases), in
the files of the backup, and where the operator says (`--ledger`). One entry that is not genuine stops the restore.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from ostiary.backup.wrong import Refused
from ostiary.blobs import storage
from ostiary.blobs.storage import SCHEMES, Blobs
from ostiary.clock import Clock
from ostiary.db.database import Database
from ostiary.ids import INSTALL, TenantId, install_of
from ostiary.retention.ledger.ledger import ENTRY_BYTES_MAX, PREFIX, Ledger, Replayed
from ostiary.vault.sealing import Vault

FILES_MAX = 1_000_000


def erase_again(
    keys_database: Database,
    vault: Vault,
    blobs: Blobs,
    clock: Clock,
    tenants: Iterable[TenantId],
    more: Iterable[bytes] = (),
) -> Replayed:
    """Raises LedgerBroken where an entry is not genuine; then nothing may be served."""
    return Ledger(keys_database, blobs, vault, clock).replay(dict.fromkeys([INSTALL, *tenants]), more)


def entries_at(where: str) -> list[bytes]:
    """The ledger's files at an address of a file store, in a folder, or one file. Raises Refused, BlobsUnavailable."""
    if where.startswith(SCHEMES):
        return list(_stored(storage.at(where)))
    path = Path(where)
    try:
        files = sorted(path.rglob(f"{PREFIX}*")) if path.is_dir() else [path]
        return [file.read_bytes()[: ENTRY_BYTES_MAX + 1] for file in files[:FILES_MAX]]
    except OSError as error:
        raise Refused(f"The ledger at {where} cannot be read ({error.strerror})") from error


def has_ledger(blobs: Blobs, tenants: Iterable[TenantId]) -> bool:
    """Whether the file store holds entries, the installation's or a cell's."""
    places = [INSTALL, *(install_of(tenant) for tenant in tenants if tenant.startswith("ten_"))]
    return any(True for whose in places for _ in _stored(blobs, whose))


def _stored(blobs: Blobs, whose: TenantId = INSTALL) -> Iterator[bytes]:
    after = PREFIX
    while page := [each for each in blobs.list(whose, after=after) if each.id.startswith(PREFIX)]:
        for each in page:
            yield blobs.get(whose, each.id, bytes_max=ENTRY_BYTES_MAX)
        after = page[-1].id

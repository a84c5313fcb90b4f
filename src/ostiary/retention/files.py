"""The sealed files that large parts of events stand for."""

from ostiary.audit.event import unpack
from ostiary.blobs.storage import Blobs
from ostiary.ids import TenantId
from ostiary.retention.store import OldRow
from ostiary.vault.sealing import OVERHEAD_BYTES

MARK_BYTES = range(145, 170)
"""How long the JSON is that stands for a large file (`audit.large`): only such parts may have one."""


def files_of(row: OldRow, event: str) -> list[str]:
    """The files that an event's parts stand for, told by the size of a sealed mark. `event`: its id, as the log has it."""
    try:
        parts = unpack(row.parts)
    except ValueError:
        return []
    return [
        f"{event}-{number}" for number, part in enumerate(parts) if len(part) - OVERHEAD_BYTES in MARK_BYTES
    ]


def forget_files(blobs: Blobs, tenant: TenantId, files: list[str]) -> None:
    """Remove files, in this thread; those that are gone already too. Raises BlobsUnavailable: the step is done again."""
    for file in files:
        blobs.delete(tenant, file)

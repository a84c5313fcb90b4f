"""Content that is too large for a row: a sealed file in blob storage, which the part names with its digest. So the row, and the log, stay small, and
the envelope still commits to every byte: it commits to the part, and the part to the file.
"""

from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import orjson

from ostiary.actions import JsonValue
from ostiary.blobs.storage import Blobs
from ostiary.errors import SealBroken
from ostiary.ids import SubjectId, TenantId
from ostiary.vault.files import open_file, put_file
from ostiary.vault.sealing import Vault

INLINE_BYTES_MAX = 64 * 1024
FILE_BYTES_MAX = 64 * 1024 * 1024
PURPOSE = "audit-file"
_MARK = "ostiary:file"


@dataclass(frozen=True, slots=True)
class Large:
    """Puts content away and fetches it again; both block, and are for the log's own thread and for worker threads."""

    vault: Vault
    blobs: Blobs

    def put(self, tenant: TenantId, name: str, content: bytes, subject: SubjectId) -> bytes:
        """The part that stands for `content`. Raises BlobsUnavailable, KeysUnavailable, RequestTooLarge."""
        kept = put_file(
            self.vault,
            self.blobs,
            tenant,
            name,
            [content],
            purpose=PURPOSE,
            bytes_max=FILE_BYTES_MAX,
            subject=subject,
        )
        return orjson.dumps({_MARK: {"id": kept.id, "sha256": kept.digest, "size": kept.size}})

    def fetch(self, tenant: TenantId, content: JsonValue) -> JsonValue:
        """What a part stands for; any other content as it is. Raises SealBroken for a file that is not the one, NotFound, BlobsUnavailable."""
        if not isinstance(content, dict) or set(content) != {_MARK}:
            return content
        named: dict[str, Any] = content[_MARK]
        whole = b"".join(open_file(self.vault, self.blobs, tenant, named["id"]))
        if sha256(whole).hexdigest() != named["sha256"]:
            raise SealBroken
        return orjson.loads(whole)

"""What a backup consists of. A manifest is a line in the clear (which backup, and its wrapped key) and the sealed rest, which is bound to that line.

Who can write one has the root key; so a manifest that opens is authentic, and with it the hash of every file that it names.
"""

import base64
import binascii
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import orjson
from cryptography.cobblestone import Cobblestone256Decryptor, Cobblestone256Encryptor
from cryptography.exceptions import InvalidTag

from ostiary import ids
from ostiary.backup.place import KIND, MANIFEST, Place
from ostiary.backup.seal import Kept, force, force_folder, unwrap_key, wrap_key
from ostiary.backup.wrong import Damaged
from ostiary.vault.envelope import bound
from ostiary.vault.root import RootKeyProvider

FORMAT = 1
DATA = "data"
KEYS = "keys"
HEADER_BYTES_MAX = 4096
MANIFEST_BYTES_MAX = 1 << 30


@dataclass(frozen=True, slots=True)
class TableKept:
    """A table's rows at the snapshot. `file` is empty where all tables are in one file (SQLite)."""

    name: str
    rows: int
    columns: tuple[str, ...] = ()
    file: str = ""


@dataclass(frozen=True, slots=True)
class Log:
    """Where a tenant's log stood at the snapshot; `root` in hex, `checkpoint` the signed note."""

    tenant: str
    size: int
    root: str
    checkpoint: str


@dataclass(frozen=True, slots=True)
class BlobKept:
    """A blob of the file store, under `name` in the backup; `bytes` as it was in the store."""

    tenant: str
    id: str
    bytes: int
    name: str
    kept: Kept


@dataclass(frozen=True, slots=True)
class Manifest:
    """`kind` is data or keys. `installation` names whose backup it is, `version` the migration of its tables, `database` sqlite or postgresql.
    `pool` is the key (hex) of the blobs, which later backups go on using. `tenants`: everybody who has rows. `newest_us`: the newest event of any log."""

    id: str
    kind: str
    installation: str
    release: str
    taken_us: int
    ended_us: int
    database: str
    version: str
    tables: tuple[TableKept, ...]
    files: Mapping[str, Kept]
    tenants: tuple[str, ...] = ()
    logs: tuple[Log, ...] = ()
    newest_us: int = 0
    pool: str = ""
    blobs: tuple[BlobKept, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()

    def size(self) -> int:
        """Bytes of all its files, blobs included."""
        return sum(kept.size for kept in self.files.values()) + sum(blob.kept.size for blob in self.blobs)


def file_context(manifest_id: str, kind: str, name: str) -> bytes:
    """What a file of a backup is bound to."""
    return bound("ostiary/backup/file/1", kind, manifest_id, name)


def blob_context(name: str) -> bytes:
    return bound("ostiary/backup/blob/1", name)


def write_manifest(folder: Path, manifest: Manifest, key: bytes, root: RootKeyProvider) -> None:
    """Write a backup's manifest, its last file. Raises KeysUnavailable."""
    line = _line(manifest.id, manifest.kind, manifest.taken_us, key, root)
    _write(folder, line, key, orjson.dumps(asdict(manifest)))


def read_manifest(place: Place, backup: str, kind: str, root: RootKeyProvider) -> tuple[Manifest, bytes]:
    """A backup's manifest and its key. Raises Damaged."""
    line, sealed = _read(place, backup)
    stated = _stated(line, backup)
    if (stated.get("format"), stated.get("kind"), stated.get("id")) != (FORMAT, kind, backup):
        raise Damaged(f"backup {backup}: the manifest is not of this backup's {kind}")
    try:
        wrapped = base64.b64decode(stated["key"], validate=True)
    except (KeyError, TypeError, binascii.Error, ValueError):
        raise Damaged(f"backup {backup}: the manifest's first line is not one") from None
    key = unwrap_key(root, wrapped, kind=kind, backup=backup)
    try:
        decryptor = Cobblestone256Decryptor(key, _context(line))
        content = decryptor.update(sealed) + decryptor.finalize()
    except InvalidTag as error:
        raise Damaged(f"backup {backup}: the manifest was changed") from error
    manifest = _parsed(orjson.loads(content))
    if (manifest.id, manifest.kind) != (backup, kind):
        raise Damaged(f"backup {backup}: the manifest is of another backup")
    return manifest, key


def rewrap_manifest(place: Place, manifest: Manifest, key: bytes, root: RootKeyProvider) -> bool:
    """Wrap a backup's key under the present root key, where an older one does; whether that was so. The file is replaced whole."""
    line, _ = _read(place, manifest.id)
    if _stated(line, manifest.id).get("root") == root.current():
        return False
    fresh = _line(manifest.id, manifest.kind, manifest.taken_us, key, root)
    _write(place.at(manifest.id), fresh, key, orjson.dumps(asdict(manifest)))
    return True


def _line(backup: str, kind: str, taken_us: int, key: bytes, root: RootKeyProvider) -> bytes:
    wrapped = base64.b64encode(wrap_key(root, key, kind=kind, backup=backup)).decode()
    stated = {"format": FORMAT, "id": backup, "key": wrapped, "kind": kind, "root": root.current(), "taken_us": taken_us}  # fmt: skip
    return orjson.dumps(stated)


def _write(folder: Path, line: bytes, key: bytes, content: bytes) -> None:
    encryptor = Cobblestone256Encryptor(key, _context(line))
    fresh = folder / f"{MANIFEST}.new"
    with open(fresh, "wb") as file:
        file.write(line + b"\n" + encryptor.update(content) + encryptor.finalize())
        force(file)
    os.chmod(fresh, 0o600)
    os.replace(fresh, folder / MANIFEST)
    force_folder(folder)


def _read(place: Place, backup: str) -> tuple[bytes, bytes]:
    if not ids.is_id(backup, KIND):
        raise Damaged(f"{backup} is not a backup's id")
    try:
        with open(place.at(backup) / MANIFEST, "rb") as file:
            whole = file.read(MANIFEST_BYTES_MAX + 1)
    except OSError as error:
        raise Damaged(f"backup {backup}: the manifest cannot be read ({error.strerror})") from error
    line, found, sealed = whole.partition(b"\n")
    if not found or len(line) > HEADER_BYTES_MAX or len(whole) > MANIFEST_BYTES_MAX:
        raise Damaged(f"backup {backup}: the manifest is not one")
    return line, sealed


def _stated(line: bytes, backup: str) -> dict[str, Any]:
    try:
        stated = orjson.loads(line)
    except orjson.JSONDecodeError:
        stated = None
    if not isinstance(stated, dict):
        raise Damaged(f"backup {backup}: the manifest's first line is not one")
    return stated


def _context(line: bytes) -> bytes:
    return bound("ostiary/backup/manifest/1", line.decode("ascii", "surrogateescape"))


def _parsed(raw: dict[str, Any]) -> Manifest:
    """Of what opened, so of what `write_manifest` wrote."""
    return Manifest(
        **{
            **raw,
            "tables": tuple(
                TableKept(**{**each, "columns": tuple(each["columns"])}) for each in raw["tables"]
            ),
            "files": {name: Kept(**kept) for name, kept in raw["files"].items()},
            "logs": tuple(Log(**each) for each in raw["logs"]),
            "blobs": tuple(BlobKept(**{**each, "kept": Kept(**each["kept"])}) for each in raw["blobs"]),
            "left_out": tuple(raw["left_out"]),
            "tenants": tuple(raw["tenants"]),
        }
    )

"""The files of a backup: each a Cobblestone-256 message (https://c2sp.org/chunked-encryption) under the backup's own key, bound to its name.

The root key wraps a backup's key, so a backup is opened by the root key of its day, and a stolen folder tells nothing but its sizes and its age.
"""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from cryptography.cobblestone import Cobblestone256Encryptor

from ostiary.backup.wrong import Damaged
from ostiary.errors import KeysUnavailable, SealBroken
from ostiary.vault.envelope import bound
from ostiary.vault.files import open_message
from ostiary.vault.root import RootKeyProvider

READ_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Kept:
    """A file as it is stored: `size` in bytes and `sha256` (hex) are of the sealed bytes."""

    size: int
    sha256: str


def wrap_key(root: RootKeyProvider, key: bytes, *, kind: str, backup: str) -> bytes:
    """A backup's key, wrapped by the root key. Raises KeysUnavailable."""
    return root.wrap(key, bound("backup_key", kind, backup))


def unwrap_key(root: RootKeyProvider, wrapped: bytes, *, kind: str, backup: str) -> bytes:
    """The reverse of `wrap_key`. Raises Damaged."""
    try:
        return root.unwrap(wrapped, bound("backup_key", kind, backup))
    except KeysUnavailable as error:
        raise Damaged(
            f"backup {backup}: the root key is another one than that of its day; give that one too, after the present one"
        ) from error
    except SealBroken as error:
        raise Damaged(f"backup {backup}: its key does not open") from error


def write_sealed(path: Path, key: bytes, context: bytes, pieces: Iterable[bytes]) -> Kept:
    """Seal content into a new file, which is on the disk when this returns."""
    digest, size = sha256(), 0
    encryptor = Cobblestone256Encryptor(key, context)
    with open(path, "xb", opener=_private) as file:
        for piece in pieces:
            if sealed := encryptor.update(piece):
                digest.update(sealed)
                size += file.write(sealed)
        last = encryptor.finalize()
        digest.update(last)
        size += file.write(last)
        force(file)
    return Kept(size, digest.hexdigest())


def read_sealed(path: Path, key: bytes, context: bytes, *, called: str) -> Iterator[bytes]:
    """The content, piece by piece; whole only when this ends without an error. Raises Damaged."""
    try:
        yield from open_message(key, context, b"", pieces_of(path))
    except SealBroken as error:
        raise Damaged(f"{called} does not open: it was changed, cut or belongs to another backup") from error
    except FileNotFoundError as error:
        raise Damaged(f"{called} is missing") from error


def check(path: Path, kept: Kept, *, called: str) -> None:
    """Whether a stored file is the one that was written, to the byte. Raises Damaged."""
    try:
        size = path.stat().st_size
        if size != kept.size:
            raise Damaged(f"{called} has {size} bytes instead of {kept.size}")
        with open(path, "rb") as file:
            digest = sha256()
            while piece := file.read(READ_BYTES):
                digest.update(piece)
    except OSError as error:
        raise Damaged(f"{called} cannot be read ({error.strerror})") from error
    if digest.hexdigest() != kept.sha256:
        raise Damaged(f"{called} was changed")


def pieces_of(path: Path) -> Iterator[bytes]:
    """A file in pieces."""
    with open(path, "rb") as file:
        while piece := file.read(READ_BYTES):
            yield piece


def force(file: BinaryIO) -> None:
    """Force what was written to the disk."""
    file.flush()
    os.fsync(file.fileno())


def force_folder(path: Path) -> None:
    """Force a folder's names to the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)

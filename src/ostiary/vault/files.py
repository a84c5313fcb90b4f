"""Large content sealed as a stream: each file under a key of its own, and that key sealed at the file's place.

A sealed file is: format (1, value 1) | the file's key, sealed by `Vault.seal` (93) | a Cobblestone-256 message (https://c2sp.org/chunked-encryption): salt,
commitment and chunks of 16 KiB, the size that the specification fixes. The place is the message's context too. Work is done 64 KiB at a time. Reordered, cut, lengthened or
changed files do not open; a reader of a stream learns of a cut only at the end, so nothing may be done with the pieces before `open_pieces` has
come to its end. Destroying the subject's data key destroys the file.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from itertools import chain

from cryptography.cobblestone import Cobblestone256Decryptor, Cobblestone256Encryptor
from cryptography.exceptions import InvalidTag

from ostiary.blobs.storage import Blobs
from ostiary.errors import RequestTooLarge, SealBroken
from ostiary.ids import SubjectId, TenantId
from ostiary.vault.envelope import KEY_BYTES, TAG_BYTES, bound, new_key
from ostiary.vault.sealing import OVERHEAD_BYTES, Place, Vault

PIECE_BYTES = 64 * 1024
CHUNK_BYTES = 16 * 1024
MESSAGE_HEADER_BYTES = 24 + 32
FILE_HEADER_BYTES = 1 + OVERHEAD_BYTES + KEY_BYTES
_FORMAT = b"\x01"


@dataclass(frozen=True, slots=True)
class SealedFile:
    """What was stored: `size` and `digest` (SHA-256, hex) are of the content, before it was sealed."""

    id: str
    size: int
    digest: str


def blob_place(tenant: TenantId, blob_id: str) -> Place:
    """Where a blob's content belongs."""
    return Place(tenant, "blob", "content", blob_id)


def seal_pieces(
    vault: Vault,
    place: Place,
    pieces: Iterable[bytes],
    *,
    purpose: str,
    subject: SubjectId = SubjectId(""),
) -> Iterator[bytes]:
    """The sealed file, piece by piece. Raises KeysUnavailable before the first."""
    key = new_key()
    yield _FORMAT + vault.seal(place, key, purpose=purpose, subject=subject)
    encryptor = Cobblestone256Encryptor(key, _context(place))
    for piece in pieces:
        for part in _cut(piece):
            if sealed := encryptor.update(part):
                yield sealed
    yield encryptor.finalize()


def open_pieces(vault: Vault, place: Place, pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The content, piece by piece, each of them authentic; that it is whole is known only when this ends without an error.

    Raises SealBroken, KeysUnavailable.
    """
    rest = iter(pieces)
    start = b""
    while len(start) < FILE_HEADER_BYTES and (piece := next(rest, None)) is not None:
        start += piece
    key = _file_key(vault, place, start[:FILE_HEADER_BYTES])
    yield from open_message(key, _context(place), start[FILE_HEADER_BYTES:], rest)


def open_message(key: bytes, context: bytes, start: bytes, rest: Iterable[bytes]) -> Iterator[bytes]:
    """The content of a Cobblestone-256 message, of which `start` is the first piece. Raises SealBroken."""
    try:
        decryptor = Cobblestone256Decryptor(key, context)
        for piece in chain([start], rest):
            for part in _cut(piece):
                if opened := decryptor.update(part):
                    yield opened
        if opened := decryptor.finalize():
            yield opened
    except InvalidTag as error:
        raise SealBroken from error


def seal_bytes(
    vault: Vault, place: Place, content: bytes, *, purpose: str, subject: SubjectId = SubjectId("")
) -> bytearray:
    """`seal_pieces` of content that is in memory, into one buffer."""
    key = new_key()
    head = _FORMAT + vault.seal(place, key, purpose=purpose, subject=subject)
    chunks = len(content) // CHUNK_BYTES + 1
    buffer = bytearray(len(head) + MESSAGE_HEADER_BYTES + len(content) + chunks * TAG_BYTES)
    view, end = memoryview(buffer), len(head)
    view[:end] = head
    encryptor = Cobblestone256Encryptor(key, _context(place))
    for part in _cut(content):
        end += encryptor.update_into(part, view[end:])
    view[end:] = encryptor.finalize()
    return buffer


def open_bytes(vault: Vault, place: Place, sealed: bytes | bytearray) -> bytes:
    """`open_pieces` of a file that is in memory: nothing is given out before all of it is known to be whole. Raises SealBroken, KeysUnavailable."""
    return b"".join(open_pieces(vault, place, [bytes(sealed)]))


def put_file(
    vault: Vault,
    blobs: Blobs,
    tenant: TenantId,
    blob_id: str,
    pieces: Iterable[bytes],
    *,
    purpose: str,
    bytes_max: int,
    subject: SubjectId = SubjectId(""),
) -> SealedFile:
    """Seal content into a new blob. More than `bytes_max` raises RequestTooLarge, and nothing is stored. Raises Conflict, KeysUnavailable, BlobsUnavailable."""
    digest, size = sha256(), 0

    def measured() -> Iterator[bytes]:
        nonlocal size
        for piece in pieces:
            size += len(piece)
            if size > bytes_max:
                raise RequestTooLarge
            digest.update(piece)
            yield piece

    place = blob_place(tenant, blob_id)
    blobs.put_pieces(tenant, blob_id, seal_pieces(vault, place, measured(), purpose=purpose, subject=subject))
    return SealedFile(blob_id, size, digest.hexdigest())


def open_file(vault: Vault, blobs: Blobs, tenant: TenantId, blob_id: str) -> Iterator[bytes]:
    """A blob's content, as `open_pieces` gives it. Raises NotFound, SealBroken, KeysUnavailable, BlobsUnavailable."""
    return open_pieces(vault, blob_place(tenant, blob_id), blobs.pieces(tenant, blob_id))


def _file_key(vault: Vault, place: Place, header: bytes) -> bytes:
    if len(header) < FILE_HEADER_BYTES or header[:1] != _FORMAT:
        raise SealBroken
    return vault.open(place, header[1:])


def _context(place: Place) -> bytes:
    return bound("ostiary/file/1", place.tenant, place.table, place.column, place.row)


def _cut(piece: bytes) -> Iterator[bytes | memoryview]:
    """A long piece in parts, so that no buffer is larger than one part."""
    if len(piece) <= PIECE_BYTES:
        yield piece
        return
    view = memoryview(piece)
    for at in range(0, len(piece), PIECE_BYTES):
        yield view[at : at + PIECE_BYTES]

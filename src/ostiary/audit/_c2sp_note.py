"""Signed notes and checkpoints of C2SP (signed-note, tlog-checkpoint), Ed25519. Standard library and `cryptography` only.

A checkpoint's text is three lines: the log's origin, its size, its root hash in base64. The signature line names the key: here the origin itself.
Other logs may add lines of their own (extension lines); ours adds none. Signature lines of witnesses are `_c2sp_cosignature`'s.
"""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ED25519 = 1
COSIGNATURE = 4
"""Signature types (C2SP signed-note): a log's, and a witness's timestamped one (C2SP tlog-cosignature)."""

_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")
NOTE_CHARACTERS_MAX = 10_000


class NoteInvalid(ValueError):
    """A note, checkpoint or verifier key that is malformed or not signed by the key asked for. The text says which."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log says of itself: the first `size` events have this root hash (32 bytes). `extensions`: lines that other logs add."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def text(self) -> str:
        lines = (self.origin, str(self.size), base64.b64encode(self.root).decode(), *self.extensions)
        return "".join(line + "\n" for line in lines)


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A note verifier key: a name, an Ed25519 public key (32 bytes), and what it signs (a log's checkpoints, or a witness's cosignatures)."""

    name: str
    public: bytes
    kind: int = ED25519

    def key_id(self) -> bytes:
        return hashlib.sha256(self.name.encode() + b"\n" + self._material()).digest()[:4]

    def text(self) -> str:
        """The form that C2SP tools read: `<name>+<key id in hex>+<base64>`."""
        return f"{self.name}+{self.key_id().hex()}+{base64.b64encode(self._material()).decode()}"

    def _material(self) -> bytes:
        return bytes([self.kind]) + self.public


def check_name(name: str) -> None:
    """Raises NoteInvalid unless `name` may be a key name: not empty, no spaces, no plus sign."""
    if not name or "+" in name or any(character.isspace() for character in name):
        raise NoteInvalid("a log's name is not empty and has no spaces and no plus sign")


def sign(checkpoint: Checkpoint, key: Ed25519PrivateKey, verifier: VerifierKey) -> str:
    """The signed note."""
    text = checkpoint.text()
    return f"{text}\n{signature_line(verifier, key.sign(text.encode()))}"


def signature_line(verifier: VerifierKey, signature: bytes) -> str:
    return f"— {verifier.name} {base64.b64encode(verifier.key_id() + signature).decode()}\n"


def parse_key(text: str, kind: int = ED25519) -> VerifierKey:
    """Reads `VerifierKey.text` of a key of this kind. Raises NoteInvalid."""
    parts = text.split("+", 2)
    if len(parts) != 3:
        raise NoteInvalid("the key is not of the form name+id+key")
    check_name(parts[0])
    raw = _base64(parts[2])
    if len(raw) != 33 or raw[0] != kind:
        of = "an Ed25519 key" if kind == ED25519 else "an Ed25519 key of a witness"
        raise NoteInvalid(f"the key is not {of}")
    key = VerifierKey(parts[0], raw[1:], kind)
    if key.key_id().hex() != parts[1]:
        raise NoteInvalid("the key's id is not its hash")
    return key


def verify(note: str, key: VerifierKey, *, alone: bool = False) -> Checkpoint:
    """The checkpoint, signed by `key`. Signatures of other keys (witnesses) are ignored, or with `alone` not allowed. Raises NoteInvalid."""
    checkpoint, signatures = read_note(note)
    if checkpoint.origin != key.name:
        raise NoteInvalid("the checkpoint is of another log than the key")
    if alone and len(signatures) != 1:
        raise NoteInvalid("the checkpoint has more than one signature")
    if not check_signatures(checkpoint, signatures, key):
        raise NoteInvalid("the checkpoint is not signed by this key")
    return checkpoint


def check_signatures(checkpoint: Checkpoint, signatures: list[tuple[str, bytes]], key: VerifierKey) -> bool:
    """Whether `key` signed; False where no signature names it. Raises NoteInvalid where one that names it is wrong."""
    public = Ed25519PublicKey.from_public_bytes(key.public)
    named = [each[4:] for name, each in signatures if name == key.name and each[:4] == key.key_id()]
    for signature in named:
        try:
            public.verify(signature, checkpoint.text().encode())
        except InvalidSignature:
            raise NoteInvalid("the checkpoint's signature is wrong") from None
    return bool(named)


def read_note(note: str) -> tuple[Checkpoint, list[tuple[str, bytes]]]:
    """What a signed checkpoint says, and its signatures as (key name, key id and signature), none of them checked. Raises NoteInvalid."""
    if len(note) > NOTE_CHARACTERS_MAX:
        raise NoteInvalid("the checkpoint is too long")
    text, blank, signed = note.partition("\n\n")
    lines = text.split("\n")
    if not blank or len(lines) < 3 or not lines[0] or not signed.endswith("\n") or _CONTROL.search(note):
        raise NoteInvalid("the checkpoint is not a signed note of three lines")
    if not _SIZE.fullmatch(lines[1]):
        raise NoteInvalid("the checkpoint's size is not a number")
    root = _base64(lines[2])
    if len(root) != 32:
        raise NoteInvalid("the checkpoint's root is not 32 bytes")
    checkpoint = Checkpoint(lines[0], int(lines[1]), root, tuple(lines[3:]))
    return checkpoint, [read_signature(line) for line in signed[:-1].split("\n")]


def read_signature(line: str) -> tuple[str, bytes]:
    """A signature line without its end: the key's name, and key id with signature. Raises NoteInvalid."""
    parts = line.split(" ")
    if len(parts) != 3 or parts[0] != "—":
        raise NoteInvalid("a signature line of the checkpoint is malformed")
    signature = _base64(parts[2])
    if len(signature) < 5:
        raise NoteInvalid("a signature line of the checkpoint is malformed")
    return parts[1], signature


def _base64(text: str) -> bytes:
    """Strict: what does not encode back to the same text is refused."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise NoteInvalid("the base64 is malformed") from None
    if base64.b64encode(raw).decode() != text:
        raise NoteInvalid("the base64 is not canonical")
    return raw

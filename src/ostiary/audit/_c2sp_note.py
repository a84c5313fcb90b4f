"""Signed notes and checkpoints of C2SP (signed-note, tlog-checkpoint), Ed25519. Standard library and `cryptography` only.

A checkpoint's text is three lines: the log's origin, its size, its root hash in base64. The signature line names the key: here the origin itself.
"""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_ED25519 = b"\x01"
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
NOTE_CHARACTERS_MAX = 10_000


class NoteInvalid(ValueError):
    """A note, checkpoint or verifier key that is malformed or not signed by the key asked for. The text says which."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log says of itself: the first `size` events have this root hash (32 bytes)."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A note verifier key: a name and an Ed25519 public key (32 bytes)."""

    name: str
    public: bytes

    def key_id(self) -> bytes:
        return hashlib.sha256(self.name.encode() + b"\n" + _ED25519 + self.public).digest()[:4]

    def text(self) -> str:
        """The form that C2SP tools read: `<name>+<key id in hex>+<base64>`."""
        return f"{self.name}+{self.key_id().hex()}+{base64.b64encode(_ED25519 + self.public).decode()}"


def check_name(name: str) -> None:
    """Raises NoteInvalid unless `name` may be a key name: not empty, no spaces, no plus sign."""
    if not name or "+" in name or any(character.isspace() for character in name):
        raise NoteInvalid("a log's name is not empty and has no spaces and no plus sign")


def sign(checkpoint: Checkpoint, key: Ed25519PrivateKey, verifier: VerifierKey) -> str:
    """The signed note."""
    text = checkpoint.text()
    signature = base64.b64encode(verifier.key_id() + key.sign(text.encode())).decode()
    return f"{text}\n— {verifier.name} {signature}\n"


def parse_key(text: str) -> VerifierKey:
    """Reads `VerifierKey.text`. Raises NoteInvalid."""
    parts = text.split("+", 2)
    if len(parts) != 3:
        raise NoteInvalid("the key is not of the form name+id+key")
    check_name(parts[0])
    raw = _base64(parts[2])
    if len(raw) != 33 or raw[:1] != _ED25519:
        raise NoteInvalid("the key is not an Ed25519 key")
    key = VerifierKey(parts[0], raw[1:])
    if key.key_id().hex() != parts[1]:
        raise NoteInvalid("the key's id is not its hash")
    return key


def verify(note: str, key: VerifierKey, *, alone: bool = False) -> Checkpoint:
    """The checkpoint, signed by `key`. Signatures of other keys (witnesses) are ignored, or with `alone` not allowed. Raises NoteInvalid."""
    checkpoint, signatures = _read(note)
    if checkpoint.origin != key.name:
        raise NoteInvalid("the checkpoint is of another log than the key")
    if alone and len(signatures) != 1:
        raise NoteInvalid("the checkpoint has more than one signature")
    public = Ed25519PublicKey.from_public_bytes(key.public)
    for name, signature in signatures:
        if name == key.name and signature[:4] == key.key_id():
            try:
                public.verify(signature[4:], checkpoint.text().encode())
            except InvalidSignature:
                raise NoteInvalid("the checkpoint's signature is wrong") from None
            return checkpoint
    raise NoteInvalid("the checkpoint is not signed by this key")


def _read(note: str) -> tuple[Checkpoint, list[tuple[str, bytes]]]:
    if len(note) > NOTE_CHARACTERS_MAX:
        raise NoteInvalid("the checkpoint is too long")
    text, blank, signed = note.partition("\n\n")
    lines = text.split("\n")
    if not blank or len(lines) != 3 or not signed.endswith("\n"):
        raise NoteInvalid("the checkpoint is not a signed note of three lines")
    if not _SIZE.fullmatch(lines[1]):
        raise NoteInvalid("the checkpoint's size is not a number")
    root = _base64(lines[2])
    if len(root) != 32:
        raise NoteInvalid("the checkpoint's root is not 32 bytes")
    return Checkpoint(lines[0], int(lines[1]), root), [_signature(line) for line in signed[:-1].split("\n")]


def _signature(line: str) -> tuple[str, bytes]:
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

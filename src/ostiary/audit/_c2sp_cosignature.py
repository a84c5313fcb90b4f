"""Witnesses of a log: cosignatures (C2SP tlog-cosignature, Ed25519) and the body of `add-checkpoint` (C2SP tlog-witness). Pure.

A cosignature says: at this time, this was the largest tree of the log that I saw, and it holds every tree that I saw before. It signs the checkpoint's
text under a header of its own, and is one more signature line of the checkpoint.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from ostiary.audit._c2sp_note import (
    COSIGNATURE,
    NOTE_CHARACTERS_MAX,
    Checkpoint,
    NoteInvalid,
    VerifierKey,
    read_note,
    read_signature,
    signature_line,
)
from ostiary.audit._rfc6962 import HASH_BYTES

PROOF_HASHES_MAX = 63
SIZE_DIGITS_MAX = 19
SIZE_TYPE = "text/x.tlog.size"
_TIME_BYTES = 8


@dataclass(frozen=True, slots=True)
class Cosigned:
    """That a witness has seen a checkpoint, and when (seconds since 1970)."""

    witness: VerifierKey
    at_s: int


@dataclass(frozen=True, slots=True)
class Submission:
    """What a log asks a witness: to take it from the tree of `old` events to that of the checkpoint (`note`, signed)."""

    old: int
    proof: tuple[bytes, ...]
    note: str


class SubmissionInvalid(ValueError):
    """The body of an `add-checkpoint` that is malformed."""


def message(checkpoint: Checkpoint, at_s: int) -> bytes:
    """What a witness signs."""
    return f"cosignature/v1\ntime {at_s}\n{checkpoint.text()}".encode()


def cosign(checkpoint: Checkpoint, key: Ed25519PrivateKey, witness: VerifierKey, at_s: int) -> str:
    """The signature line."""
    if not 0 < at_s < 1 << 63 or witness.kind != COSIGNATURE:
        raise ValueError("a cosignature has a time, and the key of a witness")
    return signature_line(witness, at_s.to_bytes(_TIME_BYTES, "big") + key.sign(message(checkpoint, at_s)))


def cosigned(note: str, witnesses: Sequence[VerifierKey]) -> list[Cosigned]:
    """Which of these witnesses cosigned the checkpoint, each once; lines of others are ignored. Raises NoteInvalid where one is forged."""
    checkpoint, signatures = read_note(note)
    found: dict[VerifierKey, Cosigned] = {}
    for name, signature in signatures:
        for witness in witnesses:
            if name == witness.name and signature[:4] == witness.key_id():
                found[witness] = Cosigned(witness, _checked(checkpoint, signature[4:], witness))
    return list(found.values())


def _checked(checkpoint: Checkpoint, signature: bytes, witness: VerifierKey) -> int:
    at_s = int.from_bytes(signature[:_TIME_BYTES], "big")
    try:
        if witness.kind != COSIGNATURE or not 0 < at_s < 1 << 63:
            raise InvalidSignature
        public = Ed25519PublicKey.from_public_bytes(witness.public)
        public.verify(signature[_TIME_BYTES:], message(checkpoint, at_s))
    except InvalidSignature:
        raise NoteInvalid(f"the cosignature of {witness.name} is wrong") from None
    return at_s


def attached(note: str, answer: str, witness: VerifierKey) -> str:
    """The checkpoint with the cosignature of `witness` that its answer holds, verified first; nothing else of the answer is taken, and of several the last
    one: a checkpoint must not grow as its witnesses please. Raises NoteInvalid where it holds none, or a wrong one.
    """
    if len(answer) > NOTE_CHARACTERS_MAX:
        raise NoteInvalid("the witness's answer is too long")
    mine = ""
    for line in answer.removesuffix("\n").split("\n"):
        name, signature = read_signature(line)
        if name == witness.name and signature[:4] == witness.key_id():
            mine = line + "\n"
    made = note + mine
    if not mine or not cosigned(made, [witness]):
        raise NoteInvalid("the witness's answer holds no cosignature of its key")
    return made


def submission(asked: Submission) -> bytes:
    """The body of `add-checkpoint`."""
    lines = [f"old {asked.old}", *(base64.b64encode(step).decode() for step in asked.proof), ""]
    return ("\n".join(lines) + "\n" + asked.note).encode()


def read_submission(body: bytes) -> Submission:
    """The reverse of `submission`; the checkpoint's own form is not looked at. Raises SubmissionInvalid."""
    try:
        head, blank, note = body.decode().partition("\n\n")
    except UnicodeDecodeError:
        raise SubmissionInvalid("the body is not UTF-8") from None
    first, *steps = head.split("\n")
    if not blank or not first.startswith("old "):
        raise SubmissionInvalid("the body begins with `old <size>`, the proof, and an empty line")
    if len(steps) > PROOF_HASHES_MAX:
        raise SubmissionInvalid("the proof is too long")
    return Submission(read_size(first[4:]), tuple(map(_hash, steps)), note)


def read_size(text: str) -> int:
    """A tree's size in decimal without leading zeros. Raises SubmissionInvalid."""
    if not (text.isascii() and text.isdigit() and len(text) <= SIZE_DIGITS_MAX and str(int(text)) == text):
        raise SubmissionInvalid("the size is not a number")
    return int(text)


def _hash(text: str) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        raise SubmissionInvalid("a line of the proof is not base64") from None
    if len(raw) != HASH_BYTES or base64.b64encode(raw).decode() != text:
        raise SubmissionInvalid("a line of the proof is not a hash")
    return raw

"""The certificate of an erasure: what was destroyed, when, what is left and why; signed with the log's key. Standard library and `cryptography` only.

A file is one JSON object: `certificate` (the statement), `key` (a C2SP verifier key), `signature` (base64, Ed25519 over `ostiary-erasure/1`, a line feed and
the statement in canonical JSON: sorted keys, no spaces, ASCII). `proof`, added afterwards, shows the event of the log that holds the statement's SHA-256.
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from ostiary.audit._c2sp_note import NoteInvalid, VerifierKey, parse_key
from ostiary.audit._c2sp_note import verify as verify_note
from ostiary.audit._rfc6962 import includes, leaf_hash

FORMAT = "ostiary-erasure"
VERSION = 1
CERTIFIED = "erasure.certified"
_HEAD = b"ostiary-erasure/1\n"
_STATED = ("format", "version", "kind", "id", "tenant", "log", "begun_at", "ended_at", "keys", "counts")


class CertificateInvalid(ValueError):
    """A certificate that does not verify. The text says why."""


@dataclass(frozen=True, slots=True)
class Verified:
    """A certificate that verified. `proven`: its event is in the log whose checkpoint came with it; `trusted`: the key is the one that was given."""

    statement: Mapping[str, Any]
    digest: str
    key: str
    trusted: bool
    proven: bool


def canonical(value: Any) -> bytes:
    """JSON with sorted keys, no spaces, ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def digest(statement: Mapping[str, Any]) -> str:
    """SHA-256 (hex) of what is signed; the log's event holds it."""
    return hashlib.sha256(_HEAD + canonical(statement)).hexdigest()


def sign(statement: Mapping[str, Any], key: Ed25519PrivateKey, verifier: VerifierKey) -> dict[str, Any]:
    """The signed document."""
    signature = base64.b64encode(key.sign(_HEAD + canonical(statement))).decode()
    return {"certificate": dict(statement), "key": verifier.text(), "signature": signature}


def verify(document: Any, trusted: str = "") -> Verified:
    """The statement, whose signature holds, and whose event is proven where a proof came along. `trusted` is a verifier key from outside; a certificate by
    another key is refused. Raises CertificateInvalid."""
    if not isinstance(document, dict) or not isinstance(document.get("certificate"), dict):
        raise CertificateInvalid("this is not a certificate")
    statement = document["certificate"]
    if statement.get("format") != FORMAT or statement.get("version") != VERSION:
        raise CertificateInvalid("this is not a certificate of a form that is known")
    if missing := [name for name in _STATED if name not in statement]:
        raise CertificateInvalid(f"the certificate does not say {missing[0]}")
    named = str(document.get("key"))
    if trusted and named != trusted.strip():
        raise CertificateInvalid("the certificate is signed by another key than the one given")
    key = _key(named)
    if key.name != statement["log"]:
        raise CertificateInvalid("the key is of another log than the certificate")
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(
            _base64(str(document.get("signature"))), _HEAD + canonical(statement)
        )
    except InvalidSignature:
        raise CertificateInvalid("the signature is wrong: the certificate was changed") from None
    proof = document.get("proof")
    if proof is not None:
        _prove(proof, key, statement)
    return Verified(statement, digest(statement), named, bool(trusted), proof is not None)


def _prove(proof: Any, key: VerifierKey, statement: Mapping[str, Any]) -> None:
    """That the log holds the event that holds the statement's digest. Raises CertificateInvalid."""
    try:
        envelope = str(proof["envelope"]).encode()
        event = json.loads(envelope)
        checkpoint = verify_note(str(proof["checkpoint"]), key)
        index, hashes = int(proof["index"]), [bytes.fromhex(step) for step in proof["hashes"]]
    except (KeyError, TypeError, ValueError, NoteInvalid) as error:
        raise CertificateInvalid(f"the proof cannot be read: {error}") from None
    if (
        not isinstance(event, dict)
        or event.get("action") != CERTIFIED
        or event.get("digest") != digest(statement)
    ):
        raise CertificateInvalid("the proof is of another event than this certificate's")
    if not includes(index, checkpoint.size, leaf_hash(envelope), hashes, checkpoint.root):
        raise CertificateInvalid("the event is not in the log of the checkpoint")


def _key(text: str) -> VerifierKey:
    try:
        return parse_key(text)
    except NoteInvalid as error:
        raise CertificateInvalid(str(error)) from None


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise CertificateInvalid("the signature is not base64") from None

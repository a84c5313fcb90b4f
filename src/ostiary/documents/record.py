"""The verification record: what was removed (counts by category and place, never a value), from which file, into which, by which plan, and what was checked.

A file is a DSSE envelope (Dead Simple Signing Envelope 1.0): `payloadType`, `payload` (base64 of the statement's JSON) and one signature, Ed25519 over the pre-authentication encoding.
The key's id is the SHA-256 of its 32 public bytes.
"""

import base64
import binascii
import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ostiary.documents.redacting import Redacted, Settings
from ostiary.redaction.plan import to_data

FORMAT = "ostiary-document-redaction"
VERSION = 1
PAYLOAD_TYPE = "application/vnd.ostiary.document-redaction+json"
PLACES_MAX = 10_000
RECORD_CHARACTERS_MAX = 16_000_000


class RecordInvalid(ValueError):
    """A record that does not verify. The text says why."""


def statement(done: Redacted, settings: Settings, *, product: str, at: str) -> dict[str, Any]:
    """What is signed. `at`: when, RFC 3339. Places are the document's own (cells, pages, paths), not its text."""
    places = Counter((each.place, each.kind.value, each.category, each.operator) for each in done.found)
    return {
        "format": FORMAT,
        "version": VERSION,
        "product": product,
        "at": at,
        "document_format": done.format,
        "input_sha256": done.input,
        "output_sha256": done.output,
        "plan_sha256": _hash(to_data(settings.plan)),
        "rules_sha256": _hash(settings.rules.to_dict()),
        "found": dict(sorted(Counter(each.category for each in done.found).items())),
        "places": [
            {"place": place, "kind": kind, "category": category, "operator": operator, "count": count}
            for (place, kind, category, operator), count in sorted(places.items())[:PLACES_MAX]
        ],
        "places_left_out": max(len(places) - PLACES_MAX, 0),
        "removed_unseen": {each.what: each.count for each in done.carriers},
        "checked": {
            "values": done.checked.values,
            "unpacked_parts": done.checked.parts,
            "pieces_read_again": done.checked.pieces,
            "residues": 0,
        },
    }


def sign(said: Mapping[str, Any], key: Ed25519PrivateKey) -> dict[str, Any]:
    """The envelope."""
    payload = json.dumps(said, sort_keys=True, ensure_ascii=True).encode()
    signature = {"keyid": key_id(key.public_key()), "sig": _text(key.sign(_encoded(PAYLOAD_TYPE, payload)))}
    return {"payloadType": PAYLOAD_TYPE, "payload": _text(payload), "signatures": [signature]}


def verify(envelope: object, key: Ed25519PublicKey, output: bytes | None = None) -> dict[str, Any]:
    """The statement, signed by this key and, where an output is given, about exactly that file. RecordInvalid."""
    try:
        assert isinstance(envelope, dict)
        kind, payload = envelope["payloadType"], _bytes(envelope["payload"])
        signatures = [_bytes(each["sig"]) for each in envelope["signatures"]]
    except (AssertionError, KeyError, TypeError, binascii.Error, ValueError):
        raise RecordInvalid("this is no verification record") from None
    if kind != PAYLOAD_TYPE:
        raise RecordInvalid("this envelope holds something else than a verification record")
    if not any(_holds(key, each, _encoded(kind, payload)) for each in signatures):
        raise RecordInvalid("the signature is wrong: the record was changed, or signed with another key")
    said = json.loads(payload)
    if not isinstance(said, dict) or said.get("format") != FORMAT or said.get("version") != VERSION:
        raise RecordInvalid("this record has a form that is not known")
    if output is not None and hashlib.sha256(output).hexdigest() != said.get("output_sha256"):
        raise RecordInvalid("the record is about another file, or the file was changed since")
    return said


def key_id(key: Ed25519PublicKey) -> str:
    return hashlib.sha256(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()


def _encoded(kind: str, payload: bytes) -> bytes:
    """DSSE's pre-authentication encoding."""
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind.encode(), len(payload), payload)


def _holds(key: Ed25519PublicKey, signature: bytes, message: bytes) -> bool:
    try:
        key.verify(signature, message)
    except InvalidSignature:
        return False
    return True


def _hash(data: object) -> str:
    return hashlib.sha256(json.dumps(data, sort_keys=True, default=sorted).encode()).hexdigest()


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _bytes(text: object) -> bytes:
    return base64.b64decode(str(text), validate=True)

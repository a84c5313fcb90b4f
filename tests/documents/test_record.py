"""The record of a redaction: it verifies as it is, and in no other way."""

import base64
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ostiary.documents.record import RecordInvalid, sign, statement, verify
from ostiary.documents.redacting import redact
from tests.documents.given import MAIL, NAME, SETTINGS

KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
DONE = redact(f"{NAME} {MAIL} {MAIL}".encode(), "a.txt", SETTINGS)
SAID = statement(DONE, SETTINGS, product="ostiary 1", at="2026-01-01T00:00:00Z")


def test_it_says_what_was_done_and_holds_no_value() -> None:
    said = verify(json.loads(json.dumps(sign(SAID, KEY))), KEY.public_key(), DONE.content)
    assert said["found"] == {"email": 2, "person": 1}
    assert said["checked"]["residues"] == 0
    assert "quillfeather" not in json.dumps(said).lower()


def test_another_key_another_file_and_any_change_are_refused() -> None:
    envelope = sign(SAID, KEY)
    with pytest.raises(RecordInvalid, match="another key"):
        verify(envelope, Ed25519PrivateKey.from_private_bytes(bytes(31) + b"\1").public_key())
    with pytest.raises(RecordInvalid, match="another file"):
        verify(envelope, KEY.public_key(), DONE.content + b"x")
    changed = base64.b64encode(
        base64.b64decode(envelope["payload"]).replace(b'"email": 2', b'"email": 1')
    ).decode()
    with pytest.raises(RecordInvalid, match="changed"):
        verify({**envelope, "payload": changed}, KEY.public_key())


@pytest.mark.parametrize(
    "envelope",
    [
        None,
        [],
        {},
        {"payloadType": 1, "payload": "=", "signatures": []},
        {"payloadType": "x", "payload": "", "signatures": 4},
    ],
)
def test_what_is_no_record_is_refused(envelope: object) -> None:
    with pytest.raises(RecordInvalid):
        verify(envelope, KEY.public_key())

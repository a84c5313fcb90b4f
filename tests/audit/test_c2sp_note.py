"""Signed notes as C2SP writes them; what is not exactly one is refused."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ostiary.audit import _c2sp_note as notes

# The example of golang.org/x/mod/sumdb/note: an independent implementation made this verifier key.
EXAMPLE = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
VERIFIER = notes.VerifierKey("gateway.example/ten_a", KEY.public_key().public_bytes_raw())
CHECKPOINT = notes.Checkpoint("gateway.example/ten_a", 20, bytes(range(32)))
NOTE = notes.sign(CHECKPOINT, KEY, VERIFIER)


def test_an_independent_key_has_the_same_id() -> None:
    key = notes.parse_key(EXAMPLE)
    assert key.name == "PeterNeumann"
    assert key.key_id().hex() == "c74f20a3"
    assert key.text() == EXAMPLE


def test_a_checkpoint_is_three_lines_and_a_signature() -> None:
    lines = NOTE.split("\n")
    assert lines[:4] == ["gateway.example/ten_a", "20", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", ""]
    assert lines[4].startswith("— gateway.example/ten_a ")
    assert lines[5:] == [""]
    assert notes.verify(NOTE, VERIFIER) == CHECKPOINT


def test_another_key_does_not_verify() -> None:
    other = notes.VerifierKey(
        VERIFIER.name, Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key().public_bytes_raw()
    )
    with pytest.raises(notes.NoteInvalid, match="not signed by this key"):
        notes.verify(NOTE, other)


def test_another_log_does_not_verify() -> None:
    with pytest.raises(notes.NoteInvalid, match="another log"):
        notes.verify(NOTE, notes.VerifierKey("gateway.example/ten_b", VERIFIER.public))


def test_a_witness_may_sign_too_where_that_is_allowed() -> None:
    both = NOTE + "— witness.example " + base64.b64encode(bytes(76)).decode() + "\n"
    assert notes.verify(both, VERIFIER) == CHECKPOINT
    with pytest.raises(notes.NoteInvalid, match="more than one"):
        notes.verify(both, VERIFIER, alone=True)


def test_every_changed_byte_is_found() -> None:
    encoded = NOTE.encode()
    for at in range(len(encoded)):
        changed = bytearray(encoded)
        changed[at] ^= 1
        try:
            text = changed.decode()
        except UnicodeDecodeError:
            continue
        with pytest.raises(notes.NoteInvalid):
            notes.verify(text, VERIFIER, alone=True)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n",
        NOTE.replace("\n20\n", "\n020\n"),
        NOTE.replace("\n20\n", "\n-1\n"),
        NOTE.replace("\n20\n", "\n20\n\n"),
        NOTE[:-1],
        NOTE + "\n",
        NOTE.replace("—", "-"),
        "x" * 20_000,
    ],
)
def test_what_is_not_a_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(notes.NoteInvalid):
        notes.verify(text, VERIFIER, alone=True)


@pytest.mark.parametrize(
    "text", ["", "a+b", "a b+00+AA==", EXAMPLE.replace("c74f", "c74e"), EXAMPLE[:-4], "a+00+" + "A" * 44]
)
def test_what_is_not_a_key_is_refused(text: str) -> None:
    with pytest.raises(notes.NoteInvalid):
        notes.parse_key(text)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\nb"])
def test_a_logs_name_has_no_spaces_and_no_plus(name: str) -> None:
    with pytest.raises(notes.NoteInvalid):
        notes.check_name(name)

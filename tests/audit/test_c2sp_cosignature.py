"""Cosignatures and the witness protocol's bodies, against the examples of the C2SP texts and against what must not pass."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from ostiary.audit import _c2sp_cosignature as witness
from ostiary.audit import _c2sp_note as note

SPEC_CHECKPOINT = """\
example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
"""
SPEC_COSIGNATURE = "— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n"
SPEC_REQUEST = (
    """\
old 20852014
PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=
/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=

"""
    + SPEC_CHECKPOINT
)
SPEC_MESSAGE = b"""\
cosignature/v1
time 1679315147
example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=
"""

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
W1 = note.VerifierKey("witness.example/w1", KEY.public_key().public_bytes_raw(), note.COSIGNATURE)
CHECKPOINT, _ = note.read_note(SPEC_CHECKPOINT)


def test_the_signed_message_is_that_of_the_specification() -> None:
    assert witness.message(CHECKPOINT, 1679315147) == SPEC_MESSAGE


def test_the_specifications_cosignature_has_its_time_and_its_own_key_id() -> None:
    checkpoint, signatures = note.read_note(SPEC_CHECKPOINT + SPEC_COSIGNATURE)
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20852163)
    assert [name for name, _ in signatures] == ["example.com/behind-the-sofa", "witness.example.com/w1"]
    assert signatures[1][1][:4].hex() == "8d66cf3f"
    assert int.from_bytes(signatures[1][1][4:12], "big") == 1679315147


def test_the_specifications_note_key_verifies_its_note() -> None:
    key = note.parse_key("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k")
    name, signature = note.read_signature(
        "— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM="
    )
    assert (name, signature[:4]) == (key.name, key.key_id())
    Ed25519PublicKey.from_public_bytes(key.public).verify(signature[4:], b"This is an example message.\n")


def test_the_specifications_request_is_read_and_written_byte_for_byte() -> None:
    asked = witness.read_submission(SPEC_REQUEST.encode())
    assert (asked.old, len(asked.proof), asked.note) == (20852014, 4, SPEC_CHECKPOINT)
    assert witness.submission(asked) == SPEC_REQUEST.encode()


def test_a_cosignature_is_byte_for_byte_what_the_text_says() -> None:
    line = witness.cosign(CHECKPOINT, KEY, W1, 1679315147)
    key_id = witness.VerifierKey(W1.name, W1.public, 4).key_id()
    raw = base64.b64decode(line.split(" ")[2])
    assert (raw[:4], raw[4:12], len(raw)) == (key_id, (1679315147).to_bytes(8, "big"), 76)
    KEY.public_key().verify(raw[12:], SPEC_MESSAGE)
    # A log's key with the same name and bytes has another id: types never mix.
    assert note.VerifierKey(W1.name, W1.public).key_id() != key_id
    assert note.parse_key(W1.text(), note.COSIGNATURE) == W1
    with pytest.raises(note.NoteInvalid):
        note.parse_key(W1.text())


def test_only_verified_lines_of_the_witness_are_attached() -> None:
    good = witness.cosign(CHECKPOINT, KEY, W1, 1679315147)
    stranger = Ed25519PrivateKey.generate()
    other = note.VerifierKey("witness.example/w2", stranger.public_key().public_bytes_raw(), 4)
    theirs = witness.cosign(CHECKPOINT, stranger, other, 1679315147)
    made = witness.attached(SPEC_CHECKPOINT, theirs + good, W1)
    assert made == SPEC_CHECKPOINT + good
    assert [(each.witness.name, each.at_s) for each in witness.cosigned(made, [W1, other])] == [
        ("witness.example/w1", 1679315147)
    ]
    forged = witness.cosign(
        CHECKPOINT, stranger, W1, 1679315147
    )  # the right name and id, a key of somebody else
    moved = good.replace("AAAABk", "AAAABl")
    for answer in (
        theirs,
        forged,
        moved,
        good + forged,
        "",
        "no\n",
        "— witness.example/w1 AAAA\n",
        good * 200,
    ):
        with pytest.raises(note.NoteInvalid):
            witness.attached(SPEC_CHECKPOINT, answer, W1)


def test_a_cosignature_of_another_checkpoint_or_without_a_time_is_forged() -> None:
    larger = note.Checkpoint(CHECKPOINT.origin, CHECKPOINT.size + 1, CHECKPOINT.root)
    for line in (
        witness.cosign(larger, KEY, W1, 1679315147),
        note.signature_line(W1, bytes(8) + KEY.sign(witness.message(CHECKPOINT, 0))),
        note.signature_line(W1, b"\xff" * 8 + KEY.sign(witness.message(CHECKPOINT, 2**64 - 1))),
        note.signature_line(W1, b"x"),
    ):
        with pytest.raises(note.NoteInvalid):
            witness.cosigned(SPEC_CHECKPOINT + line, [W1])


@pytest.mark.parametrize(
    "body",
    [
        b"", b"old 1", b"old 1\n", b"old 01\n\nx", b"old -1\n\nx", b"old \n\nx", b"old 1 \n\nx", b"new 1\n\nx", b"old 1\nAA==\n\nx",
        b"old 1\n!!\n\nx", b"old " + b"9" * 30 + b"\n\nx", b"\xff\n\nx", "old ١\n\nx".encode(),
        b"old 1\n" + b"PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n" * 64 + b"\nx",
    ],
)  # fmt: skip
def test_a_malformed_submission_is_refused(body: bytes) -> None:
    with pytest.raises(witness.SubmissionInvalid):
        witness.read_submission(body)


def test_extension_lines_of_other_logs_are_signed_too() -> None:
    text = "log.example\n3\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\nmore\n"
    key = note.VerifierKey("log.example", KEY.public_key().public_bytes_raw())
    signed = f"{text}\n{note.signature_line(key, KEY.sign(text.encode()))}"
    assert note.verify(signed, key).extensions == ("more",)
    with pytest.raises(note.NoteInvalid):
        note.verify(signed.replace("more", "less"), key)

"""sigstore-python, written by others for another log, takes our checkpoints and proofs: cosigned ones too, and none that was changed."""

import base64
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sigstore._internal.merkle import verify_merkle_inclusion
from sigstore._internal.rekor.checkpoint import verify_checkpoint
from sigstore._internal.trust import Keyring
from sigstore.errors import VerificationError
from sigstore.models import TransparencyLogEntry
from sigstore_models.common.v1 import PublicKey, PublicKeyDetails
from sigstore_models.rekor.v1 import TransparencyLogEntry as Statement

from ostiary.audit._c2sp_cosignature import cosign
from ostiary.audit._c2sp_note import read_note
from ostiary.audit.log import Audit
from ostiary.witness.state import create
from tests.audit.events import ACME, entry
from tests.audit.exports import ask


@pytest.fixture
def proof(sqlite_audit: Audit) -> Any:
    for n in range(13):
        sqlite_audit.record_sync(entry(id=f"evt_{n}"))
    return ask(sqlite_audit, "audit.proof", event_id="evt_5")


def keyring(audit: Audit) -> Keyring:
    raw = Ed25519PublicKey.from_public_bytes(audit.verifier(ACME).public).public_bytes(
        Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    )
    stated = {"rawBytes": base64.b64encode(raw).decode(), "keyDetails": PublicKeyDetails.PKIX_ED25519}
    return Keyring([PublicKey.from_dict(stated)])


def statement(audit: Audit, proof: Any, **changes: Any) -> TransparencyLogEntry:
    """Our proof in sigstore's own form; the log's id is the C2SP key id, which is what signature lines carry."""

    def encoded(raw: bytes) -> str:
        return base64.b64encode(raw).decode()

    made = {**proof, **changes}
    return TransparencyLogEntry(
        Statement.from_dict(
            {
                "logIndex": str(made["index"]),
                "logId": {"keyId": encoded(audit.verifier(ACME).key_id() + bytes(28))},
                "kindVersion": {"kind": "event", "version": "1"},
                "integratedTime": "1760000000",
                "inclusionPromise": {"signedEntryTimestamp": encoded(b"none")},
                "inclusionProof": {
                    "logIndex": str(made["index"]),
                    "rootHash": encoded(bytes.fromhex(made["root"])),
                    "treeSize": str(made["size"]),
                    "hashes": [encoded(bytes.fromhex(step)) for step in made["hashes"]],
                    "checkpoint": {"envelope": made["checkpoint"]},
                },
                "canonicalizedBody": encoded(made["envelope"].encode()),
            }
        )
    )


def test_sigstore_takes_our_checkpoint_and_our_inclusion_proof(sqlite_audit: Audit, proof: Any) -> None:
    ring, entry = keyring(sqlite_audit), statement(sqlite_audit, proof)
    verify_checkpoint(ring, entry)
    verify_merkle_inclusion(entry)


def test_sigstore_takes_every_event_of_the_log(sqlite_audit: Audit, proof: Any) -> None:
    for n in range(13):
        each = ask(sqlite_audit, "audit.proof", event_id=f"evt_{n}")
        verify_checkpoint(keyring(sqlite_audit), statement(sqlite_audit, each))
        verify_merkle_inclusion(statement(sqlite_audit, each))


def test_sigstore_takes_a_cosigned_checkpoint(sqlite_audit: Audit, proof: Any, tmp_path: Path) -> None:
    witness = create(tmp_path / "w", "witness.example/w1")
    line = cosign(read_note(proof["checkpoint"])[0], witness.key, witness.verifier, 1_760_000_000)
    verify_checkpoint(
        keyring(sqlite_audit), statement(sqlite_audit, proof, checkpoint=proof["checkpoint"] + line)
    )


@pytest.mark.parametrize(
    "changes",
    [{"root": "00" * 32}, {"index": 6}, {"envelope": "{}"}, {"hashes": []}, {"hashes": ["00" * 32] * 4}],
)
def test_sigstore_refuses_what_was_changed(sqlite_audit: Audit, proof: Any, changes: Any) -> None:
    with pytest.raises(VerificationError):
        verify_merkle_inclusion(statement(sqlite_audit, proof, **changes))


def test_sigstore_refuses_a_changed_checkpoint(sqlite_audit: Audit, proof: Any) -> None:
    for checkpoint in (
        proof["checkpoint"].replace("\n13\n", "\n14\n"),
        proof["checkpoint"].replace("ten_acme\n", "ten_bcme\n"),
    ):
        with pytest.raises(VerificationError):
            verify_checkpoint(keyring(sqlite_audit), statement(sqlite_audit, proof, checkpoint=checkpoint))

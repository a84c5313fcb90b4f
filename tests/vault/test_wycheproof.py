"""The primitives under us, against vectors that others publish: AES-256-GCM, HKDF-SHA256, HMAC-SHA256, Ed25519, as far as we use them."""

import hmac
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ostiary.errors import SealBroken
from ostiary.vault import envelope
from tests.vectors import needs_wycheproof, wycheproof

pytestmark = needs_wycheproof


def unhex(test: dict[str, Any], *names: str) -> list[bytes]:
    return [bytes.fromhex(test[name]) for name in names]


def test_aes_256_gcm() -> None:
    groups = [
        group
        for group in wycheproof("aes_gcm_test.json")
        if (group["keySize"], group["ivSize"], group["tagSize"]) == (256, 96, 128)
    ]
    tests = [test for group in groups for test in group["tests"]]
    assert len(tests) >= 60
    for test in tests:
        key, nonce, aad, message, ciphertext, tag = unhex(test, "key", "iv", "aad", "msg", "ct", "tag")
        if test["result"] == "valid":
            assert envelope.unwrap(AESGCM(key), nonce + ciphertext + tag, aad) == message
            assert AESGCM(key).encrypt(nonce, message, aad) == ciphertext + tag
        else:
            with pytest.raises(SealBroken):
                envelope.unwrap(AESGCM(key), nonce + ciphertext + tag, aad)


def test_hkdf_sha256() -> None:
    seen = 0
    for group in wycheproof("hkdf_sha256_test.json"):
        for test in group["tests"]:
            if test["result"] != "valid":
                continue
            key, salt, info, output = unhex(test, "ikm", "salt", "info", "okm")
            assert HKDF(SHA256(), test["size"], salt, info).derive(key) == output
            seen += 1
    assert seen >= 80


def test_hmac_sha256() -> None:
    seen = 0
    for group in wycheproof("hmac_sha256_test.json"):
        for test in group["tests"]:
            key, message, tag = unhex(test, "key", "msg", "tag")
            ours = hmac.digest(key, message, "sha256")[: len(tag)]
            assert hmac.compare_digest(ours, tag) == (test["result"] == "valid")
            seen += 1
    assert seen >= 170


def test_ed25519() -> None:
    seen = 0
    for group in wycheproof("ed25519_test.json"):
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(group["publicKey"]["pk"]))
        for test in group["tests"]:
            message, signature = unhex(test, "msg", "sig")
            if test["result"] == "valid":
                key.verify(signature, message)
            else:
                with pytest.raises(InvalidSignature):
                    key.verify(signature, message)
            seen += 1
    assert seen >= 140

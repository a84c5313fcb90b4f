"""Files are sealed in chunks: they open whole, at their place, or not at all."""

import hashlib
import os
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ostiary.blobs import storage
from ostiary.blobs.storage import Blobs
from ostiary.errors import NotFound, RequestTooLarge, SealBroken
from ostiary.ids import SubjectId
from ostiary.vault import files
from ostiary.vault.sealing import Place, Vault
from tests.vault.conftest import A, B
from tests.vectors import needs_wycheproof, wycheproof

PLACE = Place(A, "blob", "content", "blo_1")
KIB = 1024


def cobblestone_cases() -> list[Any]:
    return [
        pytest.param(test, id=f"{test['tcId']}-{test['comment']}")
        for group in wycheproof("c2sp_chunked_encryption_aes_256_gcm_test.json")
        for test in group["tests"]
    ]


@needs_wycheproof
@pytest.mark.parametrize("test", cobblestone_cases())
def test_c2sp_chunked_encryption_vectors(test: dict[str, Any]) -> None:
    message = zlib.decompress(bytes.fromhex(test["ct"]))
    pieces = [message[at : at + 50_000] for at in range(0, len(message), 50_000)]

    def opened() -> bytes:
        key, context = bytes.fromhex(test["key"]), bytes.fromhex(test["ctx"])
        return b"".join(files.open_message(key, context, b"", pieces))

    if test["result"] == "valid":
        content = opened()
        assert len(content) == test["msgLength"]
        assert hashlib.sha512(content).hexdigest() == test["msgSha512"]
    else:
        with pytest.raises((SealBroken, ValueError)):
            opened()


@pytest.mark.parametrize("size", [0, 1, 16 * KIB - 1, 16 * KIB, 16 * KIB + 1, 64 * KIB, 200_000])
def test_a_file_of_any_size_opens_again(vault: Vault, size: int) -> None:
    content = os.urandom(size)
    sealed = bytes(files.seal_bytes(vault, PLACE, content, purpose="file"))
    assert len(sealed) == 94 + 56 + size + 16 * (size // 16_384 + 1)
    assert files.open_bytes(vault, PLACE, sealed) == content


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pieces=st.lists(st.binary(max_size=40_000), max_size=6), cut=st.integers(1, 70_000))
def test_pieces_open_however_they_are_cut(vault: Vault, pieces: list[bytes], cut: int) -> None:
    sealed = b"".join(files.seal_pieces(vault, PLACE, pieces, purpose="file"))
    again = [sealed[at : at + cut] for at in range(0, len(sealed), cut)]
    assert b"".join(files.open_pieces(vault, PLACE, again)) == b"".join(pieces)


@pytest.mark.parametrize(
    "place",
    [
        Place(A, "blob", "content", "blo_2"),
        Place(A, "blob", "other", "blo_1"),
        Place(A, "document", "content", "blo_1"),
        Place(B, "blob", "content", "blo_1"),
    ],
)
def test_a_file_that_was_moved_does_not_open(vault: Vault, place: Place) -> None:
    sealed = bytes(files.seal_bytes(vault, PLACE, b"content", purpose="file"))
    assert files.open_bytes(vault, PLACE, sealed) == b"content"
    with pytest.raises(SealBroken):
        files.open_bytes(vault, place, sealed)


def test_the_body_of_one_file_does_not_open_with_the_key_of_another(vault: Vault) -> None:
    one = bytes(files.seal_bytes(vault, PLACE, b"one", purpose="file"))
    other = bytes(files.seal_bytes(vault, PLACE, b"two", purpose="file"))
    with pytest.raises(SealBroken):
        files.open_bytes(vault, PLACE, one[:94] + other[94:])


def test_any_changed_byte_of_a_file_is_found(vault: Vault) -> None:
    sealed = bytearray(files.seal_bytes(vault, PLACE, b"some content", purpose="file"))
    for at in range(len(sealed)):
        sealed[at] ^= 1
        with pytest.raises(SealBroken):
            files.open_bytes(vault, PLACE, sealed)
        sealed[at] ^= 1
    assert files.open_bytes(vault, PLACE, sealed) == b"some content"


def test_a_cut_or_lengthened_file_does_not_open(vault: Vault) -> None:
    chunk = 16 * KIB + 16
    sealed = bytes(files.seal_bytes(vault, PLACE, bytes(3 * 16 * KIB), purpose="file"))
    assert len(sealed) == 150 + 3 * chunk + 16
    ends = [0, 1, 93, 94, 120, 149, 150, 150 + chunk, 150 + 2 * chunk, 150 + 3 * chunk, len(sealed) - 1]
    for end in ends:
        with pytest.raises(SealBroken):
            files.open_bytes(vault, PLACE, sealed[:end])
    with pytest.raises(SealBroken):
        files.open_bytes(vault, PLACE, sealed + b"\0")


def test_swapped_chunks_do_not_open(vault: Vault) -> None:
    chunk = 16 * KIB + 16
    sealed = bytes(files.seal_bytes(vault, PLACE, os.urandom(40 * KIB), purpose="file"))
    first, second = sealed[150 : 150 + chunk], sealed[150 + chunk : 150 + 2 * chunk]
    with pytest.raises(SealBroken):
        files.open_bytes(vault, PLACE, sealed[:150] + second + first + sealed[150 + 2 * chunk :])


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return storage.at(f"file://{tmp_path}/store")


def test_a_file_goes_into_a_blob_sealed_and_comes_back(vault: Vault, blobs: Blobs) -> None:
    stored = files.put_file(vault, blobs, A, "blo_1", [b"hello ", b"world"], purpose="file", bytes_max=11)
    assert stored.size == 11
    assert stored.digest == "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9"
    assert b"hello" not in blobs.get(A, "blo_1", bytes_max=1000)
    assert b"".join(files.open_file(vault, blobs, A, "blo_1")) == b"hello world"


def test_a_file_that_grows_too_large_is_not_stored(vault: Vault, blobs: Blobs) -> None:
    with pytest.raises(RequestTooLarge):
        files.put_file(vault, blobs, A, "blo_1", [b"hello ", b"world"], purpose="file", bytes_max=10)
    assert blobs.find(A, "blo_1") is None


def test_a_blob_that_was_renamed_in_the_store_does_not_open(vault: Vault, blobs: Blobs) -> None:
    files.put_file(vault, blobs, A, "blo_1", [b"hello"], purpose="file", bytes_max=10)
    sealed = blobs.get(A, "blo_1", bytes_max=1000)
    blobs.put(A, "blo_2", sealed)
    blobs.put(B, "blo_1", sealed)
    for tenant, blob_id in ((A, "blo_2"), (B, "blo_1")):
        with pytest.raises(SealBroken):
            b"".join(files.open_file(vault, blobs, tenant, blob_id))


def test_the_file_of_a_destroyed_subject_does_not_open(vault: Vault, blobs: Blobs) -> None:
    subject = SubjectId("sub_anna")
    files.put_file(vault, blobs, A, "blo_1", [b"hers"], purpose="file", bytes_max=10, subject=subject)
    vault.destroy_subject(A, subject)
    with pytest.raises(SealBroken):
        b"".join(files.open_file(vault, blobs, A, "blo_1"))


def test_a_file_that_is_not_there_is_not_found(vault: Vault, blobs: Blobs) -> None:
    with pytest.raises(NotFound):
        b"".join(files.open_file(vault, blobs, A, "blo_1"))

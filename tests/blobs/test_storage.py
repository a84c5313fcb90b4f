"""Blobs appear whole or not at all, are never overwritten, and stay with their tenant."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from ostiary.blobs import storage
from ostiary.blobs.storage import Blobs
from ostiary.errors import BlobsUnavailable, ConfigurationError, Conflict, NotFound, RequestTooLarge
from ostiary.ids import TenantId
from tests.conftest import StillClock

A = TenantId("ten_a")
B = TenantId("ten_b")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def blobs(folder: Path) -> Blobs:
    return storage.at(f"file://{folder}")


def files_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_what_is_put_is_got(blobs: Blobs) -> None:
    blobs.put(A, "blo_1", b"content")
    assert blobs.get(A, "blo_1", bytes_max=7) == b"content"
    assert b"".join(blobs.pieces(A, "blo_1")) == b"content"


def test_a_blob_is_never_overwritten(blobs: Blobs) -> None:
    blobs.put(A, "blo_1", b"first")
    with pytest.raises(Conflict):
        blobs.put(A, "blo_1", b"second")
    with pytest.raises(Conflict):
        blobs.put_pieces(A, "blo_1", [b"third"])
    assert blobs.get(A, "blo_1", bytes_max=100) == b"first"


def test_a_refused_stream_leaves_nothing(blobs: Blobs, folder: Path) -> None:
    blobs.put(A, "blo_1", b"first")
    with pytest.raises(Conflict):
        blobs.put_pieces(A, "blo_1", [b"second"])
    assert files_in(folder) == ["ten_a/blo_1"]


def test_a_stream_that_breaks_leaves_nothing(
    blobs: Blobs, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "PART_BYTES", 1000)

    def broken() -> Iterator[bytes]:
        yield b"x" * 5000
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        blobs.put_pieces(A, "blo_1", broken())
    assert files_in(folder) == []
    with pytest.raises(NotFound):
        blobs.get(A, "blo_1", bytes_max=100)


def test_a_stream_in_many_parts_comes_back(blobs: Blobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "PART_BYTES", 1000)
    assert blobs.put_pieces(A, "blo_1", [b"ab" * 900, b"", b"c" * 3000]) == 4800
    assert b"".join(blobs.pieces(A, "blo_1")) == b"ab" * 900 + b"c" * 3000


def test_what_is_foreign_does_not_exist(blobs: Blobs) -> None:
    blobs.put(A, "blo_1", b"a")
    with pytest.raises(NotFound):
        blobs.get(B, "blo_1", bytes_max=100)
    with pytest.raises(NotFound):
        list(blobs.pieces(B, "blo_1"))
    assert blobs.find(B, "blo_1") is None
    assert blobs.list(B) == []
    blobs.delete(B, "blo_1")
    assert blobs.get(A, "blo_1", bytes_max=100) == b"a"


@pytest.mark.parametrize(
    "name", ["", "../ten_b/blo_1", "..", "a/b", "/etc/passwd", "a\0b", "%2e%2e", "é", "a" * 81]
)
def test_a_name_that_is_no_id_finds_nothing_and_stores_nothing(blobs: Blobs, folder: Path, name: str) -> None:
    blobs.put(B, "blo_1", b"b")
    with pytest.raises(NotFound):
        blobs.get(A, name, bytes_max=100)
    with pytest.raises(NotFound):
        blobs.put(A, name, b"x")
    with pytest.raises(NotFound):
        blobs.put(TenantId(name), "blo_2", b"x")
    with pytest.raises(NotFound):
        blobs.put_pieces(A, name, [b"x"])
    with pytest.raises(NotFound):
        blobs.delete(A, name)
    assert files_in(folder) == ["ten_b/blo_1"]


def test_more_than_asked_for_is_refused(blobs: Blobs) -> None:
    blobs.put(A, "blo_1", b"12345")
    with pytest.raises(RequestTooLarge):
        blobs.get(A, "blo_1", bytes_max=4)


def test_a_deleted_blob_is_gone_and_deleting_again_is_nothing(blobs: Blobs) -> None:
    blobs.put(A, "blo_1", b"x")
    blobs.delete(A, "blo_1")
    blobs.delete(A, "blo_1")
    assert blobs.find(A, "blo_1") is None


def test_blobs_are_listed_in_pages(blobs: Blobs) -> None:
    for name in ("blo_3", "blo_1", "blo_2"):
        blobs.put(A, name, b"x" * 10)
    assert [(one.id, one.size) for one in blobs.list(A, limit=2)] == [("blo_1", 10), ("blo_2", 10)]
    assert [one.id for one in blobs.list(A, after="blo_2")] == ["blo_3"]


def test_what_a_dead_writer_left_is_swept_after_a_day(blobs: Blobs, folder: Path, clock: StillClock) -> None:
    left = folder / "_incoming" / "ten_a" / "blo_9"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half")
    os.utime(left, (clock.at_us / 1e6, clock.at_us / 1e6))
    blobs.put(A, "blo_1", b"x")
    clock.advance(86_399)
    assert blobs.sweep(clock) == 0
    clock.advance(2)
    assert blobs.sweep(clock) == 1
    assert files_in(folder) == ["ten_a/blo_1"]


def test_a_store_that_is_away_says_so(blobs: Blobs, folder: Path) -> None:
    (folder / "ten_a").write_bytes(b"a file where a folder should be")
    with pytest.raises(BlobsUnavailable):
        blobs.put(A, "blo_1", b"x")
    with pytest.raises(BlobsUnavailable):
        blobs.put_pieces(A, "blo_1", [b"x"])


def test_the_folder_is_its_owners(blobs: Blobs, folder: Path) -> None:
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    "url", ["http://example.com/x", "", "memory:///", "file://relative/x", "s3://", "nonsense"]
)
def test_an_address_that_is_none_of_ours_is_a_clear_mistake(url: str) -> None:
    with pytest.raises(ConfigurationError, match="OSTIARY_BLOB_URL"):
        storage.at(url)

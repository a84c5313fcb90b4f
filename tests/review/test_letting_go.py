"""Documents go after the time that a tenant keeps them, with their files; what a hold stands on stays."""

from pathlib import Path

from ostiary.clock import DAY_US
from ostiary.ids import TenantId
from ostiary.retention.kinds import Batch
from ostiary.review import jobs, letting_go
from tests.house import House, play
from tests.review.papers import opened, uploaded


def test_old_documents_and_unopened_uploads_go_with_their_files(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        tenant, gateway = TenantId(house.tenant), house.gateway
        await opened(house)
        await uploaded(house, b"never opened")
        assert len(gateway.blobs.list(tenant)) == 3
        now = house.clock.now_us()
        young = Batch(now - DAY_US, "", ())
        assert (await gateway.database.change(lambda c: letting_go._purge(c, tenant, young))).count == 0
        old = Batch(now + DAY_US, "", ())
        assert (await gateway.database.change(lambda c: letting_go._purge(c, tenant, old))).count == 1
        house.clock.advance(3 * 86_400)
        await gateway.database.change(gateway.jobs.enqueue(tenant, jobs.TIDY))
        await house.work()
        assert gateway.blobs.list(tenant) == []

    play(tmp_path, story)

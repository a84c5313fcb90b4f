"""The log of deliveries is kept for a month; what waits is kept, however old."""

from pathlib import Path

from ostiary.webhooks import store
from tests import servers
from tests.house import House
from tests.net.peer import answer, listening
from tests.retention.test_purge import purge
from tests.webhooks.kit import deliveries, hook, told


def test_what_was_delivered_goes_after_its_time_with_its_message_and_attempts(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        async with listening(answer(200)) as peer:
            made = (await hook(house, peer.url, "incident.*"))["webhook"]["id"]
            await house.good("POST", f"/v1/webhooks/{made}/test")
            await house.work()
            waiting = (await hook(house, "https://hook.example/", "limit.*"))["webhook"]["id"]
            await house.good("POST", f"/v1/webhooks/{waiting}/test")
            await house.good("PUT", f"/v1/webhooks/{waiting}", json={"paused": True})
            for days, kept in ((29, 1), (2, 0)):
                house.clock.advance(days * 86_400)
                house.owner = await house.sign_in("olive.owner@pellow.example")
                await purge(house)
                assert len(await deliveries(house, made)) == kept
            assert len(await deliveries(house, waiting)) == 1

            with servers.intruder(house.gateway.database) as connection:
                left = [
                    len(connection.execute(table.select()).all()) for table in (store.MESSAGE, store.ATTEMPT)
                ]
            assert left == [1, 0]

    told(tmp_path, story)

"""What is told of what happens: through the door, each as its own room does it."""

from pathlib import Path

import orjson

from tests.door.test_consent import furnish
from tests.house import House
from tests.net.peer import Peer, answer, listening
from tests.shop import running
from tests.webhooks.kit import hook, told, types, verified


async def told_of(house: House, peer: Peer) -> list[str]:
    """The types that came since this was last asked."""
    await house.work()
    found = sorted(types(peer))
    peer.seen.clear()
    return found


def test_compliance_is_told_of_holds_erasures_masking_and_retention(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        async with listening(answer(200)) as peer:
            made = await hook(house, peer.url, "privacy.*")
            hold = await house.good(
                "POST",
                "/v1/holds",
                json={"scope": "subject", "subject": "cus_1", "reason": "A secret claim."},
            )
            await house.work()
            notice = verified(peer.seen[0], made["secret"])
            assert (notice["type"], notice["data"]["action"]) == ("privacy.hold_changed", "hold.place")
            assert "secret" not in peer.seen[0].body.decode()
            assert "cus_1" not in peer.seen[0].body.decode()
            peer.seen.clear()
            await house.good("POST", f"/v1/holds/{hold['id']}/release")
            await house.good("PUT", "/v1/retention", json={"kind": "calls", "days": 30})
            assert await told_of(house, peer) == ["privacy.hold_changed", "privacy.retention_changed"]
            await house.good("POST", "/v1/erasures", json={"subject": "cus_1", "confirm": "cus_1"})
            assert await told_of(house, peer) == ["privacy.erased", "privacy.erasure_asked"]

    told(tmp_path, story)


def test_incidents_are_told_of_stops_and_what_goes_on_again(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        async with listening(answer(200)) as peer:
            await hook(house, peer.url, "incident.*")
            stop = await house.good(
                "POST", "/v1/stops", json={"kind": "action", "target": "pay.send", "reason": "look"}
            )
            await house.good("DELETE", f"/v1/stops/{stop['stop_id']}")
            assert await told_of(house, peer) == ["incident.resumed", "incident.stopped"]

    told(tmp_path, story)


def test_a_checkpoint_is_told_once_and_telling_it_is_no_reason_for_the_next(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        async with listening(answer(200)) as peer:
            made = await hook(house, peer.url, "audit.checkpoint")
            await house.work()
            (seen,) = peer.seen
            data = verified(seen, made["secret"])["data"]
            assert data["log"].endswith(house.tenant)
            assert data["checkpoint"].startswith(data["log"])
            for _ in range(4):
                house.clock.advance(901)
                await house.work()
            assert len(peer.seen) == 1

    told(tmp_path, story)


def test_a_refusal_of_a_known_actor_is_told(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        with running() as shop:
            agent = await furnish(house, shop)
            async with listening(answer(200)) as peer:
                await hook(house, peer.url, "audit.refused")
                await house.ask("POST", "/v1/actions/customer.export_all", agent, json={})
                await house.work()
                notice = orjson.loads(peer.seen[0].body)
                assert (notice["type"], notice["data"]["code"]) == ("audit.refused", "contract.unknown")
                assert notice["data"]["actor_kind"] == "agent"

    told(tmp_path, story)

"""What the operator of the installation is told of, by webhooks of its own; and that nobody else has them."""

import asyncio
from pathlib import Path
from typing import Any

import orjson
import pytest

from ostiary.actions import Actor, ActorKind, Face
from ostiary.identity.gate import Entrance
from ostiary.ids import INSTALL
from ostiary.upkeep import store as upkeep
from tests.house import House
from tests.net.peer import Peer, answer, listening
from tests.webhooks.kit import furnished, hook, told, types, verified

BASE, ADMIN = "/v1/install/webhooks", "ada.admin@pellow.example"
BACKUP = {"backup": "b1", "taken_us": 1}


async def made(house: House, peer: Peer, *names: str, **more: Any) -> Any:
    asked = {"url": peer.url, "types": list(names or ("*",)), **more}
    return await house.good("POST", BASE, json=asked)


async def tell(house: House, action: str, **params: Any) -> None:
    """As a command of the operator does it: a service of the installation, through the door."""
    actor = Actor(INSTALL, ActorKind.SERVICE, "backup", permissions=frozenset({"install.manage"}))
    await house.gateway.door.call(Entrance(actor), action, {**BACKUP, **params}, face=Face.JOB)


def test_backups_tenants_and_sign_ins_are_told_signed(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        async with listening(answer(200)) as peer:
            endpoint = await made(house, peer, "backup.*", "tenant.*", "operator.signed_in")
            await tell(house, "backup.taken")
            await tell(house, "backup.failed")
            second = (await house.good("POST", "/v1/tenants", json={"name": "Second"}))["tenant"]
            house.owner = await house.sign_in("olive.owner@pellow.example")
            await house.work()
            assert sorted(types(peer)) == ["backup.failed", "backup.taken", "operator.signed_in", "tenant.created"]  # fmt: skip
            notices = {each["type"]: each["data"] for each in (verified(seen, endpoint["secret"]) for seen in peer.seen)}  # fmt: skip
            assert notices["tenant.created"]["tenant"] == second
            assert notices["backup.failed"]["tenant"] == "install"
            assert notices["operator.signed_in"]["actor_id"].startswith("per_")
            said = b"".join(seen.body for seen in peer.seen)
            assert b"Second" not in said
            assert b"olive" not in said

    told(tmp_path, story)


def test_a_stop_of_everything_a_quota_and_the_end_of_a_tenant_are_told(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        async with listening(answer(200)) as peer:
            await made(house, peer, "incident.*", "tenant.*", "keys.*")
            stop = await house.good("POST", "/v1/stops", json={"kind": "everything", "reason": "look"})
            await house.good("DELETE", f"/v1/stops/{stop['stop_id']}")
            await house.good("POST", "/v1/stops", json={"kind": "action", "target": "a.b", "reason": "look"})
            await house.good("PUT", f"/v1/quotas/{house.tenant}", json={"calls_per_s": 1000})
            await house.good("POST", "/v1/vault/keys", json={})
            await house.good("POST", "/v1/tenant/end", json={"confirm": house.tenant})
            await house.good("POST", "/v1/tenant/keep")
            await house.work()
            assert sorted(types(peer)) == [
                "incident.resumed", "incident.stopped", "keys.rotation_asked", "tenant.end_asked", "tenant.kept", "tenant.quota_changed",
            ]  # fmt: skip

    told(tmp_path, story)


def test_a_stranger_who_tries_codes_is_told_of_thirty_times_a_minute_at_most(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        async with listening(answer(200)) as peer:
            await made(house, peer, "access.refused")
            await house.ask("GET", "/v1/me", "not-a-token")
            await house.work()
            (notice,) = [orjson.loads(seen.body) for seen in peer.seen]
            assert (notice["type"], notice["data"]["code"]) == ("access.refused", "auth.refused")
            assert notice["data"]["actor_kind"] == "anonymous"
            for _ in range(40):
                await house.ask("GET", "/v1/me", "not-a-token")
            await house.work()
            assert len(peer.seen) == 30

    told(tmp_path, story)


def test_the_installations_log_is_published_to_it_and_to_no_tenant(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        async with listening(answer(200)) as peer, listening(answer(200)) as tenants:
            endpoint = await made(house, peer, "audit.checkpoint")
            await hook(house, tenants.url, "audit.checkpoint")
            await house.work()
            logs = [verified(seen, endpoint["secret"])["data"]["log"] for seen in peer.seen]
            assert [log.rpartition("/")[2] for log in logs] == ["install"]
            assert [orjson.loads(seen.body)["data"]["tenant"] for seen in tenants.seen] == [house.tenant]

    told(tmp_path, story)


def test_another_release_and_another_root_key_are_told_once(tmp_path: Path) -> None:
    async def whole() -> None:
        async with furnished(tmp_path) as house, listening(answer(200)) as peer:
            await made(house, peer, "install.*", "keys.*")
            database, clock = house.gateway.database, house.clock
            seen = database.read(lambda c: upkeep.seen(c, INSTALL))
            for name, value in (("release", "0.2.9"), ("root_key", "otherkey")):
                database.transact(
                    lambda c, name=name, value=value: upkeep.note(
                        c, INSTALL, name, before=seen[name], after=value, at_us=1
                    )  # type: ignore[misc]
                )
            from ostiary.app import upkeep as starting

            for _ in range(2):
                await starting.look(database, house.gateway.vault, clock, house.gateway.door)
            await house.work()
            assert sorted(types(peer)) == ["install.upgraded", "keys.root_changed"]
            assert database.read(lambda c: upkeep.seen(c, INSTALL)) == seen

    asyncio.run(whole())


def test_only_the_operator_has_them_and_they_are_no_tenants(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        async with listening(answer(200)) as peer:
            endpoint = (await made(house, peer, signing="asymmetric"))["webhook"]
            assert (await house.good("GET", "/v1/webhooks"))["webhooks"] == []
            assert (await house.ask("GET", f"/v1/webhooks/{endpoint['id']}")).status_code == 404
            published = await house.good("GET", f"/v1/webhook-keys/install/{endpoint['id']}", "")
            assert published["keys"] == endpoint["public_keys"]
            await house.good("POST", "/v1/members", json={"email": ADMIN, "name": "Ada", "role": "admin"})
            admin = await house.sign_in(ADMIN)
            one = f"{BASE}/{endpoint['id']}"
            for method, path in (
                ("GET", BASE), ("POST", BASE), ("GET", one), ("PUT", one), ("DELETE", one), ("POST", one + "/test"),
                ("POST", one + "/rotate"), ("POST", one + "/replay"), ("GET", one + "/deliveries"), ("GET", "/v1/install/webhook-types"),
            ):  # fmt: skip
                asked = {"url": peer.url, "types": ["*"]} if (method, path) == ("POST", BASE) else {}
                more = {} if method in ("GET", "DELETE") else {"json": asked}
                refused = await house.ask(method, path, admin, **more)
                assert (refused.status_code, refused.json()["code"]) == (403, "access.forbidden"), path
            for wrong in ("approval.requested", "nothing.*"):
                refused = await house.ask("POST", BASE, json={"url": peer.url, "types": [wrong]})
                assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/types/0")
            assert (await house.ask("POST", "/v1/webhooks", json={"url": peer.url, "types": ["backup.*"]})).status_code == 422  # fmt: skip
            await house.work()
            assert "tenant.created" not in types(peer)

    told(tmp_path, story)


def test_what_fails_is_tried_again_and_is_gone_when_it_says_so(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        async with listening(answer(410, b"")) as gone, listening(answer(200)) as other:
            endpoint = (await made(house, gone, "backup.*"))["webhook"]["id"]
            watching = await made(house, other, "incident.*")
            await tell(house, "backup.taken")
            await house.work()
            shown = await house.good("GET", f"{BASE}/{endpoint}")
            assert (shown["state"], shown["reason"], shown["dead"]) == ("disabled", "gone", 1)
            notice = verified(other.seen[0], watching["secret"])
            assert (notice["type"], notice["data"]["endpoint"]) == ("incident.webhook_disabled", endpoint)
            await house.good("PUT", f"{BASE}/{endpoint}", json={"paused": False})
            assert (await house.good("POST", f"{BASE}/{endpoint}/replay"))["count"] == 1
            await house.work()
            assert len({seen.headers["webhook-id"] for seen in gone.seen}) == 1
            assert len(gone.seen) == 2

    told(tmp_path, story)


@pytest.mark.parametrize("word", ["types", "list"])
def test_an_agent_of_the_operators_tenant_sees_none(tmp_path: Path, word: str) -> None:
    async def story(house: House) -> None:
        token = await house.make_key("bot", roles=("admin",))
        path = "/v1/install/webhook-types" if word == "types" else BASE
        assert (await house.ask("GET", path, token)).status_code == 403

    told(tmp_path, story)

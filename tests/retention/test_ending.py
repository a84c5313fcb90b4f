"""The end of a tenant: waited for, certified, and effective in every process; its old proofs still verify."""

from pathlib import Path
from typing import Any

from ostiary.ids import TenantId
from ostiary.retention import certificate
from ostiary.retention.ending import store
from tests.house import House, play

DAYS_30_S = 30 * 86_400 + 60


async def second_tenant(house: House) -> str:
    """Another tenant of the same owner, so that somebody is left to ask."""
    made = await house.good("POST", "/v1/tenants", json={"name": "Second"})
    return str(made["tenant"])


async def inside(house: House, tenant: str) -> None:
    opened = await house.good("POST", "/v1/session/switch-tenant", json={"tenant": tenant})
    house.owner = opened.get("secret") or house.owner


async def again(house: House, seconds: float) -> None:
    house.clock.advance(seconds)
    house.owner = await house.sign_in("olive.owner@pellow.example")


def rows_left(house: House, tenant: str) -> dict[str, int]:
    def look(connection: Any) -> dict[str, int]:
        of = TenantId(tenant)
        left = {table.name: store.count_rows(connection, of, table) for table in store.emptied()}
        return {**left, "bodies": store.count_bodies(connection, of)}

    return {name: count for name, count in house.gateway.database.read(look).items() if count}


def test_a_tenant_ends_after_its_days_and_not_before(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        first, second = house.tenant, await second_tenant(house)
        await inside(house, second)
        await house.make_key("left behind")
        before = await house.good("GET", "/v1/audit/checkpoint")
        wrong = await house.ask("POST", "/v1/tenant/end", json={"confirm": first})
        assert wrong.status_code == 422
        asked = await house.good("POST", "/v1/tenant/end", json={"confirm": second})
        assert asked["state"] == "waiting"
        await house.work()
        assert (await house.good("GET", "/v1/tenant/end"))["state"] == "waiting"
        await again(house, DAYS_30_S)
        await house.work()
        assert rows_left(house, second) == {}
        vault = house.gateway.vault
        assert vault.is_destroyed(TenantId(second))
        await inside(house, first)
        ended = await house.good("GET", "/v1/install/ended")
        assert [each["state"] for each in ended["endings"]] == ["done"]
        taken = await house.good("GET", f"/v1/install/ended/{asked['id']}")
        verified = certificate.verify(taken)
        assert verified.proven
        assert verified.statement["last"]["key"] == before["key"]
        assert verified.statement["keys"]["data_keys"] > 0
        assert set(verified.statement["counts"]["after"].values()) == {0}

    play(tmp_path, story)


def test_a_hold_stops_the_end_and_it_may_be_taken_back(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        second = await second_tenant(house)
        await inside(house, second)
        hold = await house.good("POST", "/v1/holds", json={"scope": "action", "action": "x.y", "reason": "r"})
        refused = await house.ask("POST", "/v1/tenant/end", json={"confirm": second})
        assert (refused.status_code, refused.json()["code"]) == (409, "retention.hold")
        await house.good("POST", f"/v1/holds/{hold['id']}/release")
        await house.good("POST", "/v1/tenant/end", json={"confirm": second})
        await house.good("POST", "/v1/holds", json={"scope": "action", "action": "x.y", "reason": "r"})
        await again(house, DAYS_30_S)
        await house.work()
        await inside(house, second)
        assert (await house.good("GET", "/v1/tenant/end"))["state"] == "waiting"
        kept = await house.good("POST", "/v1/tenant/keep")
        assert kept["state"] == "kept"
        await again(house, 2 * 86_400)
        await house.work()
        await inside(house, second)
        assert (await house.good("GET", "/v1/tenant/end"))["state"] == "kept"

    play(tmp_path, story)

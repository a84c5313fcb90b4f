"""A tenant's quota, in a whole gateway on each database: calls at once, calls a second, bytes stored."""

import asyncio
from pathlib import Path

import pytest

from tests.house import House, play
from tests.shop import CONTRACTS, running


async def set_quota(house: House, **limits: int) -> None:
    answer = await house.good("PUT", f"/v1/quotas/{house.tenant}", json=limits)
    assert all(answer[name] == limit for name, limit in limits.items())


def test_calls_a_second_are_counted_over_all_keys_of_the_tenant(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        keys = [await house.make_key(f"helper {number}") for number in range(3)]
        assert {(await house.ask("GET", "/v1/me", key)).status_code for key in keys * 4} == {200}
        await set_quota(house, calls_per_s=5)
        answers = [await house.ask("GET", "/v1/me", key) for key in keys * 4]
        refused = [answer for answer in answers if answer.status_code == 429]
        assert len(refused) >= 3
        assert refused[0].json()["code"] == "limit.rate"
        assert refused[0].headers["ratelimit-policy"].startswith('"tenant";q=5;w=1')
        await asyncio.sleep(1.1)
        await set_quota(house)
        assert {(await house.ask("GET", "/v1/me", key)).status_code for key in keys * 4} == {200}

    play(tmp_path / "home", story)


def test_who_has_stored_what_they_may_stores_no_more_and_reads_on(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        with running() as shop:
            await house.connect("shop", kind="http", base_url=shop.url, honours_idempotency_key=True)
            await house.connect("letters", kind="http", base_url=shop.url)
            await house.agree(CONTRACTS)
            key = await house.make_key("helper")
            sent = await house.ask("POST", "/v1/actions/mail.send", key, json={"to": "ada"})
            assert sent.status_code == 200, sent.text
            await house.gateway.storing.count()
            used = (await house.good("GET", "/v1/quota"))["used_bytes"]
            assert used > 0
            await set_quota(house, storage_bytes=used)
            refused = await house.ask("POST", "/v1/actions/mail.send", key, json={"to": "bob"})
            assert (refused.status_code, refused.json()["code"]) == (507, "quota.storage")
            assert shop.done == {"ada": 1}
            assert (await house.ask("GET", "/v1/calls", key)).status_code == 200
            assert (await house.good("GET", "/v1/quota"))["full"] is True
            await set_quota(house, storage_bytes=used + 100_000)
            sent = await house.ask("POST", "/v1/actions/mail.send", key, json={"to": "bob"})
            assert sent.status_code == 200, sent.text

    play(tmp_path / "home", story)


def test_files_count_as_they_come_and_go(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        blobs, tenant = house.gateway.blobs, house.tenant

        async def used() -> tuple[int, int]:
            await house.gateway.storing.count()
            uses = (await house.good("GET", "/v1/quota"))["uses"]
            return next((use["rows"], use["bytes"]) for use in uses if use["kind"] == "files")

        blobs.put(tenant, "first", b"x" * 1000)  # type: ignore[arg-type]
        assert await used() == (1, 1000)
        blobs.put_pieces(tenant, "second", [b"y" * 500, b"z" * 500])  # type: ignore[arg-type]
        assert await used() == (2, 2000)
        blobs.delete(tenant, "first")  # type: ignore[arg-type]
        blobs.delete(tenant, "never-there")  # type: ignore[arg-type]
        assert await used() == (1, 1000)

    play(tmp_path / "home", story)


def test_only_the_operator_sets_a_quota(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        key = await house.make_key("admin", kind="program", roles=("owner",))
        assert (await house.ask("PUT", f"/v1/quotas/{house.tenant}", key, json={})).status_code == 403
        assert (await house.ask("GET", "/v1/quota", key)).status_code == 200

    play(tmp_path / "home", story)


@pytest.mark.parametrize("limit", [2])
def test_calls_at_once(tmp_path: Path, limit: int) -> None:
    async def story(house: House) -> None:
        with running() as shop:
            await house.connect("shop", kind="http", base_url=shop.url, honours_idempotency_key=True)
            await house.connect("letters", kind="http", base_url=shop.url)
            await house.agree(CONTRACTS)
            key = await house.make_key("helper")
            await set_quota(house, calls_at_once=limit)
            calls = [house.ask("POST", "/v1/actions/mail.send", key, json={"to": f"p{n}"}) for n in range(12)]
            codes = [answer.status_code for answer in await asyncio.gather(*calls)]
            assert set(codes) <= {200, 429}
            assert codes.count(200) >= limit
            assert codes.count(429) >= 1

    play(tmp_path / "home", story)

"""Limits that somebody sets, through the door: so many calls, so much money, so many rows, and at which hours. On each database."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from ostiary.clock import HOUR_US, parse_rfc3339
from ostiary.shield.limits.periods import Per, period, read_hours
from tests.house import House, play
from tests.shop import Shop, running

PAYING = """
version: 1
actions:
  - name: pay.quick
    title: Pay at once
    description: Pays somebody without asking.
    parameters: {properties: {to: {type: string, maxLength: 40}, amount: {type: number}, currency: {type: string, maxLength: 3}}, required: [to, amount]}
    roles: [support, owner]
    risk: low
    confirmation: never
    sentence: Pay {amount} to {to}
    labels: {amount: amount, currency: currency, to: content}
    target: {connector: shop, http: {method: POST, path: /pay, body: {to: '{to}', amount: '{amount}', currency: '{currency}'}}}
  - name: pay.held
    title: Pay
    description: Pays somebody.
    parameters: {properties: {to: {type: string, maxLength: 40}, amount: {type: number}}, required: [to, amount]}
    roles: [support, owner]
    risk: high
    confirmation: always
    sentence: Pay {amount} to {to}
    labels: {amount: amount}
    target: {connector: shop, http: {method: POST, path: /pay, body: {to: '{to}', amount: '{amount}'}}}
  - name: pay.look
    title: Look
    description: How often somebody was paid.
    parameters: {properties: {to: {type: string, maxLength: 40}}, required: [to]}
    roles: [support, owner]
    risk: low
    confirmation: never
    target: {connector: shop, http: {method: GET, path: '/pay/{to}'}}
"""


async def shop_of(house: House, shop: Shop) -> str:
    """The key of an agent that may use the shop."""
    await house.connect("shop", kind="http", base_url=shop.url, honours_idempotency_key=True)
    await house.agree(PAYING)
    return await house.make_key("helper")


async def limit(house: House, **asked: Any) -> Any:
    return await house.good("POST", "/v1/limits", json=asked)


async def pay(house: House, key: str | None, amount: Any, **more: Any) -> Any:
    return await house.ask("POST", "/v1/actions/pay.quick", key, json={"to": "ada", "amount": amount, **more})


async def used(house: House) -> list[str]:
    return [each["used"] for row in (await house.good("GET", "/v1/limits"))["limits"] for each in row["used"]]


def test_money_of_a_key_is_counted_over_its_calls_and_what_does_not_fit_is_not_done(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        with running() as shop:
            await shop_of(house, shop)
            made = await limit(
                house,
                whom="person",
                measure="money",
                most="100.50",
                currency="EUR",
                per="day",
                actions="pay.*",
            )
            assert made["words"] == "100.50 EUR a day"
            assert (await pay(house, None, 60, currency="EUR")).status_code == 200
            refused = await pay(house, None, 40.51, currency="EUR")
            assert (refused.status_code, refused.json()["code"]) == (429, "limit.reached")
            assert int(refused.headers["retry-after"]) > 0
            assert "begins anew at" in refused.json()["detail"]
            assert (await pay(house, None, 1_000, currency="USD")).status_code == 200  # another currency
            assert (await pay(house, None, 40.5)).status_code == 200  # none said: it counts
            assert (await pay(house, None, 0.01)).status_code == 429
            assert sum(shop.done.values()) == 3
            assert await used(house) == ["100.50"]
            events = (await house.good("GET", "/v1/audit/events?limit=3"))["events"]
            assert any(event["code"] == "limit.reached" for event in events)

    play(tmp_path / "home", story)


def test_each_key_has_its_own_calls_and_a_change_keeps_what_is_used(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        with running() as shop:
            first = await shop_of(house, shop)
            second = await house.make_key("another")
            made = await limit(house, whom="key", measure="calls", most="2", per="hour")

            async def look(key: str) -> int:
                return (await house.ask("POST", "/v1/actions/pay.look", key, json={"to": "ada"})).status_code

            assert [await look(first) for _ in range(3)] == [200, 200, 429]
            assert await look(second) == 200
            assert (
                await house.ask("GET", "/v1/me", first)
            ).status_code == 200  # what is no contract is not counted
            await house.good("PUT", f"/v1/limits/{made['limit_id']}", json={"most": "3"})
            assert [await look(first) for _ in range(2)] == [200, 429]
            house.clock.advance(3600)
            assert await look(first) == 200
            assert (await house.ask("DELETE", f"/v1/limits/{made['limit_id']}")).status_code == 200
            assert [await look(first) for _ in range(4)] == [200] * 4

    play(tmp_path / "home", story)


def test_many_at_once_never_take_more_than_there_is(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        with running() as shop:
            await shop_of(house, shop)
            await limit(house, whom="tenant", measure="money", most="70", per="day")
            answers = await asyncio.gather(*(pay(house, None, 10) for _ in range(20)))
            codes = [answer.status_code for answer in answers]
            assert (codes.count(200), codes.count(429)) == (7, 13)
            assert shop.done == {"ada": 7}

    play(tmp_path / "home", story)


def test_what_was_refused_by_the_target_is_given_back(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        with running() as shop:
            await shop_of(house, shop)
            await limit(house, whom="tenant", measure="money", most="50", per="day")
            shop.status = 422
            assert (await pay(house, None, 50)).status_code == 502
            assert await used(house) == ["0"]
            shop.status = 200
            assert (await pay(house, None, 50)).status_code == 200
            assert (await pay(house, None, 1)).status_code == 429

    play(tmp_path / "home", story)


def test_a_held_call_is_counted_when_it_runs_and_refused_where_it_does_not_fit_any_more(
    tmp_path: Path,
) -> None:
    async def story(house: House) -> None:
        with running() as shop:
            agent = await shop_of(house, shop)
            await limit(house, whom="agent", measure="money", most="100", per="day")

            async def ask(amount: int) -> Any:
                return await house.ask(
                    "POST", "/v1/actions/pay.held", agent, json={"to": "ada", "amount": amount}
                )

            assert (await ask(101)).status_code == 429
            held = [(await ask(60)).json() for _ in range(2)]
            assert await used(house) == []
            for each in held:
                assert (await house.approve(each["approval_id"])).status_code == 200
            ended = [await house.settled(each["call_id"]) for each in held]
            assert sorted(each["state"] for each in ended) == ["done", "failed"]
            assert [each["problem"]["code"] for each in ended if each["problem"]] == ["limit.reached"]
            assert shop.done == {"ada": 1}
            assert await used(house) == ["60"]

    play(tmp_path / "home", story)


def test_outside_the_hours_nothing_passes(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        with running() as shop:
            agent = await shop_of(house, shop)
            hour = house.clock.now_us() // HOUR_US % 24
            hours = f"{(hour + 1) % 24:02}:00-{(hour + 2) % 24:02}:00 UTC"
            await limit(house, whom="agent", measure="hours", hours=hours)

            async def look(key: str | None) -> Any:
                return await house.ask("POST", "/v1/actions/pay.look", key, json={"to": "ada"})

            refused = await look(agent)
            assert (refused.status_code, refused.json()["code"]) == (403, "limit.hours")
            assert hours in refused.json()["detail"]
            assert (await look(None)).status_code == 200  # a person is not an agent
            house.clock.advance(3600)
            assert (await look(agent)).status_code == 200

    play(tmp_path / "home", story)


@pytest.mark.parametrize(
    ("asked", "pointer"),
    [
        ({"whom": "tenant", "measure": "calls", "most": "-1", "per": "day"}, "/most"),
        ({"whom": "tenant", "measure": "calls", "most": "1.5", "per": "day"}, "/most"),
        ({"whom": "tenant", "measure": "calls", "most": "NaN", "per": "day"}, "/most"),
        ({"whom": "tenant", "measure": "money", "most": "1e30", "per": "day"}, "/most"),
        ({"whom": "tenant", "measure": "calls", "most": "1"}, "/per"),
        ({"whom": "tenant", "measure": "calls", "most": "1", "per": "day", "currency": "EUR"}, "/currency"),
        ({"whom": "tenant", "target": "key_1", "measure": "calls", "most": "1", "per": "day"}, "/target"),
        ({"whom": "agent", "measure": "hours", "hours": "always"}, "/hours"),
        ({"whom": "agent", "measure": "hours", "hours": "mon-fri 08:00-18:00 Mars/Base"}, "/hours"),
        ({"whom": "agent", "measure": "hours", "hours": "mon-fri 08:00-08:00"}, "/hours"),
    ],
)
def test_a_limit_that_says_nothing_clear_is_refused(
    tmp_path: Path, asked: dict[str, str], pointer: str
) -> None:
    async def story(house: House) -> None:
        answer = await house.ask("POST", "/v1/limits", json=asked)
        assert (answer.status_code, answer.json()["code"]) == (422, "params.invalid")
        assert pointer in [fault["pointer"] for fault in answer.json()["errors"]]

    play(tmp_path / "home", story)


def test_periods_are_the_calendars() -> None:
    at = parse_rfc3339("2026-12-31T23:59:59Z")
    spans = {per: tuple(map(_day, period(per, at))) for per in (Per.DAY, Per.WEEK, Per.MONTH)}
    assert spans == {
        Per.DAY: ("2026-12-31", "2027-01-01"),
        Per.WEEK: ("2026-12-28", "2027-01-04"),
        Per.MONTH: ("2026-12-01", "2027-01-01"),
    }
    assert period(Per.HOUR, at)[1] - period(Per.HOUR, at)[0] == HOUR_US


def test_hours_may_go_past_midnight() -> None:
    night = read_hours("fri 22:00-06:00 Europe/Berlin")
    opened = ["2026-11-27T21:00:00Z", "2026-11-28T04:59:00Z"]
    closed = ["2026-11-27T20:59:00Z", "2026-11-28T05:00:00Z", "2026-11-28T21:30:00Z"]
    assert all(night.is_open(parse_rfc3339(text)) for text in opened)
    assert not any(night.is_open(parse_rfc3339(text)) for text in closed)


def _day(at_us: int) -> str:
    from ostiary.clock import rfc3339

    return rfc3339(at_us)[:10]

"""Somebody on the internet with a publishable key out of a web page: whatever it may submit, it reads nothing back, and it is nobody's customer."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from ostiary.actions import Actor, ActorKind, Surface
from ostiary.asgi.caller import Proxies
from ostiary.config import load
from ostiary.db.database import Database
from ostiary.door.door import own_record
from ostiary.errors import NotYourRecord, TooMany
from ostiary.identity.api_keys import customer
from ostiary.ids import SubjectId, TenantId
from ostiary.secret import Secret
from ostiary.shield.admission import Shield
from ostiary.shield.leases import Leases
from ostiary.shield.stops import Stops
from ostiary.vault.root import EnvironmentRoot
from ostiary.vault.sealing import Vault
from tests.conftest import StillClock
from tests.door.test_consent import told
from tests.house import House
from tests.keys import ROOT_KEY
from tests.shop import Shop

OPEN = """
version: 1
actions:
  - name: letter.submit
    title: Write to us
    description: Sends a letter.
    parameters: {properties: {to: {type: string, maxLength: 40}}, required: [to]}
    surfaces: [write_only]
    risk: medium
    confirmation: never
    target: {connector: letters, http: {method: POST, path: /mail, body: {to: '{to}'}}}
  - name: letter.asked
    title: Write to us after asking once
    description: Sends a letter.
    parameters: {properties: {to: {type: string, maxLength: 40}, text: {type: string, maxLength: 40}}, required: [to, text]}
    surfaces: [write_only]
    risk: medium
    confirmation: once_per_session
    sentence: Write to {to}
    labels: {to: recipient, text: content}
    target: {connector: letters, http: {method: POST, path: /mail, body: {to: '{to}', text: '{text}'}}}
  - name: order.cancel
    title: Cancel
    description: Cancels an order.
    parameters: {properties: {customer: {type: string, maxLength: 40}, to: {type: string, maxLength: 40}}, required: [customer, to]}
    surfaces: [customer]
    own: customer
    risk: medium
    confirmation: never
    target: {connector: letters, http: {method: POST, path: /mail, body: {to: '{to}', of: '{customer}'}}}
"""


async def window(house: House, surface: str, *contracts: str) -> str:
    return await house.make_key("window", "publishable", (), surface=surface, contracts=list(contracts))


async def signed(house: House, subject: str) -> dict[str, str]:
    secret = Secret((await house.good("POST", "/v1/tenants/signing-secret", json={}))["secret"])
    expires_s = house.clock.now_us() // 1_000_000 + 600
    header = customer.sign(
        secret, tenant=TenantId(house.tenant), subject=SubjectId(subject), expires_s=expires_s
    )
    return {"ostiary-customer": header}


def test_who_may_only_submit_reads_nothing_back_by_any_way(tmp_path: Path) -> None:
    async def story(house: House, shop: Shop, agent: str) -> None:
        await house.agree(OPEN)
        key = await window(house, "write_only", "letter.submit")
        body = {"to": "bob"}
        first = await house.ask("POST", "/v1/actions/letter.submit", key, json=body, key="k")
        assert (first.status_code, first.json()["result"], first.json()["masked"]) == (200, None, {})
        again = await house.ask("POST", "/v1/actions/letter.submit", key, json=body, key="k")
        assert again.json()["result"] is None
        shown = await house.good("GET", f"/v1/calls/{first.json()['call_id']}", key)
        assert (shown["state"], shown["result"]) == ("done", None)
        assert shop.done == {"bob": 1}
        for method, path in (
            ("GET", "/v1/calls"),
            ("GET", "/v1/me"),
            ("GET", "/v1/approvals"),
            ("GET", "/v1/contracts"),
        ):
            assert (await house.ask(method, path, key)).status_code == 403

    told(tmp_path, story)


def test_what_was_said_to_one_visitor_is_not_said_to_the_next(tmp_path: Path) -> None:
    """once_per_session means a session: visitors who share a public key share none."""

    async def story(house: House, shop: Shop, agent: str) -> None:
        await house.agree(OPEN)
        key = await window(house, "write_only", "letter.asked")
        first = await house.ask("POST", "/v1/actions/letter.asked", key, json={"to": "bob", "text": "hello"})
        await house.approve(first.json()["approval_id"])
        assert (await house.settled(first.json()["call_id"]))["state"] == "done"
        second = await house.ask("POST", "/v1/actions/letter.asked", key, json={"to": "bob", "text": "spam"})
        assert second.status_code == 202
        assert shop.done == {"bob": 1}

    told(tmp_path, story)


def test_a_customer_is_found_by_the_token_and_by_nothing_else(tmp_path: Path) -> None:
    async def story(house: House, shop: Shop, agent: str) -> None:
        await house.agree(OPEN)
        key = await window(house, "customer", "order.cancel")
        token = await signed(house, "c-1")

        async def cancel(body: dict[str, Any], headers: dict[str, str], **more: Any) -> tuple[int, str]:
            answer = await house.ask(
                "POST", "/v1/actions/order.cancel", key, json=body, headers=headers, **more
            )
            return answer.status_code, answer.json().get("code", "done")

        assert await cancel({"customer": "c-1", "to": "x"}, token) == (200, "done")
        assert await cancel({"customer": "c-2", "to": "x"}, token) == (404, "access.subject")
        assert (await cancel({"customer": "c-1", "to": "x"}, token, params={"customer": "c-2"}))[0] == 422
        assert await cancel({"customer": "c-1", "to": "x"}, {}) == (403, "access.surface")
        moved = {"ostiary-customer": token["ostiary-customer"].replace("s=c-1", "s=c-2")}
        assert await cancel({"customer": "c-2", "to": "x"}, moved) == (401, "auth.refused")
        late = {"ostiary-customer": token["ostiary-customer"].replace("e=", "e=0")}
        assert (await cancel({"customer": "c-1", "to": "x"}, late))[0] == 401
        assert shop.done == {"x": 1}

    told(tmp_path, story)


def test_one_customer_does_not_find_anothers_answer(tmp_path: Path) -> None:
    async def story(house: House, shop: Shop, agent: str) -> None:
        await house.agree(OPEN)
        key = await window(house, "customer", "order.cancel")
        secret = Secret((await house.good("POST", "/v1/tenants/signing-secret", json={}))["secret"])
        expires_s = house.clock.now_us() // 1_000_000 + 600

        def token(subject: str) -> dict[str, str]:
            made = customer.sign(
                secret, tenant=TenantId(house.tenant), subject=SubjectId(subject), expires_s=expires_s
            )
            return {"ostiary-customer": made}

        body = {"customer": "c-1", "to": "x"}
        first = await house.ask(
            "POST", "/v1/actions/order.cancel", key, json=body, headers=token("c-1"), key="same"
        )
        call = first.json()["call_id"]
        assert (await house.ask("GET", f"/v1/calls/{call}", key, headers=token("c-1"))).status_code == 200
        for stranger in (token("c-2"), {}):
            assert (await house.ask("GET", f"/v1/calls/{call}", key, headers=stranger)).status_code == 404
        assert (await house.ask("GET", f"/v1/calls/{call}", "")).status_code == 401
        other = await house.ask(
            "POST",
            "/v1/actions/order.cancel",
            key,
            json={"customer": "c-2", "to": "y"},
            headers=token("c-2"),
            key="same",
        )
        assert other.json()["call_id"] != call

    told(tmp_path, story)


@pytest.mark.parametrize(
    "params",
    [{}, {"customer": None}, {"customer": ["None"]}, {"customer": "none"}, {"customer": {"None": 1}}],
)
def test_a_customer_who_is_called_none_owns_nothing_that_is_missing(params: dict[str, Any]) -> None:
    class Action:
        own = "customer"

    actor = Actor(
        TenantId("ten"), ActorKind.CUSTOMER, "k", surface=Surface.CUSTOMER, subject=SubjectId("None")
    )
    with pytest.raises(NotYourRecord):
        own_record(actor, Action(), params)  # type: ignore[arg-type]


def test_a_forwarded_address_that_the_caller_wrote_is_not_believed() -> None:
    """Some proxies add a header line of their own instead of continuing the caller's (HAProxy does)."""
    networks = load(
        {
            "OSTIARY_ROOT_KEY": ROOT_KEY,
            "OSTIARY_BEHIND_PROXY": "10.0.0.0/8",
            "OSTIARY_PUBLIC_URL": "https://x.example",
        }
    ).behind_proxy
    proxies = Proxies(tuple(networks))
    scope = {
        "client": ("10.0.0.1", 1),
        "scheme": "http",
        "headers": [
            (b"x-forwarded-for", b"1.2.3.4"),
            (b"x-forwarded-for", b"203.0.113.9"),
            (b"x-forwarded-proto", b"https"),
            (b"x-forwarded-proto", b"http"),
        ],
    }
    assert proxies.address(scope) == "203.0.113.9"
    assert proxies.is_secure(scope) is False


def test_one_ipv6_network_is_one_stranger(
    clock: StillClock, sqlite_database: Database, keys_database: Database
) -> None:
    vault = Vault(keys_database, EnvironmentRoot(Secret(ROOT_KEY)), clock)
    leases, stops = Leases(sqlite_database, vault, clock), Stops(sqlite_database)
    shield = Shield(
        leases, stops, clock, key_rate_per_s=10, anonymous_rate_per_minute=60, calls_at_once_max=10
    )

    async def story() -> None:
        for number in range(30):
            await shield.stranger(f"2001:db8:1:2::{number:x}")
        with pytest.raises(TooMany):
            await shield.stranger("2001:db8:1:2::ffff")
        await shield.stranger("2001:db8:1:3::1")
        await shield.stranger("::ffff:192.0.2.1")
        await shield.stranger("not an address")

    asyncio.run(story())


def test_strangers_who_guess_are_slowed_down_and_others_are_not(tmp_path: Path) -> None:
    async def story(house: House, shop: Shop, agent: str) -> None:
        guesses = [house.ask("GET", "/v1/me", f"ost_live_aaaaaaaaaaaa_{'b' * 43}_cccccc") for _ in range(60)]
        statuses = {answer.status_code for answer in await asyncio.gather(*guesses)}
        assert statuses == {401, 429}
        assert (await house.ask("GET", "/v1/me")).status_code == 200

    told(tmp_path, story, OSTIARY_ANONYMOUS_RATE_PER_MINUTE="60")

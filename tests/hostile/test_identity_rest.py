"""Attacks on identity through the whole gateway, over REST."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from ostiary.access import matrix
from ostiary.identity.api_keys import customer
from ostiary.ids import SubjectId, TenantId
from ostiary.net import signature
from ostiary.secret import Secret
from tests.house import OWNER, House, play

CONTRACTS = """
version: 1
actions:
  - name: order.status
    title: Show the state of an order
    description: Their own alone.
    parameters: {properties: {customer: {type: string}}, required: [customer], additionalProperties: false}
    surfaces: [customer]
    own: customer
    target:
      connector: orders
      sql: {statement: SELECT state FROM orders WHERE customer = :customer}
  - name: order.list
    title: List orders
    description: A constant.
    parameters: {properties: {}, additionalProperties: false}
    roles: [support, owner]
    target: {connector: fixed, constant: {orders: 3}}
"""


def shop(folder: Path) -> str:
    """A folder with a small database of orders."""
    root = folder / "sources"
    root.mkdir()
    with closing(sqlite3.connect(root / "shop.db")) as made, made:
        made.execute("CREATE TABLE orders (customer TEXT, state TEXT)")
        made.execute("INSERT INTO orders VALUES ('c-1', 'sent'), ('c-2', 'paid')")
    return str(root)


async def furnish(house: House) -> None:
    await house.connect("fixed", kind="constant")
    await house.connect("orders", kind="sqlite", path="shop.db")
    await house.agree(CONTRACTS)


async def codes(house: House, method: str, path: str, token: str, **more: Any) -> tuple[int, str]:
    answer = await house.ask(method, path, token, **more)
    body = answer.json()
    return answer.status_code, body.get("code", body.get("state", "")) if answer.content else ""


def test_a_signed_request_passes_once(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await furnish(house)
        key = await house.make_key("partner", "program", signature_required=True)
        key_id = key.split("_")[2]
        made = await house.good("POST", f"/v1/keys/{key_id}/signing-secret", json={})
        path, body = "/v1/actions/order.list?trace=1", b"{}"

        def signed(nonce: str, *, skew_s: int = 0, over: bytes = body) -> dict[str, str]:
            header = signature.sign(
                [Secret(made["secret"])],
                method="POST",
                path=path,
                body=over,
                now_s=house.clock.now_us() // 1_000_000 + skew_s,
                nonce=nonce,
            )
            return {"ostiary-signature": header, "content-type": "application/json"}

        async def send(headers: dict[str, str]) -> tuple[int, str]:
            return await codes(house, "POST", path, key, content=body, headers=headers)

        path = "/v1/actions/order.list"
        assert await send({"content-type": "application/json"}) == (401, "auth.signature_refused")
        good = signed("n" * 20)
        assert await send(good) == (200, "done")
        assert await send(good) == (409, "auth.replayed")
        house.gateway.gate._nonces.clear()  # as after a restart
        assert await send(good) == (409, "auth.replayed")
        assert await send(signed("m" * 20, skew_s=400)) == (401, "auth.signature_refused")
        assert await send(signed("o" * 20, over=b'{"x":1}')) == (401, "auth.signature_refused")
        assert await send(signed("p" * 20)) == (200, "done")

    play(tmp_path / "home", story, OSTIARY_SOURCE_ROOTS=shop(tmp_path))


def test_a_customer_reads_their_own_and_nothing_else(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await furnish(house)
        key = await house.make_key(
            "shop window", "publishable", (), surface="customer", contracts=["order.status"]
        )
        secret = Secret((await house.good("POST", "/v1/tenants/signing-secret", json={}))["secret"])

        def token(subject: str, *, by: Secret = secret, lifetime_s: int = 600) -> dict[str, str]:
            expires_s = house.clock.now_us() // 1_000_000 + lifetime_s
            header = customer.sign(
                by, tenant=TenantId(house.tenant), subject=SubjectId(subject), expires_s=expires_s
            )
            return {"ostiary-customer": header}

        async def ask(subject: str, headers: dict[str, str]) -> tuple[int, str]:
            asked = {"customer": subject}
            return await codes(house, "POST", "/v1/actions/order.status", key, json=asked, headers=headers)

        assert await ask("c-1", token("c-1")) == (200, "done")
        assert await ask("c-2", token("c-1")) == (404, "access.subject")
        assert await ask("c-1", {}) == (403, "access.surface")
        assert await ask("c-1", token("c-1", by=Secret("x" * 43))) == (401, "auth.refused")
        assert await ask("c-1", token("c-1", lifetime_s=-1)) == (401, "auth.refused")
        assert await ask("c-1", token("c-1", lifetime_s=7200)) == (401, "auth.refused")
        for method, path in (("POST", "/v1/actions/order.list"), ("GET", "/v1/keys"), ("GET", "/v1/me")):
            more = {"json": {}} if method == "POST" else {}
            status, code = await codes(house, method, path, key, headers=token("c-1"), **more)
            assert (status, code) in {(403, "access.surface"), (404, "contract.unknown")}

    play(tmp_path / "home", story, OSTIARY_SOURCE_ROOTS=shop(tmp_path))


def test_a_key_of_one_tenant_finds_nothing_of_anothers(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await furnish(house)
        own = await house.make_key("ours", "program", ("developer",))
        second = await house.good("POST", "/v1/tenants", json={"name": "Second"})
        await house.good("POST", "/v1/session/switch-tenant", json={"tenant": second["tenant"]})
        theirs = await house.make_key("theirs", "program", ("owner",))
        for verb in ("rotate", "revoke", "signing-secret"):
            path = f"/v1/keys/{own.split('_')[2]}/{verb}"
            assert await codes(house, "POST", path, theirs, json={}) == (404, "not_found")
        assert await codes(house, "POST", "/v1/actions/order.list", theirs, json={}) == (
            404,
            "contract.unknown",
        )
        assert [key["name"] for key in (await house.good("GET", "/v1/keys", theirs))["keys"]] == ["theirs"]
        assert (await house.good("GET", "/v1/me", own))["tenant"] == house.tenant

    play(tmp_path / "home", story, OSTIARY_SOURCE_ROOTS=shop(tmp_path))


def test_a_stranger_does_not_get_anothers_answer_by_its_idempotency_key(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        asked = {"email": OWNER}
        first = await house.good("POST", "/v1/session/code", "", json=asked, key="the-same-key")
        second = await house.good("POST", "/v1/session/code", "", json=asked, key="the-same-key")
        assert first["request"] != second["request"]

    play(tmp_path, story)


def test_what_is_shown_once_is_not_kept(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        asked = {"name": "k", "kind": "program", "roles": ["viewer"]}
        first = await house.good("POST", "/v1/keys", json=asked, key="once")
        again = await house.good("POST", "/v1/keys", json=asked, key="once")
        assert again["key"] == first["key"]
        assert again["secret"] == "***"
        token = house.owner
        events = (await house.good("GET", "/v1/audit/events"))["events"]
        for event in events:
            shown = await house.ask("GET", f"/v1/audit/events/{event['id']}", token)
            assert first["secret"] not in shown.text
            assert token not in shown.text

    play(tmp_path, story)


def test_a_revoked_key_and_a_removed_member_are_out_at_the_next_call(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        key = await house.make_key("k", "program", ("viewer",))
        await house.good("GET", "/v1/me", key)
        await house.good("POST", f"/v1/keys/{key.split('_')[2]}/revoke", json={})
        assert await codes(house, "GET", "/v1/me", key) == (401, "auth.refused")
        member = await house.good(
            "POST", "/v1/members", json={"email": "max@pellow.example", "name": "Max", "role": "admin"}
        )
        token = await house.sign_in("max@pellow.example")
        assert (await codes(house, "GET", "/v1/members", token))[0] == 200
        await house.good("DELETE", f"/v1/members/{member['person']}")
        assert await codes(house, "GET", "/v1/members", token) == (403, "access.forbidden")

    play(tmp_path, story)


def test_every_action_asks_for_a_permission_that_a_role_holds_and_the_public_ones_are_few(
    tmp_path: Path,
) -> None:
    async def story(house: House) -> None:
        actions = house.gateway.registry.all().values()
        assert matrix.undeclared(actions) == []
        assert sorted(action.name for action in actions if action.public) == [
            "audit.open_checkpoint",  # of a log that its owner has opened
            "audit.open_tile",
            "call.show",
            "oauth.revoke",  # whoever holds the token
            "oauth.token",
            "session.request_code",
            "session.second_factor",
            "session.start",
            "setup.begin",
            "webhook.public_keys",  # whoever has the webhook's id: they verify, and open nothing
        ]
        for action in actions:
            method = action.route.method if action.route else "GET"
            if action.public or action.route is None or "{" in action.route.path:
                continue
            more = {} if method in ("GET", "DELETE") else {"json": {}}
            assert await codes(house, method, action.route.path, "", **more) == (401, "auth.required"), (
                action.name
            )

    play(tmp_path, story)

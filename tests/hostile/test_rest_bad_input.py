"""Bad input at the REST face: a clear problem with a stable code, recorded, nothing half done, and nothing of what was sent in the answer."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ostiary.audit import store as audit_store
from ostiary.ids import INSTALL
from ostiary.net import signature
from ostiary.sample.serving import served
from ostiary.secret import Secret
from tests.house import House, free_port, play
from tests.shop import CONTRACTS, running

MARK = "x9q7canary"
"""Stands in every value that is sent: it may come back in no problem."""

PAY = {"to": MARK, "amount": 48}
JSON = {"content-type": "application/json"}
LEAKS = (MARK, "SELECT", "INSERT", "sqlite", ".py", "/tmp", "Traceback", "ost_live")


async def furnish(house: House, url: str) -> str:
    await house.connect("shop", kind="http", base_url=url, honours_idempotency_key=True)
    await house.connect("letters", kind="http", base_url=url)
    await house.agree(CONTRACTS)
    return await house.make_key("helper")


def problem(answer: httpx.Response) -> tuple[int, str]:
    """Status and code; raises where it is no clear problem document."""
    told = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert told["status"] == answer.status_code
    assert told["title"].endswith(".")
    assert [word for word in LEAKS if word in answer.text] == []
    assert ("www-authenticate" in answer.headers) == (answer.status_code == 401)
    return answer.status_code, told["code"]


async def last_event(house: House) -> tuple[str, str, str]:
    """Action, decision and code of the tenant's newest event (before this look at it)."""
    event = (await house.good("GET", "/v1/audit/events", params={"limit": 1}))["events"][0]
    return event["action"], event["decision"], event["code"]


BODIES: list[tuple[str, dict[str, Any], tuple[int, str], str]] = [
    ("malformed JSON", {"content": b'{"to": "' + MARK.encode()}, (400, "request.malformed"), "contract.unread"),
    ("not UTF-8", {"content": b'{"to": "\xff' + MARK.encode() + b'"}'}, (400, "request.malformed"), "contract.unread"),
    ("NaN", {"content": b'{"to": NaN}'}, (400, "request.malformed"), "contract.unread"),
    ("deep nesting", {"content": b'{"to":' * 5000 + b"1" + b"}" * 5000}, (400, "request.malformed"), "contract.unread"),
    ("another media type", {"content": MARK, "headers": {"content-type": "text/xml"}}, (415, "request.media_type"), "contract.unread"),
    ("no media type", {"content": b"{}", "headers": {}}, (415, "request.media_type"), "contract.unread"),
    ("too large", {"content": b'{"to": "' + b"a" * (1 << 20) + b'"}'}, (413, "request.too_large"), "contract.unread"),
    ("a bad idempotency key", {"json": PAY, "headers": {"idempotency-key": MARK + " b"}}, (400, "request.malformed"), "contract.unread"),
    ("an empty idempotency key", {"json": PAY, "headers": {"idempotency-key": ""}}, (400, "request.malformed"), "contract.unread"),
    ("null", {"content": b"null"}, (422, "params.invalid"), "pay.send"),
    ("a list", {"json": [PAY]}, (422, "params.invalid"), "pay.send"),
    ("a text", {"json": MARK}, (422, "params.invalid"), "pay.send"),
    ("wrong types", {"json": {"to": 7, "amount": MARK}}, (422, "params.invalid"), "pay.send"),
    ("an unknown field", {"json": {**PAY, "note": MARK}}, (422, "params.invalid"), "pay.send"),
    ("a missing field", {"json": {"to": MARK}}, (422, "params.invalid"), "pay.send"),
    ("an over-long value", {"json": {"to": MARK * 10, "amount": 1}}, (422, "params.invalid"), "pay.send"),
    ("a huge integer", {"content": b'{"to": "a", "amount": ' + b"9" * 400 + b"}"}, (400, "request.malformed"), "contract.unread"),
    ("a float for an integer", {"json": {"to": "a", "amount": 1.5}}, (422, "params.invalid"), "pay.send"),
    ("a query field beside the body", {"json": PAY, "params": {"to": MARK}}, (422, "params.invalid"), "contract.unread"),
]  # fmt: skip


def test_a_call_that_cannot_be_read_or_does_not_fit_is_refused_recorded_and_not_done(tmp_path: Path) -> None:
    with running() as shop:

        async def story(house: House) -> None:
            agent = await furnish(house, shop.url)
            for what, more, expected, action in BODIES:
                headers = more.get("headers", JSON if "content" in more else {})
                rest = {name: value for name, value in more.items() if name != "headers"}
                answer = await house.ask("POST", "/v1/actions/pay.send", agent, headers=headers, **rest)
                assert problem(answer) == expected, what
                assert await last_event(house) == (action, "refused", expected[1]), what
            assert shop.requests == 0
            assert (await house.good("GET", "/v1/calls"))["calls"] == []

        play(tmp_path, story)


def test_what_cannot_be_read_does_not_fill_the_log_faster_than_calls_would(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await asyncio.sleep(1.1)  # the owner, who set all this up, has the same limit: it is whole again
        agent = await house.make_key("flooding")
        answers = [
            await house.ask("POST", "/v1/actions/pay.send", agent, content=b"{", headers=JSON)
            for _ in range(12)
        ]
        codes = [problem(answer)[1] for answer in answers]
        assert set(codes) == {"request.malformed", "limit.rate"}
        assert codes[0] == "request.malformed"

    play(tmp_path, story, OSTIARY_KEY_RATE_PER_S="5")


def test_a_built_in_action_refuses_alike(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        before = await house.good("GET", "/v1/keys")
        for more, expected in (
            ({"content": b"{"}, (400, "request.malformed")),
            ({"json": {"name": MARK, "kind": MARK}}, (422, "params.invalid")),
            (
                {"json": {"name": MARK + "\x00", "kind": "agent", "roles": ["support"]}},
                (422, "params.invalid"),
            ),
            (
                {"json": {"name": MARK, "kind": "agent", "roles": ["support"], MARK[2:]: 1}},
                (422, "params.invalid"),
            ),
        ):
            headers = JSON if "content" in more else {}
            answer = await house.ask("POST", "/v1/keys", headers=headers, **more)
            told = answer.json()
            assert (told["status"], told["code"]) == expected
            assert MARK not in answer.text
            assert await last_event(house) == ("key.create", "refused", expected[1])
        for path in ("/v1/keys?limit=1&limit=2", "/v1/members?" + "&".join(f"a{n}=1" for n in range(60))):
            assert problem(await house.ask("GET", path))[0] in (400, 422)
        assert problem(await house.ask("GET", "/v1/contracts/%ff"))[0] == 400
        assert await house.good("GET", "/v1/keys") == before

    play(tmp_path, story)


def test_an_address_or_method_that_is_not_offered_says_so(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        assert problem(await house.ask("GET", f"/v1/{MARK}")) == (404, "not_found")
        for method in ("PATCH", "OPTIONS", "TRACE", "HEAD", "BREW"):
            answer = await house.ask(method, "/v1/keys")
            assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")
        assert (await house.ask("POST", "/openapi.json")).headers["allow"] == "GET, HEAD"
        assert (await house.ask("DELETE", "/docs/style.css")).status_code == 405
        for headers in (
            {"origin": "https://evil.example"},
            {"access-control-request-method": "GET", "origin": "null"},
        ):
            answer = await house.ask("OPTIONS", "/v1/keys", headers=headers)
            assert [name for name in answer.headers if name.startswith("access-control-")] == []

    play(tmp_path, story)


def test_what_is_anothers_is_not_there(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        agent = await house.make_key("mine", "program", ("owner",))
        key_id = agent.split("_")[2]
        await house.good("POST", "/v1/tenants", json={"name": "Other"})
        other = (await house.good("GET", "/v1/tenants"))["tenants"]
        (away,) = [each["tenant"] for each in other if each["tenant"] != house.tenant]
        moved = await house.good("POST", "/v1/session/switch-tenant", json={"tenant": away})
        house.owner = moved.get("secret") or house.owner
        for method, path, more in (
            ("POST", f"/v1/keys/{key_id}/rotate", {"json": {}}),
            ("POST", f"/v1/keys/{key_id}/revoke", {}),
            ("GET", "/v1/audit/events/evt_00000000000000000000000000000000", {}),
        ):
            assert problem(await house.ask(method, path, **more)) == (404, "not_found")
        assert await last_event(house) == ("audit.show", "failed", "not_found")
        assert (await house.ask("GET", "/v1/contracts", agent)).status_code == 200

    play(tmp_path, story)


def test_a_key_that_no_longer_counts_is_refused_and_its_tenant_sees_it(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        revoked = await house.make_key("first")
        await house.good("POST", f"/v1/keys/{revoked.split('_')[2]}/revoke")
        assert problem(await house.ask("GET", "/v1/contracts", revoked)) == (401, "auth.refused")
        event = (await house.good("GET", "/v1/audit/events", params={"limit": 1}))["events"][0]
        assert (event["action"], event["decision"], event["code"]) == (
            "door.enter",
            "refused",
            "auth.refused",
        )
        assert (event["actor_kind"], event["actor_id"]) == ("agent", revoked.split("_")[2])
        short = await house.make_key("second", expires_days=1)
        house.clock.advance(86_401)
        house.owner = await house.sign_in("olive.owner@pellow.example")
        assert problem(await house.ask("GET", "/v1/contracts", short)) == (401, "auth.refused")
        assert await last_event(house) == ("door.enter", "refused", "auth.refused")

    play(tmp_path, story)


def test_a_stranger_is_recorded_in_the_installations_log_and_learns_nothing(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        def recorded() -> int:
            head = house.gateway.database.read(lambda connection: audit_store.head(connection, INSTALL))
            return head.size if head else 0

        before = recorded()
        for header in (MARK, "ost_live_" + MARK, f"ost_live_{'a' * 12}_{'b' * 43}_abcdef"):
            assert problem(await house.ask("GET", "/v1/keys", header)) == (401, "auth.refused")
        basic = {"authorization": "Basic eDp5"}
        assert problem(await house.ask("GET", "/v1/keys", "", headers=basic)) == (401, "auth.refused")
        assert problem(await house.ask("GET", "/v1/keys", "")) == (401, "auth.required")
        assert recorded() == before + 5

    play(tmp_path, story)


def test_a_signature_that_is_old_or_used_is_refused_and_recorded(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        key = await house.make_key("partner", "program", ("owner",), signature_required=True)
        made = await house.good("POST", f"/v1/keys/{key.split('_')[2]}/signing-secret", json={})

        def signed(nonce: str, skew_s: int = 0) -> dict[str, str]:
            now_s = house.clock.now_us() // 1_000_000 + skew_s
            header = signature.sign([Secret(made["secret"])], method="GET", path="/v1/contracts", body=b"", now_s=now_s, nonce=nonce)  # fmt: skip
            return {"ostiary-signature": header}

        async def ask(headers: dict[str, str]) -> httpx.Response:
            return await house.ask("GET", "/v1/contracts", key, headers=headers)

        good = signed("n" * 20)
        assert (await ask(good)).status_code == 200
        for headers, expected in (
            (good, (409, "auth.replayed")),
            (signed("o" * 20, 400), (401, "auth.signature_refused")),
            (signed("p" * 20, -400), (401, "auth.signature_refused")),
            ({}, (401, "auth.signature_refused")),
        ):
            assert problem(await ask(headers)) == expected
            assert await last_event(house) == ("door.enter", "refused", expected[1])
        house.gateway.gate._nonces.clear()  # as after a restart: the database knows it
        assert problem(await ask(good)) == (409, "auth.replayed")
        assert await last_event(house) == ("contract.list", "failed", "auth.replayed")

    play(tmp_path, story)


class Lying:
    """A connected system that answers whatever the test says."""

    def __init__(self) -> None:
        self.answer: Response = JSONResponse({})

    async def respond(self, _request: Request) -> Response:
        return self.answer


@pytest.fixture
def lying() -> Iterator[tuple[str, Lying]]:
    system = Lying()
    with served(Starlette(routes=[Route("/mail", system.respond, methods=["POST"])])) as url:
        yield url, system


def test_a_connected_system_that_fails_or_lies_is_a_clear_problem(
    tmp_path: Path, lying: tuple[str, Lying]
) -> None:
    url, system = lying
    contracts = CONTRACTS.replace(
        "title: Write\n", "title: Write\n    returns: {type: object, properties: {sent: {type: boolean}}, required: [sent]}\n"
    )  # fmt: skip

    async def story(house: House) -> None:
        await house.connect("shop", kind="http", base_url=url)
        await house.connect("letters", kind="http", base_url=url)
        await house.agree(contracts)
        agent = await house.make_key("helper")
        huge = b'{"sent": "' + b"a" * (1 << 20) + b'"}'
        for answer, codes in (
            (JSONResponse({"error": MARK}, 500), {"target.refused", "target.unavailable", "call.unknown"}),
            (JSONResponse({"error": MARK}, 404), {"target.refused"}),
            (JSONResponse({"sent": MARK}), {"target.answer_invalid", "call.unknown"}),
            (Response(f"<p>{MARK}</p>", media_type="text/html"), {"target.answer_invalid", "call.unknown"}),
            (Response(huge, media_type="application/json"), {"target.answer_too_large", "call.unknown"}),
        ):
            system.answer = answer
            told = await house.ask("POST", "/v1/actions/mail.send", agent, json={"to": MARK})
            status, code = problem(told)
            assert code in codes, (status, code, codes)
            action, decision, recorded = await last_event(house)
            assert (action, decision) in {("mail.send", "failed"), ("mail.send", "unknown")}
            assert recorded.startswith("target.")
        await house.connect("letters", kind="http", base_url=f"http://127.0.0.1:{free_port()}")
        told = await house.ask("POST", "/v1/actions/mail.send", agent, json={"to": MARK})
        assert problem(told) == (502, "target.unavailable")
        assert await last_event(house) == ("mail.send", "failed", "target.unavailable")

    play(tmp_path, story)

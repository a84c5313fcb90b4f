"""The admin of one tenant against another: every address of the API with the other's ids, and names that both have."""

import asyncio
from pathlib import Path
from typing import Any

from tests.door.test_consent import PAY, held, told
from tests.engines.given import shop as database
from tests.house import House
from tests.oauth.agent import registered as oauth_registered
from tests.provenance.office import Signer
from tests.review import papers
from tests.shop import CONTRACTS, Shop

OPEN_TO_ALL = {"version": 1, "rules": [{"name": "all", "tables": ["*"]}]}
ASKED = {"statement": "SELECT name FROM customers"}
BODIES: dict[str, dict[str, Any]] = {
    "contract.accept_drafts": {"names": ["pay.look"]},
    "upstream.accept": {
        "tools": [
            {"pin": "0" * 64, "effect": "read", "risk": "low", "confirmation": "never", "egress": False}
        ]
    },
    "upstream.refuse": {"pins": ["0" * 64]},
    "approval.approve": {"digest": "0" * 64},
    "approval.reject": {"reason": "no"},
    "call.settle": {"outcome": "done"},
    "member.change_role": {"role": "viewer"},
    "contract.apply": {},
    "redaction_scope.destroy": {"confirm": "shop"},
    "document.decide": {"decision": "accept", "seen": 0, "category": "email"},
    "document.add_text": {"seen": 0, "piece": 0, "start": 0, "end": 1, "category": "email"},
    "document.add_area": {"seen": 0, "page": 1, "left": 0, "bottom": 0, "right": 9, "top": 9},
    "document.undo": {"number": 1},
    "source.query": ASKED,
    "source.stream": ASKED,
    "source.ask": {"question": "how many customers"},
    "source.weigh": ASKED,
    "source.confirm": ASKED,
    "source.model.check": {"model": "semantic_model: []"},
    "source.model.put": {"model": "semantic_model: []", "version": 0},
    "source.model.verify": {**ASKED, "question": "who are they", "version": 0},
    "source.request": ASKED,
    "document.export": {"seen": 0},
}


async def other_tenant(house: House) -> str:
    """The owner goes on as the owner of a second tenant."""
    made = await house.good("POST", "/v1/tenants", json={"name": "Other"})
    tenant = str(made.get("tenant") or made["tenant_id"])
    await house.good("POST", "/v1/session/switch-tenant", json={"tenant": tenant})
    return tenant


async def ids_of(house: House, agent: str) -> dict[str, str]:
    """One id of every kind in the first tenant."""
    waiting = await held(house, agent)
    (key,) = [
        key["key_id"] for key in (await house.good("GET", "/v1/keys"))["keys"] if key["name"] == "helper"
    ]
    email = {"email": "sue@pellow.example", "name": "Sue", "role": "support"}
    sue = await house.good("POST", "/v1/members", json=email)
    await house.good("PUT", "/v1/roles/desk", json={"permissions": ["contract.call"]})
    events = (await house.good("GET", "/v1/audit/events"))["events"]
    stop = await house.good(
        "POST", "/v1/stops", json={"kind": "action", "target": "pay.send", "reason": "Look."}
    )
    job = await house.good("POST", "/v1/jobs", json={"kind": "audit.export", "params": {}})
    hold = await house.good(
        "POST", "/v1/holds", json={"scope": "subject", "subject": "cus_1", "reason": "A claim."}
    )
    hook = await house.good(
        "POST", "/v1/webhooks", json={"url": "https://hook.example/", "types": ["incident.*"]}
    )
    endpoint = hook["webhook"]["id"]
    await house.good("POST", f"/v1/webhooks/{endpoint}/test")
    sent = (await house.good("GET", f"/v1/webhooks/{endpoint}/deliveries"))["deliveries"]
    document = 'openapi: 3.1.0\npaths: {"/a": {"get": {}}}'
    drafts = await house.good("POST", "/v1/contract-imports", json={"connector": "shop", "text": document})
    erasure = await house.good("POST", "/v1/erasures", json={"subject": "cus_2", "confirm": "cus_2"})
    oauth = await oauth_registered(house)
    await oauth.enter()
    (grant,) = (await house.good("GET", "/v1/oauth/grants"))["grants"]
    trusting = {"issuer": "https://sign-in.example", "audience": "a", "domains": ["pellow.example"]}
    issuer = await house.good("POST", "/v1/oauth/issuers", json=trusting)
    given = {"agent": key, "contract": "pay.send", "values": {"to": "ada"}, "amount_max": "5"}
    allowance = await house.good("POST", "/v1/allowances", json=given)
    most = await house.good(
        "POST", "/v1/limits", json={"whom": "agent", "measure": "calls", "most": "100000", "per": "day"}
    )
    await house.good("PUT", "/v1/redaction-plans/shop", json={"text": "scope: shop\ndefault: token"})
    await house.good("PUT", "/v1/redaction-rules/shop", json={"text": "without: [date]"})
    await house.good("POST", "/v1/redact", json={"plan": "shop", "text": "to a@b.example"})
    bucket = {"settings": {"kind": "bucket", "url": "s3://letters/"}}
    await house.good("PUT", "/v1/discovery/places/shop", json=bucket)
    run = await house.good("POST", "/v1/discovery/places/shop/runs")
    await house.connect("asked", kind="sqlite", path="shop.sqlite")
    await house.good("PUT", "/v1/sources/asked", json={"policy": OPEN_TO_ALL})
    asked = await house.good("POST", "/v1/sources/asked/query", json=ASKED)
    assert len(asked["rows"]) == 2
    question = {"source": "asked", "title": "All", "shared": True, **ASKED}
    saved = await house.good("POST", "/v1/saved-questions", json=question)
    board = {"title": "Ours", "tiles": [saved["id"]], "shared": True}
    dashboard = await house.good("POST", "/v1/dashboards", json=board)
    signer = Signer()
    await signer.register(house)
    upload, sha256 = await papers.uploaded(house, b"to a@b.example")
    paper_asked = {"upload_id": upload, "sha256": sha256, "name": "a.txt"}
    paper = await house.good("POST", "/v1/documents", json=paper_asked)
    return {
        "saved": saved["id"], "dashboard": dashboard["id"], "place": "shop", "source": "asked", "run_id": run["run_id"],
        "document_id": paper["id"], "upload_id": upload, "leaf": "0", "page": "1", "what": "document",
        "intent_key_id": signer.id, "limit_id": most["limit_id"],
        "allowance_id": allowance["id"], "grant": grant["grant"], "client": oauth.client, "issuer_id": issuer["issuer_id"], "connector": "shop",
        "import_id": drafts["summary"]["import_id"], "endpoint_id": endpoint, "delivery_id": sent[0]["id"],
        "stop_id": stop["stop_id"], "job_id": job["id"], "hold_id": hold["id"], "erasure_id": erasure["id"],
        "approval_id": waiting["approval_id"], "call_id": waiting["call_id"], "key_id": key, "person": sue["person"], "name": "shop",
        "event_id": events[0]["id"], "id": events[0]["id"], "event": events[0]["id"], "role": "desk", "version": "1",
    }  # fmt: skip


def test_no_address_of_the_api_says_anything_about_anothers_ids(tmp_path: Path) -> None:
    async def story(house: House, shop: Shop, agent: str) -> None:
        ids = await ids_of(house, agent)
        named = {"contract": "pay.send", "role": "desk"}
        await other_tenant(house)
        asked = 0
        for action in house.gateway.registry.all().values():
            route = action.route
            if (
                route is None
                or "{" not in route.path
                or route.path.startswith("/v1/session")
                or action.permission == "install.manage"  # the operator's, of all tenants
                or action.name == "webhook.public_keys"  # for whoever has the id, as certificates are
                or (route.method == "PUT" and action.name != "member.change_role")
            ):
                continue
            known = {**ids, "name": named.get(action.name.split(".")[0], "shop")}
            path = route.path.format(**known)
            more = {"json": BODIES.get(action.name, {})} if route.method != "GET" else {}
            answer = await house.ask(route.method, path, **more)
            assert answer.status_code == 404, (action.name, path, answer.status_code, answer.text)
            assert answer.json()["code"] == "not_found"
            asked += 1
        assert asked >= 14

    with database("sqlite", tmp_path / "sources"):
        told(tmp_path / "home", story, OSTIARY_SOURCE_ROOTS=str(tmp_path / "sources"))


def test_the_same_names_in_two_tenants_are_two_things(tmp_path: Path) -> None:
    async def story(house: House, shop: Shop, agent: str) -> None:
        await house.ask("POST", "/v1/actions/mail.send", agent, json={"to": "bob"}, key="k")
        await other_tenant(house)
        await house.connect("shop", kind="http", base_url=shop.url + "/elsewhere")
        await house.connect("letters", kind="http", base_url=shop.url + "/elsewhere")
        await house.agree(CONTRACTS)
        theirs = await house.make_key("helper")
        away = await house.ask("POST", "/v1/actions/mail.send", theirs, json={"to": "bob"}, key="k")
        assert (away.status_code, away.json()["code"]) == (502, "target.refused")
        mine = await house.good("POST", "/v1/actions/mail.send", agent, json={"to": "bob"}, key="k")
        assert mine["result"] == {"sent": True}
        assert shop.done == {"bob": 1}

    told(tmp_path, story)


def test_a_yes_of_another_tenant_is_no_yes(tmp_path: Path) -> None:
    async def story(house: House, shop: Shop, agent: str) -> None:
        waiting = await held(house, agent)
        digest = (await house.good("GET", f"/v1/approvals/{waiting['approval_id']}"))["digest"]
        await other_tenant(house)
        answer = await house.ask(
            "POST", f"/v1/approvals/{waiting['approval_id']}/approve", json={"digest": digest}
        )
        assert answer.status_code == 404
        key = await house.make_key("theirs", "program", ("admin",))
        assert (await house.ask("POST", "/v1/actions/pay.send", key, json=PAY)).status_code == 404
        assert shop.requests == 0

    told(tmp_path, story)


def test_one_tenant_does_not_take_all_calls_under_way(tmp_path: Path) -> None:
    """Many keys of one tenant wait at once: another tenant is answered."""

    async def story(house: House, shop: Shop, agent: str) -> None:
        await other_tenant(house)
        theirs = await house.make_key("theirs")
        await house.good("POST", "/v1/session/switch-tenant", json={"tenant": house.tenant})
        waiting = await held(house, agent)
        keys = [await house.make_key(f"k{number}") for number in range(6)]
        asks = []
        for key in keys * 4:
            path = f"/v1/calls/{waiting['call_id']}"
            asks.append(asyncio.create_task(house.ask("GET", path, key, params={"wait_s": "20"})))
            await asyncio.sleep(0.05)
            if (await house.ask("GET", "/v1/calls", agent)).status_code == 429:
                break
        assert (await house.ask("GET", "/v1/calls", agent)).status_code == 429
        assert 12 <= len(asks) < 24
        assert (await house.ask("GET", "/v1/calls", theirs)).status_code == 200
        for ask in asks:
            ask.cancel()
        await asyncio.gather(*asks, return_exceptions=True)
        assert (await house.ask("GET", "/v1/calls", agent)).status_code == 200

    told(tmp_path, story, OSTIARY_CALLS_AT_ONCE_MAX="16")

"""Imports through REST: drafts nobody can call, edited, accepted into the file, discarded; two tenants; two people at once."""

from pathlib import Path
from typing import Any

import pytest

from tests.house import House, play

SHOP = (Path(__file__).parent / "shop.yaml").read_text(encoding="utf-8")
ITEM = """
name: shop.search_orders
description: Search orders.
parameters: {type: object, properties: {q: {type: string, maxLength: 100}}}
risk: low
effect: read
labels: {q: selector}
target: {connector: shop, http: {method: POST, path: /v2/orders/search, body: {q: "{q}"}}}
"""


async def imported(house: House) -> Any:
    await house.connect("shop", kind="http", base_url="https://127.0.0.1:8443/api")
    return await house.good(
        "POST", "/v1/contract-imports", json={"connector": "shop", "text": SHOP, "filename": "shop.yaml"}
    )


def names(shown: Any, state: str = "open") -> list[str]:
    return [draft["name"] for draft in shown["drafts"] if draft["state"] == state]


def test_drafts_are_shown_with_their_reasons_and_nothing_is_callable(tmp_path: Path):
    async def story(house: House) -> None:
        made = await imported(house)
        assert made["summary"]["open"] == 7
        assert [left["source"] for left in made["left"]] == ["PUT /photos", "GET /elsewhere"]
        refund = next(draft for draft in made["drafts"] if draft["name"] == "shop.refund_orders")
        assert {"pointer": "/amount", "detail": "its name says amount"} in refund["why"]
        assert refund["mistakes"] == []
        agent = await house.make_key("agent")
        refused = await house.ask("POST", "/v1/actions/shop.search_orders", agent, json={"q": "x"})
        assert (refused.status_code, refused.json()["code"]) == (404, "contract.unknown")
        assert (await house.good("GET", "/v1/contracts"))["version"] == 0
        shown = await house.good("GET", f"/v1/contract-imports/{made['summary']['import_id']}")
        assert shown == made

    play(tmp_path, story)


def test_accepted_drafts_join_the_contracts_that_stand(tmp_path: Path):
    async def story(house: House) -> None:
        made = await imported(house)
        at = f"/v1/contract-imports/{made['summary']['import_id']}"
        await house.agree(
            "version: 1\nactions:\n  - name: old.one\n    description: Old.\n    target: {connector: shop, http: {method: GET, path: /old}}\n"
        )
        applied = await house.good(
            "POST", f"{at}/accept", json={"names": ["shop.search_orders", "shop.cancel_order"], "expected": 1}
        )
        assert (applied["version"], applied["change"]["added"]) == (
            2,
            ["shop.cancel_order", "shop.search_orders"],
        )
        standing = await house.good("GET", "/v1/contracts")
        assert [one["name"] for one in standing["contracts"]] == [
            "old.one",
            "shop.cancel_order",
            "shop.search_orders",
        ]
        shown = await house.good("GET", at)
        assert names(shown, "accepted") == ["shop.cancel_order", "shop.search_orders"]
        again = await house.ask("POST", f"{at}/accept", json={"names": ["shop.cancel_order"]})
        assert (again.status_code, again.json()["code"]) == (409, "conflict")

    play(tmp_path, story)


def test_an_edited_draft_is_what_is_accepted(tmp_path: Path):
    async def story(house: House) -> None:
        made = await imported(house)
        at = f"/v1/contract-imports/{made['summary']['import_id']}"
        edited = await house.good("PUT", f"{at}/drafts/shop.search_orders", json={"text": ITEM})
        assert edited["contract"]["labels"] == {"q": "selector"}
        assert edited["mistakes"] == []
        await house.good("POST", f"{at}/accept", json={"names": ["shop.search_orders"]})
        shown = await house.good("GET", "/v1/contracts/shop.search_orders")
        assert shown["contract"]["parameters"]["properties"]["q"] == {"type": "string", "maxLength": 100}

    play(tmp_path, story)


@pytest.mark.parametrize(
    ("text", "status", "code"),
    [
        ("name: [", 422, "contract.invalid"),
        ("- a list", 422, "contract.invalid"),
        ("description: no name", 422, "contract.invalid"),
        (ITEM.replace("shop.search_orders", "shop.list_orders"), 409, "conflict"),
    ],
)
def test_a_draft_that_is_none_is_refused(tmp_path: Path, text: str, status: int, code: str):
    async def story(house: House) -> None:
        made = await imported(house)
        answer = await house.ask(
            "PUT",
            f"/v1/contract-imports/{made['summary']['import_id']}/drafts/shop.search_orders",
            json={"text": text},
        )
        assert (answer.status_code, answer.json()["code"]) == (status, code)

    play(tmp_path, story)


def test_a_draft_with_a_mistake_shows_it_and_is_not_accepted(tmp_path: Path):
    async def story(house: House) -> None:
        made = await imported(house)
        at = f"/v1/contract-imports/{made['summary']['import_id']}"
        edited = await house.good(
            "PUT", f"{at}/drafts/shop.search_orders", json={"text": ITEM.replace("risk: low", "risk: hihg")}
        )
        assert edited["mistakes"] == [
            {"pointer": "/risk", "detail": "write one of low, medium, high; did you mean `high`?"}
        ]
        answer = await house.ask(
            "POST", f"{at}/accept", json={"names": ["shop.cancel_order", "shop.search_orders"]}
        )
        assert (answer.status_code, answer.json()["code"]) == (422, "contract.invalid")
        assert [one["pointer"] for one in answer.json()["errors"]] == ["/names/1/risk"]
        assert (await house.good("GET", "/v1/contracts"))["version"] == 0
        assert names(await house.good("GET", at), "accepted") == []

    play(tmp_path, story)


def test_a_contract_that_stands_is_replaced_only_when_that_is_said(tmp_path: Path):
    async def story(house: House) -> None:
        made = await imported(house)
        at = f"/v1/contract-imports/{made['summary']['import_id']}"
        await house.agree(
            "version: 1\nactions:\n  -"
            + ITEM.strip().replace("\n", "\n    ").replace("name:", " name:", 1)
            + "\n"
        )
        answer = await house.ask("POST", f"{at}/accept", json={"names": ["shop.search_orders"]})
        assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
        applied = await house.good(
            "POST", f"{at}/accept", json={"names": ["shop.search_orders"], "replace": True}
        )
        assert [one["name"] for one in applied["change"]["changed"]] == ["shop.search_orders"]

    play(tmp_path, story)


def test_without_its_connector_a_draft_says_so(tmp_path: Path):
    async def story(house: House) -> None:
        made = await house.good("POST", "/v1/contract-imports", json={"connector": "nowhere", "text": SHOP})
        assert {draft["mistakes"][0]["detail"] for draft in made["drafts"]} == {
            "there is no connector of this name: set it up first"
        }
        answer = await house.ask("POST", "/v1/contract-imports", json={"connector": "nowhere"})
        assert (answer.status_code, answer.json()["code"]) == (422, "params.invalid")

    play(tmp_path, story)


def test_who_may_not_manage_contracts_imports_nothing(tmp_path: Path):
    async def story(house: House) -> None:
        made = await imported(house)
        at = f"/v1/contract-imports/{made['summary']['import_id']}"
        agent = await house.make_key("agent")
        for method, path, body in (
            ("POST", "/v1/contract-imports", {"connector": "shop", "text": SHOP}),
            ("POST", f"{at}/accept", {"names": ["shop.search_orders"]}),
            ("PUT", f"{at}/drafts/shop.search_orders", {"text": ITEM}),
            ("DELETE", at, None),
        ):
            answer = await house.ask(method, path, agent, **({"json": body} if body else {}))
            assert (answer.status_code, answer.json()["code"]) == (403, "access.forbidden")
        assert names(await house.good("GET", at)) == names(made)

    play(tmp_path, story)


def test_an_import_that_is_discarded_is_gone(tmp_path: Path):
    async def story(house: House) -> None:
        made = await imported(house)
        at = f"/v1/contract-imports/{made['summary']['import_id']}"
        assert len((await house.good("GET", "/v1/contract-imports"))["imports"]) == 1
        await house.good("DELETE", at)
        assert (await house.ask("GET", at)).status_code == 404
        assert (await house.ask("DELETE", at)).status_code == 404
        assert (await house.good("GET", "/v1/contract-imports"))["imports"] == []

    play(tmp_path, story)


def test_there_are_only_so_many_imports_and_old_ones_make_room(tmp_path: Path):
    async def story(house: House) -> None:
        small = 'openapi: 3.1.0\npaths: {"/a": {"get": {}}}'
        for _ in range(20):
            await house.good("POST", "/v1/contract-imports", json={"connector": "shop", "text": small})
        answer = await house.ask("POST", "/v1/contract-imports", json={"connector": "shop", "text": small})
        assert (answer.status_code, answer.json()["code"]) == (409, "conflict")

    play(tmp_path, story)

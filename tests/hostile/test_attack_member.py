"""Somebody inside with a low role, or a program with a role that is too high for its purpose: more rights by a detour."""

from pathlib import Path
from typing import Any

from tests.door.test_consent import PAY, held, told
from tests.house import House, play
from tests.shop import CONTRACTS, Shop

MEDIUM = CONTRACTS.replace("risk: high", "risk: medium").replace(
    "roles: [support, owner]", "roles: [support, admin, owner]"
)


async def joined(house: House, name: str, role: str) -> str:
    """A new member's session."""
    email = f"{name}@pellow.example"
    await house.good("POST", "/v1/members", json={"email": email, "name": name, "role": role})
    return await house.sign_in(email)


async def key_by(house: House, token: str, name: str, kind: str, role: str, **more: Any) -> tuple[int, str]:
    answer = await house.ask(
        "POST", "/v1/keys", token, json={"name": name, "kind": kind, "roles": [role], **more}
    )
    return answer.status_code, answer.json().get("secret", answer.json().get("code", ""))


async def yes(house: House, approval: str, token: str) -> tuple[int, str]:
    answer = await house.approve(approval, token)
    return answer.status_code, answer.json().get("code", "")


def test_a_second_key_does_not_agree_to_what_the_first_one_asked(tmp_path: Path) -> None:
    """Both are programs of one admin: if keys could say yes, whoever makes keys would need nobody."""

    async def story(house: House, shop: Shop, agent: str) -> None:
        await house.agree(MEDIUM)
        asking = await house.make_key("asking", "program", ("admin",))
        agreeing = await house.make_key("agreeing", "program", ("admin",))
        waiting = await held(house, asking)
        assert await yes(house, waiting["approval_id"], agreeing) == (403, "access.forbidden")
        assert await yes(house, waiting["approval_id"], asking) == (403, "access.forbidden")
        assert shop.requests == 0
        assert (await yes(house, waiting["approval_id"], house.owner))[0] == 200

    told(tmp_path, story)


def test_a_person_does_not_agree_with_themselves_through_a_program_of_their_own(tmp_path: Path) -> None:
    async def story(house: House, shop: Shop, agent: str) -> None:
        await house.agree(MEDIUM)
        program = await house.make_key("mine", "program", ("support",))
        own = (await house.ask("POST", "/v1/actions/pay.send", json=PAY)).json()
        assert await yes(house, own["approval_id"], program) == (403, "access.forbidden")
        assert await yes(house, own["approval_id"], house.owner) == (403, "approval.self")
        assert shop.requests == 0

    told(tmp_path, story)


def test_a_program_does_not_say_what_became_of_a_lost_call(tmp_path: Path) -> None:
    async def story(house: House, shop: Shop, agent: str) -> None:
        program = await house.make_key("bookkeeper", "program", ("support",))
        shop.vanish = 1
        await house.ask("POST", "/v1/actions/mail.send", agent, json={"to": "bob"}, key="k")
        (call,) = (await house.good("GET", "/v1/calls", params={"state": "unknown"}))["calls"]
        answer = await house.ask(
            "POST", f"/v1/calls/{call['call_id']}/settle", program, json={"outcome": "done"}
        )
        assert (answer.status_code, answer.json()["code"]) == (403, "access.forbidden")

    told(tmp_path, story)


def test_a_developer_makes_no_agent_of_a_role_that_is_not_theirs(tmp_path: Path) -> None:
    """An agent never holds all of support; but a contract's roles and the masking policy go by the role's name."""

    async def story(house: House, shop: Shop, agent: str) -> None:
        developer = await joined(house, "dora", "developer")
        refused = await house.ask("POST", "/v1/actions/pay.send", developer, json=PAY)
        assert (refused.status_code, refused.json()["code"]) == (403, "access.forbidden")
        assert await key_by(house, developer, "detour", "agent", "support") == (403, "access.forbidden")
        assert await key_by(house, developer, "detour", "agent", "owner") == (403, "access.forbidden")
        assert (await key_by(house, developer, "own", "agent", "developer"))[0] == 201
        assert (await key_by(house, developer, "less", "agent", "viewer"))[0] == 201

    told(tmp_path, story)


def test_a_developer_does_not_take_over_an_agent_by_rotating_its_key(tmp_path: Path) -> None:
    async def story(house: House, shop: Shop, agent: str) -> None:
        developer = await joined(house, "dora", "developer")
        (mine,) = [key for key in (await house.good("GET", "/v1/keys"))["keys"] if key["name"] == "helper"]
        for what in ("rotate", "signing-secret"):
            answer = await house.ask("POST", f"/v1/keys/{mine['key_id']}/{what}", developer, json={})
            assert (answer.status_code, answer.json()["code"]) == (403, "access.forbidden")

    told(tmp_path, story)


def test_a_role_of_the_tenants_own_is_handed_out_by_who_hands_out_roles(tmp_path: Path) -> None:
    async def story(house: House, shop: Shop, agent: str) -> None:
        await house.good(
            "PUT", "/v1/roles/refund_desk", json={"title": "Refunds", "permissions": ["contract.call"]}
        )
        await house.agree(CONTRACTS.replace("roles: [support, owner]", "roles: [refund_desk]"))
        developer = await joined(house, "dora", "developer")
        assert await key_by(house, developer, "detour", "program", "refund_desk") == (403, "access.forbidden")
        assert (await key_by(house, house.owner, "desk", "program", "refund_desk"))[0] == 201

    told(tmp_path, story)


def test_a_viewer_sees_that_something_waits_and_nothing_of_what(tmp_path: Path) -> None:
    async def story(house: House, shop: Shop, agent: str) -> None:
        viewer = await joined(house, "vera", "viewer")
        waiting = await held(house, agent, to="carol.secret", amount=77)
        await house.approve(waiting["approval_id"])
        await house.settled(waiting["call_id"])
        for path in (
            f"/v1/approvals/{waiting['approval_id']}",
            "/v1/approvals?state=any",
            f"/v1/calls/{waiting['call_id']}",
            "/v1/calls",
        ):
            answer = await house.ask("GET", path, viewer)
            assert answer.status_code == 200
            assert "carol.secret" not in answer.text
            assert '"paid"' not in answer.text
        assert (await yes(house, waiting["approval_id"], viewer))[0] == 403

    told(tmp_path, story)


def test_who_decides_does_not_read_what_only_the_asker_may_see(tmp_path: Path) -> None:
    """The answer was masked for the asker's roles. Support may say yes, and sees that it is done."""

    async def story(house: House, shop: Shop, agent: str) -> None:
        await house.agree(MEDIUM)
        support = await joined(house, "sue", "support")
        own = (await house.ask("POST", "/v1/actions/pay.send", json=PAY)).json()
        assert (await yes(house, own["approval_id"], support))[0] == 200
        ended = await house.settled(own["call_id"])
        assert (ended["state"], ended["result"]["paid"]) == ("done", 48)
        card = await house.good("GET", f"/v1/approvals/{own['approval_id']}", support)
        assert (card["state"], card["answer"]) == ("done", None)

    told(tmp_path, story)


def test_a_credential_in_a_held_change_is_not_on_its_card(tmp_path: Path) -> None:
    async def story(house: House, shop: Shop, agent: str) -> None:
        program = await house.make_key("deployer", "program", ("developer",))
        body = {
            "settings": {"kind": "http", "base_url": shop.url},
            "credential": "hunter2-credential",
            "signing_secret": "s" * 40,
        }
        answer = await house.ask("PUT", "/v1/connectors/fresh", program, json=body)
        assert answer.status_code == 202, answer.text
        for token in (house.owner, await joined(house, "sue", "support")):
            card = await house.ask("GET", f"/v1/approvals/{answer.json()['approval_id']}", token)
            assert card.status_code == 200
            assert "hunter2-credential" not in card.text
            assert "s" * 40 not in card.text
        assert (await house.approve(answer.json()["approval_id"])).status_code == 200
        ended = await house.settled(answer.json()["call_id"])
        assert ended["state"] == "done"
        assert (await house.good("GET", "/v1/connectors/fresh"))["has_credential"] is True

    told(tmp_path, story)


def test_a_removed_member_has_no_yes_left(tmp_path: Path) -> None:
    async def story(house: House, shop: Shop, agent: str) -> None:
        await house.agree(MEDIUM)
        support = await joined(house, "sue", "support")
        waiting = await held(house, agent)
        members = (await house.good("GET", "/v1/members"))["members"]
        (sue,) = [member["person"] for member in members if member["role"] == "support"]
        await house.good("PUT", f"/v1/members/{sue}/role", json={"role": "viewer"})
        assert (await yes(house, waiting["approval_id"], support))[0] == 403
        assert shop.requests == 0

    told(tmp_path, story)


def test_a_narrow_key_makes_no_wider_one(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        narrow = await house.make_key("narrow", "program", ("admin",), scopes=["key.*", "invoice.read"])
        assert (await key_by(house, narrow, "wide", "program", "viewer"))[1] == "access.scope"
        assert (await key_by(house, narrow, "wide", "program", "viewer", scopes=["*"]))[0] == 422
        assert (await key_by(house, narrow, "wide", "program", "viewer", scopes=["invoice.*"]))[
            1
        ] == "access.scope"
        assert (await key_by(house, narrow, "same", "program", "viewer", scopes=["invoice.read"]))[0] == 201

    play(tmp_path, story)


def test_nobody_makes_themselves_more(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        admin = await joined(house, "adam", "admin")
        members = (await house.good("GET", "/v1/members"))["members"]
        (adam,) = [member["person"] for member in members if member["role"] == "admin"]
        for method, path, body in (
            ("PUT", f"/v1/members/{adam}/role", {"role": "owner"}),
            ("PUT", "/v1/roles/boss", {"permissions": ["tenant.manage"]}),
            ("PUT", "/v1/roles/owner", {"permissions": ["me.own"]}),
            ("POST", "/v1/members", {"email": "x@pellow.example", "name": "x", "role": "owner"}),
            ("POST", "/v1/keys", {"name": "x", "kind": "program", "roles": ["owner"]}),
            ("POST", "/v1/tenants", {"name": "Mine"}),
        ):
            answer = await house.ask(method, path, admin, json=body)
            assert (path, answer.status_code) == (path, 403)

    play(tmp_path, story)

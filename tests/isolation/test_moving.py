"""What becomes of everything that a tenant has while it moves to its cell and back, and of a move that is cut off."""

from pathlib import Path

import pyotp
import pytest

from ostiary.app.gateway import Gateway
from ostiary.cells import moving
from ostiary.errors import StoreUnavailable
from ostiary.vault.root import generate
from tests.conftest import KINDS
from tests.house import play as play_house
from tests.isolation.inside import MEMBER, Two, play
from tests.shop import CONTRACTS, Shop, running

pytestmark = pytest.mark.skipif("postgresql" not in KINDS, reason="not run: cells need PostgreSQL")


async def furnish(of: Two, shop: Shop) -> str:
    """The tenant that moves has contracts, and an agent."""
    await of.home.connect("shop", kind="http", base_url=shop.url, honours_idempotency_key=True)
    await of.home.connect("letters", kind="http", base_url=shop.url)
    await of.home.agree(CONTRACTS)
    return await of.home.make_key("agent")


def test_a_call_that_was_held_before_runs_once_after_it_was_approved_in_the_cell(tmp_path: Path) -> None:
    async def story(of: Two) -> None:
        with running() as shop:
            agent = await furnish(of, shop)
            held = await of.home.ask(
                "POST", "/v1/actions/pay.send", agent, json={"to": "ada", "amount": 5}, key="k1"
            )
            assert held.status_code == 202
            await of.pin()
            async with of.cell() as cell:
                member = await cell.sign_in(MEMBER)
                enrolment = await cell.good("POST", "/v1/me/totp", member)
                code = pyotp.parse_uri(enrolment["secret"]["otpauth"]).at(cell.clock.now_us() // 1_000_000)
                stepped = await cell.good("POST", "/v1/me/totp/confirm", member, json={"code": code})
                member = stepped["secret"] or member
                approved = await cell.approve(held.json()["approval_id"], member)
                assert approved.status_code == 200, approved.text
                assert (await cell.settled(held.json()["call_id"], agent))["state"] == "done"
                again = await cell.ask(
                    "POST", "/v1/actions/pay.send", agent, json={"to": "ada", "amount": 5}, key="k1"
                )
                assert again.status_code == 200
            assert shop.done == {"ada": 1}

    play(tmp_path, story)


def test_erasure_export_and_rotation_run_in_the_cell(tmp_path: Path) -> None:
    async def story(of: Two) -> None:
        await of.pin()
        async with of.cell() as cell:
            member = await cell.sign_in(MEMBER)
            await cell.good("POST", "/v1/vault/keys", member, json={})
            started = await cell.good("POST", "/v1/jobs", member, json={"kind": "audit.export", "params": {}})
            await cell.work()
            job = await cell.good("GET", f"/v1/jobs/{started['id']}", member)
            assert (job["state"], job["code"]) == ("done", "")
            assert (await cell.good("GET", "/v1/vault/keys", member))["versions"][0]["version"] == 2
            log = await cell.good("GET", "/v1/audit/events", member)
            assert log["events"]
            checked = await cell.ask("POST", "/v1/audit/verify", member, json={})
            assert checked.status_code in (200, 404, 405), checked.text
            await of.home.work()
            kinds = await of.home.gateway.tenants()
            assert (of.tenant in kinds, of.stays in kinds) == (False, True)
            assert await cell.gateway.tenants() == [of.tenant]

    play(tmp_path, story)


def test_the_installation_goes_on_without_a_word_about_the_pinned_tenant(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def story(of: Two) -> None:
        await of.pin()
        async with of.cell():
            capsys.readouterr()
            gateway = of.home.gateway
            await gateway.resumer._round()
            await gateway.tidy()
            await gateway.counting.count()
            await gateway.storing.count()
            await of.home.work()
            said = capsys.readouterr().out
            assert "warning" not in said
            assert "error" not in said

    play(tmp_path, story)


def test_a_move_that_is_cut_off_goes_on_when_it_is_asked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(of: Two) -> None:
        whole, broken = moving._go, [True]

        def cut(*given: object) -> None:
            if broken:
                broken.clear()
                raise StoreUnavailable
            whole(*given)  # type: ignore[arg-type]

        monkeypatch.setattr(moving, "_go", cut)
        body = {"tenant": of.tenant, "url": "http://cell.brock.example", "root_key": of.root}
        assert (await of.home.ask("POST", "/v1/cells", json=body)).status_code == 503
        assert (await of.home.ask("GET", "/v1/me", of.key)).status_code == 421
        other = await of.home.ask("POST", "/v1/cells", json={**body, "root_key": generate().reveal()})
        assert (other.status_code, other.json()["code"]) == (409, "conflict")
        await of.pin()
        async with of.cell() as cell:
            assert (await cell.ask("GET", "/v1/me", of.key)).status_code == 200

    play(tmp_path, story)


def test_a_tenant_that_no_cell_has_taken_comes_back_whole_and_may_go_again(tmp_path: Path) -> None:
    async def story(of: Two) -> None:
        for _ in range(2):
            await of.pin()
            await of.unpin()
            assert (await of.home.ask("GET", "/v1/keys", of.key)).status_code == 200
        wrong = {"tenant": of.tenant, "root_key": generate().reveal()}
        await of.pin()
        assert (await of.home.ask("POST", "/v1/cells/return", json=wrong)).status_code == 409
        async with of.cell() as cell:
            assert (await cell.ask("GET", "/v1/keys", of.key)).status_code == 200
            await of.unpin()
            turned_away = await cell.ask("GET", "/v1/keys", of.key)
            assert (turned_away.status_code, turned_away.json()["code"]) == (421, "tenant.elsewhere")
        assert (await of.home.ask("GET", "/v1/keys", of.key)).status_code == 200

    play(tmp_path, story)


def test_the_operator_whose_own_tenant_is_pinned_still_operates(tmp_path: Path) -> None:
    async def story(of: Two) -> None:
        assert (await of.home.good("GET", "/v1/me"))["tenant"] == of.tenant
        await of.pin()
        listed = (await of.home.good("GET", "/v1/cells"))["tenants"]
        assert [(each["tenant"], each["state"]) for each in listed] == [(of.tenant, "pinned")]
        assert (await of.home.ask("GET", "/v1/members")).status_code == 403
        assert (
            await of.home.ask("POST", "/v1/session/switch-tenant", json={"tenant": of.tenant})
        ).status_code == 421
        await of.home.good("POST", "/v1/session/switch-tenant", json={"tenant": of.stays})
        assert (await of.home.ask("GET", "/v1/members")).status_code == 200

    play(tmp_path, story)


def test_on_sqlite_nothing_is_pinned(tmp_path: Path) -> None:
    if "sqlite" not in KINDS:
        pytest.skip("not run: only PostgreSQL was asked for")

    async def story(house) -> None:  # type: ignore[no-untyped-def]
        body = {"tenant": house.tenant, "url": "http://cell.example", "root_key": generate().reveal()}
        answer = await house.ask("POST", "/v1/cells", json=body)
        assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
        assert isinstance(house.gateway, Gateway)

    play_house(tmp_path / "home", story)

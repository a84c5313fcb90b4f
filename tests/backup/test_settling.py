"""After a restore, nothing of the lost time is taken for granted."""

import asyncio
from typing import Any

import pytest

from ostiary.backup import restore
from ostiary.backup.wrong import Damaged, Refused
from ostiary.consent.store import CALL
from ostiary.errors import ConfigurationError, StoreUnavailable
from tests.backup.kit import Kit, administrator
from tests.house import House, opened
from tests.shop import CONTRACTS, Shop, running


async def furnish(house: House, shop: Shop) -> str:
    await house.found()
    await house.enrol()
    await house.connect("shop", kind="http", base_url=shop.url, honours_idempotency_key=True)
    await house.connect("letters", kind="http", base_url=shop.url)
    await house.agree(CONTRACTS)
    return await house.make_key("helper", roles=("support",))


def test_what_was_approved_and_may_have_run_is_not_run_twice(here: Kit) -> None:
    """The backup has a call that was approved; in the time that was lost it ran. After the restore its target hears the same key, or nothing."""
    with running() as shop:

        async def before() -> None:
            async with opened(here.home, **here.settings) as house:
                agent = await furnish(house, shop)
                for name, body in (
                    ("pay.send", {"to": "ada", "amount": 48}),
                    ("mail.ask", {"to": "bob", "text": "hi"}),
                ):
                    await house.good("POST", f"/v1/actions/{name}", agent, json=body)
                house.gateway.resumer._slots._value = 0  # whatever is approved waits
                cards = (await house.good("GET", "/v1/approvals"))["approvals"]
                for card in cards:
                    assert (await house.approve(card["id"])).status_code == 200
                await asyncio.to_thread(here.take)
                for _ in range(16):
                    house.gateway.resumer._slots.release()
                for _ in range(200):
                    if shop.done["ada"] and shop.done["bob"]:
                        break
                    await asyncio.sleep(0.05)
                assert (shop.done["ada"], shop.done["bob"]) == (1, 1)

        asyncio.run(before())
        again, restored = here.restore()
        assert restored.calls_orphaned == 2

        async def after() -> None:
            async with opened(again.home, **again.settings) as house:
                for _ in range(200):
                    states = house.gateway.database.read(lambda c: _states(house, c))
                    if "running" not in states:
                        break
                    await asyncio.sleep(0.05)
                assert sorted(states) == ["done", "unknown"]

        asyncio.run(after())
        assert (shop.done["ada"], shop.done["bob"]) == (1, 1)


def _states(house: House, connection: Any) -> list[str]:
    from sqlalchemy import select

    from ostiary.db.scope import within

    (tenant,) = house.gateway.database.read(lambda c: _tenants(c))
    with within(connection, tenant):
        return [row[0] for row in connection.execute(select(CALL.c.state))]


def _tenants(connection: Any) -> list[Any]:
    from ostiary.identity.store import all_tenants
    from ostiary.ids import INSTALL

    return [each for each in all_tenants(connection, INSTALL) if each != INSTALL]


def test_a_drill_sends_nothing(here: Kit) -> None:
    with running() as shop:

        async def before() -> None:
            async with opened(here.home, **here.settings) as house:
                agent = await furnish(house, shop)
                await house.good("POST", "/v1/actions/pay.send", agent, json={"to": "ada", "amount": 48})
                house.gateway.resumer._slots._value = 0
                (card,) = (await house.good("GET", "/v1/approvals"))["approvals"]
                assert (await house.approve(card["id"])).status_code == 200
                await asyncio.to_thread(here.take)
                assert shop.done["ada"] == 0
                await asyncio.to_thread(here.drill)
                assert shop.done["ada"] == 0
                for _ in range(16):
                    house.gateway.resumer._slots.release()

        asyncio.run(before())


def test_a_later_checkpoint_from_outside_says_what_is_lost(here: Kit) -> None:
    kept: dict[str, str] = {}

    async def before() -> None:
        async with opened(here.home, **here.settings) as house:
            await house.found()
            await house.make_key("early")
            await asyncio.to_thread(here.take)
            for number in range(3):
                await house.make_key(f"late-{number}")
            kept["late"] = (await house.good("GET", "/v1/audit/checkpoint"))["checkpoint"]

    asyncio.run(before())
    _, restored = here.restore(checkpoints=(kept["late"],))
    (told,) = [each for each in restored.warnings if "was seen with" in each]
    assert "events are lost" in told


def test_a_checkpoint_of_another_history_stops_the_restore(here: Kit) -> None:
    """Two histories of one installation: the one that was backed up, and one that was restored from an earlier backup and went on differently."""
    kept: dict[str, str] = {}

    async def story(made: Kit, name: str, *, take: bool) -> None:
        async with opened(made.home, **made.settings) as house:
            if not made.to.exists() and made is here and not kept:
                await house.found()
                kept["key"] = await house.make_key("owner", "program", ("owner",))
                await asyncio.to_thread(here.take)
            for number in range(4):
                await house.good("POST", "/v1/keys", kept["key"], json={"name": f"{name}{number}", "kind": "agent", "roles": ["viewer"]})  # fmt: skip
            note = await house.good("GET", "/v1/audit/checkpoint", kept["key"])
            kept[name] = note["checkpoint"]
            if take:
                await asyncio.to_thread(here.take)

    asyncio.run(story(here, "one", take=True))
    first = min(here.to.joinpath("backups").iterdir()).name
    other, _ = here.restore("fork", backup=first)
    asyncio.run(story(other, "two", take=False))
    with pytest.raises(Damaged, match="not the one that the checkpoint is of"):
        here.restore("refused", checkpoints=(kept["two"],))
    here.restore("taken", checkpoints=(kept["one"],))


def test_a_home_in_use_is_not_restored_over(sqlite: Kit) -> None:
    async def story() -> None:
        async with opened(sqlite.home, **sqlite.settings) as house:
            await house.found()
            await asyncio.to_thread(sqlite.take)
            with pytest.raises(Refused, match="in use"):
                await asyncio.to_thread(lambda: sqlite.restore(loaded=sqlite.load(), replace=True))

    asyncio.run(story())


def test_a_restore_replaces_what_stands_there_when_told(here: Kit) -> None:
    kept: dict[str, str] = {}

    async def before() -> None:
        async with opened(here.home, **here.settings) as house:
            await house.found()
            kept["key"] = await house.make_key("owner", "program", ("owner",))
            await asyncio.to_thread(here.take)
            await house.make_key("late")

    asyncio.run(before())
    owners = {}
    if here.kind == "postgresql":
        owners = {
            "admin_url": administrator(),
            "keys_admin_url": administrator(),
        }
    here.restore(loaded=here.load(), replace=True, **owners)

    async def after() -> None:
        async with opened(here.home, **here.settings) as house:
            names = [key["name"] for key in (await house.good("GET", "/v1/keys", kept["key"]))["keys"]]
            assert names == ["owner"]

    asyncio.run(after())


def test_the_products_own_role_backs_up_nothing_rather_than_nobodys_rows(postgresql: Kit) -> None:
    here = postgresql

    async def story() -> None:
        async with opened(here.home, **here.settings) as house:
            await house.found()
            del here.settings["OSTIARY_BACKUP_DATABASE_URL"]
            with pytest.raises(StoreUnavailable, match="backup role"):
                await asyncio.to_thread(here.take)

    asyncio.run(story())
    assert list((here.to / "backups").iterdir()) == []


def test_a_command_that_only_records_is_refused_where_a_restore_has_not_ended(sqlite: Kit) -> None:
    (sqlite.home / "restoring").mkdir(parents=True)
    with pytest.raises((ConfigurationError, Refused)):
        sqlite.take()


def test_a_half_restored_database_starts_no_process_wherever_its_home_is(
    postgresql: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command dies between the keys and the data; other machines' homes know nothing of it."""
    here, kept = postgresql, {}

    async def before() -> None:
        async with opened(here.home, **here.settings) as house:
            await house.found()
            kept["key"] = await house.make_key("owner", "program", ("owner",))
            await asyncio.to_thread(here.take)

    async def start(made: Kit, home: str) -> None:
        async with opened(made.folder / home, **made.settings) as house:
            names = [key["name"] for key in (await house.good("GET", "/v1/keys", kept["key"]))["keys"]]
            assert names == ["owner"]

    asyncio.run(before())
    owners = {"admin_url": administrator(), "keys_admin_url": administrator()}
    with monkeypatch.context() as dying:
        dying.setattr(restore._Run, "data", _dies)
        with pytest.raises(Died):
            here.restore(loaded=here.load(), replace=True, **owners)
    with pytest.raises(StoreUnavailable) as refused:
        asyncio.run(start(here, "elsewhere"))
    assert refused.value.detail == "A restore into it was interrupted: run `ostiary restore` again."
    with pytest.raises(Refused, match="has not ended"):
        here.take()
    here.restore(loaded=here.load(), replace=True, **owners)
    asyncio.run(start(here, "elsewhere"))


class Died(Exception):
    """Where the process was killed."""


def _dies(_run: object) -> None:
    raise Died

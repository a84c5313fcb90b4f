"""A backup is taken, drilled and restored; what comes back is what was there."""

import asyncio

import pytest

from ostiary.backup.wrong import Refused
from tests.backup.kit import Kit, administrator, store_file
from tests.house import House, opened

AGREED = """
contracts:
  - name: stock.count
    title: Count the stock
"""


def test_a_backup_of_a_running_gateway_is_verified_and_says_rpo_and_rto(here: Kit) -> None:
    async def story() -> None:
        async with opened(here.home, **here.settings) as house:
            await house.found()
            await house.enrol()
            await house.make_key("till")
            store_file(house, "blo_one", b"a letter" * 10_000)
            taken = await asyncio.to_thread(here.take)
            assert (taken.blobs, taken.blobs_new, taken.events) == (1, 1, 4)
            await house.make_key("after")
            verified = await asyncio.to_thread(lambda: here.drill(record=True))
            assert verified.backup == taken.id
            assert (verified.logs, verified.events, verified.files, verified.files_opened) == (2, 4, 1, 1)
            assert verified.events_lost == 2  # the key, and the record that the backup was taken
            assert verified.lost_s > 0
            assert verified.ready_s >= verified.restore_s > 0
            assert verified.sealed_opened >= 10
            assert verified.sealed_destroyed == 0
            told = await house.good("GET", "/v1/backups")
            assert [row["kind"] for row in told["backups"]] == ["verified", "taken"]

    asyncio.run(story())
    assert not (here.folder / "scratch").exists()


def test_what_is_restored_serves_again_and_its_log_goes_on(here: Kit) -> None:
    kept: dict[str, str] = {}

    async def before() -> None:
        async with opened(here.home, **here.settings) as house:
            await house.found()
            await house.enrol()
            kept["key"] = await house.make_key("till", roles=("owner",))
            kept["checkpoint"] = (await house.good("GET", "/v1/audit/checkpoint"))["checkpoint"]
            kept["session"] = house.owner
            store_file(house, "blo_one", b"a letter" * 10_000)
            await asyncio.to_thread(here.take)

    asyncio.run(before())
    again, restored = here.restore(checkpoints=(kept["checkpoint"],), ledgers=())
    assert restored.sessions_ended == 1
    assert (again.home / "settings-restored").read_text().count("OSTIARY_ROOT_KEY is a secret") == 1

    async def after() -> None:
        async with opened(again.home, **again.settings) as house:
            assert (await house.ask("GET", "/v1/me", kept["session"])).status_code == 401
            report = await house.good(
                "POST", "/v1/audit/verify", kept["key"], json={"checkpoint": kept["checkpoint"]}
            )
            assert report["complete"] is True
            assert await served(house) == b"a letter" * 10_000

    asyncio.run(after())


async def served(house: House) -> bytes:
    from ostiary.ids import INSTALL
    from ostiary.vault.files import open_file

    gateway = house.gateway
    (tenant,) = [each for each in await gateway.tenants() if each != INSTALL]
    return b"".join(open_file(gateway.vault, gateway.blobs, tenant, "blo_one"))


def test_a_target_that_is_not_empty_is_left_alone_until_replaced(here: Kit) -> None:
    async def before() -> None:
        async with opened(here.home, **here.settings) as house:
            await house.found()
            await asyncio.to_thread(here.take)

    asyncio.run(before())
    with pytest.raises(Refused, match="--replace"):
        here.restore(
            loaded=here.load(), admin_url="", keys_admin_url=""
        ) if here.kind == "sqlite" else _onto_itself(here)
    asyncio.run(_still_there(here))


def _onto_itself(here: Kit) -> None:
    here.restore(
        loaded=here.load(),
        admin_url=administrator(),
        keys_admin_url=administrator(),
    )


async def _still_there(here: Kit) -> None:
    async with opened(here.home, **here.settings) as house:
        assert len(await house.gateway.tenants()) == 1


def test_a_tenant_that_is_pinned_to_a_cell_is_named_not_failed(here: Kit) -> None:
    from ostiary.ids import TenantId
    from ostiary.secret import Secret
    from ostiary.vault.root import EnvironmentRoot, generate
    from ostiary.vault.roots import cells
    from ostiary.vault.roots.adopting import adopt
    from ostiary.vault.sealing import Vault

    async def story() -> str:
        async with opened(here.home, **here.settings) as house:
            await house.found()
            await house.make_key("till")
            gateway, root = house.gateway, EnvironmentRoot(Secret(generate().reveal()))
            cells.create(gateway.vault.keys, "eu", root)
            gateway.vault.pin(TenantId(house.tenant), "eu")
            cell = Vault(gateway.keys_database, root, gateway.clock, cell="eu")
            adopt(cell.keys, [TenantId(house.tenant)])
            await asyncio.to_thread(here.take)
            return house.tenant

    tenant = asyncio.run(story())
    verified = here.drill()
    assert [warning for warning in verified.warnings if tenant in warning and "cell" in warning]
    assert verified.logs == 2

"""A subject is erased and a tenant is destroyed inside a cell; the operator gets the certificate, and no backup brings either back."""

import asyncio
from pathlib import Path
from typing import Any

import pyotp
import pytest

from ostiary.app.gateway import Gateway
from ostiary.errors import KeysUnavailable, LedgerBroken, SealBroken
from ostiary.ids import INSTALL, SubjectId, TenantId, install_of
from ostiary.retention import certificate
from ostiary.retention.ending import destroying
from ostiary.retention.ledger import store as key_rows
from ostiary.vault.sealing import Place
from tests import servers
from tests.backup.kit import Kit
from tests.conftest import KINDS
from tests.house import House, opened
from tests.isolation.inside import MEMBER, Two, play

pytestmark = pytest.mark.skipif("postgresql" not in KINDS, reason="not run: cells need PostgreSQL")

DAYS_30_S = 30 * 86_400 + 60
SUBJECT = SubjectId("C-48213")


async def stepped_up(cell: House) -> str:
    """A session of the tenant's owner at the cell, with a second factor."""
    member = await cell.sign_in(MEMBER)
    enrolment = await cell.good("POST", "/v1/me/totp", member)
    code = pyotp.parse_uri(enrolment["secret"]["otpauth"]).at(cell.clock.now_us() // 1_000_000)
    confirmed = await cell.good("POST", "/v1/me/totp/confirm", member, json={"code": code})
    return str(confirmed["secret"] or member)


def sealed(gateway: Gateway, tenant: TenantId) -> tuple[Place, bytes]:
    """Something about SUBJECT."""
    place = Place(tenant, "call", "params", "cal_canary")
    return place, gateway.vault.seal(place, b"a canary", purpose="call", subject=SUBJECT)


async def erased(cell: House, member: str) -> dict[str, Any]:
    """SUBJECT, to the certificate."""
    asked = await cell.good("POST", "/v1/erasures", member, json={"subject": SUBJECT, "confirm": SUBJECT})
    await cell.work()
    shown = await cell.good("GET", f"/v1/erasures/{asked['id']}", member)
    assert shown["state"] == "done"
    taken: dict[str, Any] = await cell.good("GET", f"/v1/erasures/{asked['id']}/certificate", member)
    return taken


def test_a_subject_is_erased_in_a_cell_and_its_certificate_verifies(tmp_path: Path) -> None:
    async def story(of: Two) -> None:
        place, secret = sealed(of.home.gateway, of.tenant)
        await of.pin()
        async with of.cell() as cell:
            assert cell.gateway.vault.open(place, secret) == b"a canary"
            taken = await erased(cell, await stepped_up(cell))
            verified = certificate.verify(taken)
            assert verified.proven
            assert len(verified.statement["keys"]["destroyed"]) >= 1
            with pytest.raises(SealBroken):
                cell.gateway.vault.open(place, secret)
        await of.unpin()
        with pytest.raises(SealBroken):
            of.home.gateway.vault.open(place, secret)

    play(tmp_path, story)


def test_what_was_erased_on_either_side_is_vouched_for_on_both(tmp_path: Path) -> None:
    """Before the move, in the cell, and after the return: each side's ledger reads all of it."""

    async def story(of: Two) -> None:
        def names(gateway: Gateway) -> list[str]:
            return [entry.kind for entry in gateway.retention.ledger.of(of.tenant)]

        home = of.home.gateway.retention.ledger
        home.name_subject(of.tenant, "era_before", of.home.gateway.vault.subject_index(of.tenant, SUBJECT))
        await of.pin()
        async with of.cell() as cell:
            assert names(cell.gateway) == ["subject"]
            await erased(cell, await stepped_up(cell))
            assert names(cell.gateway) == ["subject", "subject"]
        replayed = home.replay([INSTALL, of.stays, of.tenant])
        assert (replayed.entries, replayed.unread) == (2, 0)
        await of.unpin()
        assert names(of.home.gateway) == ["subject", "subject"]
        assert home.replay([INSTALL, of.stays, of.tenant]).unread == 0

    play(tmp_path, story)


@pytest.mark.parametrize("pinned", [False, True])
def test_a_backup_does_not_bring_back_who_was_erased_in_a_cell(tmp_path: Path, pinned: bool) -> None:
    """Whether it was taken before the tenant went to its cell, or after."""

    async def story(of: Two) -> None:
        place, secret = sealed(of.home.gateway, of.tenant)
        kit = Kit(of.folder, "postgresql", {
            "OSTIARY_DATABASE_URL": of.data, "OSTIARY_KEYS_URL": of.keys, "OSTIARY_BLOB_URL": f"file://{of.folder / 'blobs'}",
            "OSTIARY_BACKUP_DATABASE_URL": servers.backup_url(of.data), "OSTIARY_BACKUP_KEYS_URL": servers.backup_url(of.keys),
        })  # fmt: skip
        if not pinned:
            await asyncio.to_thread(kit.take)
        await of.pin()
        async with of.cell() as cell:
            if pinned:
                await asyncio.to_thread(kit.take)
            await erased(cell, await stepped_up(cell))
            whom = cell.gateway.vault.subject_index(of.tenant, SUBJECT)
        again, restored = await asyncio.to_thread(kit.restore)
        try:
            assert (restored.warnings, restored.erasures) == ((), 1)
            assert restored.keys_destroyed >= 1
            async with opened(again.home, clock=of.home.clock, **again.settings) as house:
                rows = house.gateway.keys_database.read(lambda c: key_rows.keys_of(c, of.tenant, whom))
                assert rows
                assert not [row for row in rows if row.living]
                assert (of.tenant in await house.gateway.tenants()) is not pinned
                with pytest.raises((SealBroken, KeysUnavailable)):
                    house.gateway.vault.open(place, secret)
        finally:
            for url in kit.made:
                servers.drop_postgresql(url)

    play(tmp_path, story)


def test_a_cell_vouches_for_its_own_tenant_alone(tmp_path: Path) -> None:
    async def story(of: Two) -> None:
        await of.pin()
        async with of.cell() as cell:
            await erased(cell, await stepped_up(cell))
            ledger = cell.gateway.retention.ledger
            (entry,) = ledger.of(of.tenant)
            forged = ledger.signed(entry, cell.gateway.vault).replace(of.tenant.encode(), of.stays.encode())
            home = of.home.gateway.retention.ledger
            with pytest.raises(LedgerBroken):
                home.replay([INSTALL, of.stays, of.tenant], [forged])
            folder = of.folder / "blobs" / install_of(of.tenant)
            (file,) = folder.glob("erasure-*")
            good = file.read_bytes()
            file.write_bytes(good.replace(b'"number":0', b'"number":7'))
            with pytest.raises(LedgerBroken):
                home.replay([of.tenant])
            file.write_bytes(good.replace(b'"tenant_signature"', b'"signature_x"'))
            assert home.replay([of.tenant]).unread == 2, "neither its file nor its row is believed"
            file.write_bytes(good)
            assert home.replay([of.tenant]).unread == 0

    play(tmp_path, story)


def test_a_tenant_is_destroyed_in_its_cell_and_the_operator_gets_the_certificate(tmp_path: Path) -> None:
    async def story(of: Two) -> None:
        place, secret = sealed(of.home.gateway, of.tenant)
        await of.pin()
        async with of.cell() as cell:
            member = await stepped_up(cell)
            ending = await cell.good("POST", "/v1/tenant/end", member, json={"confirm": of.tenant})
            cell.clock.advance(DAYS_30_S)
            await cell.work()
            assert cell.gateway.vault.is_destroyed(of.tenant)
            assert (await cell.ask("GET", "/v1/me", of.key)).status_code == 401
        async with of.cell() as cell:  # a process of the cell that starts now has nobody to serve, and starts
            assert await cell.gateway.tenants() == []
        of.home.owner = await of.home.sign_in("olive.owner@pellow.example")
        listed = (await of.home.good("GET", "/v1/cells"))["tenants"]
        assert [(each["tenant"], each["state"]) for each in listed] == [(of.tenant, "destroyed")]
        await of.unpin()
        assert (await of.home.good("GET", "/v1/cells"))["tenants"] == []
        ended = (await of.home.good("GET", "/v1/install/ended"))["endings"]
        assert [(each["id"], each["state"]) for each in ended] == [(ending["id"], "done")]
        verified = certificate.verify(await of.home.good("GET", f"/v1/install/ended/{ending['id']}"))
        assert (verified.proven, verified.statement["tenant"]) == (True, of.tenant)
        assert set(verified.statement["counts"]["after"].values()) == {0}
        assert certificate.verify(verified.statement["cell"]).statement["tenant"] == of.tenant
        gateway = of.home.gateway
        assert of.tenant not in await gateway.tenants()
        assert gateway.vault.is_destroyed(install_of(of.tenant)), "people's accounts in the cell are gone too"
        left = await gateway.database.run(lambda c: destroying.counts(c, install_of(of.tenant)))
        assert {name for name, count in left.items() if count} == {"pinned", "audit_event"}
        with pytest.raises(SealBroken):
            gateway.vault.open(place, secret)
        home = gateway.retention.ledger
        assert home.replay([INSTALL, of.stays, of.tenant]).unread == 0

    play(tmp_path, story)


def test_a_cell_that_is_killed_while_it_destroys_its_tenant_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the keys, before the rows: the next process of the cell starts without them, and ends it."""

    async def story(of: Two) -> None:
        await of.pin()
        whole = dict(destroying._PHASES)

        async def killed(*_given: object) -> None:
            raise asyncio.CancelledError

        async with of.cell() as cell:
            member = await stepped_up(cell)
            await cell.good("POST", "/v1/tenant/end", member, json={"confirm": of.tenant})
            cell.clock.advance(DAYS_30_S)
            monkeypatch.setitem(destroying._PHASES, "rows", killed)
            with pytest.raises(asyncio.CancelledError):
                await cell.work()
            assert cell.gateway.vault.is_destroyed(of.tenant)
        body = {"tenant": of.tenant, "root_key": of.root}
        of.home.owner = await of.home.sign_in("olive.owner@pellow.example")
        early = await of.home.ask("POST", "/v1/cells/return", json=body)
        assert (early.status_code, early.json()["code"]) == (409, "conflict")
        monkeypatch.setitem(destroying._PHASES, "rows", whole["rows"])
        async with of.cell() as cell:
            cell.clock.advance(60)
            await cell.work()
            left = await cell.gateway.database.run(lambda c: destroying.counts(c, of.tenant))
            assert not any(left.values())
        await of.unpin()
        assert (await of.home.good("GET", "/v1/install/ended"))["endings"]

    play(tmp_path, story)

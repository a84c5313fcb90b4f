"""Somebody who writes the data database or the key store's, without keys, wants evidence gone, or an erasure that is none; and erasures nobody stands behind."""

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from ostiary.errors import LedgerBroken, SealBroken
from ostiary.identity.store import change_role, list_members
from ostiary.ids import SubjectId, TenantId
from ostiary.retention.ledger.ledger import Ledger
from ostiary.vault.sealing import Place
from tests.house import EMBEDDED, House, play
from tests.retention.test_erase import erase
from tests.retention.test_purge import YEAR_S, later, one_call, purge

DAY_S = 86_400


def write(house: House, *statements: str, which: str = "ostiary.db") -> None:
    """Past everything, as whoever has the file can."""
    with sqlite3.connect(house.gateway.settings.home / which) as raw:
        for statement in statements:
            assert raw.execute(statement).rowcount != 0, statement


def play_embedded(home: Path, story: Any) -> None:
    play(home, story, **EMBEDDED)


def test_a_row_that_was_made_older_is_not_purged(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        event = await one_call(house, "evidence")
        write(house, f"UPDATE audit_event SET at_us = 1 WHERE id = '{event}'")
        await purge(house)
        shown = await house.ask("GET", f"/v1/audit/events/{event}")
        assert shown.status_code == 200, shown.text
        assert (await house.good("POST", "/v1/audit/verify", json={}))["dropped"] == 0

    play_embedded(tmp_path, story)


@pytest.mark.parametrize("hold", [{"scope": "action", "action": "role.*"}, {"scope": "subject"}, {"scope": "time", "since_us": 1, "until_us": 250_000_000_000_000_000}], ids=str)  # fmt: skip
def test_a_row_that_was_made_another_is_held_all_the_same(tmp_path: Path, hold: dict[str, Any]) -> None:
    async def story(house: House) -> None:
        event = await one_call(house, "evidence")
        subject = {"subject": (await house.good("GET", "/v1/me"))["id"]} if hold["scope"] == "subject" else {}
        await house.good("POST", "/v1/holds", json={"reason": "The court asks.", **hold, **subject})
        write(house, f"UPDATE audit_event SET action = 'x', actor_id = 'x', at_us = 0 WHERE id = '{event}'")
        await later(house, YEAR_S)
        await purge(house)
        shown = await house.ask("GET", f"/v1/audit/events/{event}")
        assert shown.status_code == 200, shown.text

    play_embedded(tmp_path, story)


def test_an_envelope_that_was_changed_stays_as_evidence_of_that(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        event = await one_call(house, "evidence")
        older = "CAST(replace(CAST(envelope AS TEXT), '\"at_us\":1', '\"at_us\":0') AS BLOB)"
        write(house, f"UPDATE audit_event SET envelope = {older} WHERE id = '{event}'")
        await later(house, YEAR_S)
        await purge(house)
        report = await house.good("POST", "/v1/audit/verify", json={})
        assert not report["ok"]

    play_embedded(tmp_path, story)


def test_the_gates_row_is_no_leave_to_drop_bodies(tmp_path: Path) -> None:
    """`dropped_before` in the database says that all bodies may be gone; the purge must not have the log say so."""

    async def story(house: House) -> None:
        event = await one_call(house, "evidence")
        await purge(house)
        write(house, "UPDATE retention_gate SET dropped_before = 1000000000")
        await later(house, DAY_S)
        await purge(house)
        write(house, f"UPDATE audit_event SET envelope = x'', parts = x'' WHERE id = '{event}'")
        report = await house.good("POST", "/v1/audit/verify", json={})
        assert not report["ok"]
        assert "no event of the log says" in str(report["faults"])

    play_embedded(tmp_path, story)


def opens(house: House, subject: str) -> Any:
    place, vault = Place(TenantId(house.tenant), "test", "words", subject), house.gateway.vault
    kept = vault.seal(place, b"about them", purpose="call", subject=SubjectId(subject))
    return lambda: vault.open(place, kept)


@pytest.mark.parametrize("how", ["cancelled", "dismissed"])
def test_an_erasure_that_was_called_off_does_not_come_back_with_the_next_purge(
    tmp_path: Path, how: str
) -> None:
    async def story(house: House) -> None:
        still = opens(house, "4711")
        asked = await house.good("POST", "/v1/erasures", json={"subject": "4711", "confirm": "4711"})
        if how == "cancelled":
            page = await house.good("GET", "/v1/jobs", params={"kind": "subject.erase"})
            await house.good("POST", f"/v1/jobs/{page['jobs'][0]['id']}/cancel")
        else:  # they may not erase any more when the worker comes to it
            them = [
                row.person
                for row in house.gateway.database.read(lambda c: list_members(c, TenantId(house.tenant), 9))
            ]
            for role in ("viewer", "owner"):
                for person in them:
                    house.gateway.database.transact(
                        lambda c, person=person, role=role: change_role(
                            c, TenantId(house.tenant), person, role
                        )
                    )
                if role == "viewer":
                    await house.work()
        await purge(house)
        await later(house, 2 * DAY_S)
        await purge(house)
        assert still() == b"about them"
        await later(house, 8 * DAY_S)
        await purge(house)
        shown = await house.good("GET", f"/v1/erasures/{asked['id']}")
        assert shown["state"] == "refused"
        assert still() == b"about them"
        assert (await erase(house, "4711"))["state"] == "done"  # it may be asked for anew
        with pytest.raises(SealBroken):
            still()

    play_embedded(tmp_path, story)


def test_an_erasure_is_not_turned_to_somebody_else(tmp_path: Path) -> None:
    """The row of one that waits is made to name another: neither loses a key, and the ledger names nobody."""

    async def story(house: House) -> None:
        tenant, vault = TenantId(house.tenant), house.gateway.vault
        mine, victims = opens(house, "4711"), opens(house, "victim")
        asked = await house.good("POST", "/v1/erasures", json={"subject": "4711", "confirm": "4711"})
        index, pseudonym = vault.subject_index(tenant, SubjectId("victim")), vault.pseudonym(tenant, "victim")
        write(house, f"UPDATE erasing SET subject_index = x'{index.hex()}', subject = '{pseudonym}'")
        await house.work()
        assert (await house.good("GET", f"/v1/erasures/{asked['id']}"))["state"] == "asked"
        assert (mine(), victims()) == (b"about them", b"about them")
        gateway = house.gateway
        ledger = Ledger(gateway.keys_database, gateway.blobs, vault, house.clock)
        assert await asyncio.to_thread(ledger.of, tenant) == []

    play_embedded(tmp_path, story)


def test_an_entry_of_the_ledger_does_not_stand_for_another_erasure(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        opens(house, "first")
        done = await erase(house, "first")
        gateway, tenant = house.gateway, TenantId(house.tenant)
        ledger = Ledger(gateway.keys_database, gateway.blobs, gateway.vault, house.clock)
        assert await asyncio.to_thread(ledger.of, tenant, done["id"])
        other = "era_" + "0" * 32
        columns = "tenant, number, at_us, entry, mac"
        write(
            house,
            f"INSERT INTO erasure (id, {columns}) SELECT '{other}', {columns} FROM erasure",
            which="keys.db",
        )
        with pytest.raises(LedgerBroken):
            await asyncio.to_thread(ledger.of, tenant, other)

    play_embedded(tmp_path, story)

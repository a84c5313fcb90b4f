"""What was erased after a backup was taken does not come back with it."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ostiary.audit.event import Decision, Entry, Event, Part, open_part, unpack
from ostiary.audit.store import events
from ostiary.backup.wrong import Damaged
from ostiary.errors import LedgerBroken, SealBroken
from ostiary.ids import SubjectId, TenantId
from ostiary.retention.ledger.ledger import Ledger
from ostiary.vault.files import open_file
from tests.backup.kit import Kit, store_file
from tests.house import House, opened

CANARIES = 1000
IN_FILES = 20
SUBJECT = SubjectId("sub_canary")


def canary(number: int) -> str:
    return f"canary-{number:04d}-of-the-bird"


def plant(house: House) -> None:
    """1,000 sealed values of one subject: most in the log, some in files."""
    tenant, clock = TenantId(house.tenant), house.clock
    for start in range(0, CANARIES - IN_FILES, 100):
        numbers = range(start, min(start + 100, CANARIES - IN_FILES))
        made = tuple(
            Event(
                tenant, "canary.plant", Decision.RAN, "service", "bird", "job", "cal_1", clock.now_us(),
                parts=(Part(SUBJECT, {"text": canary(number)}),),
            )
            for number in numbers
        )  # fmt: skip
        house.gateway.audit.record_sync(Entry(made))
    for number in range(CANARIES - IN_FILES, CANARIES):
        store_file(house, f"blo_{number}", canary(number).encode() * 100, SUBJECT)


def erase(house: House) -> None:
    """As an erasure does: the ledger first, then the keys."""
    gateway = house.gateway
    ledger = Ledger(gateway.keys_database, gateway.blobs, gateway.vault, gateway.clock)
    tenant = TenantId(house.tenant)
    ledger.name_subject(tenant, "era_1", gateway.vault.subject_index(tenant, SUBJECT))
    gateway.vault.destroy_subject(tenant, SUBJECT)


def opening(house: House, tenant: TenantId) -> int:
    """How many canaries open."""
    gateway, found = house.gateway, 0
    rows = gateway.database.read(lambda connection: events(connection, tenant, 0, 10_000))
    for row in rows:
        if b"canary.plant" in row.envelope:
            (blob,) = unpack(row.parts)
            found += opens(lambda row=row, blob=blob: open_part(gateway.vault, tenant, row.id, 0, blob))
    for number in range(CANARIES - IN_FILES, CANARIES):
        found += opens(
            lambda number=number: list(open_file(gateway.vault, gateway.blobs, tenant, f"blo_{number}"))
        )
    return found


def opens(attempt: Callable[[], Any]) -> int:
    try:
        attempt()
        return 1
    except SealBroken:
        return 0


def no_canary_in(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            assert b"-of-the-bird" not in path.read_bytes(), path


def test_an_older_backup_that_is_restored_does_not_bring_back_who_was_erased(here: Kit) -> None:
    told: dict[str, Any] = {}

    async def before() -> None:
        async with opened(here.home, **here.settings) as house:
            await house.found()
            told["key"] = await house.make_key("owner", roles=("owner",))
            await asyncio.to_thread(plant, house)
            told["tenant"] = TenantId(house.tenant)
            told["backup"] = (await asyncio.to_thread(here.take)).id
            assert await asyncio.to_thread(opening, house, told["tenant"]) == CANARIES
            await asyncio.to_thread(erase, house)
            assert await asyncio.to_thread(opening, house, told["tenant"]) == 0
            await asyncio.to_thread(here.take)

    asyncio.run(before())
    oldest: dict[str, Any] = {"backup": told["backup"], "keys_backup": told["backup"]}
    live = f"file://{here.home / 'blobs'}"

    async def count(made: Kit) -> int:
        async with opened(made.home, **made.settings) as house:
            report = await house.good("POST", "/v1/audit/verify", told["key"], json={})
            assert report["ok"] is True
            return await asyncio.to_thread(opening, house, told["tenant"])

    control, restored = here.restore(
        "control", **oldest
    )  # with nothing but itself: they are back, and it says so
    assert "is back" in restored.warnings[0]
    assert asyncio.run(count(control)) == CANARIES

    ledger, restored = here.restore("ledger", **oldest, ledgers=(live,))
    assert (restored.warnings, restored.erasures, restored.keys_destroyed) == ((), 1, 2)
    assert asyncio.run(count(ledger)) == 0

    keys, restored = here.restore("newest-keys", backup=told["backup"])  # the newest keys know it themselves
    assert asyncio.run(count(keys)) == 0

    again, _ = ledger.folder, None
    for folder in (here.to, here.keys_to, here.home, again, keys.folder):
        no_canary_in(folder)


def test_a_drill_of_a_backup_with_an_erasure_is_verified(here: Kit) -> None:
    async def story() -> None:
        async with opened(here.home, **here.settings) as house:
            await house.found()
            await asyncio.to_thread(plant, house)
            await asyncio.to_thread(erase, house)
            await asyncio.to_thread(here.take)

    asyncio.run(story())
    assert here.drill().sealed_destroyed > 0


def test_a_ledger_that_is_not_genuine_stops_the_restore(here: Kit, tmp_path: Path) -> None:
    async def story() -> None:
        async with opened(here.home, **here.settings) as house:
            await house.found()
            await asyncio.to_thread(plant, house)
            await asyncio.to_thread(here.take)
            await asyncio.to_thread(erase, house)

    asyncio.run(story())
    (entry,) = (here.home / "blobs" / "install").glob("erasure-*")
    forged = tmp_path / "erasure-forged"
    forged.write_bytes(entry.read_bytes().replace(b'"number":0', b'"number":1'))
    with pytest.raises((LedgerBroken, Damaged)):
        here.restore(ledgers=(str(forged),))
    assert not (here.folder / "again" / "home" / "ostiary.db").exists()
    assert (here.folder / "again" / "home" / "restoring").exists()

"""A thousand canaries of one subject: after the erasure no byte of them is anywhere, and nothing sealed opens to one, also after an older backup of the keys
was put back and the ledger replayed."""

import asyncio
import os
import shutil
from pathlib import Path

import pytest

from ostiary.ids import TenantId
from ostiary.retention import certificate
from ostiary.retention.ledger.ledger import Ledger
from tests.house import House, opened, play
from tests.retention import canaries
from tests.retention.canaries import OTHER, SUBJECT
from tests.retention.test_erase import erase


def test_no_canary_is_left_and_none_opens(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    async def story(house: House) -> None:
        with canaries.notes_server() as url:
            await canaries.plant(house, url)
        assert (
            canaries.seen(canaries.opened(house, house.tenant)) == 1000
        )  # the search finds them while they are there
        lost = await house.good("POST", "/v1/erasures/preview", json={"subject": SUBJECT})
        assert lost["rows"]["audit_event"] > 30
        assert lost["rows"]["approval"] == 10
        done = await erase(house, SUBJECT)
        assert done["state"] == "done"
        left = canaries.opened(house, house.tenant)
        assert canaries.seen(left) == 0
        assert "the other's" in left
        assert SUBJECT not in left
        taken = await house.good("GET", f"/v1/erasures/{done['id']}/certificate")
        statement = certificate.verify(taken).statement
        assert statement["counts"]["after"]["call"] == statement["counts"]["after"]["approval"] == 0
        assert len(statement["keys"]["destroyed"]) >= 3
        counted = await house.good("POST", "/v1/audit/verify", json={})
        assert counted["ok"], counted
        for page in ("/v1/approvals", "/v1/calls", "/v1/audit/events"):
            await house.good(
                "GET", page, params={"limit": "50"} | ({"state": "any"} if "events" not in page else {})
            )
        for database in (house.gateway.database, house.gateway.keys_database):
            dumped = canaries.raw(database).decode("latin-1")
            assert (canaries.seen(dumped), SUBJECT in dumped) == (0, False)
            for path, content in canaries.server_files(database):
                assert canaries.seen(content.decode("latin-1")) == 0, path
        repeated = await house.ask("POST", "/v1/actions/note.keep", key="key-0", json=canaries._about(0))
        assert repeated.status_code == 200  # it was done, and is not done again
        assert repeated.json()["result"] is None

    play(tmp_path / "home", story)
    whole = b"".join(content for _, content in canaries.files(tmp_path))
    said = capfd.readouterr()
    for text in (whole.decode("latin-1"), said.out, said.err):
        assert canaries.seen(text) == 0
        assert SUBJECT not in text


@pytest.mark.skipif(
    os.environ.get("OSTIARY_TEST_DATABASE") == "postgresql",
    reason="files of SQLite are put back; the backup's own tests do it on PostgreSQL",
)
def test_an_older_key_store_forgets_again_what_the_ledger_names(tmp_path: Path) -> None:
    home, backup = tmp_path / "home", tmp_path / "backup"

    async def whole() -> None:
        async with opened(home) as house:
            await house.found()
            await house.enrol()
            with canaries.notes_server() as url:
                await canaries.plant(house, url)
            tenant, owner = house.tenant, house.owner
        shutil.copytree(home, backup)
        async with opened(home) as house:
            house.owner = owner
            assert (await erase(house, SUBJECT))["state"] == "done"
        for name in ("keys.db", "data.db"):  # the older databases come back, the file store is as it was
            for each in home.glob(f"{name}*"):
                each.unlink()
            for each in backup.glob(f"{name}*"):
                shutil.copy(each, home / each.name)
        async with opened(home) as house:
            assert (
                canaries.seen(canaries.opened(house, tenant)) > 700
            )  # a restore without replay undoes the erasure
            gateway = house.gateway
            ledger = Ledger(gateway.keys_database, gateway.blobs, gateway.vault, gateway.clock)
            replayed = ledger.replay([TenantId(tenant)])
            assert replayed.entries == 1
            assert replayed.destroyed >= 3
            left = canaries.opened(house, tenant)
            assert canaries.seen(left) == 0
            assert OTHER not in left or "the other's" in left
            assert ledger.replay([TenantId(tenant)]).destroyed == 0

    asyncio.run(whole())

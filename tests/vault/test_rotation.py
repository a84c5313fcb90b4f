"""Turning a tenant's keys through the door, as a job that may be cut off at any step."""

from pathlib import Path
from typing import Any

import pytest

from ostiary.ids import SubjectId, TenantId
from ostiary.vault import jobs, turning
from ostiary.vault.jobs import Rotation
from ostiary.vault.sealing import Place, Vault
from ostiary.work import Going, Step
from tests.conftest import StillClock
from tests.house import House, play
from tests.vault.conftest import A

PLACE = Place(A, "t", "c", "r")


async def rotate(house: House, **params: Any) -> Any:
    """Ask for it, let the job run, and list the versions."""
    await house.good("POST", "/v1/vault/keys", json=params)
    await house.work()
    return (await house.good("GET", "/v1/vault/keys"))["versions"]


def test_a_rotation_is_a_job_after_which_everything_opens(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        before = (await house.good("GET", "/v1/vault/keys"))["versions"]
        assert [(one["version"], one["state"]) for one in before] == [(1, "active")]
        assert before[0]["data_keys"] > 0
        versions = await rotate(house)
        assert [(one["version"], one["state"]) for one in versions] == [(2, "active"), (1, "opening")]
        assert versions[0]["data_keys"] >= before[0]["data_keys"]
        assert versions[1]["data_keys"] == 0
        [job] = (await house.good("GET", "/v1/jobs", params={"kind": "vault.rotation"}))["jobs"]
        assert (job["state"], job["percent"], job["note"]) == ("done", 100, "version 2")
        assert (await house.good("GET", "/v1/me"))["name"] == "Olive Owner"
        assert (await house.good("GET", "/v1/audit/events"))["events"][0]["action"]

    play(tmp_path, story)


def test_older_versions_are_retired_and_data_keys_turned_on_request(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        vault, tenant = house.gateway.vault, TenantId(house.tenant)
        place = Place(tenant, "t", "c", "r")
        before = vault.seal(place, b"x", purpose="p")
        versions = await rotate(house, data_keys=True, retire=True)
        assert [(one["version"], one["state"]) for one in versions] == [(2, "active"), (1, "retired")]
        assert vault.seal(place, b"y", purpose="p")[1:17] != before[1:17]
        assert vault.open(place, before) == b"x"
        assert (await house.good("GET", "/v1/audit/events"))["events"]

    play(tmp_path, story)


def test_two_requests_at_once_are_one_job(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        for _ in range(3):
            await house.good("POST", "/v1/vault/keys", json={})
        assert len(await rotate(house)) == 2

    play(tmp_path, story)


def test_who_may_not_manage_the_tenant_rotates_nothing(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        key = await house.make_key("Bot")
        for method, path, body in (
            ("GET", "/v1/vault/keys", None),
            ("POST", "/v1/vault/keys", {}),
            ("POST", "/v1/jobs", {"kind": "vault.rotation"}),
        ):
            answer = await house.ask(method, path, key, json=body)
            assert answer.status_code in (403, 404), path

    play(tmp_path, story)


def stepped(vault: Vault, cursor: str, **params: bool) -> Step:
    return jobs._step(vault, A, Going("job_1", cursor, Rotation(**params)))


def test_every_step_may_be_done_twice_and_by_another_process(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a worker did before it died is done again by the next: no second version, nothing lost."""
    monkeypatch.setattr(turning, "REWRAP_BATCH_ROWS", 2)
    monkeypatch.setattr(jobs, "STEP_US", 0)
    sealed = [vault.seal(PLACE, b"x", purpose="p", subject=SubjectId(f"sub_{n}")) for n in range(7)]
    step, steps = stepped(vault, "", retire=True), 1
    while not step.done:
        other = Vault(vault.keys.database, vault.keys.root, vault.keys.clock)
        again = stepped(other, step.cursor, retire=True)
        twice = stepped(vault, step.cursor, retire=True)
        assert twice.done or again.cursor
        step, steps = twice, steps + 1
        assert all(other.open(PLACE, one) == b"x" for one in sealed)
    assert steps > 3
    assert [(row.version, row.state, count) for row, count in vault.versions(A)] == [
        (2, "active", 7),
        (1, "retired", 0),
    ]


def test_a_rotation_overtaken_by_another_ends_with_the_newest(vault: Vault) -> None:
    sealed = vault.seal(PLACE, b"x", purpose="p")
    slow = stepped(vault, "")
    vault.rotate_tenant_now(A)
    vault.rotate_tenant_now(A)
    while not (slow := stepped(vault, slow.cursor)).done:
        pass
    assert [count for _, count in vault.versions(A)] == [1, 0, 0]
    assert vault.open(PLACE, sealed) == b"x"


def test_a_key_made_while_its_version_is_turned_is_not_left_behind(vault: Vault) -> None:
    """The version that wraps it may not be retired, whatever the job believes."""
    turning.rotate(vault.keys, A)
    turning.rewrap_all(vault.keys, A)
    ring = vault.keys
    row = ring.read(lambda connection: turning.store.tenant_key_version(connection, A, 1))
    assert row is not None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(turning.store, "newest_tenant_key", lambda *_args, **_more: row)
        late = vault.seal(PLACE, b"late", purpose="late")
    assert [count for _, count in vault.versions(A)] == [0, 1]
    with pytest.raises(Exception, match="still wraps"):
        turning.retire(ring, A, 1)
    step = stepped(vault, "2||0|0", retire=True)
    while not step.done:
        step = stepped(vault, step.cursor, retire=True)
    assert [row.state for row, _ in vault.versions(A)] == ["active", "retired"]
    assert Vault(ring.database, ring.root, StillClock()).open(PLACE, late) == b"late"


def test_a_destroyed_tenant_is_not_turned(vault: Vault) -> None:
    vault.create_tenant_now(TenantId("install"))
    step = stepped(vault, "")
    vault.destroy_tenant(A)
    with pytest.raises(Exception, match="destroyed"):
        stepped(vault, step.cursor)

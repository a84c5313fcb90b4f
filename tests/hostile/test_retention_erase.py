"""Attacks on holds, erasures, their certificates and their ledger; and a process that dies at every step of an erasure."""

import asyncio
import copy
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text

from ostiary.errors import Conflict, LedgerBroken, SealBroken
from ostiary.ids import INSTALL, SubjectId, TenantId
from ostiary.retention import certificate, store
from ostiary.retention.certificate import CertificateInvalid
from ostiary.retention.ledger.ledger import PREFIX, Ledger
from ostiary.vault.sealing import Place
from tests import servers
from tests.house import House, opened, play
from tests.retention.test_erase import erase

SUBJECT = "4711"


def sealed(
    house: House, tenant: str, words: str = "about them", subject: str = SUBJECT
) -> Callable[[], bytes]:
    """Something sealed under the subject's key; the function opens it."""
    place, vault = Place(TenantId(tenant), "test", "words", words), house.gateway.vault
    kept = vault.seal(place, words.encode(), purpose="call", subject=SubjectId(subject))
    return lambda: house.gateway.vault.open(place, kept)


async def ask_to_erase(house: House, subject: str = SUBJECT) -> Any:
    return await house.ask("POST", "/v1/erasures", json={"subject": subject, "confirm": subject})


def test_a_held_subject_is_not_erased_whenever_the_hold_comes(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        opens = sealed(house, house.tenant)
        placed = {"scope": "subject", "subject": SUBJECT, "reason": "The court asks."}
        hold = await house.good("POST", "/v1/holds", json=placed)
        refused = await ask_to_erase(house)
        assert (refused.status_code, refused.json()["code"]) == (409, "retention.hold")
        await house.good("POST", f"/v1/holds/{hold['id']}/release")
        asked = await ask_to_erase(house)
        assert asked.status_code == 202
        await house.good("POST", "/v1/holds", json=placed)  # before the job begins
        await house.work()
        ended = await house.good("GET", f"/v1/erasures/{asked.json()['id']}")
        assert ended["state"] == "refused"
        assert opens() == b"about them"
        nothing = await house.ask("GET", f"/v1/erasures/{ended['id']}/certificate")
        assert nothing.status_code == 409

    play(tmp_path, story)


@pytest.mark.parametrize("scope", [{"scope": "action", "action": "role.*"}, {"scope": "time", "since_us": 1, "until_us": 9_000_000_000_000_000}], ids=str)  # fmt: skip
def test_a_hold_on_actions_or_a_time_keeps_whoever_they_are_about(
    tmp_path: Path, scope: dict[str, Any]
) -> None:
    async def story(house: House) -> None:
        me = await house.good("GET", "/v1/me")
        await house.good("PUT", "/v1/roles/desk", json={"title": "x", "permissions": []})
        await house.good("POST", "/v1/holds", json={**scope, "reason": "r"})
        refused = await ask_to_erase(house, me["id"])
        assert (refused.status_code, refused.json()["code"]) == (409, "retention.hold")
        other = await ask_to_erase(house, "nobody-they-know")
        assert other.status_code == 202

    play(tmp_path, story)


def test_the_same_id_in_another_tenant_is_somebody_else(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        second = str((await house.good("POST", "/v1/tenants", json={"name": "Second"}))["tenant"])
        mine, theirs = sealed(house, house.tenant), sealed(house, second)
        assert (await erase(house, SUBJECT))["state"] == "done"
        with pytest.raises(SealBroken):
            mine()
        assert theirs() == b"about them"

    play(tmp_path, story)


def test_a_hold_that_is_placed_while_a_purge_looks_wins(tmp_path: Path) -> None:
    """The purge has read its batch; before it commits, a hold is placed: it commits nothing."""

    async def story(house: House) -> None:
        tenant, database = TenantId(house.tenant), house.gateway.database
        turn = database.read(lambda c: store.look_at_gate(c, tenant).turn)
        await house.good("POST", "/v1/holds", json={"scope": "tenant", "reason": "r"})

        def drop(connection: Any) -> None:
            store.pass_gate(connection, tenant, turn)
            store.drop_bodies(connection, tenant, [0, 1])

        with pytest.raises(Conflict):
            database.transact(drop)
        assert database.read(lambda c: all(row.whole for row in store.old_events(c, tenant, 0, 2)))

    play(tmp_path, story)


def test_no_one_but_whoever_may_erases_and_the_id_is_typed_twice(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        wrong = await house.ask("POST", "/v1/erasures", json={"subject": SUBJECT, "confirm": "4712"})
        assert wrong.status_code == 422
        for kind, roles in (("agent", ("owner",)), ("program", ("admin",))):
            key = await house.make_key(f"a {kind}", kind=kind, roles=roles)
            for method, path, body in (
                ("POST", "/v1/erasures", {"subject": SUBJECT, "confirm": SUBJECT}),
                ("POST", "/v1/erasures/preview", {"subject": SUBJECT}),
                ("POST", "/v1/holds", {"scope": "tenant", "reason": "r"}),
                ("PUT", "/v1/retention", {"kind": "audit", "days": 90}),
                ("POST", "/v1/tenant/end", {"confirm": house.tenant}),
            ):
                answer = await house.ask(method, path, key, json=body)
                assert (answer.status_code, answer.json()["code"]) == (403, "access.forbidden"), (kind, path)
        program = await house.make_key("an owner's program", kind="program", roles=("owner",))
        held = await house.ask("POST", "/v1/erasures", program, json={"subject": SUBJECT, "confirm": SUBJECT})
        assert (held.status_code, "approval_id" in held.json()) == (202, True)  # a person says yes first
        house.clock.advance(3600)
        stale = await ask_to_erase(house)
        assert stale.json()["code"] in {"auth.step_up_required", "auth.refused"}

    play(tmp_path, story)


@pytest.mark.parametrize(
    "forge",
    [
        lambda made: made["certificate"].update(ended_at="2020-01-01T00:00:00.000000Z"),
        lambda made: made["certificate"]["keys"].update(destroyed=[]),
        lambda made: made.update(signature=made["signature"][:-4] + "AAA="),
        lambda made: made["proof"].update(index=made["proof"]["index"] - 1),
        lambda made: made["proof"].update(envelope=made["proof"]["envelope"].replace("ran", "run")),
        lambda made: made["proof"]["hashes"].pop(),
        lambda made: made["certificate"].update(extra=True),
        lambda made: made["certificate"].pop("counts"),
        lambda made: made.update(key="another+00000000+AQ=="),
    ],
)  # fmt: skip
def test_a_forged_certificate_does_not_verify(taken: dict[str, Any], forge: Callable[[Any], Any]) -> None:
    made = copy.deepcopy(taken)
    certificate.verify(made, taken["key"])
    forge(made)
    with pytest.raises(CertificateInvalid):
        certificate.verify(made)


def test_a_certificate_by_another_key_than_the_one_kept_is_refused(taken: dict[str, Any]) -> None:
    with pytest.raises(CertificateInvalid, match="another key"):
        certificate.verify(taken, "log+00000000+AQ==")


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A certificate, and the proof that the log vouches for it."""
    found: dict[str, Any] = {}

    async def story(house: House) -> None:
        sealed(house, house.tenant)
        done = await erase(house, SUBJECT)
        found.update(await house.good("GET", f"/v1/erasures/{done['id']}/certificate"))

    play(tmp_path_factory.mktemp("certificate"), story)
    return found


def _ledger(house: House) -> Ledger:
    gateway = house.gateway
    return Ledger(gateway.keys_database, gateway.blobs, gateway.vault, gateway.clock)


def test_a_ledger_that_was_tampered_with_is_not_replayed(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        tenant = TenantId(house.tenant)
        sealed(house, tenant)
        await erase(house, SUBJECT)
        ledger = _ledger(house)
        assert ledger.replay([tenant]).entries == 1
        name = next(each.id for each in house.gateway.blobs.list(INSTALL) if each.id.startswith(PREFIX))
        whole = house.gateway.blobs.get(INSTALL, name, bytes_max=1 << 20)
        for changed in (
            whole.replace(b'"kind":"subject"', b'"kind":"tenant"'),
            whole[:-3],
            b"",
            whole.replace(b'"number":0', b'"number":1'),
        ):
            house.gateway.blobs.delete(INSTALL, name)
            house.gateway.blobs.put(INSTALL, name, changed)
            with pytest.raises(LedgerBroken):
                ledger.replay([tenant])
        house.gateway.blobs.delete(INSTALL, name)
        house.gateway.blobs.put(INSTALL, name, whole)
        # A row whose mark is another's is believed if the signed file says the same (docs/decisions/0103); with other words it is not.
        forged = "UPDATE erasure SET mac = :mac"
        servers.tamper(house.gateway.keys_database, lambda c: c.execute(text(forged), {"mac": b"\0" * 32}))
        assert ledger.replay([tenant]).entries == 1

        def reword(connection: Connection) -> None:
            entry = bytes(connection.execute(text("SELECT entry FROM erasure")).scalar_one())
            assert b'"kind":"subject"' in entry
            changed = entry.replace(b'"kind":"subject"', b'"kind":"tenant"')
            connection.execute(text("UPDATE erasure SET entry = :entry"), {"entry": changed})

        servers.tamper(house.gateway.keys_database, reword)
        with pytest.raises(LedgerBroken):
            ledger.replay([tenant])

    play(tmp_path, story)


def test_whoever_comes_back_has_fresh_keys_and_a_replay_leaves_them(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        tenant = TenantId(house.tenant)
        before = sealed(house, tenant, "before")
        await erase(house, SUBJECT)
        house.clock.ahead_us -= (
            3_600_000_000  # a clock that is put back does not confuse it: generations decide
        )
        after = sealed(house, tenant, "after")
        assert _ledger(house).replay([tenant]).destroyed == 0
        assert after() == b"after"
        with pytest.raises(SealBroken):
            before()
        again = await erase(house, SUBJECT)
        assert again["state"] == "done"
        with pytest.raises(SealBroken):
            after()

    play(tmp_path, story)


async def _step(house: House, count: int) -> None:
    """Take the job and do so many steps of it; then this process is no more, as far as the job can tell."""
    worker, tenant = house.gateway.worker, TenantId(house.tenant)
    alive = frozenset({house.gateway.processes.id})
    worker._workflows = object()  # type: ignore[assignment]
    row = next(row for row in await worker._due([tenant], alive) if row.kind == "subject.erase")
    taken = await house.gateway.database.change(
        lambda c: house.gateway.jobs.take(c, row, house.gateway.processes.id)
    )
    assert taken is not None
    for _ in range(count):
        await house.gateway.runner._once(tenant, taken.id, taken.run)
    worker._workflows = None


@pytest.mark.parametrize("steps", range(8))
def test_an_erasure_goes_on_in_another_process_after_any_step(tmp_path: Path, steps: int) -> None:
    async def whole() -> None:
        async with opened(tmp_path) as house:
            await house.found()
            await house.enrol()
            tenant, owner = house.tenant, house.owner
            opens = sealed(house, tenant)
            place = Place(TenantId(tenant), "test", "words", "kept")
            kept = house.gateway.vault.seal(place, b"x", purpose="call", subject=SubjectId(SUBJECT))
            asked = await ask_to_erase(house)
            assert asked.status_code == 202
            await _step(house, steps)
            state = (await house.good("GET", f"/v1/erasures/{asked.json()['id']}"))["state"]
            assert state == ("asked" if steps == 0 else "destroying" if steps < 7 else "done")
            if steps < 3:
                assert opens() == b"about them"
        async with opened(tmp_path) as house:
            house.owner, house.tenant = owner, tenant
            await house.work()
            ended = await house.good("GET", f"/v1/erasures/{asked.json()['id']}")
            assert ended["state"] == "done"
            certificate.verify(await house.good("GET", f"/v1/erasures/{ended['id']}/certificate"))
            with pytest.raises(SealBroken):
                house.gateway.vault.open(place, kept)

    asyncio.run(whole())


def test_a_file_store_that_is_away_makes_no_certificate(tmp_path: Path) -> None:
    """Without the ledger's file nothing is destroyed, nothing is reported; when it is back, the erasure goes on."""

    async def story(house: House) -> None:
        opens = sealed(house, house.tenant)
        asked = (await ask_to_erase(house)).json()
        folder, moved = tmp_path / "blobs", tmp_path / "elsewhere"
        if folder.exists():
            shutil.move(folder, moved)
        folder.write_text("no folder")
        await house.work()
        assert (await house.good("GET", f"/v1/erasures/{asked['id']}"))["state"] == "destroying"
        assert opens() == b"about them"
        folder.unlink()
        if moved.exists():
            shutil.move(moved, folder)
        else:
            folder.mkdir()
        for _ in range(6):
            house.clock.advance(700)
            await house.work()
        house.owner = await house.sign_in("olive.owner@pellow.example")
        assert (await house.good("GET", f"/v1/erasures/{asked['id']}"))["state"] == "done"
        with pytest.raises(SealBroken):
            opens()

    play(tmp_path, story)

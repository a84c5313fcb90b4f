"""Somebody holds the database, or the signing key, or a witness: what they can still not do."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from ostiary.audit._c2sp_cosignature import cosign
from ostiary.audit._c2sp_note import COSIGNATURE, VerifierKey, read_note
from ostiary.audit.log import Audit
from ostiary.audit.publishing import store
from ostiary.audit.publishing.publisher import Publisher
from ostiary.errors import LogInconsistent
from tests.audit.conftest import sqlite_audit as sqlite_audit
from tests.audit.conftest import vault as vault
from tests.audit.events import ACME, StillClock, entry
from tests.audit.exports import export
from tests.net.peer import Seen, answer, listening
from tests.tlog import standalone
from tests.tlog.conftest import HERE
from tests.tlog.publishing import act, publish, watching

TABLES = ("audit_log", "audit_event", "audit_subject", "audit_tile")


@pytest.fixture
def publisher(sqlite_audit: Audit, clock: StillClock) -> Publisher:
    return Publisher(sqlite_audit, clock, HERE)


async def record(publisher: Publisher, count: int, **changes: Any) -> None:
    for _ in range(count):
        await publisher.audit.record(entry(**changes))


def copied(publisher: Publisher, *, with_published: bool = True) -> dict[str, list[Any]]:
    """The log's rows as they stand: a backup, or an attacker's copy."""
    tables = (*TABLES, "published_checkpoint") if with_published else TABLES
    with publisher.audit.database.engine().begin() as connection:
        return {
            table: [tuple(row) for row in connection.exec_driver_sql(f"SELECT * FROM {table}")]
            for table in tables
        }


def put_back(publisher: Publisher, copy: dict[str, list[Any]]) -> None:
    """Edit the database past everything: as whoever owns the machine can."""
    with publisher.audit.database.engine().begin() as connection:
        for table, rows in copy.items():
            connection.exec_driver_sql(f"DELETE FROM {table}")
            for row in rows:
                connection.exec_driver_sql(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)
    publisher.audit._heads.clear()


def test_a_log_that_was_rolled_back_is_not_published_any_further(publisher: Publisher) -> None:
    async def story() -> None:
        await record(publisher, 3)
        backup = copied(publisher, with_published=False)
        await record(publisher, 3)
        await publish(publisher)
        put_back(publisher, backup)
        with pytest.raises(LogInconsistent):
            await publish(publisher)
        await record(publisher, 9, action="another.history")
        with pytest.raises(LogInconsistent):
            await publish(publisher)
        assert [
            row.size
            for row in publisher.audit.database.read(lambda c: store.newest(c, ACME, before=None, limit=9))
        ] == [6]

    asyncio.run(story())


@pytest.mark.parametrize("grown", [0, 1, 3, 30])
def test_who_rolls_back_the_published_checkpoints_too_meets_the_witness(
    publisher: Publisher, tmp_path: Path, grown: int
) -> None:
    async def story() -> None:
        async with watching(tmp_path / "w", publisher) as one:
            await act(publisher, "audit.publishing_put", witnesses=[one.setting])
            await record(publisher, 3)
            await publish(publisher)
            backup = copied(publisher)
            await record(publisher, 3)
            await publish(publisher)
            put_back(publisher, backup)
            await record(publisher, grown, action="another.history")
            if grown:
                with pytest.raises(LogInconsistent):
                    await publish(publisher)
            assert one.state.seen(publisher.audit.log_name(ACME)).size == 6
            held = publisher.audit.database.read(lambda c: store.newest(c, ACME, before=None, limit=9))
            assert [row.size for row in held] == [3]

    asyncio.run(story())


def test_two_witnesses_shown_two_histories_are_two_checkpoints_that_no_export_satisfies(
    publisher: Publisher, tmp_path: Path
) -> None:
    """A split view: the operator shows one history to each. Whoever compares the two cosigned checkpoints has the proof of it."""

    async def story() -> tuple[str, str]:
        await record(publisher, 3)
        async with (
            watching(tmp_path / "a", publisher) as one,
            watching(tmp_path / "b", publisher, "witness.example/w2") as two,
        ):
            fork = copied(publisher)
            await record(publisher, 2)
            await act(publisher, "audit.publishing_put", witnesses=[one.setting])
            await publish(publisher)
            first = publisher.audit.database.read(lambda c: store.latest(c, ACME))
            put_back(publisher, {**fork, "publishing": []})
            await record(publisher, 2, action="another.history")
            await act(publisher, "audit.publishing_put", witnesses=[two.setting])
            await publish(publisher)
            second = publisher.audit.database.read(lambda c: store.latest(c, ACME))
            assert first
            assert second
            # The first witness is asked about the second history: the alarm.
            await act(publisher, "audit.publishing_put", witnesses=[one.setting, two.setting])
            with pytest.raises(LogInconsistent):
                await publish(publisher)
            keys.extend([one.identity.verifier.text(), two.identity.verifier.text()])
            return first.note, second.note

    keys: list[str] = []
    notes = asyncio.run(story())
    path = export(publisher.audit, tmp_path / "log")
    for name, note in zip(("first", "second"), notes, strict=True):
        (tmp_path / name).write_text(note)
    alone = ["export", str(path), "--witness", keys[0], "--witness", keys[1]]
    assert (
        standalone.run(*alone, "--checkpoint", str(tmp_path / "second"), folder=tmp_path)[1]["complete"]
        is True
    )
    code, report = standalone.run(*alone, "--checkpoint", str(tmp_path / "first"), folder=tmp_path)
    assert (code, report["ok"]) == (1, False)
    assert "not those of the checkpoint kept outside" in report["faults"][0]


def test_a_forged_cosignature_is_not_attached(publisher: Publisher, tmp_path: Path, vault: Any) -> None:
    """Who stands in for the witness answers with lines that look right; none is kept, and the checkpoint counts as not cosigned."""

    async def story() -> None:
        await record(publisher, 3)
        key = vault.signer(ACME)  # any key: not the witness's
        public = VerifierKey("witness.example/w1", b"\x07" * 31 + b"\x00", COSIGNATURE)

        async def forge(seen: Seen, writer: Any) -> None:
            checkpoint, _ = read_note(seen.body.decode().partition("\n\n")[2])
            await answer(200, cosign(checkpoint, key, public, 1).encode())(seen, writer)

        for script in (
            forge,
            answer(200, b""),
            answer(200, "— witness.example/w1 AAAAAAAA\n".encode()),
            answer(200, b"\xff\xfe"),
            answer(200, b"x" * 100_000),
            answer(409, b"-1\n", content_type="text/x.tlog.size"),
            answer(409, b"3\n"),
            answer(404, b""),
            answer(503, b""),
            answer(302, b"", headers="Location: http://127.0.0.1/\r\n"),
        ):
            async with listening(script) as peer:
                await act(
                    publisher,
                    "audit.publishing_put",
                    witnesses=[{"url": peer.url, "key": public.text()}],
                    quorum=1,
                )
                await publish(publisher)
            row = publisher.audit.database.read(lambda c: store.latest(c, ACME))
            assert row
            assert row.note.count("—") == 1
            assert (await act(publisher, "audit.checkpoints"))["checkpoints"][0]["enough"] is False

    asyncio.run(story())


def test_a_cosignature_written_into_the_database_convinces_nobody(publisher: Publisher) -> None:
    async def story() -> None:
        await record(publisher, 3)
        public = VerifierKey("witness.example/w1", b"\x07" * 31 + b"\x00", COSIGNATURE)
        await act(
            publisher,
            "audit.publishing_put",
            witnesses=[{"url": "http://127.0.0.1:65000", "key": public.text()}],
            quorum=1,
        )
        await publish(publisher)
        key = publisher.audit.vault.signer(ACME)
        with publisher.audit.database.engine().begin() as connection:
            note = connection.exec_driver_sql("SELECT note FROM published_checkpoint").scalar_one()
            line = cosign(read_note(note)[0], key, public, 1_760_000_000)
            connection.exec_driver_sql("UPDATE published_checkpoint SET note = ?", (note + line,))
        shown = (await act(publisher, "audit.checkpoints"))["checkpoints"][0]
        assert (shown["cosigned_by"], shown["enough"]) == ([], False)

    asyncio.run(story())


def test_a_checkpoint_row_that_was_edited_stops_publishing(publisher: Publisher) -> None:
    async def story() -> None:
        await record(publisher, 3)
        await publish(publisher)
        await record(publisher, 3)
        with publisher.audit.database.engine().begin() as connection:
            connection.exec_driver_sql(
                "UPDATE published_checkpoint SET note = replace(note, char(10) || '3' || char(10), char(10) || '2' || char(10))"
            )
        with pytest.raises(LogInconsistent):
            await publish(publisher)

    asyncio.run(story())


def test_a_witness_inside_is_not_reached(sqlite_audit: Audit, clock: StillClock) -> None:
    """The operator allowed no private address: what a tenant names is not asked, and the checkpoint is kept all the same."""
    from ostiary.net.address import egress

    publisher = Publisher(sqlite_audit, clock, egress([]))

    async def story() -> None:
        await record(publisher, 3)
        key = VerifierKey("witness.example/w1", b"\x07" * 31 + b"\x00", COSIGNATURE).text()
        async with listening(answer(200)) as peer:
            await act(
                publisher,
                "audit.publishing_put",
                witnesses=[{"url": peer.url, "key": key}],
            )
            cut = await act(publisher, "audit.publish_step", job="job_1", cursor="", params={})
            assert cut["note"] == "3 events, cosigned by 0 of 1"
            assert peer.connections == 0

    asyncio.run(story())

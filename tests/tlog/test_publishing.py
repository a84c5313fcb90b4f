"""Checkpoints go out: only where the log has grown, only if it extends the one before, cosigned and mailed; how they are posted is in tests/webhooks."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from ostiary.audit._c2sp_cosignature import cosigned
from ostiary.audit._c2sp_note import verify
from ostiary.audit.publishing import store
from ostiary.audit.publishing.publisher import Publisher
from ostiary.errors import AddressRefused, Conflict, InvalidParameters
from ostiary.net.mail import mail_server
from ostiary.secret import Secret
from tests.audit.events import ACME, OTHER, StillClock, entry
from tests.net.test_mail import Box, post_office
from tests.tlog.publishing import act, publish, watching


def kept(publisher: Publisher) -> list[Any]:
    database = publisher.audit.database
    return database.read(lambda c: store.newest(c, ACME, before=None, limit=50))


async def record(publisher: Publisher, count: int = 1, **changes: Any) -> None:
    for _ in range(count):
        await publisher.audit.record(entry(**changes))


def test_a_checkpoint_is_published_when_there_is_something_new(
    publisher: Publisher, clock: StillClock
) -> None:
    async def story() -> None:
        assert [step["note"] for step in await publish(publisher)] == ["nothing new"]
        await record(publisher, 3)
        assert [step["note"] for step in await publish(publisher)] == ["3 events"]
        assert [step["note"] for step in await publish(publisher)] == ["nothing new"]
        await record(publisher, 2)
        await publish(publisher)
        assert [row.size for row in kept(publisher)] == [5, 3]
        for row in kept(publisher):
            checkpoint = verify(row.note, publisher.audit.verifier(ACME), alone=True)
            assert (checkpoint.size, checkpoint.root) == (row.size, row.root)
        shown = await act(publisher, "audit.checkpoints")
        assert [(one["size"], one["cosigned_by"], one["enough"]) for one in shown["checkpoints"]] == [
            (5, [], True),
            (3, [], True),
        ]
        assert (await act(publisher, "audit.checkpoints", limit=1))["next"] == "5"
        assert (await act(publisher, "audit.checkpoints", OTHER))["checkpoints"] == []

    asyncio.run(story())


def test_publishing_is_no_reason_to_publish_again_but_once_a_day(
    publisher: Publisher, clock: StillClock
) -> None:
    async def story() -> None:
        await record(publisher)
        await publish(publisher)
        publisher._routine |= {"approval.expire_step"}
        await record(publisher, action="audit.publish_step")
        await record(publisher, action="approval.expire_step")
        assert [step["note"] for step in await publish(publisher)] == ["nothing new"]
        clock.advance(86_400)
        assert [step["note"] for step in await publish(publisher)] == ["3 events"]

    asyncio.run(story())


def test_witnesses_cosign_and_one_that_is_away_is_asked_again(publisher: Publisher, tmp_path: Path) -> None:
    async def story() -> None:
        await record(publisher, 3)
        async with watching(tmp_path / "a", publisher) as one:
            async with watching(tmp_path / "b", publisher, "witness.example/w2") as two:
                settings = {"witnesses": [one.setting, two.setting], "quorum": 2}
                await act(publisher, "audit.publishing_put", **settings)
            assert [step["note"] for step in await publish(publisher)] == ["3 events, cosigned by 1 of 2"]
            first = (await act(publisher, "audit.checkpoints"))["checkpoints"][0]
            assert ([each["name"] for each in first["cosigned_by"]], first["enough"]) == (
                ["witness.example/w1"],
                False,
            )
            async with watching(tmp_path / "b", publisher, "witness.example/w2") as two:
                settings = {"witnesses": [one.setting, two.setting], "quorum": 2}
                await act(publisher, "audit.publishing_put", **settings)
                assert [step["note"] for step in await publish(publisher)] == ["3 events, cosigned by 2 of 2"]
                assert [step["note"] for step in await publish(publisher)] == ["nothing new"]
                await record(publisher, 300)
                assert [step["note"] for step in await publish(publisher)] == [
                    "303 events, cosigned by 2 of 2"
                ]
                assert two.peer
                assert (
                    len(two.peer.seen) == 2
                )  # what it has seen is known from its cosignature: no conflict first
            note = kept(publisher)[0].note
            found = cosigned(note, [one.identity.verifier, two.identity.verifier])
            assert [each.witness.name for each in found] == ["witness.example/w1", "witness.example/w2"]
            verify(note, publisher.audit.verifier(ACME))

    asyncio.run(story())


def test_a_witness_that_has_seen_more_than_we_remember_says_so_and_is_proven(
    publisher: Publisher, tmp_path: Path
) -> None:
    """The rows of published checkpoints are lost: 409 tells the size, and the proof from there is sent."""

    async def story() -> None:
        async with watching(tmp_path / "a", publisher) as one:
            await act(publisher, "audit.publishing_put", witnesses=[one.setting])
            await record(publisher, 3)
            await publish(publisher)
            publisher.audit.database.transact(
                lambda c: (
                    c.exec_driver_sql("DELETE FROM published_checkpoint")
                    if c.dialect.name == "sqlite"
                    else store.keep(c, ACME, kept(publisher)[0])
                )
            )
            await record(publisher, 3)
            assert [step["note"] for step in await publish(publisher)] == ["6 events, cosigned by 1 of 1"]

    asyncio.run(story())


def test_a_checkpoint_is_mailed_whole(sqlite_publisher: Publisher, clock: StillClock) -> None:
    async def story() -> None:
        box = Box()
        async with post_office(box) as port:
            mails = mail_server(Secret(f"smtp://127.0.0.1:{port}"), "Ostiary <gate@example.com>")
            publisher = Publisher(sqlite_publisher.audit, clock, sqlite_publisher._allowed, mails)
            await record(publisher, 2)
            addresses = ["auditor@example.org", "board@example.org"]
            await act(publisher, "audit.publishing_put", mail_to=addresses)
            assert (await publish(publisher))[-1]["note"] == "mailed to 2"
        assert [to for _, (to,), _ in box.mails] == addresses
        import email
        from email import policy

        text = email.message_from_string(box.mails[0][2], policy=policy.default).get_content()
        assert text.replace("\r\n", "\n").split("--------\n")[1] == kept(publisher)[0].note

    asyncio.run(story())


def test_what_cannot_be_is_refused(sqlite_publisher: Publisher) -> None:
    async def story() -> None:
        key = "w.example/1+79ca6beb+BD4eZlUjZVggb2VdkX74v8TYW2a5CLGuKsieP02mpugt"
        log_key = sqlite_publisher.audit.verifier(ACME).text()
        for wrong in (
            {"webhook_url": "ftp://example.com"},
            {"webhook_url": "https://user@example.com/"},
            {"witnesses": [{"url": "https://10.0.0.1:22/", "key": key}]},
        ):
            with pytest.raises(AddressRefused):
                await act(sqlite_publisher, "audit.publishing_put", **wrong)
        one = {"url": "https://w.example", "key": key}
        for wrong in (
            {"mail_to": ["no address"]},
            {"mail_to": ["a@example.org\nBcc: b@example.org"]},
            {"mail_to": ["a@example.org"] * 6},
            {"witnesses": [{"url": "https://w.example", "key": log_key}]},
            {"witnesses": [{"url": "https://w.example", "key": key.replace("79ca", "79cb")}]},
            {"witnesses": [one, one]},
            {"witnesses": [one], "quorum": 2},
            {"unknown": 1},
        ):
            with pytest.raises(InvalidParameters):
                await act(sqlite_publisher, "audit.publishing_put", **wrong)
        assert (await act(sqlite_publisher, "audit.publishing_put", witnesses=[one], quorum=1))[
            "version"
        ] == 1
        with pytest.raises(Conflict):
            await act(sqlite_publisher, "audit.publishing_put", version=0)
        assert (await act(sqlite_publisher, "audit.publishing_show"))["witnesses"] == [one]
        # A public name that resolves to a private address is refused when it is asked, whatever was saved.
        await record(sqlite_publisher)

    asyncio.run(story())

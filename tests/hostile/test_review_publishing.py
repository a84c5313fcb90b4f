"""A witness that a tenant trusted turns against the log: it must not be able to stop the log, or to speak for another."""

import asyncio
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ostiary.audit._c2sp_cosignature import cosign
from ostiary.audit._c2sp_note import COSIGNATURE, NOTE_CHARACTERS_MAX, VerifierKey, read_note
from ostiary.audit.log import Audit
from ostiary.audit.publishing import store
from ostiary.audit.publishing.publisher import Publisher
from tests.audit.conftest import sqlite_audit as sqlite_audit
from tests.audit.conftest import vault as vault
from tests.audit.events import ACME, StillClock, entry
from tests.net.peer import Seen, answer, listening
from tests.tlog.conftest import HERE
from tests.tlog.publishing import act, publish


@pytest.fixture
def publisher(sqlite_audit: Audit, clock: StillClock) -> Publisher:
    return Publisher(sqlite_audit, clock, HERE)


def test_witnesses_do_not_fill_a_checkpoint_until_nobody_can_read_it(publisher: Publisher) -> None:
    """Each answers with as many genuine cosignatures as one answer may hold: together more than a note may."""

    async def story() -> None:
        key = Ed25519PrivateKey.generate()
        names = [f"witness.example/w{number}" for number in range(3)]
        public = [VerifierKey(name, key.public_key().public_bytes_raw(), COSIGNATURE) for name in names]

        def talking(number: int) -> Any:
            async def script(seen: Seen, writer: Any) -> None:
                note = seen.body.decode().partition("\n\n")[2]
                checkpoint, _ = read_note(note)
                lines, at_s = "", 1
                while len(note) + len(lines) < NOTE_CHARACTERS_MAX - 300:
                    lines += cosign(checkpoint, key, public[number], at_s)
                    at_s += 1
                await answer(200, lines.encode())(seen, writer)

            return script

        async with (
            listening(talking(0)) as one,
            listening(talking(1)) as two,
            listening(talking(2)) as three,
        ):
            named = [
                {"url": peer.url, "key": each.text()}
                for peer, each in zip((one, two, three), public, strict=True)
            ]
            await act(publisher, "audit.publishing_put", witnesses=named, quorum=3)
            for _ in range(3):
                await publisher.audit.record(entry())
                await publish(publisher)
        shown = (await act(publisher, "audit.checkpoints"))["checkpoints"]
        assert [each["size"] for each in shown] == [3, 2, 1]
        assert all(each["enough"] for each in shown)
        last = publisher.audit.database.read(lambda connection: store.latest(connection, ACME))
        assert last
        assert last.note.count("—") == 4

    asyncio.run(story())


def test_a_witness_by_anothers_name_does_not_take_its_place(publisher: Publisher) -> None:
    """Two of one name and of different keys: each counts for itself, and the one that answers does not stand for both."""

    async def story() -> None:
        keys = [Ed25519PrivateKey.generate() for _ in range(2)]
        public = [
            VerifierKey("witness.example/w", key.public_key().public_bytes_raw(), COSIGNATURE) for key in keys
        ]

        def cosigning(number: int) -> Any:
            async def script(seen: Seen, writer: Any) -> None:
                checkpoint, _ = read_note(seen.body.decode().partition("\n\n")[2])
                await answer(200, cosign(checkpoint, keys[number], public[number], 7).encode())(seen, writer)

            return script

        async with listening(cosigning(0)) as one, listening(cosigning(1)) as two:
            named = [{"url": one.url, "key": public[0].text()}, {"url": two.url, "key": public[1].text()}]
            await act(publisher, "audit.publishing_put", witnesses=named, quorum=2)
            await publisher.audit.record(entry())
            await publish(publisher)
        assert (await act(publisher, "audit.checkpoints"))["checkpoints"][0]["enough"] is True

    asyncio.run(story())

"""An agent behind a load balancer reads at one process and acts at another: what it read, and what the person said, is known there."""

import asyncio

from tests.across import pair
from tests.across.pair import Pair
from tests.provenance import office
from tests.provenance.office import EVIL, GOOD, act, open_session, origin, read


def shared(story: object) -> None:
    with office.running() as there:

        async def whole(pair: Pair) -> None:
            await pair.a.connect("office", kind="http", base_url=there.url)
            await pair.a.agree(office.CONTRACTS)
            key, agent = await office.agent(pair.a, "reader")
            await story(pair, key, agent)  # type: ignore[operator]  # a coroutine function

        pair.play(whole)


def test_what_is_read_at_one_is_known_at_the_other() -> None:
    async def story(pair: Pair, key: str, agent: str) -> None:
        session = await open_session(pair.a, agent, "Pay the rent.")
        await read(pair.a, key, "inbox.read", session)
        assert (await origin(pair.b, key, EVIL, session))[0] == "untrusted"
        assert (await origin(pair.b, key, GOOD, session))[0] == "unexplained"
        await read(pair.a, key, "contact.find", session)  # after b has loaded the memory once
        assert (await origin(pair.b, key, GOOD, session))[0] == "trusted"
        assert (await origin(pair.a, key, GOOD, session))[0] == "trusted"

    shared(story)


def test_words_and_the_end_of_a_session_count_at_the_other_within_a_second() -> None:
    async def story(two: Pair, key: str, agent: str) -> None:
        session = await open_session(two.a, agent, "Pay the rent.")
        assert (await origin(two.b, key, GOOD, session))[0] == "unexplained"
        await two.a.good("POST", f"/v1/sessions/{session}/words", json={"words": f"To {GOOD}."})

        async def said() -> bool:
            return (await origin(two.b, key, GOOD, session))[0] == "said"

        await pair.soon(said)
        await two.a.good("DELETE", f"/v1/sessions/{session}")

        async def closed() -> bool:
            return (await act(two.b, key, "inbox.read", session)).status_code == 409

        await pair.soon(closed)

    shared(story)


def test_a_statement_counts_once_over_all_processes() -> None:
    async def story(two: Pair, key: str, agent: str) -> None:
        signer = office.Signer()
        await signer.register(two.a)
        body = {"json": {"statement": signer.statement(two.a, agent, "Pay the rent.")}}
        answers = await asyncio.gather(
            *(house.ask("POST", "/v1/sessions/signed", key, **body) for house in (two.a, two.b, two.a, two.b))
        )
        assert sorted(answer.status_code for answer in answers) == [201, 403, 403, 403]

    shared(story)


def test_what_is_written_at_one_is_tainted_at_the_other() -> None:
    async def story(two: Pair, key: str, agent: str) -> None:
        session = await open_session(two.a, agent, "Keep the address book.")
        await read(two.a, key, "inbox.read", session)
        added = (await act(two.a, key, "contact.add", session, name="Landlord", iban=EVIL)).json()
        assert (await two.a.approve(added["approval_id"])).status_code == 200
        assert (await two.a.settled(added["call_id"], key))["state"] == "done"
        other, other_id = await office.agent(two.b, "other")
        later = await open_session(two.b, other_id, "Pay the landlord.")
        await read(two.b, other, "contact.find", later)
        assert (await origin(two.b, other, EVIL, later))[0] == "untrusted"

    shared(story)

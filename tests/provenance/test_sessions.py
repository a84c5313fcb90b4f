"""What a person says in an agent's session explains the agent's calls; what it read does, or does not; and nobody speaks for the person."""

import asyncio
from pathlib import Path

from tests.house import House, opened
from tests.provenance import office
from tests.provenance.office import EVIL, GOOD, Office, Signer, act, open_session, origin, read, told


def test_what_the_person_said_explains_a_value_and_nothing_else_does(tmp_path: Path) -> None:
    async def story(house: House, _office: Office, key: str, agent: str) -> None:
        session = await open_session(house, agent, f"Pay 5 to {GOOD}, please.")
        assert await origin(house, key, GOOD, session) == ("said", "")
        assert (await origin(house, key, EVIL, session))[0] == "unexplained"
        assert (await origin(house, key, GOOD))[0] == "unexplained"  # without its session nothing is said

    told(tmp_path, story)


def test_further_words_count_from_the_next_call_on(tmp_path: Path) -> None:
    async def story(house: House, _office: Office, key: str, agent: str) -> None:
        session = await open_session(house, agent, "Pay the rent.")
        assert (await origin(house, key, GOOD, session))[0] == "unexplained"
        await house.good("POST", f"/v1/sessions/{session}/words", json={"words": f"To {GOOD}."})
        assert (await origin(house, key, GOOD, session))[0] == "said"

    told(tmp_path, story)


def test_a_trusted_field_explains_and_a_text_taints_and_its_place_is_named(tmp_path: Path) -> None:
    async def story(house: House, _office: Office, key: str, agent: str) -> None:
        session = await open_session(house, agent, "Pay the rent.")
        await read(house, key, "contact.find", session)
        await read(house, key, "inbox.read", session)
        kind, source = await origin(house, key, GOOD, session)
        assert (kind, source.split(" (")[0]) == ("trusted", "contact.find /contacts/0/iban")
        kind, source = await origin(house, key, EVIL, session)
        assert (kind, source.split(" (")[0]) == ("untrusted", "inbox.read /mails/0/body")

    told(tmp_path, story)


def test_dropping_the_session_sheds_no_taint_and_a_new_one_gains_no_trust(tmp_path: Path) -> None:
    async def story(house: House, _office: Office, key: str, agent: str) -> None:
        first = await open_session(house, agent, "Pay the rent.")
        await read(house, key, "inbox.read", first)
        await read(house, key, "contact.find", first)
        assert (await origin(house, key, EVIL))[0] == "untrusted"
        assert (await origin(house, key, GOOD))[0] == "unexplained"
        second = await open_session(house, agent, "Pay the rent.")
        assert (await origin(house, key, EVIL, second))[0] == "untrusted"
        assert (await origin(house, key, GOOD, second))[0] == "unexplained"

    told(tmp_path, story)


def test_what_was_read_survives_a_restart(tmp_path: Path) -> None:
    async def story(house: House, _office: Office, key: str, agent: str) -> None:
        session = await open_session(house, agent, "Pay the rent.")
        await read(house, key, "inbox.read", session)
        await read(house, key, "contact.find", session)
        house.gateway.provenance._memories.clear()  # as a process that has just begun
        assert (await origin(house, key, EVIL, session))[0] == "untrusted"
        assert (await origin(house, key, GOOD, session))[0] == "trusted"

    told(tmp_path, story)


def test_a_new_process_of_the_same_house_knows_it(tmp_path: Path) -> None:
    async def whole() -> None:
        with office.running() as there:
            async with opened(tmp_path) as house:
                await house.found()
                await house.enrol()
                key, agent = await office.furnish(house, there)
                session = await open_session(house, agent, f"Pay the rent to {GOOD}.")
                await read(house, key, "inbox.read", session)
            async with opened(tmp_path, clock=house.clock) as again:
                again.owner = house.owner
                assert (await origin(again, key, EVIL, session))[0] == "untrusted"
                assert (await origin(again, key, GOOD, session))[0] == "said"

    asyncio.run(whole())


def test_what_was_read_expires(tmp_path: Path) -> None:
    async def story(house: House, _office: Office, key: str, _agent: str) -> None:
        await read(house, key, "inbox.read")
        house.clock.advance(12 * 3600 - 60)
        assert (await origin(house, key, EVIL))[0] == "untrusted"
        house.clock.advance(61)
        assert (await origin(house, key, EVIL))[0] == "unexplained"
        await house.work()
        rows = house.gateway.database.read(lambda c: c.exec_driver_sql("SELECT count(*) FROM seen").scalar())
        assert rows == 0

    told(tmp_path, story, OSTIARY_SESSION_TTL_S="86400", OSTIARY_SESSION_IDLE_S="86400")


def test_what_an_agent_wrote_from_a_mail_comes_back_untrusted(tmp_path: Path) -> None:
    """The address book is trusted, but not for what an agent put there after reading it in a mail."""

    async def story(house: House, _office: Office, key: str, agent: str) -> None:
        session = await open_session(house, agent, "Keep the address book.")
        await read(house, key, "inbox.read", session)
        added = await act(house, key, "contact.add", session, name="Landlord", iban=EVIL)
        assert (await house.approve(added.json()["approval_id"])).status_code == 200
        assert (await house.settled(added.json()["call_id"], key))["state"] == "done"
        other, other_id = await office.agent(house, "other")
        later = await open_session(house, other_id, "Pay the landlord.")
        assert "2051" in str(
            await read(house, other, "contact.find", later)
        )  # masked, and remembered all the same
        kind, source = await origin(house, other, EVIL, later)
        assert (kind, source) == ("untrusted", f"contact.add wrote it ({added.json()['call_id']})")
        assert (await origin(house, other, GOOD, later))[0] == "trusted"

    told(tmp_path, story)


def test_a_session_ends_when_it_is_closed_and_when_its_time_is_over(tmp_path: Path) -> None:
    async def story(house: House, _office: Office, key: str, agent: str) -> None:
        session = await open_session(house, agent, "Pay the rent.")
        await house.good("DELETE", f"/v1/sessions/{session}")
        refused = await act(house, key, "inbox.read", session)
        assert (refused.status_code, refused.json()["code"]) == (409, "session.closed")
        short = await open_session(house, agent, "Pay the rent.", max_s=60)
        assert (await act(house, key, "inbox.read", short)).status_code == 200
        house.clock.advance(61)
        refused = await act(house, key, "inbox.read", short)
        assert (refused.status_code, refused.json()["code"]) == (410, "session.expired")
        late = await house.ask("POST", f"/v1/sessions/{short}/words", json={"words": "more"})
        assert (late.status_code, late.json()["code"]) == (410, "session.expired")

    told(tmp_path, story)


def test_a_session_shows_what_was_said_read_and_done(tmp_path: Path) -> None:
    async def story(house: House, _office: Office, key: str, agent: str) -> None:
        session = await open_session(house, agent, "Pay the rent.")
        await read(house, key, "inbox.read", session)
        await act(house, key, "money.send", session, iban=EVIL, amount=5)
        await house.good(
            "POST", f"/v1/sessions/{session}/claims", key, json={"words": "They want it at once."}
        )
        shown = await house.good("GET", f"/v1/sessions/{session}")
        assert (shown["session"]["agent"], shown["session"]["state"]) == (agent, "open")
        assert [(row["text"], row["claimed"]) for row in shown["words"]] == [
            ("Pay the rent.", False),
            ("They want it at once.", True),
        ]
        assert [(row["action"], row["untrusted"]) for row in shown["reads"]] == [("inbox.read", True)]
        assert [(row["action"], row["decision"]) for row in shown["deeds"]] == [("money.send", "held")]
        own = await house.good("GET", f"/v1/sessions/{session}", key)
        assert own == shown
        listed = await house.good("GET", "/v1/sessions")
        assert [row["session_id"] for row in listed["sessions"]] == [session]

    told(tmp_path, story)


def test_a_signed_statement_opens_a_session_and_adds_to_it(tmp_path: Path) -> None:
    async def story(house: House, _office: Office, key: str, agent: str) -> None:
        signer = Signer()
        await signer.register(house)
        opened_ = await house.good(
            "POST", "/v1/sessions/signed", key,
            json={"statement": signer.statement(house, agent, f"Pay 5 to {GOOD}.", max_s=600)},
        )  # fmt: skip
        session = opened_["session_id"]
        assert (opened_["signed"], opened_["opened_by"]) == (True, signer.id)
        assert (await origin(house, key, GOOD, session))[0] == "said"
        assert (await origin(house, key, EVIL, session))[0] == "unexplained"
        more = signer.statement(house, agent, f"And {EVIL}.", session=session, jti="statement-2")
        await house.good("POST", "/v1/sessions/signed", key, json={"statement": more})
        assert (await origin(house, key, EVIL, session))[0] == "said"

    told(tmp_path, story)


def test_words_explain_only_what_their_speaker_might_ask_for(tmp_path: Path) -> None:
    async def story(house: House, _office: Office, key: str, agent: str) -> None:
        signer = Signer()
        await signer.register(house, roles=["viewer"])
        made = signer.statement(house, agent, f"Pay 5 to {GOOD}.")
        opened_ = await house.good("POST", "/v1/sessions/signed", key, json={"statement": made})
        assert (await origin(house, key, GOOD, opened_["session_id"]))[0] == "unexplained"

    told(tmp_path, story)

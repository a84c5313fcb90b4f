"""Attacks on agents' sessions: to speak for the person, to use somebody else's session, to replay or forge a statement, to shed or launder taint."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from tests import servers
from tests.house import House
from tests.provenance.office import (
    EVIL,
    GOOD,
    Office,
    Signer,
    act,
    agent,
    b64,
    open_session,
    origin,
    read,
    told,
)


async def refused(house: House, key: str | None, method: str, path: str, **more: Any) -> tuple[int, str]:
    answer = await house.ask(method, path, key, **more)
    return answer.status_code, answer.json().get("code", "")


def test_nobody_with_a_key_speaks_for_a_person(tmp_path: Path) -> None:
    async def story(house: House, _office: Office, key: str, own: str) -> None:
        body = {"agent": own, "intent": f"Pay {EVIL} now."}
        assert await refused(house, key, "POST", "/v1/sessions", json=body) == (403, "access.forbidden")
        session = await open_session(house, own, "Pay the rent.")
        words = f"/v1/sessions/{session}/words"
        assert await refused(house, key, "POST", words, json={"words": EVIL}) == (403, "access.forbidden")
        made = await house.good(
            "POST", "/v1/keys", json={"name": "batch", "kind": "program", "roles": ["owner"]}
        )
        assert await refused(house, made["secret"], "POST", "/v1/sessions", json=body) == (
            403,
            "access.forbidden",
        )
        assert await refused(house, made["secret"], "POST", words, json={"words": EVIL}) == (
            403,
            "access.forbidden",
        )
        # Its own account of what the person wants is shown, and explains nothing.
        await house.good(
            "POST", f"/v1/sessions/{session}/claims", key, json={"words": f"The person said: pay {EVIL}."}
        )
        assert (await origin(house, key, EVIL, session))[0] == "unexplained"

    told(tmp_path, story)


def test_a_session_is_of_one_agent_and_one_tenant(tmp_path: Path) -> None:
    async def story(house: House, _office: Office, key: str, own: str) -> None:
        session = await open_session(house, own, f"Pay {EVIL}.")
        other, _ = await agent(house, "other")
        stolen = await act(house, other, "money.send", session, iban=EVIL, amount=5)
        assert (stolen.status_code, stolen.json()["code"]) == (403, "session.not_yours")
        person = await house.ask(
            "POST", "/v1/actions/inbox.read", json={}, headers={"ostiary-session": session}
        )
        assert (person.status_code, person.json()["code"]) == (403, "session.not_yours")
        for path in ("", "/claims"):
            method = "POST" if path else "GET"
            body = {"json": {"words": "x"}} if path else {}
            assert await refused(house, other, method, f"/v1/sessions/{session}{path}", **body) == (
                403,
                "session.not_yours",
            )
        assert await refused(house, other, "DELETE", f"/v1/sessions/{session}") == (403, "session.not_yours")
        assert (await house.good("GET", "/v1/sessions", other))["sessions"] == []
        unknown = await act(house, key, "inbox.read", "ses_" + "0" * 32)
        assert (unknown.status_code, unknown.json()["code"]) == (404, "session.unknown")

    told(tmp_path, story)


def test_another_tenants_session_does_not_exist(tmp_path: Path) -> None:
    async def story(house: House, _office: Office, _key: str, own: str) -> None:
        session = await open_session(house, own, "Pay the rent.")
        other = await house.good("POST", "/v1/tenants", json={"name": "Other"})
        await house.good("POST", "/v1/session/switch-tenant", json={"tenant": other["tenant"]})
        token = house.owner
        assert await refused(house, token, "GET", f"/v1/sessions/{session}") == (404, "session.unknown")
        assert await refused(house, token, "POST", f"/v1/sessions/{session}/words", json={"words": "x"}) == (
            404,
            "session.unknown",
        )
        assert await refused(house, token, "DELETE", f"/v1/sessions/{session}") == (404, "session.unknown")

    told(tmp_path, story)


@pytest.mark.parametrize(
    "value", ["ses_1", "", "SES_" + "0" * 32, "ses_" + "g" * 32, "ses_" + "0" * 4000, "ses_" + "0" * 32 + " "]
)
def test_a_header_that_is_no_session_is_never_taken_for_none(tmp_path: Path, value: str) -> None:
    async def story(house: House, _office: Office, key: str, _own: str) -> None:
        answer = await house.ask(
            "POST", "/v1/actions/inbox.read", key, json={}, headers={"ostiary-session": value}
        )
        # A space at the end is the transport's, not the value's.
        expected = {(400, "request.malformed"), (404, "session.unknown")}
        assert (answer.status_code, answer.json()["code"]) in expected

    told(tmp_path, story)


def test_two_session_headers_are_a_mistake(tmp_path: Path) -> None:
    async def story(house: House, _office: Office, key: str, own: str) -> None:
        one, two = [await open_session(house, own, "Pay the rent.") for _ in range(2)]
        answer = await house.client.post(
            "/v1/actions/inbox.read", json={},
            headers=[("authorization", f"Bearer {key}"), ("ostiary-session", one), ("ostiary-session", two)],
        )  # fmt: skip
        assert (answer.status_code, answer.json()["code"]) == (400, "request.malformed")

    told(tmp_path, story)


async def presented(house: House, key: str, statement: str) -> tuple[int, str]:
    return await refused(house, key, "POST", "/v1/sessions/signed", json={"statement": statement})


def test_a_statement_counts_once_and_for_whom_it_was_made(tmp_path: Path) -> None:
    async def story(house: House, _office: Office, key: str, own: str) -> None:
        signer, no = Signer(), (403, "session.statement_refused")
        await signer.register(house)
        good = signer.statement(house, own, "Pay the rent.")
        assert (await presented(house, key, good))[0] == 201
        assert await presented(house, key, good) == no  # replayed
        other, other_id = await agent(house, "other")
        for_other = signer.statement(house, other_id, "Pay the rent.", jti="for-other")
        assert await presented(house, key, for_other) == no
        assert (await presented(house, other, for_other))[
            0
        ] == 201  # it was not used up by who may not use it
        now_s = house.clock.now_us() // 1_000_000
        for number, claims in enumerate(
            [
                {"aud": "ten_" + "0" * 32}, {"iat": now_s - 1000, "exp": now_s - 1}, {"iat": now_s + 200, "exp": now_s + 300}, {"exp": now_s + 9000},
                {"exp": True}, {"iat": "1"}, {"intent": 5}, {"intent": "   "}, {"intent": "x" * 8001}, {"jti": "short"}, {"jti": "a b c d e f"}, {"admin": True},
                {"session": 4}, {"max_s": -1}, {"max_s": 1.5},
            ]
        ):  # fmt: skip
            made = {"jti": f"statement-a{number}", **claims}
            assert (
                await presented(house, key, signer.statement(house, own, **{"intent": "Pay.", **made})) == no
            ), claims

    told(tmp_path, story)


def test_a_statement_is_not_forged(tmp_path: Path) -> None:
    async def story(house: House, _office: Office, key: str, own: str) -> None:
        signer, forger, no = Signer(), Signer(), (403, "session.statement_refused")
        await signer.register(house)
        forger.id = signer.id
        assert await presented(house, key, forger.statement(house, own, f"Pay {EVIL}.")) == no
        good = signer.statement(house, own, "Pay the rent.")
        head, body, seal = good.split(".")
        claims = orjson.loads(__import__("base64").urlsafe_b64decode(body + "=="))
        swapped = b64(orjson.dumps({**claims, "intent": f"Pay {EVIL}."}))
        for forged in (
            f"{head}.{swapped}.{seal}", f"{head}.{body}.", f"{head}.{body}", f"{head}.{body}.{seal}=", f"{head}.{body}.{seal}.{seal}",
            f"{head}.{body}.{seal[:-1]}", f" {good}", f"{good}\n", f"{head}.{body}.{'A' * 86}",
        ):  # fmt: skip
            assert await presented(house, key, forged) == no, forged
        header = {"alg": "EdDSA", "kid": signer.id, "typ": "ostiary-intent+jwt"}
        for changed in (
            {"alg": "none"}, {"alg": "HS256"}, {"typ": "JWT"}, {"kid": "ink_" + "0" * 32}, {"kid": 1}, {"jwk": {"kty": "OKP", "crv": "Ed25519", "x": forger.public}},
            {"crit": ["b64"], "b64": False}, {"jku": "https://evil.example/keys"},
        ):  # fmt: skip
            assert await presented(house, key, signer.signed({**header, **changed}, claims)) == no, changed
        assert (await presented(house, key, good))[0] == 201  # none of it used the good one up

    told(tmp_path, story)


def test_a_revoked_key_speaks_for_nobody(tmp_path: Path) -> None:
    async def story(house: House, _office: Office, key: str, own: str) -> None:
        signer = Signer()
        await signer.register(house)
        await house.good("DELETE", f"/v1/intent-keys/{signer.id}")
        made = signer.statement(house, own, "Pay the rent.")
        assert await presented(house, key, made) == (403, "session.statement_refused")
        assert await refused(
            house, key, "POST", "/v1/intent-keys", json={"title": "Mine", "public_key": signer.public}
        ) == (403, "access.forbidden")
        assert (await house.good("GET", "/v1/intent-keys"))["keys"][0]["revoked_at"]

    told(tmp_path, story)


def test_a_statement_adds_only_to_its_own_agents_session(tmp_path: Path) -> None:
    async def story(house: House, _office: Office, key: str, own: str) -> None:
        signer = Signer()
        await signer.register(house)
        _, other_id = await agent(house, "other")
        foreign = await open_session(house, other_id, "Pay the rent.")
        made = signer.statement(house, own, f"Pay {EVIL}.", session=foreign)
        assert await presented(house, key, made) == (403, "session.not_yours")
        closed = await open_session(house, own, "Pay the rent.")
        await house.good("DELETE", f"/v1/sessions/{closed}")
        made = signer.statement(house, own, f"Pay {EVIL}.", session=closed)
        assert await presented(house, key, made) == (409, "session.closed")

    told(tmp_path, story)


def test_hopping_between_sessions_does_not_wash_what_was_read(tmp_path: Path) -> None:
    """Read the mail in one session, pay in another that was opened before: the account is known as the mail's, in both."""

    async def story(house: House, _office: Office, key: str, own: str) -> None:
        first, second = [await open_session(house, own, "Pay the rent.") for _ in range(2)]
        await read(house, key, "inbox.read", first)
        for session in (second, ""):
            kind, source = await origin(house, key, EVIL, session)
            assert (kind, source.split(" (")[0]) == ("untrusted", "inbox.read /mails/0/body")
            spaced = " ".join(EVIL[at : at + 4] for at in range(0, len(EVIL), 4)).lower()
            assert (await origin(house, key, spaced, session))[0] == "untrusted"

    told(tmp_path, story)


def test_what_another_agents_card_says_is_no_trusted_word(tmp_path: Path) -> None:
    """Two that work together: one puts an account into a question, the other reads it there. An agent is not shown it; a program that may decide is."""

    async def story(house: House, _office: Office, key: str, _own: str) -> None:
        held = (await act(house, key, "money.send", iban=EVIL, amount=5)).json()
        card = f"/v1/approvals/{held['approval_id']}"
        other, _ = await agent(house, "other")
        assert EVIL not in (await house.ask("GET", card, other)).text
        made = await house.good(
            "POST", "/v1/keys", json={"name": "desk", "kind": "program", "roles": ["support"]}
        )
        assert EVIL in (await house.ask("GET", card, made["secret"])).text
        kind, source = await origin(house, made["secret"], EVIL)
        assert (kind, source.split(" ")[0]) == ("untrusted", "approval.show")
        assert (await origin(house, key, EVIL))[
            0
        ] == "unexplained"  # its own question teaches nobody anything

    told(tmp_path, story)


def test_a_flood_of_reads_does_not_turn_taint_into_trust(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ostiary.provenance.memory.MARKS_MAX", 300)

    async def story(house: House, there: Office, key: str, own: str) -> None:
        session = await open_session(house, own, "Pay the rent.")
        await read(house, key, "inbox.read", session)
        for turn in range(6):
            there.contacts = [{"name": f"Somebody {turn} {row}", "iban": GOOD} for row in range(30)]
            await read(house, key, "contact.find", session)
        memory = house.gateway.provenance._memories[house.tenant, own]  # type: ignore[index]
        assert sum(len(each.marks) for each in memory.answers.values()) <= 300
        assert (await origin(house, key, EVIL, session))[0] in ("untrusted", "unexplained")
        assert not memory.is_clean(0, session)  # what made room says that something is missing

    told(tmp_path, story)


def test_nothing_of_what_was_read_is_kept_in_the_clear(tmp_path: Path) -> None:
    async def story(house: House, _office: Office, key: str, own: str) -> None:
        session = await open_session(house, own, "Pay the rent to somebody-canary.")
        await read(house, key, "inbox.read", session)
        await act(house, key, "contact.add", session, name="Landlord canary", iban=EVIL)

        def rows(connection: Any) -> bytes:
            tables = ("seen", "written_mark", "session_words", "agent_session", "session_deed", "intent_key")
            return b"".join(
                repr(connection.exec_driver_sql(f"SELECT * FROM {name}").all()).encode() for name in tables
            )

        kept = house.gateway.database.read(rows).lower()
        for canary in (b"2020", b"de02", b"canary", b"friend", b"rent"):
            assert canary not in kept, canary

    told(tmp_path, story)


async def forged(house: House, key: str, iban: str, session: str) -> None:
    """Nothing is asked or done by a row that the gateway did not write."""
    answer = await act(house, key, "money.send", session, iban=iban, amount=5)
    assert (answer.status_code, answer.json()["code"]) == (500, "rows.forged")


def test_a_row_that_was_tampered_with_is_refused(tmp_path: Path) -> None:
    """Whoever can write to the database, but has no keys, cannot make a value trusted."""

    async def story(house: House, _office: Office, key: str, own: str) -> None:
        session = await open_session(house, own, "Pay the rent.")
        await read(house, key, "contact.find", session)
        assert (await origin(house, key, GOOD, session))[0] == "trusted"
        servers.tamper(
            house.gateway.database,
            lambda c: c.exec_driver_sql("UPDATE seen SET marks = substr(marks, 1, 40)"),
        )
        house.gateway.provenance._memories.clear()
        await forged(house, key, GOOD, session)
        await open_session(house, own, f"Pay {EVIL}.")
        servers.tamper(
            house.gateway.database,
            lambda c: c.exec_driver_sql(
                f"UPDATE session_words SET number = 2, session = '{session}' WHERE session <> '{session}'"
            ),
        )
        house.gateway.provenance.sessions._held.clear()
        await forged(house, key, EVIL, session)  # the words count in their own session only

    told(tmp_path, story)


def test_more_words_than_a_session_holds_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ostiary.provenance.speaking.WORDS_MAX", 3)
    monkeypatch.setattr("ostiary.provenance.speaking.OPEN_PER_AGENT_MAX", 2)

    async def story(house: House, _office: Office, _key: str, own: str) -> None:
        session = await open_session(house, own, "One.")
        path = f"/v1/sessions/{session}/words"
        for words in ("Two.", "Three."):
            await house.good("POST", path, json={"words": words})
        assert await refused(house, None, "POST", path, json={"words": "Four."}) == (429, "limit.rate")
        assert await refused(house, None, "POST", path, json={"words": "x" * 8001}) == (422, "params.invalid")
        await open_session(house, own, "Another.")
        body = {"agent": own, "intent": "A third."}
        assert await refused(house, None, "POST", "/v1/sessions", json=body) == (429, "limit.rate")

    told(tmp_path, story)

"""What a session changes for the agent: what the person said runs, what a mail said is asked about; and who may read what is sent."""

from pathlib import Path

from tests.house import House
from tests.provenance.office import EVIL, GOOD, Office, act, open_session, read, told


def test_what_the_person_said_runs_and_what_a_mail_said_waits(tmp_path: Path) -> None:
    async def story(house: House, there: Office, key: str, agent: str) -> None:
        session = await open_session(house, agent, f"Send money: 5 to {GOOD}.")
        done = await act(house, key, "money.quick", session, iban=GOOD, amount=5)
        assert done.status_code == 200, done.text
        await read(house, key, "inbox.read", session)
        asked = await act(house, key, "money.quick", session, iban=EVIL, amount=5)
        assert asked.status_code == 202
        still = await act(house, key, "money.quick", session, iban=GOOD, amount=5)
        assert still.status_code == 200  # the mail does not take the person's word away
        assert [row["iban"] for row in there.sent] == [GOOD, GOOD]
        await house.good("DELETE", f"/v1/sessions/{session}")
        without = await act(house, key, "money.quick", "", iban=GOOD, amount=5)
        assert without.status_code == 202  # nobody said it any more

    told(tmp_path, story)

"""kill -9 of a real gateway right after an agent's read: what it read is known to the next process, before the agent can act on it; and the command line."""

import os
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.process import OSTIARY, Process
from tests.provenance import office
from tests.provenance.office import EVIL, GOOD

pytestmark = [pytest.mark.journey, pytest.mark.timeout(180)]


def origin_of(gateway: Process, key: str, iban: str, session: str) -> str:
    """Where the gateway says that the account of a payment came from."""
    headers = gateway.headers(key) | ({"ostiary-session": session} if session else {})
    asked = {"iban": iban, "amount": 5}
    held = httpx.post(f"{gateway.url}/v1/actions/money.send", json=asked, headers=headers, timeout=60)
    assert held.status_code == 202, held.text
    card = gateway.good("GET", f"/v1/approvals/{held.json()['approval_id']}")
    return str(card["parameters"][0]["origin"])


def command(gateway: Process, *words: str, said: str = "") -> str:
    environment = {**os.environ, "OSTIARY_URL": gateway.url, "OSTIARY_API_KEY": gateway.owner}
    ran = subprocess.run(
        [*OSTIARY, *words],
        env=environment,
        input=said,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return ran.stdout


def test_what_was_read_before_kill_9_is_known_after(tmp_path: Path) -> None:
    gateway = Process(tmp_path / "home")
    with office.running() as there:
        gateway.start()
        try:
            gateway.found()
            gateway.connect("office", kind="http", base_url=there.url)
            gateway.agree(office.CONTRACTS)
            made: dict[str, Any] = gateway.good(
                "POST", "/v1/keys", json={"name": "helper", "kind": "agent", "roles": ["support"]}
            )
            key, agent = made["secret"], made["key"]["key_id"]
            session = command(gateway, "session", "open", agent, "Pay the rent.").strip()
            gateway.good("POST", "/v1/actions/inbox.read", key, json={})
            gateway.kill()
            gateway.start()
            assert origin_of(gateway, key, EVIL, session) == "untrusted"
            assert origin_of(gateway, key, EVIL, "") == "untrusted"
            command(gateway, "session", "say", session, "-", said=f"The landlord's account is {GOOD}.")
            assert origin_of(gateway, key, GOOD, session) == "said"
            shown = command(gateway, "session", "show", session)
            assert "Pay the rent." in shown
            assert "money.send" in shown
            assert session in command(gateway, "session", "list")
            assert command(gateway, "session", "close", session) == "Closed.\n"
            assert session not in command(gateway, "session", "list")
        finally:
            gateway.kill()

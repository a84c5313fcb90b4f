"""The gateway is killed while an agent's call is held; the agent comes back to another process and gets the answer, and the refund is done once."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from ostiary.sample import company
from ostiary.sample.agent import connected
from ostiary.sample.backend import application
from ostiary.sample.demo import prepared
from ostiary.sample.gateway import Process, free_port, started
from ostiary.sample.person import Person
from ostiary.sample.serving import served
from ostiary.sample.store import Books, write_company
from ostiary.secret import Secret
from ostiary.vault.root import generate

pytestmark = [pytest.mark.journey, pytest.mark.timeout(180)]

REFUND = {"invoice_id": "INV-20001", "amount": "64.90", "currency": "EUR", "reason": "cracked lid"}


async def _asked(process: Process, key: Secret, state: str | None = None) -> Any:
    async with connected(f"{process.url}/mcp", key) as agent:
        session = agent._client.session
        return await session.call_tool(
            "invoice_refund", REFUND, request_state=state, allow_input_required=True
        )


async def _until_answered(process: Process, key: Secret, state: str) -> Any:
    answer = await _asked(process, key, state)
    for _ in range(50):
        if answer.result_type != "input_required":
            break
        await asyncio.sleep(0.1)
        answer = await _asked(process, key, state)
    return answer


def test_a_held_call_survives_kill_9_and_its_state_still_opens(tmp_path: Path) -> None:
    source = tmp_path / "company"
    source.mkdir()
    write_company(company.make(), source / "company.db")
    root_key, signing, port = generate(), generate(), free_port(0)
    backend = application(books=tmp_path / "books.db", company=source / "company.db", secrets=[signing])
    books = Books(tmp_path / "books.db")

    async def before(process: Process, backend_url: str) -> tuple[Person, Secret, str]:
        owner = Person(process.url)
        key = await prepared(owner, process, backend_url, signing)
        held = await _asked(process, key)
        assert held.result_type == "input_required"
        await owner.close()
        return owner, key, held.request_state

    async def after(process: Process, owner: Person, key: Secret, state: str) -> Any:
        again = owner.at(process.url)
        await again.approve(await again.card("invoice.refund"))
        answer = await _until_answered(process, key, state)
        await again.close()
        return answer

    with served(backend) as backend_url:
        settings = {
            "OSTIARY_EGRESS_ALLOW": backend_url.removeprefix("http://"),
            "OSTIARY_SOURCE_ROOTS": str(source),
        }
        with started(tmp_path, root_key, settings, port=port) as first:
            owner, key, state = asyncio.run(before(first, backend_url))
            first.child.kill()
            first.child.wait()
        assert books.deeds() == []
        with started(tmp_path, root_key, settings, port=port) as second:
            answer = asyncio.run(after(second, owner, key, state))
    assert answer.structured_content["refund_id"] == "R-9001"
    assert [deed.content for deed in books.deeds()] == [REFUND]
    books.close()

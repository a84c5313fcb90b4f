"""Held calls as tasks, and links for a person, asked for by the official client with an extension of its own: no client approves anything."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import httpx2
import mcp_types as types
import pytest
from mcp import Client
from mcp.client.extension import ClaimContext, ClientExtension, ResultClaim
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult, Result
from pydantic import BaseModel

from ostiary.connectors.mcp.session import TASKS
from tests.mcp_server.gateway import Gateway, running

NEWEST = "2026-07-28"


class Task(Result):
    """What the extension answers."""

    result_type: Literal["task"] = "task"
    task_id: str
    status: str
    status_message: str = ""
    poll_interval_ms: int = 0


class Asked(types.RequestParams):
    task_id: str


class Detailed(BaseModel):
    model_config = {"extra": "allow"}


class TaskRequest(types.Request[Asked, str]):
    method: str
    params: Asked


class Tasks(ClientExtension):
    """Polls a task to its end, as the extension's text says."""

    identifier = TASKS

    def __init__(self, meanwhile: Any = None) -> None:
        self.meanwhile, self.seen = meanwhile, []  # type: ignore[var-annotated]

    def claims(self) -> Sequence[ResultClaim[Any]]:
        return [ResultClaim(result_type="task", model=Task, resolve=self.resolve)]

    async def resolve(self, task: Task, context: ClaimContext) -> CallToolResult:
        self.seen.append((task.status, task.status_message))
        if self.meanwhile:
            await self.meanwhile(task, context)
        while True:
            now = await asked(context.session, "tasks/get", task.task_id)
            self.seen.append((now["status"], now.get("statusMessage", "")))
            if now["status"] == "cancelled":
                return CallToolResult(content=[], is_error=True)
            if now["status"] == "completed":
                return CallToolResult.model_validate(now["result"])
            await asyncio.sleep(0.02)


async def asked(session: Any, method: str, task: str) -> dict[str, Any]:
    request = TaskRequest(method=method, params=Asked(task_id=task))
    found = await session.send_request(request, Detailed)
    return dict(found.model_dump())


@asynccontextmanager
async def client(gateway: Gateway, *extensions: ClientExtension, **more: Any) -> Any:
    headers = {"Authorization": f"Bearer {more.pop('key', 'ost_north')}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=30, trust_env=False) as http,
        Client(
            streamable_http_client(gateway.url, http_client=http), mode=NEWEST, read_timeout_seconds=30, extensions=list(extensions), **more
        ) as connected,
    ):  # fmt: skip
        yield connected


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    with running(tmp_path) as opened:
        yield opened


def test_a_held_call_is_a_task_and_ends_with_the_result(gateway: Gateway) -> None:
    async def meanwhile(_task: Task, _context: ClaimContext) -> None:
        await asyncio.to_thread(gateway.decide, "approve")

    async def story() -> tuple[Any, Tasks]:
        tasks = Tasks(meanwhile)
        async with client(gateway, tasks) as connected:
            return await connected.call_tool("invoice_refund", {"invoice": "INV-1"}), tasks

    result, tasks = asyncio.run(story())
    assert tasks.seen[0][0] == "working"
    assert "https://gateway.example/approvals/apr_" in tasks.seen[0][1]
    assert tasks.seen[-1][0] == "completed"
    assert (result.is_error, result.structured_content["number"]) == (False, 1)
    assert gateway.works.done == [("invoice.refund", {"invoice": "INV-1"})]


def test_a_no_is_a_result_that_is_an_error(gateway: Gateway) -> None:
    async def meanwhile(_task: Task, _context: ClaimContext) -> None:
        await asyncio.to_thread(gateway.decide, "reject", reason="Not this one.")

    async def story() -> Any:
        async with client(gateway, Tasks(meanwhile)) as connected:
            return await connected.call_tool("invoice_refund", {"invoice": "INV-1"})

    result = asyncio.run(story())
    assert (result.is_error, result.structured_content["code"]) == (True, "approval.rejected")
    assert result.structured_content["detail"] == "Not this one."
    assert gateway.works.done == []


def test_a_task_is_cancelled_by_who_asked_and_by_nobody_else(gateway: Gateway) -> None:
    async def meanwhile(task: Task, context: ClaimContext) -> None:
        async with client(gateway, Tasks(), key="ost_other") as other:
            for method in ("tasks/get", "tasks/cancel", "tasks/update"):
                with pytest.raises(MCPError) as refused:
                    await asked(other.session, method, task.task_id)
                assert refused.value.error.code == types.INVALID_PARAMS
        await asked(context.session, "tasks/update", task.task_id)
        assert (await asked(context.session, "tasks/get", task.task_id))["status"] == "working"
        await asked(context.session, "tasks/cancel", task.task_id)
        await asked(context.session, "tasks/cancel", task.task_id)

    async def story() -> Tasks:
        tasks = Tasks(meanwhile)
        async with client(gateway, tasks) as connected:
            await connected.call_tool("invoice_refund", {"invoice": "INV-1"})
        return tasks

    assert asyncio.run(story()).seen[-1][0] == "cancelled"
    assert gateway.works.done == []
    assert ("invoice.refund", "expired", "call.withdrawn", "mcp") in gateway.recorded()


def test_who_does_not_say_that_it_knows_tasks_gets_none(gateway: Gateway) -> None:
    async def story() -> tuple[int, Any]:
        async with client(gateway) as connected:
            with pytest.raises(MCPError) as refused:
                await asked(connected.session, "tasks/get", "cal_" + "0" * 32)
        async with client(gateway, Tasks()) as connected:
            with pytest.raises(MCPError) as unknown:
                await asked(connected.session, "tasks/get", "cal_" + "0" * 32)
        return refused.value.error.code, unknown.value.error.code

    assert asyncio.run(story()) == (-32021, types.INVALID_PARAMS)


def test_a_client_that_shows_links_is_given_one_and_its_answer_decides_nothing(gateway: Gateway) -> None:
    shown: list[str] = []

    async def elicited(_context: Any, params: Any) -> types.ElicitResult:
        shown.append(params.url)
        return types.ElicitResult(action="accept")

    async def story() -> Any:
        async with client(gateway, elicitation_callback=elicited) as connected:
            return await connected.call_tool("invoice_refund", {"invoice": "INV-1"})

    result = asyncio.run(story())
    assert [url.rsplit("/", 1)[0] for url in shown] == ["https://gateway.example/approvals"]
    assert result.structured_content["status"] == "held"
    assert gateway.works.done == []


def test_a_dry_run_over_mcp_does_nothing(gateway: Gateway) -> None:
    async def story() -> tuple[Any, Any]:
        async with client(gateway) as connected:
            tried = await connected.call_tool(
                "invoice_refund", {"invoice": "INV-1"}, meta={"dev.ostiary/dry-run": True}
            )
            wrong = await connected.call_tool(
                "invoice_refund", {"invoice": "INV-1"}, meta={"dev.ostiary/dry-run": "yes"}
            )
            return tried, wrong

    tried, wrong = asyncio.run(story())
    assert (tried.structured_content["status"], tried.structured_content["decision"]) == ("previewed", "ask")
    assert (wrong.is_error, wrong.structured_content["code"]) == (True, "params.invalid")
    assert gateway.works.done == []

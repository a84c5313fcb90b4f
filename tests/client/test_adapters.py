"""Contracts as tools of agent frameworks, with the frameworks themselves: what a model is told when a call runs, waits, or is refused."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ostiary.client import AsyncClient
from tests.client.test_clients import Place, place  # noqa: F401 - the fixture

ROOT = Path(__file__).parents[2]


async def _openai(client: AsyncClient) -> Any:
    from ostiary.client.adapters import openai_agents

    tools = {tool.name: tool for tool in await openai_agents.tools(client, wait_s=0)}

    async def use(name: str, **params: Any) -> str:
        return str(await tools[name].on_invoke_tool(None, json.dumps(params)))

    return use


async def _pydantic(client: AsyncClient) -> Any:
    from ostiary.client.adapters import pydantic_ai

    tools = {tool.name: tool for tool in await pydantic_ai.tools(client, wait_s=0)}

    async def use(name: str, **params: Any) -> str:
        return str(await tools[name].function(**params))

    return use


async def _langchain(client: AsyncClient) -> Any:
    pytest.importorskip(
        "langchain_core", reason="not run: LangChain wants an older uuid-utils than the lock has"
    )
    from ostiary.client.adapters import langchain

    tools = {tool.name: tool for tool in await langchain.tools(client, wait_s=0)}

    async def use(name: str, **params: Any) -> str:
        return str(await tools[name].ainvoke(params))

    return use


@pytest.mark.parametrize("framework", [_openai, _pydantic, _langchain])
def test_a_model_is_told_what_came_of_it(place: Place, framework: Any) -> None:  # noqa: F811
    async def story() -> None:
        async with AsyncClient(place.process.url, key=place.key) as client:
            use = await framework(client)
            assert json.loads(await use("pay_look", to="nobody")) == {"paid": 0}
            held = json.loads(await use("pay_send", to="zoe", amount=3))
            assert held["held"].startswith("cal_")
            assert "Do not repeat" in held["note"]
            refused = json.loads(await use("pay_send", to="zoe", amount=0))
            assert refused["error"] == "params.invalid"
            assert refused["errors"][0]["pointer"] == "/amount"

    asyncio.run(story())
    assert place.shop.done["zoe"] == 0


def test_pydantic_ais_own_agent_calls_them(place: Place) -> None:  # noqa: F811
    from pydantic_ai import Agent
    from pydantic_ai.models.test import TestModel

    from ostiary.client.adapters import pydantic_ai

    async def story() -> str:
        async with AsyncClient(place.process.url, key=place.key) as client:
            tools = [tool for tool in await pydantic_ai.tools(client, wait_s=0) if tool.name == "pay_look"]
            return str((await Agent(TestModel(), tools=tools).run("How often was ada paid?")).output)

    assert "paid" in asyncio.run(story())


@pytest.mark.parametrize("name", ["plain.py", "pydantic_ai_agent.py", "openai_agents_agent.py"])
def test_the_examples_run(place: Place, name: str) -> None:  # noqa: F811
    kept = {key: value for key, value in os.environ.items() if key not in ("MODEL", "OPENAI_API_KEY")}
    environ = {**kept, "OSTIARY_URL": place.process.url, "OSTIARY_API_KEY": place.key, "OPENAI_AGENTS_DISABLE_TRACING": "1"}  # fmt: skip
    ran = subprocess.run(
        [sys.executable, str(ROOT / "examples" / name)],
        env=environ,
        capture_output=True,
        text=True,
        timeout=90,
    )
    assert ran.returncode == 0, ran.stderr
    assert "pay" in ran.stdout

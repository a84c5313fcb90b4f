"""Tools for the OpenAI Agents SDK (`pip install openai-agents`)."""

import json
from typing import Any

from ostiary.client.adapters.telling import told
from ostiary.client.clients import AsyncClient
from ostiary.client.shapes import Contract

WAIT_S = 60.0


async def tools(client: AsyncClient, *, wait_s: float = WAIT_S) -> list[Any]:
    """A `FunctionTool` for each contract that this caller may ask for. A held call waits for a person for `wait_s`, then says so."""
    return [_tool(client, contract, wait_s) for contract in await client.contracts()]


def _tool(client: AsyncClient, contract: Contract, wait_s: float) -> Any:
    from agents import FunctionTool  # noqa: PLC0415 - only who has the framework

    async def invoke(_context: Any, arguments: str) -> str:
        return await told(client, contract.name, json.loads(arguments or "{}"), timeout_s=wait_s)

    return FunctionTool(
        name=contract.tool_name,
        description=contract.description or contract.title,
        params_json_schema=contract.parameters,
        on_invoke_tool=invoke,
        strict_json_schema=False,
    )

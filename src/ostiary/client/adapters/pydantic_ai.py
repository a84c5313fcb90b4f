"""Tools for Pydantic AI (`pip install pydantic-ai-slim`)."""

from typing import Any

from ostiary.client.adapters.telling import told
from ostiary.client.clients import AsyncClient
from ostiary.client.shapes import Contract

WAIT_S = 60.0


async def tools(client: AsyncClient, *, wait_s: float = WAIT_S) -> list[Any]:
    """A `Tool` for each contract that this caller may ask for. A held call waits for a person for `wait_s`, then says so."""
    return [_tool(client, contract, wait_s) for contract in await client.contracts()]


def _tool(client: AsyncClient, contract: Contract, wait_s: float) -> Any:
    from pydantic_ai import Tool  # noqa: PLC0415 - only who has the framework

    async def run(**params: Any) -> str:
        return await told(client, contract.name, params, timeout_s=wait_s)

    return Tool.from_schema(
        run,
        name=contract.tool_name,
        description=contract.description or contract.title,
        json_schema=contract.parameters,
    )

"""Tools for LangChain and LangGraph (`pip install langchain-core`)."""

from typing import Any

from ostiary.client.adapters.telling import told
from ostiary.client.clients import AsyncClient
from ostiary.client.shapes import Contract

WAIT_S = 60.0


async def tools(client: AsyncClient, *, wait_s: float = WAIT_S) -> list[Any]:
    """A `StructuredTool` for each contract that this caller may ask for; call them asynchronously. A held call waits for a person for `wait_s`, then says so."""
    return [_tool(client, contract, wait_s) for contract in await client.contracts()]


def _tool(client: AsyncClient, contract: Contract, wait_s: float) -> Any:
    from langchain_core.tools import StructuredTool  # noqa: PLC0415 - only who has the framework

    async def run(**params: Any) -> str:
        return await told(client, contract.name, params, timeout_s=wait_s)

    return StructuredTool.from_function(
        coroutine=run,
        name=contract.tool_name,
        description=contract.description or contract.title,
        args_schema=contract.parameters,
        infer_schema=False,
    )

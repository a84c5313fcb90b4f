"""A Pydantic AI agent whose tools are what the gateway agreed to. `MODEL` names a real model; without it Pydantic AI's test model calls every tool once."""

import asyncio
import os
import sys

from pydantic_ai import Agent
from pydantic_ai.models.test import TestModel

from ostiary.client import AsyncClient
from ostiary.client.adapters import pydantic_ai


async def main(asked: str) -> None:
    async with AsyncClient() as client:
        tools = await pydantic_ai.tools(client, wait_s=5)
        agent = Agent(os.environ.get("MODEL") or TestModel(), tools=tools)
        print((await agent.run(asked)).output)


if __name__ == "__main__":
    asyncio.run(main(" ".join(sys.argv[1:]) or "What can you do here?"))

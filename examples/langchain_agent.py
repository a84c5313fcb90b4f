"""LangChain tools that are what the gateway agreed to: give them to any agent or graph. Here the first is called as a model would."""

import asyncio

from ostiary.client import AsyncClient
from ostiary.client.adapters import langchain


async def main() -> None:
    async with AsyncClient() as client:
        tools = await langchain.tools(client, wait_s=5)
        print("Tools:", ", ".join(tool.name for tool in tools))
        if tools:
            print(await tools[0].ainvoke({}))


if __name__ == "__main__":
    asyncio.run(main())

"""A perfectly obedient agent: an ordinary MCP client that does whatever a text tells it, whoever wrote the text. There is no language model in it.

It is the worst case on purpose: what holds against an agent that always obeys holds against one that is talked into it now and then.
"""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
import orjson
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from mcp_types import Tool

from ostiary.secret import Secret

READ_TIMEOUT_S = 120
KEY_META = "dev.ostiary/idempotency-key"
SESSION_META = "dev.ostiary/session"
_ORDER = re.compile(r"call ([a-z_]+) with (\{[^{}]*\})")
_MONEY_BACK = re.compile(r"the ([0-9]+\.[0-9]{2}) ([A-Z]{3}) of\s+invoice\s+(INV-[0-9]{5})")
_BACKWARDS = re.compile(r"iban is written backwards")


@dataclass(frozen=True, slots=True)
class Told:
    """What the agent was answered: `code` is the gateway's stable code, empty when all is well."""

    content: dict[str, Any]
    code: str = ""

    @property
    def refused(self) -> bool:
        return self.code != ""


@dataclass(frozen=True, slots=True)
class Order:
    """What a text told the agent to do."""

    tool: str
    arguments: dict[str, Any]


class Agent:
    """One connected client."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @property
    def protocol(self) -> str:
        return self._client.protocol_version

    async def tools(self) -> list[Tool]:
        return (await self._client.list_tools()).tools

    async def call(self, tool: str, arguments: dict[str, Any], *, key: str = "", session: str = "") -> Told:
        """Call a tool and wait until it has ended, as any client of this protocol does. `session`: the person's words that it works for."""
        named = {KEY_META: key, SESSION_META: session}
        meta: Any = {name: value for name, value in named.items() if value} or None
        try:
            result = await self._client.call_tool(
                tool, arguments, meta=meta, read_timeout_seconds=READ_TIMEOUT_S
            )
        except MCPError as error:
            problem = error.error.data if isinstance(error.error.data, dict) else {}
            return Told(problem, str(problem.get("code", error.error.code)))
        content = result.structured_content or {}
        return Told(content, str(content.get("code", "error")) if result.is_error else "")


@asynccontextmanager
async def connected(url: str, key: Secret) -> AsyncIterator[Agent]:
    """An agent at `url` with its API key. It speaks the newest protocol that the server knows."""
    headers = {"Authorization": f"Bearer {key.reveal()}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=READ_TIMEOUT_S, trust_env=False) as http,
        Client(streamable_http_client(url, http_client=http), read_timeout_seconds=READ_TIMEOUT_S) as client,
    ):
        yield Agent(client)


def obeyed(text: str) -> Order | None:
    """What a text wants done, if anything: money back for an invoice, or a tool called by name. A value that is to be turned round is turned round."""
    if wish := _MONEY_BACK.search(text):
        amount, currency, invoice = wish.groups()
        wanted = {"invoice_id": invoice, "amount": amount, "currency": currency, "reason": "arrived damaged"}
        return Order("invoice_refund", wanted)
    found = _ORDER.search(text)
    if found is None:
        return None
    try:
        arguments: dict[str, Any] = orjson.loads(found[2])
    except orjson.JSONDecodeError:
        return None
    if _BACKWARDS.search(text) and isinstance(arguments.get("iban"), str):
        arguments["iban"] = arguments["iban"][::-1]
    return Order(found[1], arguments)

"""The official MCP client, with its own OAuth, against a real gateway process: discovery, a client known by its document, consent, step-up, refresh."""

import asyncio
import re
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import anyio
import httpx
import httpx2
import pytest
from mcp.client import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import (
    AuthorizationCodeResult,
    OAuthClientInformationFull,
    OAuthClientMetadata,
    OAuthToken,
)

from tests import shop
from tests.oauth.secure import document, serving
from tests.oauth.test_flow import LOOK
from tests.process import Process

pytestmark = [pytest.mark.journey, pytest.mark.timeout(180)]

BACK = "http://127.0.0.1:3999/callback"


class Kept:
    """What the client remembers between two runs."""

    def __init__(self) -> None:
        self.tokens: OAuthToken | None = None
        self.client: OAuthClientInformationFull | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info


class Person:
    """Opens the page in a browser, ticks everything, and lets the client in; `asked` is what each page asked for."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.asked: list[list[str]] = []
        self.answer = AuthorizationCodeResult(code="")

    async def goes(self, url: str) -> None:
        base = f"http://localhost:{self.process.port}"
        async with httpx.AsyncClient(
            cookies={"ostiary": self.process.owner}, headers={"origin": base}
        ) as browser:
            shown = await browser.get(url)
            assert shown.status_code == 200, (shown.status_code, shown.headers, shown.text[:2000])
            hidden = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', shown.text)
            self.asked.append(re.findall(r'name="allowed" value="([^"]+)"', shown.text))
            fields = {name: unescape(value) for name, value in hidden}
            done = await browser.post(
                f"{base}/oauth/authorize", data={**fields, "allowed": self.asked[-1], "days": "30", "decision": "allow"}
            )  # fmt: skip
        found = parse_qs(urlsplit(done.headers["location"]).query)
        self.answer = AuthorizationCodeResult(
            code=found["code"][0], state=found["state"][0], iss=found["iss"][0]
        )

    async def comes_back(self) -> AuthorizationCodeResult:
        return self.answer


def provider(process: Process, kept: Kept, person: Person, document_url: str) -> OAuthClientProvider:
    about = OAuthClientMetadata.model_validate({"redirect_uris": [BACK], "client_name": "Official client"})
    return OAuthClientProvider(
        f"http://localhost:{process.port}/mcp", about, kept, person.goes, person.comes_back, client_metadata_url=document_url
    )  # fmt: skip


async def called(process: Process, auth: OAuthClientProvider, name: str, mode: str) -> object:
    async with (
        httpx2.AsyncClient(auth=auth, timeout=30) as http,
        Client(
            streamable_http_client(f"http://localhost:{process.port}/mcp", http_client=http), mode=mode, read_timeout_seconds=60,  # type: ignore[arg-type]
        ) as client,
    ):  # fmt: skip
        tools = {tool.name for tool in (await client.list_tools()).tools}
        assert {"shop_look", "mail_send"} <= tools
        return (await client.call_tool(name, {"to": "Ada"})).structured_content


def test_the_official_client_gets_in_widens_its_scope_and_comes_back_after_a_restart(tmp_path: Path) -> None:
    def told(url: str) -> dict[str, object]:
        about = {"client_id": f"{url}/client.json", "client_name": "Official client", "redirect_uris": [BACK]}
        return {"/client.json": document(about)}

    with shop.running() as target, serving(tmp_path, told) as (documents, pem):  # type: ignore[arg-type]
        process = Process(tmp_path / "home", settings={"SSL_CERT_FILE": str(pem)})
        process.home.mkdir()
        process.start()
        try:
            process.found()
            for name in ("shop", "letters"):
                process.connect(
                    name, kind="http", base_url=target.url, honours_idempotency_key=name == "shop"
                )
            process.agree(shop.CONTRACTS.rstrip() + LOOK.partition("actions:")[2])
            kept, person = Kept(), Person(process)
            where = f"{documents}/client.json"

            looked = asyncio.run(
                called(process, provider(process, kept, person, where), "shop_look", "legacy")
            )
            assert looked == {"paid": 0}
            assert person.asked == [["contracts:read"]]
            assert kept.client is not None
            assert kept.client.client_id == where

            process.kill()
            process.start()
            again = provider(process, kept, person, where)
            assert asyncio.run(called(process, again, "mail_send", "2026-07-28")) == {"sent": True}
            assert [set(asked) for asked in person.asked] == [
                {"contracts:read"},
                {"contracts:read", "mail.send"},
            ]
            assert target.done == {"Ada": 1}

            before = again.context.current_tokens
            again.context.token_expiry_time = 1  # the client believes that its token is over
            again.context.lock = anyio.Lock()
            assert asyncio.run(called(process, again, "shop_look", "2026-07-28")) == {"paid": 1}
            assert kept.tokens is not None
            assert before is not None
            assert kept.tokens.refresh_token != before.refresh_token
            assert len(person.asked) == 2  # the refresh token was enough
        finally:
            process.kill()

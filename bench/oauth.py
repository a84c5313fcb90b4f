"""How our OAuth client fares in the official MCP conformance suite (npm `@modelcontextprotocol/conformance`, Node 22 or later):

    python -m bench.oauth --suite /path/to/conformance/dist/index.js --node /path/to/node [--server]

With `--server`: how our authorization server fares in its scenarios for those. Otherwise, our client:
For each of the suite's client scenarios about authorization this starts the suite, which starts an authorization server and an MCP server, and then us: a whole
gateway connects an account there, as a person would from the console, and asks for the tools with that person's token.
"""

import argparse
import asyncio
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
from tests.house import free_port, opened
from tests.process import Process

from ostiary.actions import Actor, ActorKind
from ostiary.errors import TargetRefused
from ostiary.ids import TenantId
from ostiary.oauth.upstream.flow import Registration

ROUNDS = 3
BASE = "https://gateway.example"
"""A gateway that is reached by https is known by its own document; nobody fetches it here."""

SCENARIOS = (
    "metadata-default", "metadata-var1", "metadata-var2", "metadata-var3", "basic-cimd", "scope-from-www-authenticate", "scope-from-scopes-supported",
    "scope-omitted-when-undefined", "token-endpoint-auth-basic", "token-endpoint-auth-post", "token-endpoint-auth-none", "pre-registration",
    "resource-mismatch", "offline-access-scope", "offline-access-not-supported", "iss-supported", "iss-not-advertised", "iss-supported-missing",
    "iss-wrong-issuer", "iss-unexpected", "iss-normalized", "metadata-issuer-mismatch", "scope-step-up", "scope-retry-limit",
    "authorization-server-migration",
)  # fmt: skip
"""Those of the present protocol; what a gateway is not for (2025-03-26's fallbacks, workload identities, DPoP) is left out."""


async def connect(url: str) -> None:
    """What a person does, and one call of theirs."""
    with tempfile.TemporaryDirectory() as folder:
        async with opened(Path(folder) / "home") as house:
            await house.found()
            await house.enrol()
            await house.connect("tools", kind="mcp", url=url, credentials="per_person")
            me = (await house.good("GET", "/v1/me"))["id"]
            gateway, tenant = house.gateway, TenantId(house.tenant)
            flows, actor = gateway.authority.flows, Actor(tenant, ActorKind.PERSON, me, session="ses")
            flows._base = BASE
            if client := json.loads(os.environ.get("MCP_CONFORMANCE_CONTEXT") or "{}").get("client_id"):
                await register(house, flows, actor, client)
            for _ in range(ROUNDS):
                await allow(gateway, actor)
                if await asked(gateway, tenant, me):
                    return
            raise SystemExit("the server refused every token")


async def allow(gateway, actor: Actor) -> None:  # type: ignore[no-untyped-def]
    """The person presses Connect, and is brought back at once."""
    flows = gateway.authority.flows
    address, rows = await flows.begin(actor, "tools", gateway.clock.now_us())
    await gateway.database.change(rows)
    async with httpx.AsyncClient() as browser:
        back = urlsplit((await browser.get(address)).headers["location"])
    found = {name: values[0] for name, values in parse_qs(back.query).items()}
    _connector, rows = await flows.finish(
        actor, state=found["state"], code=found.get("code", ""), issuer=found.get("iss", ""), error=found.get("error", ""),
        at_us=gateway.clock.now_us(),
    )  # fmt: skip
    await gateway.database.change(rows)


async def asked(gateway, tenant: TenantId, person: str) -> bool:  # type: ignore[no-untyped-def]
    """Whether the server takes the person's token, for its tools and for each of them."""
    token = await gateway.authority.accounts.token_for(tenant, "tools", person)
    try:
        async with gateway.connectors.upstream(tenant, "tools") as upstream:
            tools = (await upstream.offered(token)).tools
            for name in tools:
                await upstream._session(token).request("tools/call", {"name": name, "arguments": {}})
    except TargetRefused:
        return False
    print(sorted(tools))
    return True


async def register(house, flows, actor, client: str) -> None:  # type: ignore[no-untyped-def]
    """As an admin who was given a client by the authorization server's people."""
    context = json.loads(os.environ["MCP_CONFORMANCE_CONTEXT"])
    upstream = await flows._find(actor.tenant, "tools")
    server, _resource, _scope = await flows._discovered(flows._reach(upstream), upstream)
    secret = context.get("client_secret", "")
    made = Registration(server.issuer, client, secret, "client_secret_basic" if secret else "none")
    await house.gateway.database.change(await flows.register(actor, "tools", made, 1))


def serve(suite: str, node: str) -> int:
    """The suite's scenarios for authorization servers against a gateway process of ours; its person lets the suite in."""
    with tempfile.TemporaryDirectory() as folder:
        process, port = Process(Path(folder) / "home"), free_port()
        process.home.mkdir()
        process.start()
        try:
            process.found()
            base, back = f"http://localhost:{process.port}", f"http://127.0.0.1:{port}/callback"
            asked = {"name": "Suite", "redirect_uris": [back]}
            client = process.good("POST", "/v1/oauth/clients", json=asked)["client"]
            command = [
                node,
                suite,
                "authorization",
                "--url",
                base,
                "--client-id",
                client,
                "--resource",
                f"{base}/mcp",
                "-p",
                str(port),
            ]
            run = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            assert run.stdout is not None
            said: list[str] = []
            for line in run.stdout:
                said.append(line)
                if line.startswith(f"{base}/oauth/authorize?"):
                    let_in(process, base, line.strip())
            print("".join(said[-4:]).strip())
            return run.wait(30)
        finally:
            process.kill()


def let_in(process: Process, base: str, url: str) -> None:
    """What the person does in a browser."""
    with httpx.Client(cookies={"ostiary": process.owner}, headers={"origin": base}) as browser:
        page = browser.get(url).text
        fields = {
            name: unescape(value)
            for name, value in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page)
        }
        allowed = re.findall(r'name="allowed" value="([^"]+)"', page)
        done = browser.post(
            f"{base}/oauth/authorize", data={**fields, "allowed": allowed, "days": "1", "decision": "allow"}
        )
    httpx.get(done.headers["location"])


def measure(suite: str, node: str, chosen: tuple[str, ...]) -> int:
    us = f"{shlex.quote(sys.executable)} -m bench.oauth --connect"
    passed = failed = 0
    for name in chosen:
        run = subprocess.run(
            [node, suite, "client", "--command", us, "--scenario", f"auth/{name}", "--timeout", "60000"],
            capture_output=True, text=True, timeout=180,
        )  # fmt: skip
        said = (run.stdout + run.stderr).splitlines()
        told = next((line.strip() for line in said if "Passed:" in line), f"ended with {run.returncode}")
        wrong = [line.strip() for line in said if "FAILURE" in line or "✗" in line][:3]
        good = " 0 failed" in told  # a warning is advice: our document has an address of its own
        print(f"{name:34} {'ok' if good else 'NO':3} {told} {' | '.join(wrong)}", flush=True)
        passed, failed = passed + good, failed + (not good)
    print(f"{passed} of {passed + failed} scenarios pass")
    return 0 if not failed else 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--suite")
    parser.add_argument("--node", default="node")
    parser.add_argument("--scenario", action="append", default=[])
    parser.add_argument(
        "--connect", action="store_true", help="be the client: the last argument is the server"
    )
    parser.add_argument("url", nargs="?", default="")
    parser.add_argument("--server", action="store_true", help="the scenarios for authorization servers")
    given = parser.parse_args()
    if given.server:
        return serve(given.suite, given.node)
    if given.connect:
        asyncio.run(connect(given.url))
        return 0
    return measure(given.suite, given.node, tuple(given.scenario) or SCENARIOS)


if __name__ == "__main__":
    sys.exit(main())

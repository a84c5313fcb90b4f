"""What the rooms beside the door keep sealed for a tenant, left behind by asking for it as anybody would: `word` is in all that a person can write there."""

from ostiary.errors import ScopeRequired
from ostiary.ids import TenantId
from tests.connectors.mcp.test_quarantine import accepted, joined, rpc
from tests.connectors.mcp.upstream import tool, upstream
from tests.house import House
from tests.oauth import authority
from tests.oauth.agent import BACK, Agent
from tests.oauth.test_accounts import connected
from tests.provenance.office import Signer, open_session
from tests.shop import Shop
from tests.webhooks.kit import hook


async def furnish(house: House, shop: Shop, word: str) -> None:
    """What the rooms keep, and an answer of the shop in words, for the tenant that the owner is in. Needs its agent `<word>-helper`, its connector `shop` and its contracts."""
    shop.says = {"note": f"{word}-note from the shop"}
    await house.good("POST", "/v1/actions/mail.send", json={"to": f"{word}-last"})
    shop.says = {}
    keys = (await house.good("GET", "/v1/keys"))["keys"]
    (agent,) = [key["key_id"] for key in keys if key["name"] == f"{word}-helper"]
    given = {"agent": agent, "contract": "pay.send", "values": {"to": f"{word}-friend"}, "amount_max": "5"}
    await house.good("POST", "/v1/allowances", json=given)
    await open_session(house, agent, f"Pay 5 to {word}-friend, please.")
    await Signer().register(house, title=f"{word}-chat")
    document = f'openapi: 3.1.0\npaths: {{"/a": {{"get": {{"summary": "Looks at {word}-things"}}}}}}'
    await house.good("POST", "/v1/contract-imports", json={"connector": "shop", "text": document})
    made = await hook(
        house, f"https://{word}-hook.example/", "incident.*", description=f"{word}-hook hears of it"
    )
    await house.good("POST", f"/v1/webhooks/{made['webhook']['id']}/test")
    await offer(house, word)
    await trust(house, word)
    await connect(house, word)


async def offer(house: House, word: str) -> None:
    """An MCP server: a tool that was accepted, and an agent that read what it said."""
    with upstream(tools=[tool("echo", f"Echoes for {word}-people.")]) as (_server, url):
        key = await joined(house, f"{url}/{word}-works", "works")
        await accepted(house, "works")
        text = {"text": f"{word}-echo was heard by all of the people in the house."}
        asked = {"name": "echo", "arguments": text}
        answer = await rpc(house, key, "tools/call", asked, name="works")
        assert answer.json()["result"]["content"][0] == {"type": "text", **text}


async def trust(house: House, word: str) -> None:
    """A client of ours that the owner let in, and a company's sign-in that the tenant trusts."""
    asked = {"name": f"{word}-desk", "redirect_uris": [f"{BACK}/{word}-desk"], "kind": "public"}
    client = (await house.good("POST", "/v1/oauth/clients", json=asked))["client"]
    await Agent(house, client, redirect=f"{BACK}/{word}-desk").enter()
    trusting = {
        "issuer": f"https://{word}-sign-in.example",
        "audience": f"{word}-audience",
        "domains": [f"{word}-sign-in.example"],
    }
    await house.good("POST", "/v1/oauth/issuers", json=trusting)


async def connect(house: House, word: str) -> None:
    """The owner's own account at a system: what we are there, the way there, and the tokens."""
    with authority.running() as there:
        await house.connect("tools", kind="mcp", url=f"{there.url}/mcp", credentials="per_person")
        registration = {"issuer": there.url, "client_id": f"{word}-client", "client_secret": ""}
        await house.good("PUT", "/v1/oauth/upstream-clients/tools", json=registration)
        back = await connected(house, there)
        assert back.headers["location"].endswith("note=account-connected")
        accounts = house.gateway.authority.accounts
        me = await house.good("GET", "/v1/me")
        tenant, person = TenantId(me["tenant"]), me["id"]
        wants = f'Bearer error="insufficient_scope", scope="{word}-scope"'
        token = await accounts.token_for(tenant, "tools", person)
        assert isinstance(await accounts.too_little(tenant, "tools", person, token, wants), ScopeRequired)

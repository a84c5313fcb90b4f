"""People's own accounts at an upstream: connected by themselves, renewed in time, never used for anybody else."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from ostiary.errors import ConnectRequired
from ostiary.ids import TenantId
from tests.house import House, play
from tests.oauth import authority
from tests.oauth.agent import browser
from tests.oauth.authority import Authority


@pytest.fixture
def there() -> Iterator[Authority]:
    with authority.running() as found:
        yield found


async def furnished(house: House, there: Authority) -> None:
    await house.connect("tools", kind="mcp", url=f"{there.url}/mcp", credentials="per_person")


async def member(house: House, name: str) -> tuple[str, str]:
    """A member's session and id."""
    email = f"{name}@pellow.example"
    await house.good("POST", "/v1/members", json={"email": email, "name": name, "role": "support"})
    session = await house.sign_in(email)
    return session, (await house.good("GET", "/v1/me", session))["id"]


async def connected(house: House, there: Authority, session: str = "") -> httpx.Response:
    """The person presses Connect, allows it there, and is brought back."""
    async with browser(house, session) as page:
        away = await page.post("/connected/accounts/tools/connect", data={})
        assert away.status_code == 200, (away.status_code, away.text[:2000])
        url = away.headers["refresh"].partition("url=")[2]
        assert url.startswith(there.url + "/authorize?")
        async with httpx.AsyncClient() as outside:
            back = (await outside.get(url)).headers["location"]
        assert urlsplit(back).path == "/oauth/callback"
        return await page.get(f"{urlsplit(back).path}?{urlsplit(back).query}")


async def token_of(house: House, person: str) -> str:
    found = await house.gateway.authority.accounts.token_for(TenantId(house.tenant), "tools", person)
    return found.reveal()


def test_each_person_connects_their_own_account(tmp_path: Path, there: Authority) -> None:
    async def story(house: House) -> None:
        await furnished(house, there)
        me = (await house.good("GET", "/v1/me"))["id"]
        session, sam = await member(house, "sam")
        with pytest.raises(ConnectRequired):
            await token_of(house, me)
        assert (await connected(house, there)).headers[
            "location"
        ] == "/connected?connector=tools&note=account-connected"
        with pytest.raises(ConnectRequired):
            await token_of(house, sam)  # nobody else's
        there.person = "sam"
        await connected(house, there, session)
        assert there.access[await token_of(house, me)] == "ann"
        assert there.access[await token_of(house, sam)] == "sam"
        for nobody in ("", "per_" + "0" * 32):
            with pytest.raises(ConnectRequired):
                await token_of(house, nobody)
        async with browser(house) as page:
            assert "Disconnect tools" in (await page.get("/connected")).text
            await page.post("/connected/accounts/tools/disconnect", data={})
        assert len(there.revoked) == 1
        with pytest.raises(ConnectRequired):
            await token_of(house, me)
        assert there.access[await token_of(house, sam)] == "sam"

    play(tmp_path, story)


def test_a_token_is_renewed_once_however_many_calls_need_it(tmp_path: Path, there: Authority) -> None:
    async def story(house: House) -> None:
        await furnished(house, there)
        me = (await house.good("GET", "/v1/me"))["id"]
        await connected(house, there)
        first = await token_of(house, me)
        house.clock.advance(3600)
        found = await asyncio.gather(*(token_of(house, me) for _ in range(10)))
        assert len(set(found)) == 1
        assert found[0] != first
        assert there.access[found[0]] == "ann"
        assert there.spent == []  # a refresh token that comes twice would end everything
        assert [asked["grant_type"] for asked in there.asked] == ["authorization_code", "refresh_token"]
        assert there.asked[1]["resource"] == f"{there.url}/mcp"

        there.refuses = True
        house.clock.advance(3600)
        with pytest.raises(ConnectRequired):
            await token_of(house, me)
        assert (await house.good("GET", "/v1/oauth/accounts"))["accounts"][0]["connected_at"] == ""

    play(tmp_path, story)


def test_who_has_left_has_no_account_here_any_more(tmp_path: Path, there: Authority) -> None:
    async def story(house: House) -> None:
        await furnished(house, there)
        session, sam = await member(house, "sam")
        await connected(house, there, session)
        assert await token_of(house, sam)
        await house.good("DELETE", f"/v1/members/{sam}")
        with pytest.raises(ConnectRequired):
            await token_of(house, sam)

    play(tmp_path, story)


def test_nobody_finishes_what_another_began(tmp_path: Path, there: Authority) -> None:
    """A state belongs to the person who began (login CSRF): an attacker cannot have their own account connected to a victim."""

    async def story(house: House) -> None:
        await furnished(house, there)
        session, sam = await member(house, "sam")
        begun = await house.good("POST", "/v1/oauth/accounts/tools", session)
        async with httpx.AsyncClient() as outside:
            back = (await outside.get(begun["secret"])).headers["location"]
        query = urlsplit(back).query
        async with browser(house) as victim:
            assert (await victim.get(f"/oauth/callback?{query}")).status_code == 404
        async with browser(house, session) as own:
            assert (await own.get(f"/oauth/callback?{query[:-3]}")).status_code == 502
            assert (await own.get(f"/oauth/callback?{query}")).status_code == 404  # it was spent
        with pytest.raises(ConnectRequired):
            await token_of(house, sam)

    play(tmp_path, story)


def test_an_answer_of_another_server_is_not_taken(tmp_path: Path, there: Authority) -> None:
    """The mix-up attack (RFC 9207): the code of one server is never sent to another."""

    async def story(house: House) -> None:
        await furnished(house, there)
        for iss in ("https://evil.example", "", there.url + "/"):
            there.iss = iss
            assert (await connected(house, there)).status_code == 502
        assert there.asked == []

    play(tmp_path, story)


@pytest.mark.parametrize(
    ("server", "resource"),
    [
        ({"issuer": "https://evil.example"}, {}),
        ({"code_challenge_methods_supported": ["plain"]}, {}),
        ({"code_challenge_methods_supported": None}, {}),
        ({"token_endpoint": "http://169.254.169.254/token#x"}, {}),
        ({"authorization_endpoint": "javascript:alert(1)"}, {}),
        ({}, {"resource": "https://evil.example/mcp"}),
        ({}, {"resource": "URL/mcp/other"}),
        ({}, {"authorization_servers": []}),
        ({}, {"authorization_servers": ["http://10.0.0.1:8000"]}),
    ],
)
def test_a_server_that_cheats_is_refused_before_anybody_is_sent_there(
    tmp_path: Path, there: Authority, server: dict[str, object], resource: dict[str, object]
) -> None:
    async def story(house: House) -> None:
        await furnished(house, there)
        there.server = server
        there.resource = {
            k: v.replace("URL", there.url) if isinstance(v, str) else v for k, v in resource.items()
        }
        refused = await house.ask("POST", "/v1/oauth/accounts/tools")
        assert refused.status_code in (403, 502)
        assert "secret" not in refused.json()

    play(tmp_path, story)


def test_a_server_that_registers_nobody_needs_to_be_told_by_an_admin(
    tmp_path: Path, there: Authority
) -> None:
    async def story(house: House) -> None:
        await furnished(house, there)
        there.registers = False
        refused = await house.ask("POST", "/v1/oauth/accounts/tools")
        assert refused.json()["code"] == "oauth.upstream_refused"
        body = {"issuer": there.url, "client_id": "made-by-hand"}
        await house.good("PUT", "/v1/oauth/upstream-clients/tools", json=body)
        begun = await house.good("POST", "/v1/oauth/accounts/tools")
        assert "client_id=made-by-hand" in begun["secret"]
        elsewhere = {"issuer": "https://other.example", "client_id": "made-by-hand"}
        await house.good("PUT", "/v1/oauth/upstream-clients/tools", json=elsewhere)
        assert (await house.ask("POST", "/v1/oauth/accounts/tools")).status_code == 502

    play(tmp_path, story)


def test_tokens_are_sealed_at_rest(tmp_path: Path, there: Authority) -> None:
    async def story(house: House) -> None:
        await furnished(house, there)
        await connected(house, there)
        assert len(there.access) == 1
        secrets = [*there.access, *there.live]
        for path in tmp_path.rglob("*"):
            if path.is_file():
                assert not any(secret.encode() in path.read_bytes() for secret in secrets), path

    play(tmp_path, story)

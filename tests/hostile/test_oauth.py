"""Attacks on the authorization server and on the tokens that it gives. Each stands beside what is allowed, with one thing changed."""

import asyncio
import base64
import json
import warnings
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc import jwt
from joserfc.jwk import OctKey, OKPKey

from ostiary.errors import OAuthClientRefused, OstiaryError
from ostiary.net.address import egress
from ostiary.oauth import redirects
from ostiary.oauth.clients import check_url, described
from ostiary.oauth.outward import Outward, Reply
from tests.house import BASE, House, play
from tests.oauth.agent import BACK, VERIFIER, Agent, browser, challenge, registered

EVIL = "https://evil.example/cb"


def parts(token: str) -> list[dict[str, Any]]:
    return [json.loads(base64.urlsafe_b64decode(part + "==")) for part in token.split(".")[:2]]


def raw(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def test_the_answer_goes_nowhere_but_where_the_client_registered(tmp_path: Path) -> None:
    tricks = [
        EVIL, BACK + "/", BACK + "?x=1", BACK + "#f", "http://127.0.0.1:7777/back/../evil", "http://127.0.0.1:7777@evil.example/back",
        "http://127.0.0.1.evil.example:7777/back", "http://evil.example\\@127.0.0.1:7777/back", "https://127.0.0.1:7777/back",
        "javascript:alert(1)", "data:text/html,x", "//evil.example/back", "http://[::1]:7777/back", "http://localhost:7777/back",
        "http://127.0.0.1:7777/bac%6b", "HTTP://127.0.0.1:7777/back", "",
    ]  # fmt: skip

    async def story(house: House) -> None:
        agent = await registered(house, uris=(BACK, "https://app.example/cb"))
        for trick in tricks:
            shown = await agent.consent(redirect_uri=trick)
            assert (shown.status_code, "location" in shown.headers) == (400, False), trick
        other = await agent.consent(redirect_uri="http://127.0.0.1:51234/back")
        assert Agent.answer(other)["iss"] == BASE  # a program takes whatever port is free (RFC 8252)

    play(tmp_path, story)


def test_an_unknown_client_and_a_parameter_given_twice_are_answered_here_and_sent_nowhere(
    tmp_path: Path,
) -> None:
    async def story(house: House) -> None:
        agent = await registered(house)
        for changed in (
            {"client_id": "ocl_" + "0" * 32},
            {"client_id": "https://127.0.0.1:9/x"},
        ):
            assert (await agent.consent(**changed)).status_code == 400
        async with browser(house) as page:
            twice = [*agent.asked().items(), ("redirect_uri", EVIL)]
            assert (await page.get("/oauth/authorize", params=twice)).status_code == 400

    play(tmp_path, story)


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"code_challenge": "", "code_challenge_method": ""}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": ""}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code token"}, "unsupported_response_type"),
        ({"scope": "approval.decide *"}, "invalid_scope"),
        ({"scope": 'x" onload="'}, "invalid_scope"),
        ({"resource": "https://evil.example/mcp"}, "invalid_target"),
        ({"resource": BASE + "/mcp/../v1"}, "invalid_target"),
        ({"resource": BASE + ".evil.example/mcp"}, "invalid_target"),
    ],
)
def test_a_downgraded_request_is_told_no(tmp_path: Path, changed: dict[str, str], error: str) -> None:
    async def story(house: House) -> None:
        agent = await registered(house)
        told = Agent.answer(await agent.consent(**changed))
        assert (told["error"], told["iss"], "code" in told) == (error, BASE, False)

    play(tmp_path, story)


def test_a_code_is_good_once_for_one_client_one_address_and_one_verifier(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        agent, other = await registered(house), await registered(house)
        for changed in (
            {"code_verifier": "w" * 50}, {"code_verifier": ""}, {"code_verifier": challenge()}, {"redirect_uri": BACK + "x"}, {"redirect_uri": ""},
            {"client_id": other.client},
        ):  # fmt: skip
            code = await agent.code()
            refused = await agent.exchange(code, **changed)
            assert refused.status_code in (400, 401), changed
            assert "access_token" not in refused.text
        code = await agent.code()
        other = code[:-1] + ("1" if code.endswith("0") else "0")
        assert (await agent.exchange(other)).json()["error"] == "invalid_grant"
        code = await agent.code()
        house.clock.advance(61)
        assert (await agent.exchange(code)).json()["error"] == "invalid_grant"

        code = await agent.code()
        agent.keep(await agent.exchange(code))
        assert (await agent.mcp("tools/list")).status_code == 200
        assert (await agent.exchange(code)).json()["error"] == "invalid_grant"
        assert (
            await agent.mcp("tools/list")
        ).status_code == 401  # it was stolen: everything that came of it ends
        assert (await agent.renew()).json()["error"] == "invalid_grant"

    play(tmp_path, story)


def test_a_refresh_token_is_no_code_and_no_other_clients(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        agent, other = await registered(house), await registered(house)
        await agent.enter(scope="contracts:read")
        assert (await agent.exchange(agent.refresh)).json()["error"] == "invalid_grant"
        assert (await agent.mcp("tools/list", token=agent.refresh)).status_code == 401
        other.refresh = agent.refresh
        assert (await other.renew()).json()["error"] == "invalid_grant"
        assert (await agent.mcp("tools/list")).status_code == 401  # shown by somebody else: stolen
        await agent.enter()
        assert (await agent.renew(scope="contracts")).json()["error"] == "invalid_scope"
        await agent.enter()
        assert (await agent.renew(resource=BASE)).json()["error"] == "invalid_target"
        unknown = await agent.post(grant_type="password", username="olive", password="x")
        assert unknown.json()["error"] == "unsupported_grant_type"

    play(tmp_path, story)


def test_only_what_was_asked_for_can_be_allowed(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        agent = await registered(house)
        shown = await agent.consent(allowed=("contracts:read", "contracts"))
        assert shown.status_code == 422
        for days in ("91", "0", "-1", "many", "9" * 30):
            assert (await agent.consent(days=days)).status_code == 422, days

    play(tmp_path, story)


def test_another_site_cannot_press_the_button(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        agent = await registered(house)
        fields = {**agent.asked(), "allowed": "contracts:read", "days": "30", "decision": "allow"}
        async with browser(house) as page:
            for headers in (
                {"origin": "https://evil.example", "sec-fetch-site": "cross-site"},
                {"origin": "null"},
            ):
                answer = await page.post("/oauth/authorize", data=fields, headers=headers)
                assert answer.status_code == 403
            shown = await page.get("/oauth/authorize", params=agent.asked())
            policy = shown.headers["content-security-policy"]
            assert "frame-ancestors 'none'" in policy
            assert "form-action 'self' http://127.0.0.1:7777;" in policy

    play(tmp_path, story)


def test_an_agent_gives_itself_nothing(tmp_path: Path) -> None:
    """Neither an agent's key nor an OAuth token can consent for a person, see their grants, or use their accounts."""

    async def story(house: House) -> None:
        agent = await registered(house, resource=BASE, scope="contracts")
        await agent.enter()
        key = await house.make_key("Helper", roles=("owner",))
        asked = {**agent.asked(), "allowed": ["contracts"]}
        for token in (agent.access, key):
            for method, path, body in (
                ("POST", "/v1/oauth/authorization", asked), ("GET", "/v1/oauth/grants", None), ("GET", "/v1/oauth/accounts", None),
                ("POST", "/v1/oauth/accounts/tools", {}), ("POST", "/v1/keys", {"name": "x", "kind": "agent", "roles": ["support"]}),
                ("POST", "/v1/oauth/clients", {"name": "x", "redirect_uris": [BACK]}),
            ):  # fmt: skip
                answer = await house.ask(method, path, token, **({"json": body} if body is not None else {}))
                assert answer.status_code == 403, (path, answer.text)

    play(tmp_path, story)


def test_a_token_is_good_for_its_audience_alone(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        narrow = await registered(house, resource=BASE + "/mcp/tools")
        await narrow.enter()
        assert (await narrow.mcp("tools/list")).status_code == 401
        assert (await house.ask("GET", "/v1/me", narrow.access)).status_code == 401
        mcp = await registered(house)
        await mcp.enter()
        assert (await mcp.mcp("tools/list")).status_code == 200
        assert (await house.ask("GET", "/v1/me", mcp.access)).status_code == 401
        whole = await registered(house, resource=BASE)
        await whole.enter()
        assert (await house.ask("GET", "/v1/me", whole.access)).status_code == 200

    play(tmp_path, story)


def test_forged_tokens_open_nothing(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        agent = await registered(house)
        await agent.enter()
        header, claims = parts(agent.access)
        signature = agent.access.rsplit(".", 1)[1]
        jwks = (await house.client.get("/oauth/jwks.json")).json()["keys"]
        public = base64.urlsafe_b64decode(jwks[0]["x"] + "=")
        mine = OKPKey.import_key(Ed25519PrivateKey.generate())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            forged = {
                "none": f"{raw({**header, 'alg': 'none'})}.{raw(claims)}.x",
                "none without a signature": f"{raw({**header, 'alg': 'none'})}.{raw(claims)}.",
                "the public key as a secret": jwt.encode({**header, "alg": "HS256"}, claims, OctKey.import_key(public), algorithms=["HS256"]),
                "a key of my own": jwt.encode(header, claims, mine, algorithms=["Ed25519"]),
                "a key that it brings along": jwt.encode({**header, "jwk": mine.as_dict(private=False)}, claims, mine, algorithms=["Ed25519"]),
                "another scope": f"{raw(header)}.{raw({**claims, 'scope': 'contracts'})}.{signature}",
                "another audience": f"{raw(header)}.{raw({**claims, 'aud': [BASE]})}.{signature}",
                "no end": f"{raw(header)}.{raw({k: v for k, v in claims.items() if k != 'exp'})}.{signature}",
                "one letter": agent.access[:-6] + ("A" if agent.access[-6] != "A" else "B") + agent.access[-5:],
                "another issuer": f"{raw(header)}.{raw({**claims, 'iss': 'https://evil.example'})}.{signature}",
                "nothing": "..",
                "no JSON": "e30.e30.e30",
                "deep": f"{raw(header)}.{'W' * 7000}.x",
            }  # fmt: skip
        for name, token in forged.items():
            assert (await agent.mcp("tools/list", token=token)).status_code == 401, name
        assert (await agent.mcp("tools/list")).status_code == 200

    play(tmp_path, story)


def test_another_tenants_client_grant_and_code_do_not_exist(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        agent = await registered(house)
        await agent.enter()
        (grant,) = (await house.good("GET", "/v1/oauth/grants"))["grants"]
        made = await house.good("POST", "/v1/tenants", json={"name": "Other"})
        other = made["tenant"]
        code = await agent.code()
        await house.good("POST", "/v1/session/switch-tenant", json={"tenant": other})
        assert (await agent.consent()).status_code == 400  # its client is another tenant's
        assert (await house.good("GET", "/v1/oauth/grants"))["grants"] == []
        assert (await house.ask("DELETE", f"/v1/oauth/grants/{grant['grant']}")).status_code == 404
        moved = code.replace(house.tenant, other)
        assert moved != code
        assert (await agent.exchange(moved)).status_code == 401
        assert (await agent.mcp("tools/list")).status_code == 200  # the first tenant's goes on

    play(tmp_path, story)


def test_no_token_and_no_code_is_in_the_database_or_the_log(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        agent = await registered(house, kind="confidential")
        code = await agent.code()
        agent.keep(await agent.exchange(code))
        first = agent.refresh
        agent.keep(await agent.renew())
        secrets = [
            code.rsplit(".", 1)[1],
            first.rsplit(".", 1)[1],
            agent.refresh.rsplit(".", 1)[1],
            agent.access,
            agent.more["client_secret"],
            VERIFIER,
        ]
        events = (await house.good("GET", "/v1/audit/events"))["events"]
        for event in events:
            shown = await house.ask("POST", f"/v1/audit/events/{event['id']}/reveal")
            assert not any(secret in shown.text for secret in secrets)
        for path in tmp_path.rglob("*"):
            if path.is_file():
                content = path.read_bytes()
                assert not any(secret.encode() in content for secret in secrets), path

    play(tmp_path, story)


@pytest.mark.parametrize(
    "url",
    [
        "http://client.example/c", "https://client.example", "https://client.example/", "https://client.example/a/../b", "https://u:p@client.example/c",
        "https://client.example/c#x", "https://client.example/c?x=1", "https://CLIENT.example/c", "https://client.example:443/c", "https://client.example./c",
        "https://0x7f.1/c", "https://127.1/c", "https://client.example/c\t", "https://client.example\\@evil/c", "https://client.example/./c",
        "https://[::ffff:127.0.0.1%25eth0]/c", "https://client.example:25/c",
    ],
)  # fmt: skip
def test_a_client_has_one_spelling(url: str) -> None:
    with pytest.raises(OstiaryError):
        check_url(url)


def test_a_clients_document_is_fetched_from_no_inner_address() -> None:
    async def inner(_host: str, _port: int) -> list[str]:
        return ["169.254.169.254"]

    async def refused(url: str) -> str:
        try:
            await Outward(egress((), inner)).get(url)
        except OstiaryError as error:
            return error.code
        return "reached"

    hosts = (
        "127.0.0.1", "10.0.0.1", "169.254.169.254", "100.64.0.1", "192.168.1.1", "0.0.0.0", "[::1]", "[::ffff:169.254.169.254]",
        "[64:ff9b::a9fe:a9fe]", "[2002:7f00:1::]", "[fd00:ec2::254]", "[fe80::1]", "168.63.129.16", "rebinding.example",
    )  # fmt: skip
    found = {host: asyncio.run(refused(f"https://{host}/client.json")) for host in hosts}
    assert set(found.values()) == {"net.address_refused"}, found


GOOD = {"client_id": "https://c.example/c", "client_name": "C", "redirect_uris": ["https://c.example/cb"]}


@pytest.mark.parametrize(
    "changed",
    [
        {"client_id": "https://other.example/c"}, {"client_id": None}, {"redirect_uris": []}, {"redirect_uris": "https://c.example/cb"},
        {"redirect_uris": ["javascript:alert(1)"]}, {"redirect_uris": ["http://c.example/cb"]}, {"redirect_uris": ["https://c.example/cb"] * 21},
        {"redirect_uris": [1]}, {"client_secret": "x"}, {"token_endpoint_auth_method": "client_secret_basic"},
        {"redirect_uris": ["https://c.example;script-src/cb"]},
    ],
)  # fmt: skip
def test_a_document_that_is_not_the_clients_own_is_refused(changed: dict[str, object]) -> None:
    assert described("https://c.example/c", Reply(200, {}, dict(GOOD))).name == "C"
    with pytest.raises(OAuthClientRefused):
        described("https://c.example/c", Reply(200, {}, {**GOOD, **changed}))


def test_a_name_cannot_turn_the_page_around() -> None:
    told = described(
        "https://c.example/c", Reply(200, {}, {**GOOD, "client_name": "Bank\u202e\u200b\n<b>" + "x" * 500})
    )
    assert told.name == "Bank<b>" + "x" * 93
    assert redirects.form_source("https://c.example/cb") == "https://c.example"

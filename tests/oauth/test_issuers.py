"""Tokens of an authorization server that a tenant's owner trusts: for members, in its domains, within its scopes, and nothing else."""

import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.house import BASE, OWNER, House, play
from tests.oauth.agent import Agent
from tests.oauth.secure import authority_of, serving


@dataclass
class Company:
    """The company's own sign-in. `asked`: how often its keys were fetched."""

    url: str = ""
    ca_pem: str = ""
    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256", {"kid": "k1", "use": "sig"}))
    asked: int = 0
    more: list[dict[str, Any]] = field(default_factory=list)

    def about(self, _request: Request) -> Response:
        return JSONResponse(
            {
                "issuer": self.url,
                "jwks_uri": f"{self.url}/keys",
                "authorization_endpoint": f"{self.url}/a",
                "token_endpoint": f"{self.url}/t",
            }
        )

    def keys(self, _request: Request) -> Response:
        self.asked += 1
        return JSONResponse({"keys": [self.key.as_dict(private=False), *self.more]})

    def token(
        self, house: House, header: dict[str, Any] | None = None, key: ECKey | None = None, **changed: Any
    ) -> str:
        now_s = house.clock.now_us() // 1_000_000
        claims = {
            "iss": self.url, "sub": "u1", "aud": f"{BASE}/mcp", "client_id": "desk", "email": OWNER, "email_verified": True,
            "scope": "contracts:read openid", "iat": now_s, "exp": now_s + 600, **changed,
        }  # fmt: skip
        found = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(
            {"alg": "ES256", "kid": "k1", "typ": "at+jwt", **(header or {})},
            found,
            key or self.key,
            algorithms=["ES256"],
        )


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Company]:
    found = Company()

    def told(url: str) -> dict[str, Callable[[Request], Response]]:
        found.url = url
        return {"/.well-known/oauth-authorization-server": found.about, "/keys": found.keys}

    with ExitStack() as stack:
        _url, pem = stack.enter_context(serving(tmp_path, told))
        found.ca_pem = authority_of(pem)
        yield found


async def trusted(house: House, company: Company, **changed: Any) -> str:
    asked = {
        "issuer": company.url, "audience": f"{BASE}/mcp", "domains": ["pellow.example"], "scopes": ["contracts:read"], "ca_pem": company.ca_pem,
        **changed,
    }  # fmt: skip
    return str((await house.good("POST", "/v1/oauth/issuers", json=asked))["issuer_id"])


def shared(company: Company, claims: dict[str, Any]) -> str:
    """A token whose secret is the issuer's public key (RFC 8725 section 2.1)."""
    parts = [{"alg": "HS256", "kid": "k1", "typ": "at+jwt"}, claims]
    text = ".".join(urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)
    signature = hmac.digest(company.key.as_pem(private=False), text.encode(), "sha256")
    return text + "." + urlsafe_b64encode(signature).decode().rstrip("=")


def agent_of(house: House) -> Agent:
    return Agent(house, "desk")


def test_a_member_comes_in_with_the_companys_own_token(tmp_path: Path, company: Company) -> None:
    async def story(house: House) -> None:
        agent = agent_of(house)
        assert (
            await agent.mcp("tools/list", token=company.token(house))
        ).status_code == 401  # nobody trusts it yet
        issuer = await trusted(house, company)
        assert (await agent.mcp("tools/list", token=company.token(house))).status_code == 200
        assert (await agent.mcp("tools/list", token=company.token(house))).status_code == 200
        assert company.asked == 1
        (grant,) = (await house.good("GET", "/v1/oauth/grants"))["grants"]
        assert (grant["client_name"], grant["client_host"]) == ("desk", company.url)
        await house.good("DELETE", f"/v1/oauth/grants/{grant['grant']}")
        assert (
            await agent.mcp("tools/list", token=company.token(house))
        ).status_code == 401  # and it stays so
        other = company.token(house, client_id="another")
        assert (await agent.mcp("tools/list", token=other)).status_code == 200
        await house.good("DELETE", f"/v1/oauth/issuers/{issuer}")
        assert (await agent.mcp("tools/list", token=other)).status_code == 401

    play(tmp_path / "home", story)


def test_only_what_the_owner_agreed_to(tmp_path: Path, company: Company) -> None:
    async def story(house: House) -> None:
        await trusted(house, company)
        agent, mine = agent_of(house), ECKey.generate_key("P-256", {"kid": "k1"})
        now_s = house.clock.now_us() // 1_000_000
        confused = shared(
            company,
            {"iss": company.url, "aud": f"{BASE}/mcp", "client_id": "desk", "email": OWNER, "iat": now_s, "exp": now_s + 600},
        )  # fmt: skip
        refused = {
            "somebody who is no member": company.token(house, email="mallory@pellow.example"),
            "another domain": company.token(house, email="olive.owner@evil.example"),
            "an unverified address": company.token(house, email_verified=False),
            "no address": company.token(house, email=None),
            "no client": company.token(house, client_id=None),
            "another audience": company.token(house, aud="https://other.example"),
            "another issuer": company.token(house, iss="https://other.example"),
            "an id token": company.token(house, {"typ": "JWT"}),
            "over": company.token(house, iat=now_s - 4000, exp=now_s - 3000),
            "not yet": company.token(house, nbf=now_s + 3000),
            "for ever": company.token(house, exp=now_s + 10**7),
            "no end": company.token(house, exp=None),
            "another key": company.token(house, key=mine),
            "a key that nobody knows": company.token(house, {"kid": "k2"}, key=mine),
            "the public key as a secret": confused,
        }  # fmt: skip
        for name, token in refused.items():
            assert (await agent.mcp("tools/list", token=token)).status_code == 401, name
        assert (await agent.mcp("tools/list", token=company.token(house))).status_code == 200
        assert company.asked == 1  # a strange key name makes nobody fetch again and again

    play(tmp_path / "home", story)


def test_its_keys_turn(tmp_path: Path, company: Company) -> None:
    async def story(house: House) -> None:
        await trusted(house, company)
        agent = agent_of(house)
        assert (await agent.mcp("tools/list", token=company.token(house))).status_code == 200
        company.key = ECKey.generate_key("P-256", {"kid": "k2", "use": "sig"})
        house.clock.advance(31)
        assert (await agent.mcp("tools/list", token=company.token(house, {"kid": "k2"}))).status_code == 200
        assert company.asked == 2

    play(tmp_path / "home", story)


def test_one_audience_means_one_tenant(tmp_path: Path, company: Company) -> None:
    async def story(house: House) -> None:
        await trusted(house, company)
        made = await house.good("POST", "/v1/tenants", json={"name": "Other"})
        await house.good("POST", "/v1/session/switch-tenant", json={"tenant": made["tenant"]})
        asked = {
            "issuer": company.url,
            "audience": f"{BASE}/mcp",
            "domains": ["pellow.example"],
            "ca_pem": company.ca_pem,
        }
        assert (await house.ask("POST", "/v1/oauth/issuers", json=asked)).status_code == 409
        await house.good("POST", "/v1/oauth/issuers", json={**asked, "audience": "other-tenant"})
        agent = agent_of(house)
        assert (
            await agent.mcp("tools/list", token=company.token(house, aud=["other-tenant", "x"]))
        ).status_code == 200
        both = company.token(house, aud=["other-tenant", f"{BASE}/mcp"])
        assert (await agent.mcp("tools/list", token=both)).status_code == 401  # whose would it be?

    play(tmp_path / "home", story)


def test_to_trust_an_issuer_takes_an_owner_and_their_second_factor(tmp_path: Path, company: Company) -> None:
    async def story(house: House) -> None:
        key = await house.make_key("Builder", roles=("owner",))
        body = {"issuer": company.url, "audience": "a", "domains": ["pellow.example"]}
        assert (await house.ask("POST", "/v1/oauth/issuers", key, json=body)).status_code == 403
        house.clock.advance(601)
        assert (await house.ask("POST", "/v1/oauth/issuers", json=body)).json()[
            "code"
        ] == "auth.step_up_required"
        for wrong in (
            {"issuer": "http://company.example"},
            {"issuer": BASE},
            {"domains": []},
            {"scopes": ["*"]},
            {"domains": ["com"]},
        ):
            assert (await house.ask("POST", "/v1/oauth/issuers", json={**body, **wrong})).status_code in (
                400,
                403,
                422,
            ), wrong

    play(tmp_path / "home", story)

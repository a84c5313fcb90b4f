"""A real `ostiary serve` with a person of each role in it, and contracts over a connected system, for tests that ask from outside."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pyotp

from ostiary.sample.gateway import Process, free_port, started
from ostiary.vault.root import generate
from tests import shop

PEOPLE = ("viewer", "support", "admin")
SETTINGS = {
    "OSTIARY_ANONYMOUS_RATE_PER_MINUTE": "1000000",
    "OSTIARY_KEY_RATE_PER_S": "1000000",
    "OSTIARY_STEP_UP_S": "86400",
    "OSTIARY_EGRESS_ALLOW": "127.0.0.0/8",
}


@dataclass(frozen=True)
class Served:
    """`tokens` has a session by role, and "" for none."""

    process: Process
    tokens: dict[str, str]

    @property
    def url(self) -> str:
        return self.process.url

    def ask(self, method: str, path: str, role: str = "owner", **more: Any) -> httpx.Response:
        headers = dict(more.pop("headers", {}))
        if self.tokens[role]:
            headers["authorization"] = f"Bearer {self.tokens[role]}"
        with httpx.Client(base_url=self.url, timeout=30, trust_env=False) as client:
            return client.request(method, path, headers=headers, **more)

    def good(self, method: str, path: str, role: str = "owner", **more: Any) -> Any:
        answer = self.ask(method, path, role, **more)
        assert answer.status_code < 300, (method, path, answer.status_code, answer.text)
        return answer.json()


@contextmanager
def serving(folder: Path, **settings: str) -> Iterator[Served]:
    """The gateway, furnished."""
    with started(folder, generate(), {**SETTINGS, **settings}, port=free_port(0)) as process:
        served = Served(process, {"": ""})
        founded = {"token": process.setup_token().reveal(), "email": "olive.owner@pellow.example", "name": "Olive Owner", "tenant": "Pellow"}  # fmt: skip
        served.tokens["owner"] = served.good("POST", "/v1/setup", "", json=founded)["secret"]
        enrolment = served.good("POST", "/v1/me/totp")
        code = pyotp.TOTP(enrolment["secret"]["key"]).now()
        opened = served.good("POST", "/v1/me/totp/confirm", json={"code": code})
        served.tokens["owner"] = opened["secret"] or served.tokens["owner"]
        for role in PEOPLE:
            email = f"{role}@pellow.example"
            served.good("POST", "/v1/members", json={"email": email, "name": role, "role": role})
            served.tokens[role] = _signed_in(served, email)
        yield served


def _signed_in(served: Served, email: str) -> str:
    request = served.good("POST", "/v1/session/code", "", json={"email": email})
    for _ in range(200):
        lines = [line for line in served.process.codes() if email in line]
        if lines:
            answer = {"request": request["request"], "code": lines[-1].rsplit(" ", 1)[1]}
            return str(served.good("POST", "/v1/session/start", "", json=answer)["secret"])
        time.sleep(0.02)
    raise AssertionError(f"no code was written for {email}")


def furnish(served: Served, connected: shop.Shop) -> None:
    """The shop's two connectors and its contracts."""
    for name, settings in (("shop", {"honours_idempotency_key": True}), ("letters", {})):
        body = {"settings": {"kind": "http", "base_url": connected.url, **settings}}
        served.good("PUT", f"/v1/connectors/{name}", json=body)
    served.good("PUT", "/v1/contracts", json={"text": shop.CONTRACTS})

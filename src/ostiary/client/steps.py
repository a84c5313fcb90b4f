"""What each operation sends, and what it makes of the answers, without any IO: a generator that yields requests and pauses and is sent replies. So the sync
and the async client do the same, to the byte.

A call has an idempotency key of its own from the start, so it may be sent again after a broken connection or an answer of 503, and is done once.
"""

import json
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from ostiary.client.errors import Problem, problem_of
from ostiary.client.shapes import Contract, Done, Held, Preview, Session

TRIES = 4
FIRST_PAUSE_S = 0.2
PAUSE_S_MAX = 10.0
LOOK_S = 20
"""How long one look at a call waits for its end, at most."""
ENDED = frozenset({"done", "failed", "rejected", "expired", "unknown"})
CONTRACTS = "/v1/actions/"
AGAIN = frozenset({502, 503, 504})


@dataclass(frozen=True, slots=True)
class Ask:
    """One request. `body` None: no body."""

    method: str
    path: str
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)

    def content(self) -> bytes | None:
        return None if self.body is None else json.dumps(self.body).encode()


@dataclass(frozen=True, slots=True)
class Pause:
    seconds: float


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer; `status` 0: none came, and `body` says what happened instead."""

    status: int
    body: Any = None
    retry_after_s: float | None = None


Steps = Generator[Ask | Pause, Reply | None, Any]


def path(*parts: str, query: dict[str, Any] | None = None) -> str:
    """An address below /v1: each part is one segment, whatever is in it."""
    asked = {name: value for name, value in (query or {}).items() if value not in (None, "")}
    found = "/v1/" + "/".join(quote(part, safe="") for part in parts)
    return found + ("?" + urlencode(asked) if asked else "")


def ask(request: Ask, *, again: bool) -> Steps:
    """The reply of a request that was taken (status below 300). `again`: it may be sent again. Raises Problem."""
    pause_s, tries = FIRST_PAUSE_S, TRIES if again else 1
    reply = Reply(0)
    for turn in range(1, tries + 1):
        reply = (yield request) or Reply(0)
        if reply.status and reply.status < 300:
            return reply
        if turn == tries or (reply.status and reply.status not in AGAIN):
            break
        yield Pause(min(PAUSE_S_MAX, max(pause_s, reply.retry_after_s or 0.0)))
        pause_s *= 2
    raise failure(reply)


def failure(reply: Reply) -> Problem:
    problem = reply.body if isinstance(reply.body, dict) else {}
    if reply.status == 0:
        problem = {
            "code": "connection.failed",
            "title": "The gateway does not answer.",
            "detail": str(reply.body or ""),
        }
        return problem_of(problem, status=503)
    return problem_of(problem, status=reply.status, retry_after_s=reply.retry_after_s)


def call(
    name: str, params: dict[str, Any], *, key: str, session: str = "", behalf: str = "", dry_run: bool = False
) -> Steps:  # fmt: skip
    """-> Done, Held or Preview. Raises Problem. The name is one path segment: what is in it cannot lead elsewhere."""
    headers = {"idempotency-key": key}
    if session:
        headers["ostiary-session"] = session
    if behalf:
        headers["ostiary-on-behalf-of"] = behalf
    if dry_run:
        headers["ostiary-dry-run"] = "true"
        del headers["idempotency-key"]
    request = Ask("POST", CONTRACTS + quote(name, safe=""), params, headers)
    reply = yield from ask(request, again=True)
    body = reply.body
    if reply.status == 202:
        return Held(body["call_id"], body["approval_id"], body["expires_at"], body["rule"])
    if body.get("state") == "previewed":
        return Preview(
            body["call_id"], body["decision"], body["rule"], list(body["reasons"]), body["request"]
        )
    return Done(body["call_id"], body["result"], dict(body.get("masked") or {}))


def wait(call_id: str, *, timeout_s: float, now: Any) -> Steps:
    """-> Done when the call has ended well; Held, as far as known, when the time is over. Raises Problem: Rejected, ApprovalExpired, OutcomeUnknown ..."""
    until = now() + timeout_s
    while True:
        left_s = max(0, min(LOOK_S, int(until - now())))
        reply = yield from ask(Ask("GET", path("calls", call_id, query={"wait_s": left_s})), again=True)
        state = reply.body
        if state["state"] == "done":
            return Done(call_id, state["result"])
        if state["state"] in ENDED:
            raise ended(state)
        if now() >= until:
            return Held(call_id, state["approval_id"], state["expires_at"] or "", state["code"])
        if left_s == 0:
            yield Pause(FIRST_PAUSE_S)


def ended(state: dict[str, Any]) -> Problem:
    """A call that did not end well."""
    known = {"rejected": "approval.rejected", "expired": "approval.expired", "unknown": "call.unknown"}
    code = known.get(state["state"], state.get("code") or "call.failed")
    problem = {"code": code, "title": f"The call is {state['state']}.", **(state.get("problem") or {})}
    return problem_of(problem)


def do(
    name: str, params: dict[str, Any], *, key: str, session: str, behalf: str, timeout_s: float, now: Any
) -> Steps:  # fmt: skip
    """-> Done, or Held where nobody decided in `timeout_s`."""
    outcome = yield from call(name, params, key=key, session=session, behalf=behalf)
    if isinstance(outcome, Held):
        outcome = yield from wait(outcome.call_id, timeout_s=timeout_s, now=now)
    return outcome


def contracts() -> Steps:
    """-> list[Contract]: what this caller may ask for, from the OpenAPI document that the gateway makes for them."""
    reply = yield from ask(Ask("GET", "/openapi.json"), again=True)
    found: list[Contract] = []
    for where, methods in reply.body["paths"].items():
        if not where.startswith(CONTRACTS) or "post" not in methods or "{" in where:
            continue
        asked = methods["post"]
        schema = asked.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
        name = where.removeprefix(CONTRACTS)
        found.append(Contract(name, asked.get("summary", name), asked.get("description", ""), schema))
    return found


def open_session(agent: str, intent: str, *, max_s: int | None, key: str) -> Steps:
    """-> Session, opened by the person whose credential this is."""
    body: dict[str, Any] = {"agent": agent, "intent": intent}
    if max_s is not None:
        body["max_s"] = max_s
    reply = yield from ask(Ask("POST", path("sessions"), body, {"idempotency-key": key}), again=True)
    return Session(reply.body["session_id"], reply.body["expires_at"])


def plain(method: str, where: str, body: Any, *, key: str) -> Steps:
    """-> the JSON of any other operation of the API."""
    headers = {"idempotency-key": key} if method not in ("GET", "HEAD") else {}
    reply = yield from ask(Ask(method, where, body, headers), again=True)
    return reply.body

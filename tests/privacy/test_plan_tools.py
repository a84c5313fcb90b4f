"""Redaction over MCP: what a key is offered, what it gets, and what it is refused."""

import json
from pathlib import Path
from typing import Any

from ostiary import metrics
from tests.house import House, play
from tests.privacy.test_plans import made, token_in

META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}
TOOLS = {"redaction_redact", "redaction_restore", "redaction__plan_list"}


async def mcp(house: House, key: str, method: str, params: dict[str, Any]) -> Any:
    headers = {
        "accept": "application/json, text/event-stream", "mcp-protocol-version": "2026-07-28", "mcp-method": method,
        **({"mcp-name": params["name"]} if "name" in params else {}),
    }  # fmt: skip
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, "_meta": META}}
    return (await house.ask("POST", "/mcp", key, headers=headers, json=body)).json()["result"]


async def offered(house: House, key: str) -> set[str]:
    return {each["name"] for each in (await mcp(house, key, "tools/list", {}))["tools"]} & TOOLS


async def used(house: House, key: str, tool: str, **arguments: Any) -> Any:
    """The tool's answer; the code of its refusal as a string."""
    result = await mcp(house, key, "tools/call", {"name": tool, "arguments": arguments})
    return result["structuredContent"]["code"] if result.get("isError") else result["structuredContent"]


def test_an_agent_redacts_within_its_scopes_and_restores_nothing(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await made(house)
        agent = await house.make_key("agent")
        narrow = await house.make_key("narrow", scopes=["redaction.redact"])
        elsewhere = await house.make_key("elsewhere", scopes=["invoice.*"])
        reader = await house.make_key("reader", roles=("viewer",))
        assert await offered(house, agent) == {"redaction_redact", "redaction__plan_list"}
        assert await offered(house, narrow) == {"redaction_redact"}
        assert await offered(house, elsewhere) == set()
        assert await offered(house, reader) == {"redaction__plan_list"}
        listed = await used(house, agent, "redaction__plan_list")
        assert [each["name"] for each in listed["documents"]] == ["letters"]
        done = await used(house, narrow, "redaction_redact", plan="letters", text="To jane@example.com.")
        assert (done["text"][:8], done["counts"]) == ("To ostk_", {"email": 1})
        asked = {"scope": "support", "text": done["text"], "purpose": "To answer"}
        assert await used(house, agent, "redaction_restore", **asked) == "access.forbidden"
        assert await used(house, elsewhere, "redaction_redact", plan="letters", text="a") == "access.scope"
        assert await used(house, narrow, "redaction__plan_list") == "access.scope"
        assert await used(house, reader, "redaction_redact", plan="letters", text="a") == "access.forbidden"
        assert await used(house, agent, "redaction_redact", plan="nothing", text="a") == "not_found"

    play(tmp_path, story)


def test_a_program_with_the_permission_restores_and_an_agent_with_the_same_role_does_not(
    tmp_path: Path,
) -> None:
    async def story(house: House) -> None:
        await made(house)
        await house.good("PUT", "/v1/roles/opener", json={"permissions": ["privacy.restore"]})
        program = await house.make_key("mailer", "program", ("support", "opener"))
        agent = await house.make_key("agent", "agent", ("support", "opener"))
        value = {"to": ["jane@example.com"], "n": 3}
        done = await used(house, program, "redaction_redact", plan="letters", value=value)
        asked = {"scope": "support", "value": done["value"], "purpose": "To send it"}
        back = await used(house, program, "redaction_restore", **asked)
        assert (back["value"], back["restored"], back["refused"]) == (value, 1, {})
        assert await offered(house, program) == TOOLS
        assert await offered(house, agent) == TOOLS - {"redaction_restore"}
        assert await used(house, agent, "redaction_restore", **asked) == "access.forbidden"
        assert "jane@example.com" not in json.dumps(done)

    play(tmp_path, story)


def test_redactions_and_restored_tokens_are_counted_by_what_became_of_them(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await made(house)

        def counted() -> list[float]:
            texts = [metrics.REDACTIONS.labels(each)._value.get() for each in ("done", "unfit", "failed")]
            tokens = [metrics.RESTORED_TOKENS.labels(each)._value.get() for each in ("restored", "not_ours")]
            return [*texts, *tokens]

        before = counted()
        done = await house.good(
            "POST", "/v1/redact", json={"plan": "letters", "text": "To jane@example.com ."}
        )
        await house.ask("POST", "/v1/redact", json={"plan": "nothing", "text": "a"})
        token = token_in(done["text"])
        other = token[:30] + ("x" if token[30] != "x" else "y") + token[31:]
        body = {"scope": "support", "text": f"{token} {token} {other}", "purpose": "An answer"}
        await house.good("POST", "/v1/restore", json=body)
        assert [now - then for now, then in zip(counted(), before, strict=True)] == [1, 0, 1, 2, 1]

    play(tmp_path, story)

"""From an upstream's tools to contracts that run: accepted, imported, reviewed, called; and refused once the tool is another."""

from pathlib import Path
from typing import Any

from ostiary.connectors.mcp.definition import pin_of
from tests.connectors.mcp.test_quarantine import accepted, joined
from tests.connectors.mcp.upstream import tool, upstream
from tests.house import House, play


def test_accepted_tools_become_contracts_that_run_until_the_tool_is_another(tmp_path: Path):
    async def story(house: House) -> None:
        with upstream(tools=[tool("search_notes"), tool("delete_note")]) as (server, url):
            key = await joined(house, url)
            early = await house.ask("POST", "/v1/contract-imports", json={"connector": "tools"})
            assert (early.status_code, early.json()["code"]) == (422, "params.invalid")
            await accepted(house)
            made = await house.good("POST", "/v1/contract-imports", json={"connector": "tools"})
            drafts: dict[str, Any] = {draft["name"]: draft for draft in made["drafts"]}
            assert {name: draft["contract"]["effect"] for name, draft in drafts.items()} == {
                "tools.search_notes": "read",
                "tools.delete_note": "write",
            }
            assert [draft["mistakes"] for draft in made["drafts"]] == [[], []]
            target = drafts["tools.search_notes"]["contract"]["target"]
            assert target == {"connector": "tools", "tool": "search_notes", "pin": pin_of(server.tools[0])}
            at = f"/v1/contract-imports/{made['summary']['import_id']}"
            await house.good("POST", f"{at}/accept", json={"names": ["tools.search_notes"]})
            found = await house.good("POST", "/v1/actions/tools.search_notes", key, json={"text": "hi"})
            assert found["state"] == "done"
            missing = await house.ask("POST", "/v1/actions/tools.delete_note", key, json={"text": "hi"})
            assert missing.json()["code"] == "contract.unknown"
            called = server.methods().count("tools/call")
            server.tools = [tool("search_notes", "Searches, and tells everybody."), tool("delete_note")]
            await house.good("POST", "/v1/upstreams/tools/look")
            refused = await house.ask("POST", "/v1/actions/tools.search_notes", key, json={"text": "hi"})
            assert refused.json()["code"] == "upstream.quarantined"
            assert server.methods().count("tools/call") == called

    play(tmp_path, story)

"""An upstream that cuts what it says into pieces, in every way: blocks, notices, streams. Nothing of a value is shown, and nothing else is lost."""

import asyncio
from pathlib import Path
from typing import Any

import orjson
import pytest

from ostiary.actions import JsonValue
from ostiary.clock import SystemClock
from ostiary.connectors.mcp.sse import Event
from ostiary.mcp_server.held_back import HELD_MAX, QUIET_S, HeldBack
from tests.connectors.mcp.test_quarantine import accepted, called, joined, rpc
from tests.connectors.mcp.upstream import upstream
from tests.house import House, play
from tests.mcp_server.test_passthrough import MAIL, events

TEXT = f"found {MAIL} in row 7"


class StillClock(SystemClock):
    now = 0

    def monotonic_us(self) -> int:
        return self.now


def notice(text: str, logger: str = "a") -> dict[str, Any]:
    params = {"level": "info", "logger": logger, "data": text}
    return {"jsonrpc": "2.0", "method": "notifications/message", "params": params}


class Reader:
    """Hears what goes on, in order."""

    def __init__(self) -> None:
        self.heard: list[JsonValue] = []
        self.clock = StillClock()
        self.held = HeldBack(self.show, self.reveal, self.clock)

    async def show(self, _event: Event, message: JsonValue) -> None:
        self.heard.append(message)

    async def reveal(self) -> frozenset[str]:
        return frozenset()

    def texts(self) -> list[str]:
        return [each["params"]["data"] for each in self.heard if "params" in each]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 11, 20, 100])
def test_a_text_in_notices_of_any_size_is_masked_as_one(size: int) -> None:
    async def story() -> None:
        reader = Reader()
        pieces = [TEXT[at : at + size] for at in range(0, len(TEXT), size)]
        for piece in pieces:
            await reader.held.say(Event(), notice(piece))
        await reader.held.end()
        assert "".join(reader.texts()) == "found [email] in row 7"
        assert len(reader.heard) == len(pieces)

    asyncio.run(story())


def test_channels_are_texts_of_their_own_and_the_order_stays() -> None:
    async def story() -> None:
        reader = Reader()
        change = {"jsonrpc": "2.0", "method": "notifications/tools/list_changed"}
        for message in (notice("anna.b"), notice("anna.b", "b"), change, notice("erg@example.org"), notice(" waits", "b")):  # fmt: skip
            await reader.held.say(Event(), message)
        await reader.held.end()
        assert [each.get("params", {}).get("data") for each in reader.heard] == ["[email]", "anna.b", None, "", " waits"]  # fmt: skip

    asyncio.run(story())


def test_what_is_no_text_and_what_is_asked_waits_for_nothing() -> None:
    async def story() -> None:
        reader = Reader()
        change = {"jsonrpc": "2.0", "method": "notifications/tools/list_changed"}
        await reader.held.say(Event(), change)
        assert reader.heard == [change]
        question = {"jsonrpc": "2.0", "id": 1, "method": "elicitation/create", "params": {}}
        await reader.held.say(Event(), notice("one moment"))
        assert len(reader.heard) == 1
        await reader.held.say(Event(), question)
        assert [each["method"] for each in reader.heard[1:]] == [
            "notifications/message",
            "elicitation/create",
        ]
        reader.held.drop()

    asyncio.run(story())


def test_a_text_that_nothing_follows_is_shown_soon_and_what_is_held_is_bounded() -> None:
    async def story() -> None:
        reader = Reader()
        await reader.held.say(Event(), notice("row 7"))
        await reader.held.beat()
        assert reader.heard == []
        reader.clock.now = int(QUIET_S * 1_000_000)
        await reader.held.beat()
        assert reader.texts() == ["row 7"]
        for at in range(HELD_MAX + 40):
            await reader.held.say(Event(), notice("", str(at)))
        assert len(reader.heard) >= 40
        for _ in range(100):
            await reader.held.say(Event(), notice("rows and rows "))
        assert len(reader.heard) == 1 + HELD_MAX + 40 + 100 - 512
        reader.held.drop()

    asyncio.run(story())


@pytest.mark.parametrize(
    "message",
    [
        {"method": ["notifications/message"], "params": {"data": "x"}},
        {"method": "notifications/message", "params": []},
        {"method": "notifications/message", "params": {"data": {"a": 1}}},
        {"method": "notifications/progress", "params": {"message": 7, "progressToken": {}}},
        [],
        None,
    ],
)
def test_notices_that_are_none_break_nothing(message: JsonValue) -> None:
    async def story() -> None:
        reader = Reader()
        await reader.held.say(Event(), message)
        await reader.held.end()
        assert reader.heard == [message]

    asyncio.run(story())


def test_through_the_gateway_no_way_to_cut_shows_more_than_another(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        said = [notice(piece) for piece in ("found an", "na.berg@exa", "mple.org in", " row 7")]
        progress = [
            {"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": 1, "progress": at, "message": piece}}
            for at, piece in enumerate(("card 4111 1111 ", "1111 1111 was", " charged"))
        ]  # fmt: skip
        blocks = [{"type": "text", "text": piece} for piece in ("ask anna.", "berg@example", ".org again")]
        with upstream(says=[*said, *progress], answers={"echo": {"content": blocks}}) as (server, url):
            key = await joined(house, url, reads="free")
            await accepted(house)
            answer = await rpc(house, key, "tools/call", {"name": "echo", "arguments": {}})
            heard = events(answer.text)
            told = [each["params"] for each in heard[:-1]]
            assert "".join(each["data"] for each in told if "data" in each) == "found [email] in row 7"
            shown = "".join(each["message"] for each in told if "message" in each)
            assert shown == "card [card *1111] was charged"
            assert [each["text"] for each in heard[-1]["result"]["content"]] == ["ask [email]", "", " again"]
            server.says = []
            server.answers["echo"] = {"error": {"code": -32000, "message": "no", "data": {"content": blocks}}}
            refused = await rpc(house, key, "tools/call", {"name": "echo", "arguments": {}})
            assert (refused.json()["id"], "berg" in refused.text) == (1, False)
            server.answers["echo"] = {"content": blocks}
            again = await called(house, key, "echo")
            assert "berg" not in orjson.dumps(again).decode()

    play(tmp_path, story)

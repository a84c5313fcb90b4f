"""Tokens back to values in a model's streamed answer: its text, and the arguments of its tool calls, which arrive as pieces of JSON text.

Each text and each call is a stream of its own, so their pieces may arrive interleaved. An event comes out as it went in but for these texts; what is still held when a stream ends leaves before its end.
A server that never says that a text has ended (no `finish_reason`, no `content_block_stop`) ends all of them with its connection: `close` gives what is held.
"""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from ostiary.redaction.keys import Scope
from ostiary.redaction.restore import Form, GivenOut, StreamRestorer

STREAMS_MAX = 1024
"""Texts and calls of one answer."""
_NO_TEXT = frozenset({"role", "type", "id", "name", "signature"})
"""Members of a delta that say what it is; every other that is a string is a piece of a text, whatever its server calls it (`content`, `refusal`, `reasoning_content`)."""

Event = Mapping[str, Any]


@dataclass(slots=True)
class _Streams:
    scope: Scope
    given_out: GivenOut | None = None
    open: dict[tuple[object, ...], StreamRestorer] = field(default_factory=dict, repr=False)

    def feed(self, name: tuple[object, ...], piece: str, form: Form) -> str:
        if name not in self.open:
            if len(self.open) >= STREAMS_MAX:
                raise ValueError("the answer has too many texts and calls")
            self.open[name] = StreamRestorer(self.scope, form, self.given_out)
        return self.open[name].feed(piece)

    def close(self, name: tuple[object, ...]) -> str:
        stream = self.open.pop(name, None)
        return stream.close() if stream is not None else ""


@dataclass(slots=True)
class ChatRestorer:
    """`chat.completion.chunk` objects of OpenAI's chat completions, in order. What is held leaves in the chunk that has a `finish_reason`."""

    scope: Scope
    given_out: GivenOut | None = None
    _streams: _Streams = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._streams = _Streams(self.scope, self.given_out)

    def feed(self, event: Event) -> dict[str, Any]:
        """The same chunk, restored."""
        new: dict[str, Any] = deepcopy(dict(event))
        for choice in new.get("choices") or ():
            delta = choice.get("delta") or {}
            index = choice.get("index", 0)
            for name in [name for name, piece in delta.items() if isinstance(piece, str)]:
                if name not in _NO_TEXT:
                    delta[name] = self._streams.feed((index, name), delta[name], "text")
            for call in delta.get("tool_calls") or ():
                function = call.get("function") or {}
                if isinstance(function.get("arguments"), str):
                    where = (index, "call", call.get("index", 0))
                    function["arguments"] = self._streams.feed(where, function["arguments"], "json")
            if choice.get("finish_reason"):
                choice["delta"] = self._rest(index, delta)
        return new

    def close(self) -> list[dict[str, Any]]:
        """A last chunk for what is held, where the stream ends without saying so."""
        indexes = list(dict.fromkeys(where[0] for where in self._streams.open))
        rests = [{"index": index, "delta": self._rest(index, {})} for index in indexes]
        choices = [each for each in rests if each["delta"]]
        return [{"object": "chat.completion.chunk", "choices": choices}] if choices else []

    def _rest(self, index: object, delta: dict[str, Any]) -> dict[str, Any]:
        for where in [where for where in self._streams.open if where[0] == index]:
            rest = self._streams.close(where)
            if not rest:
                continue
            if where[1] != "call":
                delta[str(where[1])] = (delta.get(str(where[1])) or "") + rest
                continue
            calls = delta.setdefault("tool_calls", [])
            call = next((each for each in calls if each.get("index") == where[2]), None)
            if call is None:
                call = {"index": where[2], "function": {"arguments": ""}}
                calls.append(call)
            call["function"]["arguments"] = (call["function"].get("arguments") or "") + rest
        return delta


@dataclass(slots=True)
class MessageRestorer:
    """Events of Anthropic's messages, in order. What is held leaves as a `content_block_delta` of its own before `content_block_stop`."""

    scope: Scope
    given_out: GivenOut | None = None
    _streams: _Streams = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._streams = _Streams(self.scope, self.given_out)

    def feed(self, event: Event) -> list[dict[str, Any]]:
        """The events that may leave now: none, one or two."""
        new: dict[str, Any] = deepcopy(dict(event))
        index = new.get("index", 0)
        if new.get("type") == "content_block_delta":
            delta = new.get("delta") or {}
            for kind, name, form in _DELTAS:
                if delta.get("type") == kind and isinstance(delta.get(name), str):
                    delta[name] = self._streams.feed((index, kind), delta[name], form)
        elif new.get("type") == "content_block_stop":
            return [*self._rest(index), new]
        return [new]

    def close(self) -> list[dict[str, Any]]:
        """Events for what is held, where the stream ends without saying so."""
        indexes = list(dict.fromkeys(where[0] for where in self._streams.open))
        return [each for index in indexes for each in self._rest(index)]

    def _rest(self, index: object) -> list[dict[str, Any]]:
        rests = [(kind, name, self._streams.close((index, kind))) for kind, name, _ in _DELTAS]
        return [
            {"type": "content_block_delta", "index": index, "delta": {"type": kind, name: rest}}
            for kind, name, rest in rests
            if rest
        ]


_DELTAS: tuple[tuple[str, str, Form], ...] = (
    ("text_delta", "text", "text"),
    ("thinking_delta", "thinking", "text"),
    ("input_json_delta", "partial_json", "json"),
)

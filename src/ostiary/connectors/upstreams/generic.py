"""The generic actions of an upstream that is passed through: each sends what the door has judged, as the door has judged it, in the client's own session.

What comes back is the upstream's word and nothing more: no field of it is trusted, and masking and record are the door's.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ostiary import turns
from ostiary.actions import Call, Effect, JsonValue, Recorded
from ostiary.connectors.connectors import Connectors
from ostiary.connectors.mcp.definition import Definition, definition
from ostiary.connectors.mcp.passing import PASSING, Passing
from ostiary.connectors.mcp.session import NEWER, Denied, written
from ostiary.connectors.mcp.upstream import Upstream, set_aside
from ostiary.connectors.mcp.wire import VERSION
from ostiary.connectors.upstreams import tasked
from ostiary.connectors.upstreams.quarantine import Quarantine
from ostiary.errors import OffContract, TargetAnswerInvalid, TargetRefused, TargetUnavailable, ToolQuarantined
from ostiary.ids import TenantId

Run = Callable[[Call, Any], Awaitable[JsonValue]]

CARRIED = frozenset({"_meta", "requestState", "inputResponses"})
"""Parts of a request that are the protocol's: the door judges the rest. What a person answered (`inputResponses`) is a call of its own; see the face."""


@dataclass(frozen=True, slots=True)
class Generic:
    """One kind of generic action and the methods that it sends."""

    name: str
    title: str
    description: str
    methods: frozenset[str]
    effect: Effect = Effect.NONE
    recorded: Recorded = Recorded.DURABLE
    labels: Mapping[str, str] = field(default_factory=dict)
    """What of it carries something outward, as in a contract; none: nothing but words of the protocol."""
    answers: bool = False
    """What comes back may be what a tool answers, and counts as that."""
    handshake: bool = False


GENERIC: Mapping[str, Generic] = {
    kind.name: kind
    for kind in (
        Generic(
            "session", "Speak with an upstream", "Open, keep and end the conversation with an upstream server.",
            frozenset({"initialize", "ping", "server/discover", "logging/setLevel", "notifications/initialized", "notifications/cancelled",
                       "notifications/progress", "notifications/roots/list_changed", "session/end", "stream/open", "stream/close"}),
            recorded=Recorded.BATCHED, handshake=True,
        ),
        Generic(
            "list", "List what an upstream offers", "Tools that a person has accepted; prompts and resources by name.",
            frozenset({"tools/list", "prompts/list", "resources/list", "resources/templates/list"}),
            effect=Effect.LOCAL, recorded=Recorded.BATCHED, handshake=True,
        ),
        Generic("prompt", "Get a prompt of an upstream", "Text that an upstream offers to a model; untrusted.", frozenset({"prompts/get"}),
            labels={"/params/arguments": "content"}),
        Generic("resource", "Read a resource of an upstream", "Content that an upstream offers; untrusted.", frozenset({"resources/read"}),
            labels={"/params/uri": "url"}),
        Generic("complete", "Complete an argument", "Ask an upstream how an argument could go on.", frozenset({"completion/complete"}),
            labels={"/params/argument": "content", "/params/context": "content"}),
        Generic(
            "subscribe", "Subscribe at an upstream", "Hear of changes of an upstream's lists and resources.",
            frozenset({"resources/subscribe", "resources/unsubscribe", "subscriptions/listen", "told"}),
            labels={"/params/uri": "url", "/params/notifications/resourceSubscriptions": "url"},
        ),
        Generic(
            "reply", "Answer an upstream", "What a client answers when an upstream asks it something in the middle of a call.",
            frozenset({"reply", "told"}),
            labels={"/params": "content"},
        ),
        Generic(
            "task", "Follow a task of an upstream", "How a tool that answers later stands, its answer, and its end.",
            frozenset({"tasks/get", "tasks/result", "tasks/update", "tasks/cancel"}), answers=True,
        ),
    )
}  # fmt: skip
KIND_OF = {method: kind.name for kind in GENERIC.values() for method in kind.methods}


class Running:
    """The functions of one upstream's generic actions. `pins`: what a person has accepted."""

    def __init__(
        self,
        connectors: Connectors,
        quarantine: Quarantine,
        tenant: TenantId,
        name: str,
        pins: frozenset[str],
    ) -> None:
        self._connectors = connectors
        self._quarantine = quarantine
        self._tenant = tenant
        self._name = name
        self._pins = pins

    def of(self, kind: Generic) -> Run:
        async def run(call: Call, params: Mapping[str, Any]) -> JsonValue:
            passing = _passing()
            if params.get("method") not in kind.methods:
                raise OffContract
            return await self._sent(call, passing, params)

        return run

    async def _sent(self, call: Call, passing: Passing, params: Mapping[str, Any]) -> JsonValue:
        method = params["method"]
        async with turns.away(), self._connectors.upstream(self._tenant, self._name) as upstream:
            if method in ("stream/open", "stream/close", "told"):
                return {}
            if method == "session/end":
                await upstream.ended(call, passing)
                return {}
            if method.startswith(tasked.PREFIX):
                return await self._of_task(call, passing, upstream, method, params.get("params"))
            judged = params.get("params")
            if method == "reply":
                judged = self._replied(call, judged)
            result = await upstream.passed(call, passing, _message(passing, method, judged))
        if method == "tools/list":
            return await self._visible(call, result)
        if method in ("initialize", "server/discover"):
            return _greeting(result, older=method == "initialize")
        return result

    def _replied(self, call: Call, judged: JsonValue) -> JsonValue:
        if not isinstance(judged, dict) or "result" not in judged:
            return judged
        vault = self._connectors.vault
        return {**judged, "result": tasked.inward(vault, call.actor, self._name, judged["result"])}

    async def _of_task(
        self, call: Call, passing: Passing, upstream: Upstream, method: str, judged: JsonValue
    ) -> JsonValue:
        """Ask for a task by the upstream's own id, where it was made."""
        asked = judged if isinstance(judged, dict) else {}
        text = asked.get("taskId")
        task = tasked.opened(self._connectors.vault, call.actor, self._name, text)
        message = _message(passing, method, {**asked, "taskId": task.id})
        if task.ours:
            sent: Any = message["params"]
            plain = {key: value for key, value in sent.items() if key not in ("_meta", "requestState")}
            result = set_aside(call, await upstream.request(call, method, plain))
        else:
            if passing.headers.get(VERSION) == NEWER:
                passing.headers = {**passing.headers, "mcp-name": written(task.id)}
            result = await upstream.passed(call, passing, message)
        return tasked.answered(call, str(text), task, method, result)

    async def _visible(self, call: Call, result: JsonValue) -> JsonValue:
        """The list without what no person has accepted; that goes into quarantine."""
        if not isinstance(result, dict) or not isinstance(result.get("tools"), list):
            raise TargetAnswerInvalid("The server's list of tools is no list.")
        shown: list[Definition] = []
        hidden: list[Definition] = []
        for raw in result["tools"]:
            try:
                one = definition(raw)
            except TargetAnswerInvalid:
                continue  # it cannot be judged, so it does not exist
            (shown if one.pin in self._pins else hidden).append(one)
        names = [one.name for one in (*shown, *hidden)]
        shown = [one for one in shown if names.count(one.name) == 1]
        rows = await self._quarantine.noted(self._tenant, self._name, hidden, call.at_us)
        if rows is not None:
            call.write(rows)
        if hidden:
            call.counts["quarantined"] = len(hidden)
        return {**result, "tools": [dict(one.whole) for one in shown]}

    def of_tool(self, tool: Definition) -> Run:
        """A call of an accepted tool, in the client's session; or in our own, where it was held and nobody waits any more."""

        async def run(call: Call, params: Mapping[str, JsonValue]) -> JsonValue:
            passing = PASSING.get()
            asked: dict[str, JsonValue] = {"name": tool.name, "arguments": dict(params)}
            vault = self._connectors.vault
            async with self._connectors.upstream(self._tenant, self._name) as upstream:
                offered = await upstream.offered(call.actor)
                known = offered.tools.get(tool.name)
                if known is None or known.pin != tool.pin:
                    raise ToolQuarantined
                if passing is None:
                    result = set_aside(call, await _alone(call, upstream, tool, asked))
                else:
                    wanted = tasked.wanted(passing.message.get("params")) if upstream.wire else {}
                    message = _message(passing, "tools/call", {**asked, **wanted})
                    result = await upstream.passed(call, passing, message)
                return await tasked.given(call, vault, self._name, result, ours=passing is None)

        return run

    def preview_of(self, tool: Definition) -> Callable[[Call, Mapping[str, JsonValue]], JsonValue]:
        return lambda _call, params: {
            "upstream": self._name,
            "tool": tool.name,
            "pin": tool.pin,
            "arguments": dict(params),
        }


async def _alone(call: Call, upstream: Upstream, tool: Definition, asked: dict[str, JsonValue]) -> JsonValue:
    """A call that a person approved, in our own session: with its answer where the server gives one, and as a task where it must be one. What a server refuses
    for want of a capability it has not done."""
    execution = tool.whole.get("execution")
    as_task = {**asked, "task": {}}
    if upstream.wire and isinstance(execution, dict) and execution.get("taskSupport") == "required":
        return await upstream.request(call, "tools/call", as_task)
    try:
        return await upstream.request(call, "tools/call", asked)
    except Denied as refused:
        if not refused.wants_tasks:
            raise
    return await upstream.request(call, "tools/call", as_task)


def _passing() -> Passing:
    passing = PASSING.get()
    if passing is None:
        raise TargetUnavailable("This is asked at /mcp/<upstream>, by a client of the protocol.")
    return passing


def _message(passing: Passing, method: str, params: JsonValue) -> dict[str, JsonValue]:
    """The client's message with what was judged in it; nothing else of the client's gets through."""
    envelope = {key: passing.message[key] for key in ("jsonrpc", "id") if key in passing.message}
    if method == "reply":
        judged = params if isinstance(params, dict) else {}
        return {**envelope, **{key: judged[key] for key in ("result", "error") if key in judged}}
    given = passing.message.get("params")
    carried = (
        {key: value for key, value in given.items() if key in CARRIED} if isinstance(given, dict) else {}
    )
    judged = params if isinstance(params, dict) else {}
    if given is None and not judged:
        return {**envelope, "method": method}
    return {**envelope, "method": method, "params": {**judged, **carried}}


def _greeting(result: JsonValue, *, older: bool) -> JsonValue:
    """What a server says of itself, without what is not passed."""
    if not isinstance(result, dict) or not isinstance(result.get("capabilities"), dict):
        raise TargetRefused("The server's greeting is not one of the protocol.")
    return {**result, "capabilities": tasked.served(result["capabilities"], older=older)}

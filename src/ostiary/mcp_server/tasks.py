"""The tasks extension (`io.modelcontextprotocol/tasks`, SEP-2663): a held call is a task, for clients that say they know what that is.

The task's id is the call's; its state is the call's row, so any process answers, and a restart loses nothing. `tasks/get` and `tasks/cancel` are calls of
`call.show` and `call.withdraw` through the door. A client can only wait or withdraw: what it sends with `tasks/update` answers nothing, because the yes is a
person's, at the console.
"""

from contextlib import suppress
from typing import Annotated, Any

from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS, METHOD_NOT_FOUND, MISSING_REQUIRED_CLIENT_CAPABILITY, RequestParams
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import Field

from ostiary.actions import Face, JsonValue
from ostiary.clock import rfc3339
from ostiary.connectors.mcp.session import TASKS
from ostiary.door.door import Door
from ostiary.door.outcome import Done, Held
from ostiary.errors import Conflict, InvalidParameters, NotFound, OstiaryError, by_code
from ostiary.identity.gate import Entrance
from ostiary.mcp_server import answers

POLL_MS = 2_000
WORKING = ("held", "approved", "running")
WITHDRAWN = "call.withdrawn"
ENTRANCE, CALLED = "ostiary.entrance", "ostiary.called"
_WORDS = {
    "held": "A person has to approve this call first; nothing has been done yet.",
    "approved": "It was approved, and is about to be done.",
    "running": "It was approved, and is being done.",
}


class TaskParams(RequestParams):
    """The task that is meant. What else a client sends (`inputResponses`) is ignored, as the extension wants it for what was never asked."""

    task_id: Annotated[str, Field(alias="taskId", max_length=64)]


def knows(context: ServerRequestContext[Any, Any]) -> bool:
    """Whether this very request says that the client knows tasks."""
    capabilities = context.session.client_capabilities
    declared = capabilities.extensions if capabilities else None
    return context.protocol_version in MODERN_PROTOCOL_VERSIONS and TASKS in (declared or {})


def created(held: Held, *, at_us: int, link: str) -> dict[str, Any]:
    """`CreateTaskResult`: it was committed before this is said. `link` leads a person to the card."""
    at = rfc3339(at_us)
    return {
        "resultType": "task",
        "taskId": held.call,
        "status": "working",
        "statusMessage": f"{_WORDS['held']} {link}",
        "createdAt": at,
        "lastUpdatedAt": at,
        "ttlMs": None,
        "pollIntervalMs": POLL_MS,
        "_meta": {answers.CALL_META: held.call},
    }


class Tasks:
    """The three methods. Each request stands alone."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def serve(self, server: Server[Any]) -> None:
        """Offer them, and say so."""
        server.extensions[TASKS] = {}
        server.add_request_handler("tasks/get", TaskParams, self.get)
        server.add_request_handler("tasks/update", TaskParams, self.update)
        server.add_request_handler("tasks/cancel", TaskParams, self.cancel)

    async def get(self, context: ServerRequestContext[Any, Any], params: TaskParams) -> dict[str, Any]:
        """The task as it stands, with the result once there is one."""
        return _task(await self._ask(context, "call.show", params))

    async def update(self, context: ServerRequestContext[Any, Any], params: TaskParams) -> dict[str, Any]:
        """Nothing was asked of the client, so nothing it says is used; the task has to be one of its own all the same."""
        await self._ask(context, "call.show", params)
        return {"resultType": "complete"}

    async def cancel(self, context: ServerRequestContext[Any, Any], params: TaskParams) -> dict[str, Any]:
        """Withdraw the call, if it still waits; what has begun goes on to its end."""
        with suppress(Conflict):
            await self._ask(context, "call.withdraw", params)
        return {"resultType": "complete"}

    async def _ask(
        self, context: ServerRequestContext[Any, Any], action: str, params: TaskParams
    ) -> JsonValue:
        if context.protocol_version not in MODERN_PROTOCOL_VERSIONS:
            raise MCPError(METHOD_NOT_FOUND, "Method not found")
        if not knows(context):
            wanted: dict[str, Any] = {"requiredCapabilities": {"extensions": {TASKS: {}}}}
            raise MCPError(MISSING_REQUIRED_CLIENT_CAPABILITY, "Missing required client capability", wanted)
        request: Any = context.request
        entrance: Entrance = request.scope[ENTRANCE]
        request.scope[CALLED] = True
        try:
            outcome = await self._door.call(entrance, action, {"call_id": params.task_id}, face=Face.MCP)
        except (NotFound, InvalidParameters):
            raise MCPError(INVALID_PARAMS, "There is no such task of yours") from None
        except Conflict:
            raise
        except OstiaryError as error:
            raise MCPError(INVALID_PARAMS, error.title(), error.problem()) from None
        return outcome.result if isinstance(outcome, Done) else {}


def _task(call: JsonValue) -> dict[str, Any]:
    """A call's state as a `DetailedTask`. What was refused or failed is a result that is an error: no error of the protocol."""
    task = {
        "resultType": "complete",
        "taskId": call["call_id"],
        "createdAt": call["asked_at"],
        "lastUpdatedAt": call["changed_at"],
        "ttlMs": None,
        "pollIntervalMs": POLL_MS,
    }
    state = call["state"]
    if state in WORKING:
        return {**task, "status": "working", "statusMessage": _WORDS[state]}
    if call["code"] == WITHDRAWN:
        return {**task, "status": "cancelled", "statusMessage": "Withdrawn; nothing was done."}
    return {**task, "status": "completed", "result": _result(call)}


def _result(call: JsonValue) -> dict[str, Any]:
    if call["state"] == "done":
        return answers.done(Done(call["call_id"], call["result"], {}))
    detail = str((call["problem"] or {}).get("detail", ""))
    code = call["code"] or ("call.unknown" if call["state"] == "unknown" else "internal")
    return answers.refused(by_code(code)(detail))

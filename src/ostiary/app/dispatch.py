"""Where a path leads that belongs to no face, and a process that has only its probes."""

from ostiary.app.probes import PATHS, Probes
from ostiary.asgi.wire import App, Receive, Scope, Send, answer_problem
from ostiary.errors import NotFound


async def nowhere(_scope: Scope, _receive: Receive, send: Send) -> None:
    """There is nothing here."""
    await answer_problem(send, NotFound())


def only(probes: Probes) -> App:
    """The probes, and nothing else."""

    async def dispatch(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await (probes if scope["path"] in PATHS else nowhere)(scope, receive, send)

    return dispatch

"""Each tenant's upstreams are looked at every few minutes, so that what a server changes waits for a person before anybody trips over it."""

from ostiary import log
from ostiary.actions import Action, Call
from ostiary.connectors.upstreams.actions import Announce, Desk, Which
from ostiary.connectors.upstreams.shelf import Upstreams
from ostiary.errors import OstiaryError
from ostiary.work import Going, Kind, Step, step

EVERY_S = 300

LOOK = Kind(
    name="upstream.watch",
    title="Look at upstreams",
    description="Asks each connected MCP server what it offers. What nobody has accepted goes into quarantine.",
    permission="connector.manage",
    step="upstream.watch_step",
    every_s=EVERY_S,
)

_LOG = log.get("mcp")


def steps(upstreams: Upstreams, announce: Announce) -> list[Action]:
    """One upstream a step, in the order of their names. One that is away today is looked at next time."""
    desk = Desk(upstreams, announce)

    async def run(call: Call, going: Going) -> Step:
        names = sorted(await upstreams.shelf(call.tenant))
        name = next((each for each in names if each > going.cursor), "")
        if not name:
            return Step(cursor=going.cursor, done=True, count=len(names), total=len(names))
        try:
            await desk.look(call, Which(name=name))
        except OstiaryError as error:
            _LOG.info("upstream.not_seen", code=error.code)
        count = names.index(name) + 1
        return Step(cursor=name, done=name == names[-1], count=count, total=len(names))

    return [step(LOOK, run)]

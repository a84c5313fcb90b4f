"""What can be asked of runs: start, pause, resume, cancel, show, list."""

from functools import partial
from typing import Annotated, Any

from pydantic import Field

from ostiary.actions import Action, Call, Effect, Risk, Route
from ostiary.discovery import store
from ostiary.discovery.services import CANCELLED, FAILED, GOING, PAUSED, STANDING, Discovery, must_stand
from ostiary.discovery.settings import NAME
from ostiary.discovery.shown import RunShown, RunsShown, run_shown
from ostiary.discovery.store import RunRow
from ostiary.errors import Conflict
from ostiary.ids import TenantId
from ostiary.shapes import Page, Params, own_action

RunId = Annotated[str, Field(max_length=64, pattern=r"^[!-~]+$", description="A run's id, run_...")]


class StartRun(Params):
    place: Annotated[str, Field(pattern=NAME)]


class OneRun(Params):
    run_id: RunId


class ListRuns(Page):
    """`place` narrows; the newest come first."""

    place: Annotated[str, Field(max_length=64)] = ""


class _Desk:
    def __init__(self, discovery: Discovery) -> None:
        self._of = discovery

    async def start(self, call: Call, asked: StartRun) -> RunShown:
        """Raises NotFound, Conflict."""
        known = await self._of.place(call.tenant, asked.place)
        rows = await self._of.database.run(lambda c: store.runs(c, call.tenant, asked.place, limit=1))
        for _, state, _job in await self._of.standing(call.tenant, rows):
            if state in STANDING:
                raise Conflict("A run of this place is under way, or paused: let it end, or cancel it.")
        row = await self._of.begin(call, known, call.actor)
        return run_shown((row, GOING, None), call.at_us)

    async def pause(self, call: Call, asked: OneRun) -> RunShown:
        row, state = await self._found(call.tenant, asked.run_id)
        must_stand(state, GOING)
        return self._move(call, row, PAUSED)

    async def resume(self, call: Call, asked: OneRun) -> RunShown:
        row, state = await self._found(call.tenant, asked.run_id)
        if row.state not in STANDING:
            raise Conflict(f"This run is {row.state}.")
        must_stand(state, PAUSED, FAILED, CANCELLED)
        await self._of.go_on(call, row)
        return run_shown((row, GOING, None), call.at_us)

    async def cancel(self, call: Call, asked: OneRun) -> RunShown:
        row, _ = await self._found(call.tenant, asked.run_id)
        must_stand(row.state, *STANDING)
        return self._move(call, row, CANCELLED, ended_us=call.at_us)

    async def show(self, call: Call, asked: OneRun) -> RunShown:
        row = await self._of.run(call.tenant, asked.run_id)
        return run_shown((await self._of.standing(call.tenant, [row]))[0], call.at_us)

    async def list(self, call: Call, asked: ListRuns) -> RunsShown:
        of = self._of
        rows = await of.database.run(
            lambda c: store.runs(c, call.tenant, asked.place, before=asked.cursor, limit=asked.limit + 1)
        )
        shown = await of.standing(call.tenant, rows[: asked.limit])
        more = rows[asked.limit - 1].id if len(rows) > asked.limit else ""
        return RunsShown(runs=[run_shown(each, call.at_us) for each in shown], next=more)

    async def _found(self, tenant: TenantId, run: str) -> tuple[RunRow, str]:
        row = await self._of.run(tenant, run)
        return row, (await self._of.standing(tenant, [row]))[0][1]

    def _move(self, call: Call, row: RunRow, state: str, **more: Any) -> RunShown:
        """What a step that is under way finds still counts; the next does nothing."""
        changes = {"state": state, "changed_us": call.at_us, **more}
        call.write(partial(store.move_run, tenant=call.tenant, run=row.id, changes=changes, states=(row.state,)))  # fmt: skip
        return run_shown((row, state, None), call.at_us)


def actions(discovery: Discovery) -> list[Action]:
    desk = _Desk(discovery)
    look = partial(own_action, permission="privacy.discover")
    change = partial(own_action, permission="privacy.discover", effect=Effect.LOCAL, risk=Risk.MEDIUM)
    one = "/v1/discovery/runs/{run_id}"
    return [
        change("discovery.start", "Look through a place", "Begins a run: a job that looks at what is new or has changed, and counts what is where.", StartRun, RunShown, desk.start,
               Route("POST", "/v1/discovery/places/{place}/runs", 201), sentence="Look through the place {place}"),
        look("discovery.list", "List runs", "Runs over places, the newest first.", ListRuns, RunsShown, desk.list, Route("GET", "/v1/discovery/runs")),
        look("discovery.show", "Show a run", "How a run stands: progress, estimate, and why it failed.", OneRun, RunShown, desk.show, Route("GET", one)),
        change("discovery.pause", "Pause a run", "It stops before its next step, and keeps what it found.", OneRun, RunShown, desk.pause, Route("POST", one + "/pause")),
        change("discovery.resume", "Resume a run", "A run that was paused or failed goes on from where it was.", OneRun, RunShown, desk.resume, Route("POST", one + "/resume")),
        change("discovery.cancel", "Cancel a run", "It ends before its next step. What it has found is kept.", OneRun, RunShown, desk.cancel, Route("POST", one + "/cancel")),
    ]  # fmt: skip

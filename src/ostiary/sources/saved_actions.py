"""Saved questions and dashboards of them: the words, the statement and the chart, never an answer. Whoever opens one runs it as themselves: what is shared gives nobody a row, nor a statement that they could not have asked."""

import asyncio
from collections.abc import Iterable
from functools import partial
from typing import Annotated, Any, Literal

from pydantic import Field

from ostiary import ids
from ostiary.actions import Action, Actor, Call, Effect, Route
from ostiary.clock import rfc3339
from ostiary.errors import Conflict, NotFound, OstiaryError
from ostiary.ids import SubjectId, TenantId
from ostiary.shapes import Answer, Empty, Nothing, Params, own_action
from ostiary.sources import store
from ostiary.sources.actions import OneSource, Purpose, Statement, asker
from ostiary.sources.services import PURPOSE, Sources
from ostiary.vault.sealing import Place

SAVED_MAX = 300
"""Of one person or program, of both kinds."""
SHOWN_MAX = 2_000
TILES_MAX = 24

Id = Annotated[str, Field(min_length=1, max_length=64, description="Which one.")]
Title = Annotated[str, Field(min_length=1, max_length=120, examples=["Orders by region"])]
Column = Annotated[str, Field(max_length=300)]
Version = Annotated[int, Field(ge=1, description="The version that you changed; another is a conflict.")]
Shared = Annotated[bool, Field(description="Whether others in the tenant find it, as far as they may ask it.")]  # fmt: skip
Kind = Literal["", "table", "number", "bar", "line", "area", "scatter", "pie", "pivot", "map"]


class Chart(Params):
    """How it is drawn: `kind` empty for what fits the answer; `by`, `of` and `split` are columns of it, empty for what fits."""

    kind: Kind = ""
    by: Column = ""
    of: Column = ""
    split: Column = ""


class Save(OneSource):
    """`question`: the words that it came from."""

    title: Title
    statement: Statement
    question: Annotated[str, Field(max_length=2_000)] = ""
    purpose: Purpose = ""
    chart: Chart = Chart()
    shared: Shared = False


class One(Params):
    saved: Id


class Change(Save, One):
    version: Version


class OneDashboard(Params):
    dashboard: Id


class Make(Params):
    """`tiles`: ids of saved questions, in order."""

    title: Title
    tiles: Annotated[tuple[Id, ...], Field(max_length=TILES_MAX)] = ()
    shared: Shared = False


class Remake(Make, OneDashboard):
    version: Version


class SavedListed(Answer):
    id: str
    title: str
    source: str
    shared: bool
    own: bool
    version: int
    changed_at: str


class SavedQuestions(Answer):
    questions: list[SavedListed]


class SavedShown(SavedListed):
    statement: str
    question: str
    purpose: str
    chart: Chart


class DashboardListed(Answer):
    id: str
    title: str
    tiles: int
    shared: bool
    own: bool
    version: int
    changed_at: str


class Dashboards(Answer):
    dashboards: list[DashboardListed]


class DashboardShown(Answer):
    """`questions`: those of its tiles that whoever asks may run, in order; `hidden`: how many others there are."""

    id: str
    title: str
    questions: list[SavedShown]
    hidden: int
    shared: bool
    own: bool
    version: int
    changed_at: str


def owner(actor: Actor) -> str:
    """Whose a thing is that this actor saves: the person's, or the key's own."""
    return actor.person or actor.id


class _Desk:
    def __init__(self, sources: Sources) -> None:
        self._of = sources

    # Questions.

    async def listed(self, call: Call, _asked: Empty) -> SavedQuestions:
        rows = await self._rows(call, "question")
        found = await asyncio.to_thread(lambda: [self._content(call.tenant, row) for row in rows])
        shown = [
            _listed(call, row, content)
            for row, content in zip(rows, found, strict=True)
            if row.made_by == owner(call.actor) or await self._opens(call, content)
        ]
        return SavedQuestions(questions=shown)

    async def show(self, call: Call, asked: One) -> SavedShown:
        """Raises NotFound."""
        return await self._shown(call, await self._one(call, asked.saved, "question"))

    async def save(self, call: Call, asked: Save) -> SavedShown:
        """Raises NotFound, QueryRefused, Conflict."""
        await self._governed(call, asked.model_dump())
        row = await self._new(call, ids.new("svq"), "question", asked.shared, asked.model_dump(mode="json", exclude={"shared"}))  # fmt: skip
        return _shown(call, row, asked.model_dump(mode="json"))

    async def change(self, call: Call, asked: Change) -> SavedShown:
        """Raises NotFound, QueryRefused, Conflict."""
        before = await self._changeable(call, asked.saved, "question")
        await self._governed(call, asked.model_dump())
        content = asked.model_dump(mode="json", exclude={"shared", "saved", "version"})
        return _shown(call, await self._again(call, before, asked.version, asked.shared, content), content)

    async def remove(self, call: Call, asked: One) -> Nothing:
        """Raises NotFound."""
        row = await self._changeable(call, asked.saved, "question")
        call.write(partial(store.remove_saved, tenant=call.tenant, which=row.id))
        return Nothing()

    # Dashboards.

    async def dashboards(self, call: Call, _asked: Empty) -> Dashboards:
        rows = await self._rows(call, "dashboard")
        found = await asyncio.to_thread(lambda: [self._content(call.tenant, row) for row in rows])
        return Dashboards(
            dashboards=[
                DashboardListed(tiles=len(content["tiles"]), **_common(call, row, content))
                for row, content in zip(rows, found, strict=True)
            ]
        )

    async def dashboard(self, call: Call, asked: OneDashboard) -> DashboardShown:
        """Raises NotFound."""
        row = await self._one(call, asked.dashboard, "dashboard")
        return await self._board(call, row, await asyncio.to_thread(self._content, call.tenant, row))

    async def make(self, call: Call, asked: Make) -> DashboardShown:
        """Raises NotFound, Conflict."""
        await self._check_tiles(call, asked.tiles, shared=asked.shared)
        content = asked.model_dump(mode="json", exclude={"shared"})
        return await self._board(call, await self._new(call, ids.new("dsh"), "dashboard", asked.shared, content), content)  # fmt: skip

    async def remake(self, call: Call, asked: Remake) -> DashboardShown:
        """Raises NotFound, Conflict."""
        before = await self._changeable(call, asked.dashboard, "dashboard")
        await self._check_tiles(call, asked.tiles, shared=asked.shared)
        content = asked.model_dump(mode="json", exclude={"shared", "dashboard", "version"})
        return await self._board(call, await self._again(call, before, asked.version, asked.shared, content), content)  # fmt: skip

    async def remove_dashboard(self, call: Call, asked: OneDashboard) -> Nothing:
        """Raises NotFound."""
        row = await self._changeable(call, asked.dashboard, "dashboard")
        call.write(partial(store.remove_saved, tenant=call.tenant, which=row.id))
        return Nothing()

    async def _board(self, call: Call, row: store.SavedRow, content: dict[str, Any]) -> DashboardShown:
        shown = []
        for tile in content["tiles"]:
            try:
                shown.append(await self._shown(call, await self._one(call, tile, "question")))
            except NotFound:
                continue
        return DashboardShown(questions=shown, hidden=len(content["tiles"]) - len(shown), **_common(call, row, content))  # fmt: skip

    async def _check_tiles(self, call: Call, tiles: Iterable[str], *, shared: bool) -> None:
        """Raises NotFound, Conflict."""
        for tile in tiles:
            row = await self._one(call, tile, "question")
            if shared and not row.shared:
                raise Conflict("A shared dashboard is of shared questions: share them first.")

    # Rows.

    async def _rows(self, call: Call, kind: str) -> list[store.SavedRow]:
        whose = owner(call.actor)
        return await self._of.database.run(
            lambda connection: store.saved(connection, call.tenant, kind=kind, whose=whose, limit=SHOWN_MAX)
        )

    async def _one(self, call: Call, which: str, kind: str) -> store.SavedRow:
        """What is somebody's own, or shared. Raises NotFound."""
        row = await self._of.database.run(lambda connection: store.saved_one(connection, call.tenant, which))
        if row is None or row.kind != kind or not (row.shared or row.made_by == owner(call.actor)):
            raise NotFound(f"There is no such {kind}.")
        return row

    async def _changeable(self, call: Call, which: str, kind: str) -> store.SavedRow:
        """One's own, or a shared one for whoever looks after sources. Raises NotFound."""
        row = await self._one(call, which, kind)
        if row.made_by != owner(call.actor) and "source.manage" not in call.actor.permissions:
            raise NotFound(f"There is no such {kind} of yours.")
        return row

    async def _new(self, call: Call, made: str, kind: str, shared: bool, content: dict[str, Any]) -> store.SavedRow:  # fmt: skip
        row = store.SavedRow(made, kind, owner(call.actor), shared, 1, await self._sealed(call.tenant, made, content), call.at_us, call.at_us)  # fmt: skip
        call.write(partial(store.add_saved, tenant=call.tenant, row=row, most=SAVED_MAX))
        return row

    async def _again(self, call: Call, before: store.SavedRow, version: int, shared: bool, content: dict[str, Any]) -> store.SavedRow:  # fmt: skip
        sealed = await self._sealed(call.tenant, before.id, content)
        row = store.SavedRow(before.id, before.kind, before.made_by, shared, version + 1, sealed, before.made_us, call.at_us)  # fmt: skip
        call.write(partial(store.change_saved, tenant=call.tenant, row=row, before=version))
        return row

    async def _sealed(self, tenant: TenantId, which: str, content: dict[str, Any]) -> bytes:
        await self._of.vault.prepare(tenant, PURPOSE, [SubjectId("")])
        return await asyncio.to_thread(
            self._of.vault.seal_json, _place(tenant, which), content, purpose=PURPOSE
        )

    def _content(self, tenant: TenantId, row: store.SavedRow) -> dict[str, Any]:
        found: dict[str, Any] = self._of.vault.open_json(_place(tenant, row.id), row.content)
        return found

    # What it would be for whoever asks.

    async def _shown(self, call: Call, row: store.SavedRow) -> SavedShown:
        """Raises NotFound where others may not ask it."""
        content = await asyncio.to_thread(self._content, call.tenant, row)
        if row.made_by != owner(call.actor) and not await self._runs(call, content):
            raise NotFound("There is no such question.")
        return _shown(call, row, content)

    async def _opens(self, call: Call, content: dict[str, Any]) -> bool:
        try:
            known = await self._of.known(call.tenant, content["source"])
        except NotFound:
            return False
        return bool(known.opened.view(asker(call.actor, content["purpose"])).tables)

    async def _runs(self, call: Call, content: dict[str, Any]) -> bool:
        try:
            await self._governed(call, content)
        except OstiaryError:
            return False
        return True

    async def _governed(self, call: Call, content: dict[str, Any]) -> None:
        """Raises NotFound, QueryRefused, Conflict."""
        await self._of.asked(call, content["source"], content["statement"], asker(call.actor, content["purpose"]))  # fmt: skip


def _common(call: Call, row: store.SavedRow, content: dict[str, Any]) -> dict[str, Any]:
    own = row.made_by == owner(call.actor)
    return {"id": row.id, "title": content["title"], "shared": row.shared, "own": own, "version": row.version, "changed_at": rfc3339(row.changed_us)}  # fmt: skip


def _listed(call: Call, row: store.SavedRow, content: dict[str, Any]) -> SavedListed:
    return SavedListed(source=content["source"], **_common(call, row, content))


def _shown(call: Call, row: store.SavedRow, content: dict[str, Any]) -> SavedShown:
    said = {name: content[name] for name in ("source", "statement", "question", "purpose", "chart")}
    return SavedShown(**said, **_common(call, row, content))


def _place(tenant: TenantId, which: str) -> Place:
    return Place(tenant, "source_saved", "content", which)


def actions(sources: Sources) -> list[Action]:
    desk = _Desk(sources)
    look = partial(own_action, permission="source.ask", keeps_answer=False)
    change = partial(own_action, permission="source.ask", effect=Effect.LOCAL, keeps_answer=False)
    one, board = "/v1/saved-questions/{saved}", "/v1/dashboards/{dashboard}"
    return [
        look("saved.list", "List saved questions", "Your own, and what others share of sources that are open to you.", Empty, SavedQuestions, desk.listed, Route("GET", "/v1/saved-questions")),
        look("saved.show", "Show a saved question", "Its statement and chart. There is no answer in it: query the source. One of somebody else is there where you might run it.", One, SavedShown, desk.show, Route("GET", one)),
        change("saved.save", "Save a question", "Keep a statement with a chart under a title. No answer is kept.", Save, SavedShown, desk.save, Route("POST", "/v1/saved-questions"), sentence="Save {title}: {statement}"),
        change("saved.change", "Change a saved question", "Replace it as a whole. Your own, or, for whoever looks after sources, a shared one.", Change, SavedShown, desk.change, Route("PUT", one), sentence="Change {saved} to {title}: {statement}"),
        change("saved.remove", "Remove a saved question", "Dashboards show it no more.", One, Nothing, desk.remove, Route("DELETE", one), sentence="Remove the saved question {saved}"),
        look("dashboard.list", "List dashboards", "Your own, and what others share.", Empty, Dashboards, desk.dashboards, Route("GET", "/v1/dashboards")),
        look("dashboard.show", "Show a dashboard", "Its saved questions, as far as you may run them. There are no answers in it.", OneDashboard, DashboardShown, desk.dashboard, Route("GET", board)),
        change("dashboard.make", "Make a dashboard", "Of saved questions, in this order. A shared one is of shared questions.", Make, DashboardShown, desk.make, Route("POST", "/v1/dashboards"), sentence="Make the dashboard {title}"),
        change("dashboard.change", "Change a dashboard", "Replace it as a whole. Your own, or, for whoever looks after sources, a shared one.", Remake, DashboardShown, desk.remake, Route("PUT", board), sentence="Change the dashboard {dashboard} to {title}"),
        change("dashboard.remove", "Remove a dashboard", "Its questions stay.", OneDashboard, Nothing, desk.remove_dashboard, Route("DELETE", board), sentence="Remove the dashboard {dashboard}"),
    ]  # fmt: skip

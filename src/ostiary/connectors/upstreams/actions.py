"""What can be asked about upstream MCP servers: what they offer, what of it was accepted, and the decision about each definition.

A decision names a pin, and a pin names one definition byte for byte: what a person saw is what they accept, and nothing else. Over what it takes the place
of they decide too (`replaces`): if another definition was accepted meanwhile, the difference that they saw is not the one they would make.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field
from sqlalchemy import Connection

from ostiary.actions import Action, Call, Effect, JsonValue, Masking, Recorded, Risk, Route
from ostiary.clock import rfc3339
from ostiary.connectors import store as connector_store
from ostiary.connectors.mcp import store
from ostiary.connectors.mcp.definition import Definition, differences
from ostiary.connectors.mcp.pinned import Unenforceable, compiled
from ostiary.connectors.mcp.scan import scan
from ostiary.connectors.mcp.store import State, ToolRow
from ostiary.connectors.mcp.upstream import Offered
from ostiary.connectors.settings import Name
from ostiary.connectors.upstreams.shelf import Accepted, Upstreams
from ostiary.errors import Conflict, Fault, InvalidParameters, NotFound
from ostiary.ids import TenantId
from ostiary.shapes import Answer, Empty, ModelShape, Params

TOOLS_AT_ONCE_MAX = 200
Pin = Annotated[
    str, Field(pattern=r"^[0-9a-f]{64}$", description="The definition, by its canonical SHA-256.")
]

Announce = Callable[[TenantId, str, dict[str, JsonValue]], Callable[[Connection], None]]
"""tenant, connector, what happened -> rows that tell whoever asked to be told."""


class Which(Params):
    name: Name


class Choice(Params):
    """What a person says of a tool that they accept. What is not said asks a person each time."""

    pin: Pin
    replaces: Annotated[
        str,
        Field(
            pattern=r"^([0-9a-f]{64})?$",
            description="The accepted definition of the same name, as it was shown.",
        ),
    ] = ""
    effect: Literal["read", "write"] = "write"
    risk: Risk = Risk.HIGH
    confirmation: Literal["never", "once_per_session", "always"] = "always"
    egress: Annotated[
        bool,
        Field(
            description="For one that reads: its parameters may carry something outward, so each value is judged."
        ),
    ] = True


class Accept(Params):
    name: Name
    tools: Annotated[tuple[Choice, ...], Field(min_length=1, max_length=TOOLS_AT_ONCE_MAX)]


class Refuse(Params):
    name: Name
    pins: Annotated[tuple[Pin, ...], Field(min_length=1, max_length=TOOLS_AT_ONCE_MAX)]


class Finding(Answer):
    pointer: str
    kind: str
    detail: str


class Changed(Answer):
    """One place where a definition differs from the accepted one (`kind`: added, removed, changed); `null` where there is nothing."""

    pointer: str
    kind: str
    before: Any
    after: Any


class Tool(Answer):
    """`state`: waiting, accepted, refused or replaced. `replaces`: the pin of the accepted definition of this name, if it is another; then `changes` says how
    they differ. `enforceable`: whether its input schema can be checked; a tool without is not accepted. `hints` is what the server itself says of it: untrusted."""

    name: str
    pin: str
    state: str
    listed: bool
    definition: Any
    findings: list[Finding]
    replaces: str
    changes: list[Changed]
    enforceable: bool
    hints: Any
    effect: str
    risk: str
    confirmation: str
    seen_at: str
    decided_at: str
    decided_by: str


class Shown(Answer):
    name: str
    paused: bool
    pass_through: bool
    tools: list[Tool]


class Brief(Answer):
    name: str
    pass_through: bool
    accepted: int
    waiting: int


class Listed(Answer):
    upstreams: list[Brief]


class Looked(Answer):
    """`new`: definitions that went into quarantine now. `gone`: accepted tools that are offered no more. `unreadable`: entries that are no tools, or share a name."""

    offered: int
    new: list[str]
    gone: list[str]
    unreadable: int


class Decided(Answer):
    name: str
    tools: list[str]


Run = Callable[[Call, Any], Awaitable[Any]]


def actions(upstreams: Upstreams, announce: Announce) -> list[Action]:
    """The actions over one `Upstreams`."""
    desk = Desk(upstreams, announce)
    return [
        _action("list", "List upstreams", "Connected MCP servers: how many of their tools are accepted, how many wait in quarantine.",
                (Empty, Listed), desk.all, Route("GET", "/v1/upstreams"), reads=True),
        _action("show", "Show an upstream", "Every definition that a server has offered: what was decided about it, how it differs from the accepted one, and what "
                "a person should look at. Texts of the server are untrusted.",
                (Which, Shown), desk.show, Route("GET", "/v1/upstreams/{name}"), reads=True),
        _action("look", "Look at an upstream", "Ask a server what it offers now. What nobody has accepted goes into quarantine.",
                (Which, Looked), desk.look, Route("POST", "/v1/upstreams/{name}/look"), sentence="Look at the upstream {name}", risk=Risk.LOW),
        _action("accept", "Accept tools of an upstream", "Let these definitions be seen and called, each as it was shown. It takes the place of the accepted one of its name.",
                (Accept, Decided), desk.accept, Route("POST", "/v1/upstreams/{name}/accept"), sentence="Accept tools of the upstream {name}"),
        _action("refuse", "Refuse tools of an upstream", "Keep these definitions in quarantine for good; accepted ones are called no more from now on.",
                (Refuse, Decided), desk.refuse, Route("POST", "/v1/upstreams/{name}/refuse"), sentence="Refuse tools of the upstream {name}", risk=Risk.LOW),
    ]  # fmt: skip


def _action(
    name: str, title: str, description: str, models: tuple[type[Params], type[Answer]], run: Run, route: Route, *,
    reads: bool = False, sentence: str = "", risk: Risk = Risk.HIGH,
) -> Action:  # fmt: skip
    return Action(
        name=f"upstream.{name}",
        title=title,
        description=description,
        permission="connector.read" if reads else "connector.manage",
        risk=Risk.LOW if reads else risk,
        effect=Effect.NONE if reads else Effect.LOCAL,
        params=ModelShape(models[0]),
        result=ModelShape(models[1]),
        run=run,
        route=route,
        recorded=Recorded.BATCHED if reads else Recorded.DURABLE,
        masking=Masking.OWN,
        sentence=sentence,
        hash="1",
    )


class Desk:
    """The actions' functions."""

    def __init__(self, upstreams: Upstreams, announce: Announce) -> None:
        self._upstreams = upstreams
        self._connectors = upstreams.connectors
        self._announce = announce

    async def all(self, call: Call, _params: Empty) -> Listed:
        shelf = await self._upstreams.shelf(call.tenant)
        waiting = await self._connectors.database.run(lambda c: store.waiting(c, call.tenant))
        return Listed(
            upstreams=[
                Brief(
                    name=each.name,
                    pass_through=each.passes,
                    accepted=len(each.accepted),
                    waiting=waiting.get(each.name, 0),
                )
                for each in shelf.values()
            ]
        )

    async def show(self, call: Call, params: Which) -> Shown:
        connector, rows = await self._rows(call.tenant, params.name)
        shelf = await self._upstreams.shelf(call.tenant)
        found = shelf[params.name]
        opened = [(row, one) for row in rows if (one := self._upstreams.opened(call.tenant, row)) is not None]
        standing = {one.tool.name: one for row, one in opened if row.state is State.ACCEPTED}
        tools = [_tool(row, one, standing.get(one.tool.name)) for row, one in opened]
        tools.sort(key=lambda tool: (tool.state != State.WAITING, tool.name, tool.seen_at))
        return Shown(name=params.name, paused=connector.paused, pass_through=found.passes, tools=tools)

    async def look(self, call: Call, params: Which) -> Looked:
        """Raises NotFound and the Target errors."""
        _connector, rows = await self._rows(call.tenant, params.name)
        async with self._connectors.upstream(call.tenant, params.name) as upstream:
            offered = await upstream.offered(call.actor, now=True)
        return await self.compared(call, params.name, rows, offered)

    async def compared(self, call: Call, name: str, rows: Sequence[ToolRow], offered: Offered) -> Looked:
        """What differs between what is offered and what is known; rows that say so are written with the call."""
        now_us = self._connectors.clock.now_us()
        known = {row.pin: row for row in rows}
        pins = {one.pin for one in offered.tools.values()}
        back = (State.REPLACED,)
        new = [
            one
            for one in offered.tools.values()
            if one.pin not in known or known[one.pin].state in back or not known[one.pin].listed
        ]
        fresh = [one for one in new if one.pin not in known or known[one.pin].state in back]
        gone = [row for row in rows if row.listed and row.pin not in pins]
        quarantine = self._upstreams.quarantine
        await quarantine.prepare(call.tenant)
        made = [quarantine.row(call.tenant, name, one, now_us) for one in new]

        def write(connection: Connection) -> None:
            for row in made:
                store.seen(connection, call.tenant, row)
            if gone:
                store.unlisted(connection, call.tenant, name, [row.pin for row in gone])
            store.bound(connection, call.tenant, name)

        if made or gone:
            call.write(write)
        if fresh:
            call.write(self._announce(call.tenant, name, {"upstream": name, "tools": len(fresh)}))
        return Looked(
            offered=len(offered.tools),
            new=sorted(one.name for one in fresh),
            gone=sorted(self._name_of(call.tenant, row) for row in gone if row.state is State.ACCEPTED),
            unreadable=offered.faulty + len(offered.twice),
        )

    def _name_of(self, tenant: TenantId, row: ToolRow) -> str:
        opened = self._upstreams.opened(tenant, row)
        return opened.tool.name if opened else ""

    async def accept(self, call: Call, params: Accept) -> Decided:
        """Raises NotFound, Conflict, InvalidParameters."""
        _connector, rows = await self._rows(call.tenant, params.name)
        await self._upstreams.quarantine.prepare(call.tenant)
        opened = {row.pin: (row, self._upstreams.opened(call.tenant, row)) for row in rows}
        standing = {one.tool.name: row for row, one in opened.values() if one and row.state is State.ACCEPTED}
        names: list[str] = []
        for index, choice in enumerate(params.tools):
            row, one = opened.get(choice.pin, (None, None))
            if row is None or one is None:
                raise NotFound
            self._check(index, one.tool, choice, standing.get(one.tool.name), again=one.tool.name in names)
            names.append(one.tool.name)
            self._accepted(call, params.name, row, one.tool, choice)
        return Decided(name=params.name, tools=names)

    def _check(
        self, index: int, tool: Definition, choice: Choice, stands: ToolRow | None, *, again: bool
    ) -> None:
        """Raises Conflict, InvalidParameters."""
        if again:
            raise InvalidParameters(faults=(Fault(f"/tools/{index}/pin", "two definitions of one name"),))
        if choice.risk is Risk.HIGH and choice.confirmation == "never":
            raise InvalidParameters(
                faults=(
                    Fault(f"/tools/{index}/confirmation", "high risk is never run without a person's yes"),
                )
            )
        before = stands.pin if stands else ""
        if before not in (choice.replaces, choice.pin):
            raise Conflict(
                "Another definition of this name is accepted than the one that was shown; look at the difference again."
            )
        try:
            compiled(tool.whole.get("inputSchema"))
        except Unenforceable:
            raise InvalidParameters(
                faults=(
                    Fault(
                        f"/tools/{index}/pin",
                        "its input schema cannot be enforced: it reaches outside, or has a pattern that is not regular",
                    ),
                )
            ) from None

    def _accepted(self, call: Call, name: str, row: ToolRow, tool: Definition, choice: Choice) -> None:
        document = {
            "definition": dict(tool.whole),
            "effect": choice.effect,
            "risk": choice.risk.value,
            "confirmation": choice.confirmation,
            "egress": choice.egress,
        }
        sealed = self._upstreams.quarantine.sealed(call.tenant, name, document, row.pin)
        at_us, by = self._connectors.clock.now_us(), call.actor.id
        decided = ToolRow(name, row.pin, State.ACCEPTED, row.listed, sealed, row.seen_us, at_us, by)
        if choice.replaces and choice.replaces != choice.pin:
            call.write(lambda connection: store.replace(connection, call.tenant, name, choice.replaces))
        call.write(lambda connection: store.decide(connection, call.tenant, decided, was=row.state))

    async def refuse(self, call: Call, params: Refuse) -> Decided:
        """Raises NotFound, Conflict."""
        _connector, rows = await self._rows(call.tenant, params.name)
        await self._upstreams.quarantine.prepare(call.tenant)
        by_pin = {row.pin: row for row in rows}
        names = []
        for pin in dict.fromkeys(params.pins):
            row = by_pin.get(pin)
            one = self._upstreams.opened(call.tenant, row) if row else None
            if row is None or one is None:
                raise NotFound
            names.append(one.tool.name)
            self._refused(call, params.name, row)
        return Decided(name=params.name, tools=names)

    def _refused(self, call: Call, name: str, row: ToolRow) -> None:
        at_us, by = self._connectors.clock.now_us(), call.actor.id
        decided = ToolRow(name, row.pin, State.REFUSED, row.listed, row.document, row.seen_us, at_us, by)
        call.write(lambda connection: store.decide(connection, call.tenant, decided, was=row.state))

    async def _rows(self, tenant: TenantId, name: str) -> tuple[connector_store.ConnectorRow, list[ToolRow]]:
        """Raises NotFound: no connector of this name leads to an MCP server."""

        def look(connection: Connection) -> tuple[connector_store.ConnectorRow | None, list[ToolRow]]:
            return connector_store.find(connection, tenant, name), store.of_connector(
                connection, tenant, name
            )

        connector, rows = await self._connectors.database.run(look)
        if connector is None or connector.kind != "mcp":
            raise NotFound
        return connector, rows


def _tool(row: ToolRow, one: Accepted, stands: Accepted | None) -> Tool:
    whole = dict(one.tool.whole)
    other = stands if stands is not None and stands.tool.pin != row.pin else None
    changes = differences(dict(other.tool.whole), whole) if other and row.state is not State.REPLACED else []
    decided = row.state in (State.ACCEPTED, State.REPLACED)
    return Tool(
        name=one.tool.name,
        pin=row.pin,
        state=row.state.value,
        listed=row.listed,
        definition=whole,
        findings=[Finding(pointer=each.pointer, kind=each.kind, detail=each.detail) for each in scan(whole)],
        replaces=other.tool.pin if other else "",
        changes=[
            Changed(pointer=each.pointer, kind=each.kind, before=each.before, after=each.after)
            for each in changes
        ],
        enforceable=_enforceable(whole.get("inputSchema")),
        hints=whole.get("annotations") or {},
        effect=("read" if one.effect is Effect.NONE else "write") if decided else "",
        risk=one.risk.value if decided else "",
        confirmation=one.confirmation.value if decided else "",
        seen_at=rfc3339(row.seen_us),
        decided_at=rfc3339(row.decided_us) if row.decided_us else "",
        decided_by=row.decided_by,
    )


def _enforceable(schema: JsonValue) -> bool:
    try:
        compiled(schema)
    except Unenforceable:
        return False
    return True

"""What each tenant has accepted of its upstreams, and the actions that a client of `/mcp/<upstream>` calls by it.

A tool that a person accepted is an action of its own: its schema is the pinned one, its risk what that person said. Lists, prompts, resources, completion,
subscriptions and the conversation itself are generic actions, one each per upstream. What contracts say of a tool goes before all of this; see the face.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from ostiary.actions import Action, Confirmation, Effect, JsonValue, Risk
from ostiary.connectors import store as connector_store
from ostiary.connectors.connectors import Connectors
from ostiary.connectors.mcp import store
from ostiary.connectors.mcp.definition import Definition, definition, slug
from ostiary.connectors.mcp.pinned import Anything, PinnedShape
from ostiary.connectors.opening import fingerprint, read_settings, settings_place
from ostiary.connectors.settings import McpSettings
from ostiary.connectors.upstreams.generic import GENERIC, Generic, Running
from ostiary.connectors.upstreams.quarantine import Quarantine, document_place
from ostiary.db.kept import Kept
from ostiary.errors import TargetAnswerInvalid
from ostiary.ids import TenantId

TENANTS_HELD_MAX = 1_000
PREFIX = "mcp."
PERMISSION = "contract.call"


@dataclass(frozen=True, slots=True)
class Accepted:
    """A definition that a person accepted, and what they said of it."""

    tool: Definition
    effect: Effect
    risk: Risk
    confirmation: Confirmation
    egress: bool


@dataclass(frozen=True, slots=True)
class Upstreamed:
    """One upstream of a tenant. `word` stands for its name in names of actions. `passes`: whether clients are let through at `/mcp/<name>`."""

    name: str
    word: str
    passes: bool
    roles: frozenset[str]
    configured: str
    accepted: Mapping[str, Accepted] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)
    refused: frozenset[str] = frozenset()
    judged: bool = True
    """Whether what is read there may carry only values that are explained."""

    @property
    def pins(self) -> frozenset[str]:
        return frozenset(each.tool.pin for each in self.accepted.values())

    def tool_action(self, tool: str) -> str:
        """The name of the action that stands for a tool, whether there is one or not."""
        return f"{PREFIX}{self.word}.tools.{slug(tool)}"


Shelf = Mapping[str, Upstreamed]


class Upstreams:
    """Every tenant's upstreams, by their names; kept in memory until a connector or a decision changes."""

    def __init__(self, connectors: Connectors) -> None:
        self.connectors = connectors
        self.quarantine = Quarantine(connectors.vault)
        self._kept: Kept[Shelf] = Kept(
            connectors.database.signals, store.CHANGED, connector_store.CHANGED, most=TENANTS_HELD_MAX
        )
        self._actions: dict[tuple[str, str, str], Action] = {}
        connectors.refused = self._refused

    async def named(self, tenant: TenantId, name: str) -> Upstreamed | None:
        """The upstream that a connector of this name leads to; None where there is none that lets clients through."""
        found = (await self.shelf(tenant)).get(name)
        return found if found is not None and found.passes else None

    async def action(self, tenant: TenantId, name: str) -> Action | None:
        """The action of this name (`mcp.<upstream>.<kind>`, `mcp.<upstream>.tools.<tool>`); None: there is none."""
        parts = name.split(".")
        if len(parts) not in (3, 4) or parts[0] != "mcp":
            return None
        found = next((each for each in (await self.shelf(tenant)).values() if each.word == parts[1]), None)
        if found is None or not found.passes:
            return None
        if len(parts) == 3:
            kind = GENERIC.get(parts[2])
            return (
                self._held(
                    tenant, found, f"{kind.name}|{_all(found)}", lambda: self._generic(tenant, found, kind)
                )
                if kind
                else None
            )
        tool = found.words.get(parts[3]) if parts[2] == "tools" else None
        if tool is None:
            return None
        one = found.accepted[tool]
        said = f"{one.tool.pin}|{one.effect}|{one.risk}|{one.confirmation}|{one.egress}"
        return self._held(tenant, found, said, lambda: self._tool(tenant, found, one))

    async def _refused(self, tenant: TenantId, name: str, pin: str) -> bool:
        """Whether a person has said no to this definition, whatever a contract says of it."""
        found = (await self.shelf(tenant)).get(name)
        return found is None or pin in found.refused

    async def shelf(self, tenant: TenantId) -> Shelf:
        kept = self._kept.get(tenant)
        if kept is None:
            mark = self._kept.mark()
            kept = await asyncio.to_thread(self._read, tenant)
            self._kept.keep(tenant, tenant, kept, mark)
        return kept

    def _read(self, tenant: TenantId) -> Shelf:
        def look(connection: Connection) -> tuple[list[connector_store.ConnectorRow], list[store.ToolRow]]:
            return connector_store.listed(connection, tenant), store.decided(connection, tenant)

        rows, tools = self.connectors.database.read(look)
        made = {}
        for row in rows:
            if row.kind == "mcp":
                mine = [each for each in tools if each.connector == row.name]
                made[row.name] = self._upstreamed(tenant, row, mine)
        return made

    def _upstreamed(
        self, tenant: TenantId, row: connector_store.ConnectorRow, tools: list[store.ToolRow]
    ) -> Upstreamed:
        raw = self.connectors.vault.open(settings_place(tenant, row.name), row.settings)
        settings: McpSettings = read_settings(raw)
        accepted: dict[str, Accepted] = {}
        for tool in tools:
            one = self.opened(tenant, tool) if tool.state is store.State.ACCEPTED else None
            if one is not None:
                accepted[one.tool.name] = one
        passes = settings.pass_through and not row.paused
        return Upstreamed(
            row.name,
            slug(row.name),
            passes,
            frozenset(settings.roles),
            fingerprint(row.name, raw),
            accepted,
            {slug(name): name for name in accepted},
            frozenset(tool.pin for tool in tools if tool.state is store.State.REFUSED),
            settings.reads == "judged",
        )

    def opened(self, tenant: TenantId, row: store.ToolRow) -> Accepted | None:
        """What a row holds; None where it is not what its pin says, which no decision stands for then."""
        document: Any = self.connectors.vault.open_json(
            document_place(tenant, row.connector, row.pin), row.document
        )
        try:
            tool = definition(document["definition"])
        except TargetAnswerInvalid:
            return None
        if tool.pin != row.pin:
            return None
        return Accepted(
            tool,
            Effect.NONE if document.get("effect") == "read" else Effect.OUTSIDE,
            Risk(document.get("risk", Risk.HIGH)),
            Confirmation(document.get("confirmation", Confirmation.ALWAYS)),
            document.get("egress", True) is not False,
        )

    def _held(self, tenant: TenantId, found: Upstreamed, what: str, make: Callable[[], Action]) -> Action:
        """Actions are made once for what they stand for: whatever changes them is part of the name."""
        key = (tenant, f"{found.name}|{found.configured}", what)
        held = self._actions.get(key)
        if held is None:
            if len(self._actions) >= TENANTS_HELD_MAX * 10:
                self._actions.clear()
            held = self._actions[key] = make()
        return held

    def _running(self, tenant: TenantId, found: Upstreamed) -> Running:
        return Running(self.connectors, self.quarantine, tenant, found.name, found.pins)

    def _generic(self, tenant: TenantId, found: Upstreamed, kind: Generic) -> Action:
        return Action(
            name=f"{PREFIX}{found.word}.{kind.name}",
            title=kind.title,
            description=f"{kind.description} ({found.name})",
            permission=PERMISSION,
            risk=Risk.LOW,
            effect=kind.effect,
            params=Anything(),
            result=Anything(),
            run=self._running(tenant, found).of(kind),
            roles=found.roles,
            recorded=kind.recorded,
            hash=fingerprint(kind.name, found.configured.encode()),
            contract=bool(kind.labels) or kind.answers,
            handshake=kind.handshake,
            labels=kind.labels,
            egress=bool(kind.labels) and found.judged,
        )

    def _tool(self, tenant: TenantId, found: Upstreamed, accepted: Accepted) -> Action:
        tool = accepted.tool
        whole: Mapping[str, JsonValue] = tool.whole
        running = self._running(tenant, found)
        return Action(
            name=found.tool_action(tool.name),
            title=str(whole.get("title") or tool.name)[:100],
            description=f"The tool of the upstream {found.name}, as it was accepted.",
            permission=PERMISSION,
            risk=accepted.risk,
            effect=accepted.effect,
            params=PinnedShape(whole.get("inputSchema")),
            result=Anything(),
            run=running.of_tool(tool),
            confirmation=accepted.confirmation,
            roles=found.roles,
            hash=fingerprint(
                f"{tool.pin}|{accepted.effect}|{accepted.risk}|{accepted.confirmation}|{accepted.egress}",
                found.configured.encode(),
            ),
            contract=True,
            egress=accepted.effect is Effect.NONE and accepted.egress,
            preview=running.preview_of(tool),
        )


def _all(found: Upstreamed) -> str:
    """What generic actions depend on: every accepted pin."""
    return fingerprint("", "".join(sorted(found.pins)).encode())

"""A real door behind the real MCP face, on a port of 127.0.0.1: two tenants with contracts of their own. Only who holds which key is made up."""

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx2
import orjson
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from mcp_types import ErrorData
from starlette.applications import Starlette
from starlette.routing import Route

from ostiary.actions import (
    Action,
    Actor,
    ActorKind,
    Call,
    Confirmation,
    Effect,
    Face,
    JsonValue,
    Registry,
    Risk,
    Surface,
)
from ostiary.app import consents
from ostiary.asgi.caller import Proxies
from ostiary.audit import store
from ostiary.audit.log import Audit
from ostiary.clock import SystemClock
from ostiary.consent.actions import Consent
from ostiary.consent.actions import actions as consent_actions
from ostiary.consent.ledger import Ledger
from ostiary.consent.watch import Watch
from ostiary.contracts.schema import SchemaShape
from ostiary.db.database import Database
from ostiary.db.tables import keys_metadata, metadata
from ostiary.door.door import Door
from ostiary.door.outcome import Done, Held
from ostiary.door.perform import Performer
from ostiary.door.resume import Resumer
from ostiary.errors import CredentialRefused, TargetRefused
from ostiary.identity.gate import Entrance
from ostiary.identity.presented import Presented
from ostiary.ids import INSTALL, TenantId
from ostiary.jobs.processes import Processes
from ostiary.mcp_server.face import McpFace
from ostiary.privacy.policy import Masker
from ostiary.provenance.provenance import Provenance
from ostiary.sample.serving import served
from ostiary.secret import Secret
from ostiary.shield.admission import Shield
from ostiary.shield.leases import Leases
from ostiary.shield.limits.limits import Limits
from ostiary.shield.stops import Stops
from ostiary.vault.root import EnvironmentRoot
from ostiary.vault.sealing import Vault
from tests.keys import ROOT_KEY

NORTH, SOUTH = TenantId("ten_north"), TenantId("ten_south")
MAY = frozenset({"contract.call", "me.own"})
DECIDES = MAY | {"approval.decide", "approval.read", "call.read"}


def agent(tenant: TenantId, name: str, **more: Any) -> Actor:
    return Actor(tenant, ActorKind.AGENT, name, permissions=MAY, roles=frozenset({"support"}), **more)


ACTORS = {
    "ost_north": agent(NORTH, "key_north"),
    "ost_other": agent(NORTH, "key_other"),
    "ost_south": agent(SOUTH, "key_south"),
    "ost_narrow": agent(NORTH, "key_narrow", scopes=frozenset({"customer.*"})),
    "ost_viewer": Actor(NORTH, ActorKind.AGENT, "key_viewer", permissions=frozenset({"me.own"})),
    "ost_web": Actor(NORTH, ActorKind.CUSTOMER, "key_web", permissions=MAY, surface=Surface.WRITE_ONLY),
}
ACTORS["ost_script"] = replace(ACTORS["ost_north"], kind=ActorKind.PROGRAM, id="key_script")
PERSON = Actor(NORTH, ActorKind.PERSON, "per_boss", permissions=DECIDES, stepped_up_us=1)


class Keyring:
    """Stands where the gate stands: who holds which key is given."""

    async def enter(self, presented: Presented) -> Entrance:
        if presented.bearer is None:
            return Entrance(Actor(INSTALL, ActorKind.ANONYMOUS, ""))
        found = ACTORS.get(presented.bearer.reveal())
        if found is None:
            raise CredentialRefused
        return Entrance(found)

    async def whose(self, _presented: Presented) -> Actor:
        return Actor(INSTALL, ActorKind.ANONYMOUS, "")


class Shelf:
    """Stands where the book stands: each tenant's contracts are given."""

    def __init__(self, contracts: Mapping[TenantId, list[Action]]) -> None:
        self._contracts = {
            tenant: {action.name: action for action in listed} for tenant, listed in contracts.items()
        }

    async def actions(self, tenant: TenantId) -> Mapping[str, Action]:
        return self._contracts.get(tenant, {})

    async def get(self, tenant: TenantId, name: str) -> Action | None:
        return self._contracts.get(tenant, {}).get(name)


@dataclass
class Works:
    """What the contracts did, in the order they did it."""

    done: list[tuple[str, JsonValue]] = field(default_factory=list)

    def contract(self, name: str, effect: Effect, **more: Any) -> Action:
        async def run(call: Call, params: Any) -> JsonValue:
            self.done.append((call.action.name, params))
            if params.get("invoice") == "INV-broken":
                raise TargetRefused
            return {"email": "nora.pellow@example.com", "number": len(self.done)}

        properties = {"invoice": {"type": "string", "maxLength": 20}}
        return Action(
            name=name, title=name.title(), description=f"Does {name}.", permission="contract.call", risk=more.pop("risk", Risk.LOW), effect=effect,
            params=SchemaShape({"type": "object", "properties": properties, "required": ["invoice"], "additionalProperties": False}),
            result=SchemaShape({"type": "object", "properties": {"email": {"type": "string", "format": "email"}}}, answers=True),
            run=run, contract=True, hash="1" * 64, sentence=name, **more,
        )  # fmt: skip

    def contracts(self) -> dict[TenantId, list[Action]]:
        asked: dict[str, Any] = {"risk": Risk.MEDIUM, "confirmation": Confirmation.ALWAYS}
        return {
            NORTH: [
                self.contract("customer.show", Effect.NONE),
                self.contract("invoice.refund", Effect.OUTSIDE, **asked),
                self.contract(
                    "note.add_line", Effect.OUTSIDE, surfaces=frozenset({Surface.ADMIN, Surface.WRITE_ONLY})
                ),
            ],
            SOUTH: [self.contract("order.status", Effect.NONE)],
        }


class Gateway:
    """`url` of the running face, what the contracts did, and the person who decides."""

    def __init__(self, folder: Path, *, wait_s: int) -> None:
        clock, self.works = SystemClock(), Works()
        self.database, self.keys = (
            Database(f"sqlite:///{folder / 'data.db'}"),
            Database(f"sqlite:///{folder / 'keys.db'}"),
        )
        metadata.create_all(self.database.engine())
        keys_metadata.create_all(self.keys.engine())
        self.vault = Vault(self.keys, EnvironmentRoot(Secret(ROOT_KEY)), clock)
        self.database.marks = self.vault.marks()
        for tenant in (NORTH, SOUTH, INSTALL):
            self.vault.create_tenant_now(tenant)
        self.audit = Audit(self.database, self.vault, clock, origin="tests.example")
        provenance, shelf = Provenance(self.database, self.vault, clock), Shelf(self.works.contracts())
        ledger = Ledger(
            self.database,
            self.vault,
            clock,
            Watch(),
            Processes(self.database, clock, "serve"),
            approval_ttl_s=3600,
            idempotency_ttl_s=3600,
        )
        performer = Performer(
            ledger, Masker(self.database), provenance, self.audit, self.vault, clock, call_timeout_s=5
        )
        parts = consents.build(self.database, self.vault, clock, ledger, provenance, self._who, step_up_s=600)
        consent = Consent(
            self.database,
            ledger,
            clock,
            parts.approving,
            step_up_s=600,
            wake=lambda: self.resumer.wake(),
            still=lambda actor: self.door.still(actor),
        )
        limits = Limits(self.database, clock)
        registry = Registry(consent_actions(consent))
        shield = Shield(
            Leases(self.database, self.vault, clock),
            Stops(self.database),
            clock,
            key_rate_per_s=1000,
            anonymous_rate_per_minute=600,
            calls_at_once_max=100,
            limits=limits,
        )
        self.door = Door(
            registry,
            Keyring(),
            shield,
            shelf,
            provenance,
            parts.consenting,
            ledger,
            performer,
            self.audit,
            self.vault,
            clock,
        )  # type: ignore[arg-type]
        self.resumer = Resumer(
            registry,
            shelf,
            ledger,
            performer,
            self.audit,
            self.vault,
            clock,
            tenants=self._tenants,
            who_now=self._who,
            stops=Stops(self.database),
            limits=limits,
            policies=parts.policies,
            approving=parts.approving,
        )  # type: ignore[arg-type]
        hosts = frozenset({"127.0.0.1", "localhost"})
        self.face = McpFace(
            self.door,
            ledger,
            self.vault,
            clock,
            Proxies(),
            hosts=hosts,
            wait_s=wait_s,
            body_bytes_max=65_536,
            public_url="https://gateway.example",
        )
        self.url = ""
        self.serving = threading.Event()

    def application(self) -> Starlette:
        @asynccontextmanager
        async def lifespan(_app: Starlette) -> Any:
            self.loop = asyncio.get_running_loop()
            self.serving.set()
            beats = asyncio.create_task(self.resumer.run())
            async with self.face.running():
                yield
            beats.cancel()

        return Starlette(routes=[Route("/mcp", self.face)], lifespan=lifespan)

    def decide(self, decision: str, **more: str) -> None:
        """The person looks at the one card that waits, and decides. Runs on the gateway's own loop, as a request would."""
        asyncio.run_coroutine_threadsafe(self._decide(decision, more), self.loop).result(10)

    async def _decide(self, decision: str, more: dict[str, str]) -> None:
        waiting: list[Any] = []
        while not waiting:
            listed = await self.door.call(Entrance(PERSON), "approval.list", {}, face=Face.REST)
            assert isinstance(listed, Done)
            waiting = listed.result["approvals"]
            await asyncio.sleep(0.02)
        given = {"approval_id": waiting[0]["id"], **more}
        if decision == "approve":
            given["digest"] = waiting[0]["digest"]
        outcome = await self.door.call(Entrance(PERSON), f"approval.{decision}", given, face=Face.REST)
        assert not isinstance(outcome, Held)

    def recorded(self) -> list[tuple[str, str, str, str]]:
        """North's log: action, decision, code, face."""
        rows = self.database.read(lambda connection: store.events(connection, NORTH, 0, 100))
        envelopes = [orjson.loads(row.envelope) for row in rows]
        return [(one["action"], one["decision"], one.get("code", ""), one["face"]) for one in envelopes]

    async def _tenants(self) -> list[TenantId]:
        return [NORTH, SOUTH]

    async def _who(self, actor: Actor) -> Actor | None:
        return next((known for known in (*ACTORS.values(), PERSON) if known.id == actor.id), None)


@contextmanager
def running(folder: Path, *, wait_s: int = 0) -> Iterator[Gateway]:
    """A gateway that serves for as long as the block lasts."""
    gateway = Gateway(folder, wait_s=wait_s)
    gateway.audit.start()
    with served(gateway.application()) as base:
        gateway.url = f"{base}/mcp"
        assert gateway.serving.wait(30)
        yield gateway
    gateway.audit.stop()
    gateway.database.close()
    gateway.keys.close()


@asynccontextmanager
async def client(url: str, key: str, mode: str) -> Any:
    """An official client, unmodified."""
    headers = {"Authorization": f"Bearer {key}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=30, trust_env=False) as http,
        Client(
            streamable_http_client(url, http_client=http), mode=mode, read_timeout_seconds=30
        ) as connected,
    ):
        yield connected


def refusal(url: str, key: str, mode: str, tool: str, arguments: dict[str, Any]) -> ErrorData:
    """What the protocol says no with."""

    async def asked(connected: Any) -> ErrorData:
        try:
            await connected.call_tool(tool, arguments)
        except MCPError as refused:
            return refused.error
        raise AssertionError("it was not refused")

    refused: ErrorData = ask(url, key, mode, asked)
    return refused


def ask(url: str, key: str, mode: str, what: Callable[[Any], Any]) -> Any:
    """Connect, ask one thing, leave."""

    async def asked() -> Any:
        async with client(url, key, mode) as connected:
            return await what(connected)

    return asyncio.run(asked())

"""The tenant's agreed actions, ready to be called: the newest applied file, compiled once and kept until it changes.

A contract's hash covers its canonical form and its connector's configuration, so whatever changes what would run makes an approval stale. A contract
whose connector is gone stays visible and answers TargetUnavailable; one that was never applied does not exist.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NoReturn

from ostiary.access.authorise import Refused, authorise
from ostiary.actions import Action, Actor, Bound, Call, Effect, JsonValue
from ostiary.contracts import store
from ostiary.contracts.contract import Contract, at, canonical, fingerprint
from ostiary.contracts.file import check_text
from ostiary.contracts.schema import SchemaShape
from ostiary.contracts.target import CheckBound
from ostiary.db.database import Database
from ostiary.db.kept import Kept
from ostiary.errors import (
    AddressRefused,
    Conflict,
    ContractInvalid,
    Fault,
    InvalidParameters,
    NotFound,
    TargetUnavailable,
)
from ostiary.evidence import SINKS
from ostiary.ids import SubjectId, TenantId
from ostiary.vault.sealing import Place, Vault

PURPOSE = "contract"
TENANTS_HELD_MAX = 1_000
SUBJECTS_MAX = 100

Bind = Callable[[TenantId, str, Mapping[str, JsonValue]], Bound]
"""tenant, connector's name, target without the connector -> Bound. Raises NotFound or ContractInvalid; it may block."""

Beside = Callable[[TenantId, str], Awaitable[Action | None]]
"""Actions of a tenant that stand beside its contracts: the tools of an upstream that is passed through. Asked for a name that no contract has."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """One tenant's compiled file. `version` 0: nothing was applied. `unbound`: contracts whose connector is gone or no longer fits."""

    version: int
    hash: str
    contracts: Mapping[str, Contract]
    actions: Mapping[str, Action]
    unbound: frozenset[str] = frozenset()
    tools: Mapping[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    """(connector, its tool) -> the contracts that call it."""


class Book:
    """Every tenant's contracts as actions. Bounded: the books of the tenants that were asked for last.

    `bound_by` is the signal that what contracts are bound to has changed.
    """

    def __init__(
        self,
        database: Database,
        vault: Vault,
        bind: Bind,
        *,
        bound_by: str = "connector",
        beside: Beside | None = None,
    ) -> None:
        self._database = database
        self._vault = vault
        self._bind = bind
        self._beside = beside
        self._kept: Kept[Shelf] = Kept(database.signals, store.CHANGED, bound_by, most=TENANTS_HELD_MAX)
        self._compiling: dict[TenantId, asyncio.Lock] = {}

    async def actions(self, tenant: TenantId) -> Mapping[str, Action]:
        """The tenant's contracted actions by name. Raises StoreUnavailable, KeysUnavailable."""
        return (await self.shelf(tenant)).actions

    async def get(self, tenant: TenantId, name: str) -> Action | None:
        """One action, or None: off contract."""
        found = (await self.shelf(tenant)).actions.get(name)
        if found is None and self._beside is not None:
            return await self._beside(tenant, name)
        return found

    async def of_tool(self, tenant: TenantId, connector: str, tool: str) -> tuple[str, ...]:
        """The contracts that call this tool of an upstream, by name."""
        return (await self.shelf(tenant)).tools.get((connector, tool), ())

    async def contract(self, tenant: TenantId, name: str) -> Contract | None:
        """What was agreed, as data."""
        return (await self.shelf(tenant)).contracts.get(name)

    async def shelf(self, tenant: TenantId) -> Shelf:
        """The newest file, compiled; no wait at all where it is held."""
        kept = self._kept.get(tenant)
        if kept is not None:
            return kept
        async with self._compiling.setdefault(tenant, asyncio.Lock()):
            try:
                return self._kept.get(tenant) or await self._renewed(tenant)
            finally:
                self._compiling.pop(tenant, None)

    def drop(self, tenant: TenantId) -> None:
        """Forget what was compiled."""
        self._kept.drop(tenant)

    def check_bound(self, tenant: TenantId) -> CheckBound:
        """What this tenant's connectors say of a target, for `check_text`. It may block."""

        def check(connector: str, spec: Mapping[str, JsonValue]) -> list[Fault]:
            try:
                self._bind(tenant, connector, spec)
            except NotFound:
                return [Fault("/connector", "there is no connector of this name: set it up first")]
            except (ContractInvalid, InvalidParameters) as error:
                return list(error.faults) or [Fault("", error.detail or error.title())]
            return []

        return check

    def open(self, tenant: TenantId, row: store.SetRow) -> dict[str, JsonValue]:
        """A sealed file: {"file": canonical form, "changed": {...}}. Raises SealBroken, KeysUnavailable."""
        opened: dict[str, JsonValue] = self._vault.open_json(_place(tenant, row.version), row.document)
        return opened

    async def seal(self, tenant: TenantId, version: int, document: JsonValue) -> bytes:
        """The column `document` of that version."""
        await self._vault.prepare(tenant, PURPOSE, [SubjectId("")])
        return self._vault.seal_json(_place(tenant, version), document, purpose=PURPOSE)

    async def _renewed(self, tenant: TenantId) -> Shelf:
        mark = self._kept.mark()
        kept = self._kept.last(tenant)  # it may count, but we cannot be sure now
        if kept and kept.version == await self._database.run(lambda c: store.newest_version(c, tenant)):
            return kept
        row = await self._database.run(lambda connection: store.newest(connection, tenant))
        shelf = Shelf(0, "", {}, {}) if row is None else await asyncio.to_thread(self._compiled, tenant, row)
        self._kept.keep(tenant, tenant, shelf, mark)
        return shelf

    def _compiled(self, tenant: TenantId, row: store.SetRow) -> Shelf:
        contracts = {contract.name: contract for contract in read_file(self.open(tenant, row)["file"])}
        bound = {name: self._bound(tenant, contract) for name, contract in contracts.items()}
        actions = {name: action_of(contract, bound[name]) for name, contract in contracts.items()}
        return Shelf(
            row.version,
            row.hash,
            contracts,
            actions,
            frozenset(name for name in bound if bound[name] is _GONE),
            _tools_of(contracts),
        )

    def _bound(self, tenant: TenantId, contract: Contract) -> Bound:
        try:
            return self._bind(tenant, contract.connector, contract.spec)
        except (NotFound, Conflict, ContractInvalid, InvalidParameters, AddressRefused):
            return _GONE


def _tools_of(contracts: Mapping[str, Contract]) -> Mapping[tuple[str, str], tuple[str, ...]]:
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    for name, contract in sorted(contracts.items()):
        if "tool" in contract.spec:
            key = (contract.connector, str(contract.spec["tool"]))
            found[key] = (*found.get(key, ()), name)
    return found


def read_file(document: JsonValue) -> tuple[Contract, ...]:
    """The contracts of a canonical file. It was checked when it was applied; what only a connector can say is asked again when it is bound."""
    report = check_text(canonical(document).decode(), "contracts.json", lambda _kind, _spec: [])
    if not report.ok:
        raise ContractInvalid("The applied contracts are not readable by this version: apply the file again.")
    return report.contracts


def action_of(contract: Contract, bound: Bound) -> Action:
    """The action that the door takes calls through."""
    return Action(
        name=contract.name,
        title=contract.title,
        description=contract.description,
        permission="contract.call",
        risk=contract.risk,
        effect=contract.effect,
        params=SchemaShape(dict(contract.parameters)),
        result=SchemaShape(dict(contract.returns or {}), answers=True),
        run=bound.run,
        confirmation=contract.confirmation,
        roles=frozenset(contract.roles),
        scope=contract.scope,
        surfaces=frozenset(contract.surfaces),
        own=contract.own,
        self_approval=contract.self_approval,
        subject_of=_subjects(contract.subject) if contract.subject else None,
        sentence=contract.sentence,
        hash=fingerprint(canonical(contract.document()), bound.hash.encode()),
        honours_key=contract.effect is Effect.OUTSIDE and bound.honours_key,
        contract=True,
        tool=True,
        preview=bound.preview,
        trusted_fields=frozenset(contract.trusted),
        sinks=sinks_of(contract),
        keeps_answer=bound.keeps_answer,
        labels=dict(contract.labels),
        readers=dict(contract.readers),
        egress=contract.carries_out,
        approvers=frozenset(contract.approvers),
        quorum=contract.quorum,
        four_eyes=contract.four_eyes,
    )


def sinks_of(contract: Contract) -> frozenset[str]:
    """The parameters that decide where something goes, by name: a label deeper inside counts for the whole parameter."""
    return frozenset(path.split("/")[1] for path, label in contract.labels.items() if label in SINKS)


def visible(actor: Actor, actions: Mapping[str, Action] | Iterable[Action]) -> list[Action]:
    """The actions that this actor could call, in their order: what a list of tools shows."""
    known = actions.values() if isinstance(actions, Mapping) else actions
    return [
        action for action in known if not action.step and not isinstance(authorise(actor, action), Refused)
    ]


def _subjects(pointers: tuple[str, ...]) -> Callable[[JsonValue], tuple[SubjectId, ...]]:
    def subject_of(params: JsonValue) -> tuple[SubjectId, ...]:
        """The ids at the labelled places, each once; a list gives each of its items. Raises InvalidParameters beyond SUBJECTS_MAX."""
        found: dict[str, None] = {}
        for path in pointers:
            value = at(params, path)
            for item in value if isinstance(value, list) else [value]:
                if isinstance(item, str | int) and not isinstance(item, bool) and item != "":
                    found[str(item)] = None
        if len(found) > SUBJECTS_MAX:
            raise InvalidParameters(
                faults=(Fault(pointers[0], f"one call is about at most {SUBJECTS_MAX} persons"),)
            )
        return tuple(map(SubjectId, found))

    return subject_of


async def _gone(_call: Call, _params: Mapping[str, JsonValue]) -> JsonValue:
    raise TargetUnavailable("The connector of this action is not set up.")


def _gone_now(_call: Call, _params: Mapping[str, JsonValue]) -> NoReturn:
    raise TargetUnavailable("The connector of this action is not set up.")


_GONE = Bound(run=_gone, preview=_gone_now, honours_key=False, hash="gone")


def _place(tenant: TenantId, version: int) -> Place:
    return Place(tenant, "contract_set", "document", str(version))

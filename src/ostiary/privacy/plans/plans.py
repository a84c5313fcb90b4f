"""The rule sets and plans of each tenant: read, put and removed; and a plan made ready with its rule set and the key of its scope.

What is made ready is kept in memory until a change is signalled, by whichever process. The key is the vault's: 32 bytes under the scope's name, made at first use by
whoever is first, wrapped anew when the tenant's keys turn, so that a value has the same token for ever, and never made again once it was destroyed.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, ParamSpec, TypeVar

from sqlalchemy import Connection

from ostiary import turns
from ostiary.actions import Call
from ostiary.db.database import Database
from ostiary.db.kept import Kept
from ostiary.detection.finding import Finding
from ostiary.detection.provider import Asking, Provider, ProviderAway
from ostiary.detection.rules import DEFAULT, RuleSet
from ostiary.errors import (
    Conflict,
    Fault,
    NotFound,
    ProviderUnavailable,
    RedactionInvalid,
    ScopeDestroyed,
    SealBroken,
)
from ostiary.ids import SubjectId, TenantId
from ostiary.privacy.plans import document, store
from ostiary.privacy.plans.document import PlanFile, Ruling
from ostiary.privacy.plans.store import PLAN, RULES, DocumentRow
from ostiary.redaction.keys import Scope
from ostiary.turns import Turns
from ostiary.vault import store as key_rows
from ostiary.vault.sealing import Place, Vault

Found = Mapping[str, Sequence[Finding]]
"""Findings by the text that they are in."""
Provided = Literal["", "used", "away"]
P = ParamSpec("P")
T = TypeVar("T")

PURPOSE = "redaction"
READY_HELD_MAX = 1_000
DOCUMENTS_MAX = 200
"""Names of a kind that a tenant may have at a time."""
AT_ONCE = 1
"""So many texts at a time: each takes its share of the interpreter from everybody else's calls."""
KEY_VERSION = 1
"""Of a scope's key, as tokens carry it. It has one version: turning the tenant's keys wraps it anew and changes no token."""
PREFIX = "redaction/"
ASKING_AT_ONCE = 2
"""So many texts wait for a model provider at a time, each tenant in turn."""
NO_PROVIDER = "No model provider is set up here: the operator sets OSTIARY_DETECT_MODEL_URL."
NOT_HERE = "This rule set requires a model provider, which is asked about texts and JSON values alone; say `provider: optional`, or use another."
MOVED = "It was changed meanwhile: look at it and apply again."


@dataclass(frozen=True, slots=True)
class Ready:
    """A plan that can be run. `version` is the plan's; `asking`: what a model provider is asked beside the rules."""

    file: PlanFile
    rules: RuleSet
    version: int
    asking: Asking | None = None


class Plans:
    """One for the process."""

    def __init__(self, database: Database, vault: Vault, provider: Provider | None = None) -> None:
        self.database = database
        self.vault = vault
        self.provider = provider
        self.asking = Turns(ASKING_AT_ONCE)
        self.turns = Turns(AT_ONCE)
        self._kept: Kept[Ready] = Kept(database.signals, store.CHANGED, most=READY_HELD_MAX)

    async def ready(self, tenant: TenantId, name: str, *, provider: bool = False) -> Ready:
        """The plan as it stands; from memory where that counts. `provider`: the caller asks one where the plan wants it; else a plan that requires it is refused.
        Raises NotFound, RedactionInvalid, StoreUnavailable, KeysUnavailable."""
        ready = self._kept.get((tenant, name))
        if ready is None:
            mark = self._kept.mark()
            row, text = await self.show(tenant, PLAN, name)
            file = await self.apart(tenant, document.plan_of, text)
            ruling = await self.ruling(tenant, file.rule_set)
            ready = Ready(file, ruling.rules, row.version, ruling.asking)
            self._kept.keep(tenant, (tenant, name), ready, mark)
        if not provider:
            alone(Ruling(ready.rules, ready.asking))
        return ready

    async def rules(self, tenant: TenantId, name: str) -> RuleSet:
        """`ruling`, for who asks no provider. Raises RedactionInvalid where the rule set requires one."""
        return alone(await self.ruling(tenant, name))

    async def ruling(self, tenant: TenantId, name: str) -> Ruling:
        """What a plan looks for: a rule set by its name; empty: everything of ours. Raises RedactionInvalid where it is gone: nothing is redacted by less than was meant."""
        if not name:
            return Ruling(DEFAULT)
        try:
            _, text = await self.show(tenant, RULES, name)
        except NotFound:
            raise RedactionInvalid(
                faults=(Fault("/rule_set", "there is no rule set of this name"),)
            ) from None
        return await self.apart(tenant, document.ruling_of, text)

    async def asked(
        self, tenant: TenantId, rules: RuleSet, asking: Asking | None, found: Found
    ) -> tuple[Found, Provided]:
        """What a model provider finds in texts beside what was found, by text; and whether it was asked: "" (nobody wants it), "used" or "away". Raises
        ProviderUnavailable where the rule set requires it: fails closed."""
        if asking is None:
            return {}, ""
        try:
            if self.provider is None:
                raise ProviderAway(NO_PROVIDER)
            texts, known = list(found), list(found.values())
            async with turns.away(), self.asking.turn(tenant):
                more = await asyncio.to_thread(self.provider.look, texts, known, rules, asking, whose=tenant)  # fmt: skip
        except ProviderAway as away:
            if asking.required:
                raise ProviderUnavailable(str(away)) from None
            return {}, "away"
        return dict(zip(texts, more, strict=True)), "used"

    async def show(self, tenant: TenantId, kind: str, name: str, version: int = 0) -> tuple[DocumentRow, str]:
        """A version as it was written (0: the one that stands). Raises NotFound."""
        before = version + 1 if version else None
        found = await self.database.run(lambda c: store.page(c, tenant, kind, name, before=before, limit=1))
        row = found[0] if found else None
        if row is None or row.document is None or (version and row.version != version):
            raise NotFound
        return row, await asyncio.to_thread(self._opened, tenant, row, row.document)

    async def listed(self, tenant: TenantId, kind: str) -> list[DocumentRow]:
        return await self.database.run(lambda c: store.standing(c, tenant, kind))

    async def history(
        self, tenant: TenantId, kind: str, name: str, *, before: int | None, limit: int
    ) -> list[DocumentRow]:
        """Every version, newest first. Raises NotFound for a name that never was."""
        rows = await self.database.run(
            lambda c: store.page(c, tenant, kind, name, before=before, limit=limit)
        )
        if not rows and before is None:
            raise NotFound
        return rows

    async def put(self, call: Call, kind: str, name: str, text: str, *, expected: int | None) -> DocumentRow:
        """A new version of what was checked, committed with the call. Raises Conflict if another version stands than expected, or there are too many."""
        tenant = call.tenant
        stands, count = await self.database.run(lambda c: self._count(c, tenant, kind, name))
        number = stands.version if stands else 0
        living = stands is not None and stands.document is not None
        if expected is not None and expected != (number if living else 0):
            raise Conflict(MOVED)
        if not living and count >= DOCUMENTS_MAX:
            raise Conflict(f"There are {DOCUMENTS_MAX} of these already; remove one first.")
        place = _place(tenant, kind, name, number + 1)
        await self.vault.prepare(tenant, PURPOSE, [SubjectId("")])
        sealed = self.vault.seal(place, text.encode("utf-8", "surrogatepass"), purpose=PURPOSE)
        hashed = await self.apart(tenant, document.hash_of, text)
        row = DocumentRow(kind, name, number + 1, call.at_us, call.actor.id, hashed, sealed)
        self._write(call, row)
        return row

    async def remove(self, call: Call, kind: str, name: str) -> None:
        """Raises NotFound; Conflict where a plan goes by this rule set."""
        tenant = call.tenant
        stands = await self.database.run(lambda c: store.newest(c, tenant, kind, name))
        if stands is None or stands.document is None:
            raise NotFound
        if kind == RULES and (used := await self._used_by(tenant, name)):
            raise Conflict(f"The plan {used} goes by this rule set.")
        self._write(call, DocumentRow(kind, name, stands.version + 1, call.at_us, call.actor.id, "", None))

    async def _used_by(self, tenant: TenantId, rules: str) -> str:
        for row in await self.listed(tenant, PLAN):
            _, text = await self.show(tenant, PLAN, row.name)
            if (await self.apart(tenant, document.plan_of, text)).rule_set == rules:
                return row.name
        return ""

    async def apart(self, tenant: TenantId, work: Callable[P, T], *args: P.args, **more: P.kwargs) -> T:
        """Done in a thread, each tenant in turn."""
        async with turns.away(), self.turns.turn(tenant):
            return await asyncio.to_thread(work, *args, **more)

    async def scope(self, tenant: TenantId, name: str, *, make: bool) -> Scope | None:
        """A scope with its key; `make`: at first use, else None where it was never used. Raises ScopeDestroyed, KeysUnavailable."""
        keys = self.vault.keys
        try:
            key = await asyncio.to_thread(keys.named if make else keys.standing, tenant, PREFIX + name)
        except SealBroken:
            if await asyncio.to_thread(self.is_destroyed, tenant, name):
                raise ScopeDestroyed from None
            raise
        return Scope(tenant, name, {KEY_VERSION: key}, KEY_VERSION) if key else None

    def is_destroyed(self, tenant: TenantId, name: str) -> bool:
        """Whether a scope's key was destroyed. In this thread."""
        return self.vault.keys.read(lambda c: key_rows.is_destroyed(c, tenant, PREFIX + name))

    def scopes(self, tenant: TenantId) -> dict[str, bool]:
        """Every scope that was ever used, and whether its key lives. In this thread."""
        rows = self.vault.keys.read(lambda c: key_rows.named_keys(c, tenant))
        own = [row for row in rows if row.name.startswith(PREFIX)]
        return {row.name.removeprefix(PREFIX): row.wrapped != key_rows.GONE for row in own}

    def _count(
        self, connection: Connection, tenant: TenantId, kind: str, name: str
    ) -> tuple[DocumentRow | None, int]:
        rows = store.standing(connection, tenant, kind)
        return store.newest(connection, tenant, kind, name), len(rows)

    def _write(self, call: Call, row: DocumentRow) -> None:
        tenant = call.tenant

        def rows(connection: Connection) -> None:
            stands = store.newest(connection, tenant, row.kind, row.name)
            if (stands.version if stands else 0) != row.version - 1:
                raise Conflict(MOVED)
            store.insert(connection, tenant, row)

        call.write(rows)

    def _opened(self, tenant: TenantId, row: DocumentRow, sealed: bytes) -> str:
        opened = self.vault.open(_place(tenant, row.kind, row.name, row.version), sealed)
        return opened.decode("utf-8", "surrogatepass")


def alone(ruling: Ruling) -> RuleSet:
    """The rule set, where it can do without a provider. Raises RedactionInvalid."""
    if ruling.asking is not None and ruling.asking.required:
        raise RedactionInvalid(faults=(Fault("/provider", NOT_HERE),))
    return ruling.rules


def _place(tenant: TenantId, kind: str, name: str, version: int) -> Place:
    return Place(tenant, "redaction_document", "document", f"{kind}/{name}/{version}")

"""What can be asked about contracts: look, check, apply, remove, and what was applied before."""

import asyncio
from collections.abc import Mapping
from typing import Annotated

from pydantic import Field
from sqlalchemy import Connection

from ostiary.actions import Action, Call, Effect, JsonValue, Masking, Recorded, Risk, Route
from ostiary.clock import rfc3339
from ostiary.contracts import store
from ostiary.contracts.book import Book, Shelf, read_file
from ostiary.contracts.contract import Contract, canonical, differences, file_document, fingerprint
from ostiary.contracts.file import NAME_CHARACTERS_MAX, check_text
from ostiary.contracts.report import CheckReport
from ostiary.contracts.source import FILE_BYTES_MAX
from ostiary.contracts.target import CheckTarget
from ostiary.db.database import Database
from ostiary.errors import Conflict, ContractInvalid, Fault, InvalidParameters, NotFound
from ostiary.ids import TenantId
from ostiary.shapes import Answer, Empty, ModelShape, Page, Params

Name = Annotated[str, Field(max_length=NAME_CHARACTERS_MAX, examples=["invoice.refund"])]
Text = Annotated[str, Field(max_length=FILE_BYTES_MAX, examples=["version: 1\nactions: []\n"])]
Filename = Annotated[str, Field(max_length=200)]
Version = Annotated[int, Field(ge=0, le=2**31 - 1)]


class ContractNamed(Params):
    name: Name


class FileVersion(Params):
    """`version` 0 is the newest."""

    version: Version


class CheckFile(Params):
    """`text` is the whole file, YAML or JSON; `filename` is only shown."""

    text: Text
    filename: Filename = "actions.yaml"


class ApplyFile(Params):
    """The whole file replaces the one that stands. With `expected`, only if that is the version that stands (0: none)."""

    text: Text
    filename: Filename = "actions.yaml"
    expected: Version | None = None


class ContractSummary(Answer):
    """`connected`: its connector is set up and fits. `hash` is what approvals are bound to."""

    name: str
    title: str
    description: str
    risk: str
    effect: str
    confirmation: str
    surfaces: list[str]
    roles: list[str]
    scope: str
    connector: str
    connected: bool
    hash: str


class ContractList(Answer):
    """`version` 0: nothing was ever applied."""

    version: int
    hash: str
    contracts: list[ContractSummary]


class ContractShown(Answer):
    """`contract` is the canonical form; `parameters` the JSON Schema as it is enforced."""

    summary: ContractSummary
    version: int
    contract: JsonValue
    parameters: JsonValue


class FileShown(Answer):
    """`file` is the canonical form of the whole file and can be applied again."""

    version: int
    hash: str
    applied_at: str
    applied_by: str
    file: JsonValue


class FieldChange(Answer):
    """`kind`: added, removed or changed. `pointer` is a JSON Pointer into the contract."""

    pointer: str
    kind: str
    before: JsonValue
    after: JsonValue


class ContractChange(Answer):
    name: str
    fields: list[FieldChange]


class Change(Answer):
    """What differs between two files, by contract name."""

    added: list[str]
    changed: list[ContractChange]
    removed: list[str]


class PlaceInFile(Answer):
    """A mistake or advice: where it stands (both count from 1) and what to do."""

    line: int
    column: int
    pointer: str
    detail: str


class Checked(Answer):
    """`change` is what applying the file would change; absent when it does not check."""

    ok: bool
    actions: list[str]
    mistakes: list[PlaceInFile]
    advice: list[PlaceInFile]
    change: Change | None


class Applied(Answer):
    """`version` is the version that stands now; it is the old one when nothing changed."""

    version: int
    hash: str
    change: Change


class HistoryEntry(Answer):
    version: int
    hash: str
    applied_at: str
    applied_by: str
    actions: int
    added: list[str]
    changed: list[str]
    removed: list[str]


class History(Answer):
    files: list[HistoryEntry]
    next: str


class Contracts:
    """What the actions do."""

    def __init__(self, database: Database, book: Book, check_target: CheckTarget) -> None:
        self._database = database
        self._book = book
        self._check_target = check_target

    async def check(self, tenant: TenantId, asked: CheckFile | ApplyFile) -> CheckReport:
        bound = self._book.check_bound(tenant)
        return await asyncio.to_thread(check_text, asked.text, asked.filename, self._check_target, bound)

    async def standing(self, tenant: TenantId) -> tuple[int, tuple[Contract, ...], str]:
        """Version, contracts and hash as the database has them now, not as they are cached."""
        row = await self._database.run(lambda connection: store.newest(connection, tenant))
        if row is None:
            return 0, (), ""
        opened = await asyncio.to_thread(self._book.open, tenant, row)
        return row.version, await asyncio.to_thread(read_file, opened["file"]), row.hash

    async def put(self, call: Call, contracts: tuple[Contract, ...], *, expected: int | None) -> Applied:
        """A new version with these contracts, committed with the call. Raises Conflict if another version stands than expected."""
        tenant = call.tenant
        version, before, standing_hash = await self.standing(tenant)
        if expected is not None and expected != version:
            raise Conflict(_MOVED)
        change = difference(before, contracts)
        if version and not (change.added or change.changed or change.removed):
            return Applied(version=version, hash=standing_hash, change=change)
        document = file_document(contracts)
        summary = {
            "added": change.added,
            "changed": [one.name for one in change.changed],
            "removed": change.removed,
        }
        row = store.SetRow(
            version=version + 1,
            applied_us=call.at_us,
            applied_by=call.actor.id,
            hash=fingerprint(canonical(document)),
            document=await self._book.seal(tenant, version + 1, {"file": document, "changed": summary}),
        )

        def rows(connection: Connection) -> None:
            if store.newest_version(connection, tenant) != version:
                raise Conflict(_MOVED)
            store.insert(connection, tenant, row)

        call.write(rows)
        return Applied(version=row.version, hash=row.hash, change=change)

    async def list_contracts(self, call: Call, _params: Empty) -> ContractList:
        shelf = await self._book.shelf(call.tenant)
        return ContractList(
            version=shelf.version,
            hash=shelf.hash,
            contracts=[_summary(shelf, name) for name in sorted(shelf.actions)],
        )

    async def show_contract(self, call: Call, params: ContractNamed) -> ContractShown:
        shelf = await self._book.shelf(call.tenant)
        if params.name not in shelf.actions:
            raise NotFound
        return ContractShown(
            summary=_summary(shelf, params.name),
            version=shelf.version,
            contract=shelf.contracts[params.name].document(),
            parameters=shelf.actions[params.name].params.schema(),
        )

    async def show_file(self, call: Call, params: FileVersion) -> FileShown:
        before = params.version + 1 if params.version else None
        rows = await self._database.run(
            lambda connection: store.page(connection, call.tenant, before=before, limit=1)
        )
        if not rows or (params.version and rows[0].version != params.version):
            raise NotFound
        opened = await asyncio.to_thread(self._book.open, call.tenant, rows[0])
        return FileShown(
            version=rows[0].version,
            hash=rows[0].hash,
            applied_at=rfc3339(rows[0].applied_us),
            applied_by=rows[0].applied_by,
            file=opened["file"],
        )

    async def check_file(self, call: Call, params: CheckFile) -> Checked:
        report = await self.check(call.tenant, params)
        change = None
        if report.ok:
            _, before, _ = await self.standing(call.tenant)
            change = difference(before, report.contracts)
        shown = report.json()
        return Checked(
            ok=report.ok,
            actions=shown["actions"],
            mistakes=[PlaceInFile(**one) for one in shown["mistakes"]],
            advice=[PlaceInFile(**one) for one in shown["advice"]],
            change=change,
        )

    async def apply_file(self, call: Call, params: ApplyFile) -> Applied:
        report = await self.check(call.tenant, params)
        if not report.ok:
            raise ContractInvalid("Nothing was applied.", faults=report.faults())
        return await self.put(call, report.contracts, expected=params.expected)

    async def remove_contract(self, call: Call, params: ContractNamed) -> Applied:
        version, before, _ = await self.standing(call.tenant)
        kept = tuple(contract for contract in before if contract.name != params.name)
        if len(kept) == len(before):
            raise NotFound
        return await self.put(call, kept, expected=version)

    async def list_files(self, call: Call, params: Page) -> History:
        if params.cursor and not (params.cursor.isdecimal() and len(params.cursor) <= 9):
            raise InvalidParameters(faults=(Fault("/cursor", "hand back `next` as it was"),))
        before = int(params.cursor) if params.cursor else None
        rows = await self._database.run(
            lambda connection: store.page(connection, call.tenant, before=before, limit=params.limit + 1)
        )
        shown = rows[: params.limit]
        entries = await asyncio.to_thread(lambda: [_entry(self._book, call.tenant, row) for row in shown])
        return History(files=entries, next=str(shown[-1].version) if len(rows) > len(shown) else "")


_MOVED = "The contracts were changed meanwhile: look at them and apply again."


def difference(before: tuple[Contract, ...], after: tuple[Contract, ...]) -> Change:
    """What applying `after` changes, field by field."""
    old = {contract.name: contract.document() for contract in before}
    new = {contract.name: contract.document() for contract in after}
    changed = []
    for name in sorted(old.keys() & new.keys()):
        if found := differences(old[name], new[name]):
            fields = [
                FieldChange(pointer=one.pointer, kind=one.kind, before=one.before, after=one.after)
                for one in found
            ]
            changed.append(ContractChange(name=name, fields=fields))
    return Change(
        added=sorted(new.keys() - old.keys()), changed=changed, removed=sorted(old.keys() - new.keys())
    )


def actions(database: Database, book: Book, check_target: CheckTarget) -> list[Action]:
    """`check_target` says what is wrong with a target, whatever the tenant's connectors are."""
    contracts = Contracts(database, book, check_target)

    return [
        Action(
            name="contract.list",
            title="List contracts",
            description="The actions that this tenant has agreed on: what each does, its risk, and who may call it where.",
            permission="contract.read",
            risk=Risk.LOW,
            effect=Effect.NONE,
            params=ModelShape(Empty),
            result=ModelShape(ContractList),
            run=contracts.list_contracts,
            route=Route("GET", "/v1/contracts"),
            recorded=Recorded.BATCHED,
            masking=Masking.OWN,
            sentence="List the contracts",
        ),
        Action(
            name="contract.show",
            title="Show a contract",
            description="One contract in full, with the JSON Schema that its parameters must fit.",
            permission="contract.read",
            risk=Risk.LOW,
            effect=Effect.NONE,
            params=ModelShape(ContractNamed),
            result=ModelShape(ContractShown),
            run=contracts.show_contract,
            route=Route("GET", "/v1/contracts/{name}"),
            recorded=Recorded.BATCHED,
            masking=Masking.OWN,
            sentence="Show the contract {name}",
        ),
        Action(
            name="contract.check",
            title="Check a contract file",
            description="Every mistake in a contract file with its line, and what applying it would change. Nothing is changed.",
            permission="contract.read",
            risk=Risk.LOW,
            effect=Effect.NONE,
            params=ModelShape(CheckFile),
            result=ModelShape(Checked),
            run=contracts.check_file,
            route=Route("POST", "/v1/contract-checks"),
            masking=Masking.OWN,
            sentence="Check a contract file",
        ),
        Action(
            name="contract.apply",
            title="Apply a contract file",
            description="Replace all contracts by those of a file, at once or not at all. Calls that wait for approval of a changed contract lapse.",
            permission="contract.manage",
            risk=Risk.MEDIUM,
            effect=Effect.LOCAL,
            params=ModelShape(ApplyFile),
            result=ModelShape(Applied),
            run=contracts.apply_file,
            route=Route("PUT", "/v1/contracts"),
            masking=Masking.OWN,
            sentence="Apply the contract file {filename}",
        ),
        Action(
            name="contract.remove",
            title="Remove a contract",
            description="Take one action away: from then on it is off contract, and calls of it that wait for approval lapse.",
            permission="contract.manage",
            risk=Risk.MEDIUM,
            effect=Effect.LOCAL,
            params=ModelShape(ContractNamed),
            result=ModelShape(Applied),
            run=contracts.remove_contract,
            route=Route("DELETE", "/v1/contracts/{name}"),
            masking=Masking.OWN,
            sentence="Remove the contract {name}",
        ),
        Action(
            name="contract.history",
            title="List applied contract files",
            description="Every contract file that was applied, newest first: by whom, when, and what it changed.",
            permission="contract.read",
            risk=Risk.LOW,
            effect=Effect.NONE,
            params=ModelShape(Page),
            result=ModelShape(History),
            run=contracts.list_files,
            route=Route("GET", "/v1/contract-files"),
            recorded=Recorded.BATCHED,
            masking=Masking.OWN,
            sentence="List the applied contract files",
        ),
        Action(
            name="contract.file",
            title="Show an applied contract file",
            description="One applied file in its canonical form, which can be applied again; version 0 is the newest.",
            permission="contract.read",
            risk=Risk.LOW,
            effect=Effect.NONE,
            params=ModelShape(FileVersion),
            result=ModelShape(FileShown),
            run=contracts.show_file,
            route=Route("GET", "/v1/contract-files/{version}"),
            recorded=Recorded.BATCHED,
            masking=Masking.OWN,
            sentence="Show version {version} of the contract file",
        ),
    ]


def _summary(shelf: Shelf, name: str) -> ContractSummary:
    action, contract = shelf.actions[name], shelf.contracts[name]
    return ContractSummary(
        name=name,
        title=contract.title,
        description=contract.description,
        risk=contract.risk.value,
        effect="read" if contract.effect is Effect.NONE else "write",
        confirmation=contract.confirmation.value,
        surfaces=[surface.value for surface in contract.surfaces],
        roles=list(contract.roles),
        scope=contract.scope,
        connector=contract.connector,
        connected=name not in shelf.unbound,
        hash=action.hash,
    )


def _entry(book: Book, tenant: TenantId, row: store.SetRow) -> HistoryEntry:
    opened = book.open(tenant, row)
    changed: Mapping[str, list[str]] = opened["changed"]
    return HistoryEntry(
        version=row.version,
        hash=row.hash,
        applied_at=rfc3339(row.applied_us),
        applied_by=row.applied_by,
        actions=len(opened["file"]["actions"]),
        added=changed["added"],
        changed=changed["changed"],
        removed=changed["removed"],
    )

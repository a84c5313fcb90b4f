"""What can be asked about imports: make drafts, look at them, edit one, accept some of them into the contract file, discard.

Accepting is applying a file: the drafts join the contracts that stand, everything is checked again, also against the connectors, and a new version is
committed with the call. Until then a draft is data under the tenant's key.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import orjson
from pydantic import Field
from sqlalchemy import Connection

from ostiary import ids
from ostiary.actions import Action, Call, Effect, JsonValue, Masking, Recorded, Risk, Route
from ostiary.clock import DAY_US, rfc3339
from ostiary.contracts.actions import Applied, Contracts, Filename, Name, Text, Version
from ostiary.contracts.book import Book
from ostiary.contracts.contract import canonical, file_document
from ostiary.contracts.file import check_text
from ostiary.contracts.importing import store
from ostiary.contracts.importing.drafts import Imported, Pin, imported_tools
from ostiary.contracts.importing.openapi import imported_openapi
from ostiary.contracts.report import CheckReport
from ostiary.contracts.source import SourceMistake, plain, read
from ostiary.contracts.target import CheckTarget
from ostiary.db.database import Database
from ostiary.errors import Conflict, ContractInvalid, Fault, InvalidParameters, NotFound
from ostiary.ids import TenantId
from ostiary.shapes import Answer, Empty, ModelShape, Nothing, Params
from ostiary.vault.sealing import Place, Vault

PURPOSE = "contract"
IMPORTS_MAX = 20
KEPT_DAYS = 90
DOCUMENT_BYTES_MAX = 8_388_608
ACCEPTED_MAX = 500

ImportId = Annotated[str, Field(pattern=r"^imp_[0-9a-f]{32}$", examples=["imp_" + "0" * 32])]
ConnectorName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,62}$", examples=["billing"])]


@dataclass(frozen=True, slots=True)
class Sources:
    """What the connectors know. tools(tenant, connector) -> the accepted tool definitions of an upstream MCP server, as it lists them, or None where this
    connector is none. base_url(tenant, connector) -> an HTTP connector's address, or empty. pin: the fingerprint of a tool's definition. odd(item) -> what is
    odd about a draft's texts: hidden characters, instructions to a model."""

    tools: Callable[[TenantId, str], Awaitable[Sequence[Mapping[str, JsonValue]] | None]]
    base_url: Callable[[TenantId, str], Awaitable[str]]
    pin: Pin
    odd: Callable[[Mapping[str, JsonValue]], list[Fault]]


class ImportDocument(Params):
    """`text` is an OpenAPI 3.0 or 3.1 document, YAML or JSON. Empty: the accepted tools of the upstream MCP server that `connector` leads to."""

    connector: ConnectorName
    text: Text = ""
    filename: Filename = "openapi.yaml"


class ImportNamed(Params):
    import_id: ImportId


class EditDraft(Params):
    """`text` is the whole draft as one action of a contract file, YAML or JSON. `name` is what the draft is called so far."""

    import_id: ImportId
    name: Name
    text: Text


class AcceptDrafts(Params):
    """The drafts by name. `replace`: also where a contract of that name stands. With `expected`, only if that is the version that stands (0: none)."""

    import_id: ImportId
    names: Annotated[list[Name], Field(min_length=1, max_length=ACCEPTED_MAX)]
    replace: bool = False
    expected: Version | None = None


class Reason(Answer):
    """`pointer` leads into the draft."""

    pointer: str
    detail: str


class DraftShown(Answer):
    """`contract` is one action of a contract file. `why`: why each thing was suggested. `notes`: what of the original was left out. `mistakes`: why it could
    not be accepted as it is. `state`: open or accepted."""

    name: str
    source: str
    state: Literal["open", "accepted"]
    contract: JsonValue
    why: list[Reason]
    notes: list[Reason]
    mistakes: list[Reason]


class LeftOut(Answer):
    """What of the document became no draft."""

    source: str
    detail: str


class ImportSummary(Answer):
    import_id: str
    connector: str
    filename: str
    made_at: str
    made_by: str
    open: int
    accepted: int
    left: int


class ImportShown(Answer):
    summary: ImportSummary
    notes: list[str]
    drafts: list[DraftShown]
    left: list[LeftOut]


class ImportList(Answer):
    imports: list[ImportSummary]


class _Imports:
    """What the actions do."""

    def __init__(
        self,
        database: Database,
        vault: Vault,
        book: Book,
        contracts: Contracts,
        check_target: CheckTarget,
        sources: Sources,
    ) -> None:
        self._database = database
        self._vault = vault
        self._book = book
        self._contracts = contracts
        self._check_target = check_target
        self._sources = sources

    async def make(self, call: Call, params: ImportDocument) -> ImportShown:
        made = await self._drafted(call.tenant, params)
        document: dict[str, Any] = {
            "connector": params.connector,
            "filename": params.filename if params.text else "",
            "notes": list(made.notes),
            "left": [{"source": one.source, "detail": one.detail} for one in made.left],
            "drafts": [
                {
                    "name": one.item["name"],
                    "item": one.item,
                    "source": one.source,
                    "state": "open",
                    "why": [[pointer, detail] for pointer, detail in one.why.items()],
                    "notes": [
                        [note.pointer, note.detail] for note in (*one.notes, *self._sources.odd(one.item))
                    ],
                }
                for one in made.drafts
            ],
        }
        row = store.ImportRow(ids.new("imp"), 1, call.at_us, call.actor.id, b"")
        row = await self._sealed(call.tenant, row, document)

        def rows(connection: Connection) -> None:
            store.remove_older(connection, call.tenant, call.at_us - KEPT_DAYS * DAY_US)
            if store.count(connection, call.tenant) >= IMPORTS_MAX:
                raise Conflict(f"There are {IMPORTS_MAX} imports already: accept or discard one first.")
            store.insert(connection, call.tenant, row)

        call.write(rows)
        return await self._shown(call.tenant, row, document)

    async def _drafted(self, tenant: TenantId, params: ImportDocument) -> Imported:
        if params.text:
            base = await self._sources.base_url(tenant, params.connector)
            return await asyncio.to_thread(
                imported_openapi, params.text, params.filename, params.connector, base
            )
        tools = await self._sources.tools(tenant, params.connector)
        if tools is None:
            detail = "no upstream MCP server is set up under this name: give the text of an OpenAPI document, or connect the server first"
            raise InvalidParameters(faults=(Fault("/connector", detail),))
        if not tools:
            detail = "no tool of this server has been accepted yet: look at them and accept some first"
            raise InvalidParameters(faults=(Fault("/connector", detail),))
        return await asyncio.to_thread(imported_tools, tools, params.connector, self._sources.pin)

    async def show(self, call: Call, params: ImportNamed) -> ImportShown:
        row, document = await self._opened(call.tenant, params.import_id)
        return await self._shown(call.tenant, row, document)

    async def listed(self, call: Call, _params: Empty) -> ImportList:
        rows = await self._database.run(
            lambda connection: store.listed(connection, call.tenant, limit=IMPORTS_MAX)
        )
        opened = await asyncio.to_thread(lambda: [self._open(call.tenant, row) for row in rows])
        return ImportList(
            imports=[_summary(row, document) for row, document in zip(rows, opened, strict=True)]
        )

    async def edit(self, call: Call, params: EditDraft) -> DraftShown:
        row, document = await self._opened(call.tenant, params.import_id)
        draft = _draft(document, params.name)
        if draft["state"] != "open":
            raise Conflict("This draft was accepted: change the contract, or import again.")
        item = _one_item(params.text)
        name = item.get("name")
        if not isinstance(name, str) or not name:
            raise ContractInvalid("Nothing was changed.", faults=(Fault("/name", "a draft needs a name"),))
        if name != params.name and any(one["name"] == name for one in document["drafts"]):
            raise Conflict("Another draft of this import has that name.")
        draft |= {"item": item, "name": name}
        row = await self._changed(call, row, document)
        shown = await self._shown(call.tenant, row, document)
        return next(one for one in shown.drafts if one.name == name)

    async def accept(self, call: Call, params: AcceptDrafts) -> Applied:
        row, document = await self._opened(call.tenant, params.import_id)
        chosen = [_draft(document, name) for name in dict.fromkeys(params.names)]
        if any(draft["state"] != "open" for draft in chosen):
            raise Conflict("One of these drafts was accepted already.")
        version, standing, _ = await self._contracts.standing(call.tenant)
        if params.expected is not None and params.expected != version:
            raise Conflict("The contracts were changed meanwhile: look at them and accept again.")
        new = {draft["name"] for draft in chosen}
        if not params.replace and any(contract.name in new for contract in standing):
            raise Conflict(
                "A contract of one of these names stands already: accept with `replace` to put the draft in its place."
            )
        kept = file_document(contract for contract in standing if contract.name not in new)["actions"]
        report = await self._check(call.tenant, [*kept, *(draft["item"] for draft in chosen)])
        if not report.ok:
            raise ContractInvalid("Nothing was accepted.", faults=_faults(report, len(kept)))
        for draft in chosen:
            draft["state"] = "accepted"
        await self._changed(call, row, document)
        return await self._contracts.put(call, report.contracts, expected=version)

    async def discard(self, call: Call, params: ImportNamed) -> Nothing:
        await self._opened(call.tenant, params.import_id)

        def rows(connection: Connection) -> None:
            if not store.remove(connection, call.tenant, params.import_id):
                raise NotFound

        call.write(rows)
        return Nothing()

    async def _check(self, tenant: TenantId, items: list[JsonValue]) -> CheckReport:
        """As a contract file that holds these, asked of the connectors too."""
        text = canonical({"version": 1, "actions": items}).decode()
        bound = self._book.check_bound(tenant)
        return await asyncio.to_thread(check_text, text, "drafts.json", self._check_target, bound)

    async def _shown(
        self, tenant: TenantId, row: store.ImportRow, document: Mapping[str, Any]
    ) -> ImportShown:
        drafts = document["drafts"]
        report = await self._check(tenant, [draft["item"] for draft in drafts])
        mistakes: dict[str, list[Reason]] = {}
        for fault in report.mistakes:
            _, _, index, *rest = [*fault.pointer.split("/"), "", "", ""]
            pointer = "/".join(["", *filter(None, rest)])
            mistakes.setdefault(index, []).append(Reason(pointer=pointer, detail=fault.detail))
        return ImportShown(
            summary=_summary(row, document),
            notes=document["notes"],
            left=[LeftOut(**one) for one in document["left"]],
            drafts=[
                DraftShown(
                    name=draft["name"],
                    source=draft["source"],
                    state=draft["state"],
                    contract=draft["item"],
                    why=_reasons(draft["why"]),
                    notes=_reasons(draft["notes"]),
                    mistakes=mistakes.get(str(index), []),
                )
                for index, draft in enumerate(drafts)
            ],
        )

    async def _opened(self, tenant: TenantId, import_id: str) -> tuple[store.ImportRow, dict[str, Any]]:
        row = await self._database.run(lambda connection: store.get(connection, tenant, import_id))
        if row is None:
            raise NotFound
        return row, await asyncio.to_thread(self._open, tenant, row)

    def _open(self, tenant: TenantId, row: store.ImportRow) -> dict[str, Any]:
        opened: dict[str, Any] = self._vault.open_json(_place(tenant, row.id), row.document)
        return opened

    async def _sealed(
        self, tenant: TenantId, row: store.ImportRow, document: Mapping[str, Any]
    ) -> store.ImportRow:
        size = len(orjson.dumps(document))
        if size > DOCUMENT_BYTES_MAX:
            raise ContractInvalid(
                f"The drafts have {size} bytes; one import has at most {DOCUMENT_BYTES_MAX}: split the document."
            )
        await self._vault.prepare(tenant, PURPOSE, [ids.NO_SUBJECT])
        sealed = await asyncio.to_thread(
            self._vault.seal_json, _place(tenant, row.id), document, purpose=PURPOSE
        )
        return store.ImportRow(row.id, row.revision, row.made_us, row.made_by, sealed)

    async def _changed(
        self, call: Call, row: store.ImportRow, document: Mapping[str, Any]
    ) -> store.ImportRow:
        """The next revision, committed with the call; Conflict if somebody else changed it meanwhile."""
        after = store.ImportRow(row.id, row.revision + 1, row.made_us, row.made_by, b"")
        after = await self._sealed(call.tenant, after, document)

        def rows(connection: Connection) -> None:
            if not store.replace(connection, call.tenant, after):
                raise Conflict("The import was changed meanwhile: look at it and try again.")

        call.write(rows)
        return after


def _draft(document: Mapping[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] | None = next((one for one in document["drafts"] if one["name"] == name), None)
    if found is None:
        raise NotFound
    return found


def _one_item(text: str) -> dict[str, JsonValue]:
    """One action as a person wrote it. Raises ContractInvalid with the lines."""
    try:
        value = plain(read(text))
    except SourceMistake as error:
        faults = tuple(
            Fault(one.pointer, f"line {one.mark.line}, column {one.mark.column}: {one.detail}")
            for one in error.mistakes
        )
        raise ContractInvalid("Nothing was changed.", faults=faults) from None
    if not isinstance(value, dict):
        raise ContractInvalid(
            "Nothing was changed.",
            faults=(Fault("", "a draft is one action of a contract file: begin with `name:`"),),
        )
    return value


def _faults(report: CheckReport, before: int) -> tuple[Fault, ...]:
    """Mistakes by pointer into the accepted drafts, where they are in one of them."""
    found = []
    for one in report.mistakes:
        parts = one.pointer.split("/")
        if len(parts) > 2 and parts[2].isdecimal() and int(parts[2]) >= before:
            parts[1:3] = ["names", str(int(parts[2]) - before)]
        found.append(Fault("/".join(parts), one.detail))
    return tuple(found)


def _reasons(pairs: Sequence[Sequence[str]]) -> list[Reason]:
    return [Reason(pointer=pointer, detail=detail) for pointer, detail in pairs]


def _summary(row: store.ImportRow, document: Mapping[str, Any]) -> ImportSummary:
    states = [draft["state"] for draft in document["drafts"]]
    return ImportSummary(
        import_id=row.id,
        connector=document["connector"],
        filename=document["filename"],
        made_at=rfc3339(row.made_us),
        made_by=row.made_by,
        open=states.count("open"),
        accepted=states.count("accepted"),
        left=len(document["left"]),
    )


def _place(tenant: TenantId, import_id: str) -> Place:
    return Place(tenant, "contract_import", "document", import_id)


def actions(
    database: Database, vault: Vault, book: Book, check_target: CheckTarget, sources: Sources
) -> list[Action]:
    imports = _Imports(database, vault, book, Contracts(database, book, check_target), check_target, sources)
    return [
        Action(
            name="contract.import",
            title="Import contracts",
            description="Make drafts of contracts from an OpenAPI document, or from the accepted tools of an upstream MCP server, with labels suggested and why. "
            "Nothing can be called before a person accepts it.",
            permission="contract.manage",
            risk=Risk.LOW,
            effect=Effect.LOCAL,
            params=ModelShape(ImportDocument),
            result=ModelShape(ImportShown),
            run=imports.make,
            route=Route("POST", "/v1/contract-imports", 201),
            masking=Masking.OWN,
            sentence="Import drafts of contracts for {connector}",
        ),
        Action(
            name="contract.imports",
            title="List imports",
            description="Imports that wait for review, newest first, with how many of their drafts are open.",
            permission="contract.read",
            risk=Risk.LOW,
            effect=Effect.NONE,
            params=ModelShape(Empty),
            result=ModelShape(ImportList),
            run=imports.listed,
            route=Route("GET", "/v1/contract-imports"),
            recorded=Recorded.BATCHED,
            masking=Masking.OWN,
            sentence="List the imports",
        ),
        Action(
            name="contract.drafts",
            title="Show an import",
            description="The drafts of one import: what would be agreed, why each label is suggested, what was left out of the original, and what is still wrong.",
            permission="contract.read",
            risk=Risk.LOW,
            effect=Effect.NONE,
            params=ModelShape(ImportNamed),
            result=ModelShape(ImportShown),
            run=imports.show,
            route=Route("GET", "/v1/contract-imports/{import_id}"),
            recorded=Recorded.BATCHED,
            masking=Masking.OWN,
            sentence="Show the import {import_id}",
        ),
        Action(
            name="contract.edit_draft",
            title="Edit a draft",
            description="Put another text in the place of a draft: other labels, another risk, another name. It is still nothing that can be called.",
            permission="contract.manage",
            risk=Risk.LOW,
            effect=Effect.LOCAL,
            params=ModelShape(EditDraft),
            result=ModelShape(DraftShown),
            run=imports.edit,
            route=Route("PUT", "/v1/contract-imports/{import_id}/drafts/{name}"),
            masking=Masking.OWN,
            sentence="Edit the draft {name}",
        ),
        Action(
            name="contract.accept_drafts",
            title="Accept drafts",
            description="Add drafts to the contracts that stand, as a new version of the contract file, at once or not at all.",
            permission="contract.manage",
            risk=Risk.MEDIUM,
            effect=Effect.LOCAL,
            params=ModelShape(AcceptDrafts),
            result=ModelShape(Applied),
            run=imports.accept,
            route=Route("POST", "/v1/contract-imports/{import_id}/accept"),
            masking=Masking.OWN,
            sentence="Accept the drafts {names}",
        ),
        Action(
            name="contract.discard_import",
            title="Discard an import",
            description="Remove an import with all drafts that were not accepted. Contracts that stand are not touched.",
            permission="contract.manage",
            risk=Risk.LOW,
            effect=Effect.LOCAL,
            params=ModelShape(ImportNamed),
            result=ModelShape(Nothing),
            run=imports.discard,
            route=Route("DELETE", "/v1/contract-imports/{import_id}"),
            masking=Masking.OWN,
            sentence="Discard the import {import_id}",
        ),
    ]

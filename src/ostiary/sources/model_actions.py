"""The semantic model of a source for whoever looks after it: shown, drafted from the catalogue, checked, put as its next version, given a verified question, taken away."""

import asyncio
from dataclasses import replace
from functools import partial
from typing import Annotated

from pydantic import Field

from ostiary.actions import Action, Call, Effect, Risk, Route
from ostiary.clock import day_of, rfc3339
from ostiary.errors import Conflict, NotFound, SourceInvalid
from ostiary.ids import SubjectId
from ostiary.semantics import ossie
from ostiary.semantics.draft import drafted
from ostiary.semantics.model import Verified
from ostiary.shapes import Answer, Nothing, own_action
from ostiary.sources import meaning, store
from ostiary.sources.actions import OneSource, Statement
from ostiary.sources.services import PURPOSE, Known, Sources
from ostiary.sources.shown import MetricShown, metrics_shown

TEXT_CHARACTERS_MAX = 300_000
VERSIONS_MAX = 50
VERIFIED_MAX = 500

Text = Annotated[
    str,
    Field(
        min_length=1,
        max_length=TEXT_CHARACTERS_MAX,
        description="YAML of Apache Ossie, or dbt's semantic models and metrics.",
    ),
]
Version = Annotated[int, Field(ge=0, description="The version that it goes on from, 0 for none; another is a conflict.")]  # fmt: skip


class Show(OneSource):
    """`version`: 0 for the one that counts. `drafted`: what the catalogue alone says instead, whatever was put."""

    version: Annotated[int, Field(ge=0)] = 0
    drafted: bool = False


class Check(OneSource):
    model: Text


class PutModel(Check):
    version: Version


class Verify(OneSource):
    """`question` may have places, as `{region}`, and `statement` has them as `:region`."""

    question: Annotated[str, Field(min_length=3, max_length=400, examples=["open orders of {region}"])]
    statement: Statement
    version: Version


class Remark(Answer):
    """`pointer`: a JSON Pointer into the model."""

    pointer: str
    detail: str


class VersionShown(Answer):
    version: int
    made_at: str
    made_by: str


class ModelShown(Answer):
    """`version` 0: nobody has put one, and `model` is a draft. `versions`: newest first. `lost`: what it speaks of and the database does not have. `left_out`: what of dbt's would count otherwise."""

    source: str
    dialect: str
    version: int
    model: str
    versions: list[VersionShown]
    datasets: int
    fields: int
    relationships: int
    metrics: list[MetricShown]
    verified: list[str]
    lost: list[Remark]
    left_out: list[str]


class _Desk:
    def __init__(self, sources: Sources) -> None:
        self._of = sources

    async def show(self, call: Call, asked: Show) -> ModelShown:
        """Raises NotFound, SourceInvalid."""
        known, dialect = await self._known(call, asked.source)
        version = 0 if asked.drafted else asked.version or known.meaning.version
        text = known.meaning.text
        if version and version != known.meaning.version:
            row = await self._of.database.run(lambda connection: store.model(connection, call.tenant, asked.source, version))  # fmt: skip
            if row is None:
                raise NotFound("There is no such version.")
            text = await asyncio.to_thread(self._of.model_text, call.tenant, row)
        given = await (asyncio.to_thread(meaning.read, text) if version else asyncio.to_thread(_drafted, known))  # fmt: skip
        return await self._shown(call, known, dialect, version, given)

    async def check(self, call: Call, asked: Check) -> ModelShown:
        """Raises NotFound, SourceInvalid."""
        known, dialect = await self._known(call, asked.source)
        given = await asyncio.to_thread(_checked, call, known, dialect, asked.model)
        return await self._shown(call, known, dialect, known.meaning.version, given)

    async def put(self, call: Call, asked: PutModel) -> ModelShown:
        """Raises NotFound, SourceInvalid, Conflict."""
        known, dialect = await self._known(call, asked.source)
        given = await asyncio.to_thread(_checked, call, known, dialect, asked.model)
        return await self._next(call, known, dialect, asked.version, given)

    async def verify(self, call: Call, asked: Verify) -> ModelShown:
        """Raises NotFound, SourceInvalid, Conflict."""
        known, dialect = await self._known(call, asked.source)
        given = await asyncio.to_thread(_verified, call, known, dialect, asked)
        return await self._next(call, known, dialect, asked.version, given)

    async def remove(self, call: Call, asked: OneSource) -> Nothing:
        """Raises NotFound."""
        known, _ = await self._known(call, asked.source)
        if not known.meaning.version:
            raise NotFound("This source has no semantic model.")
        call.write(partial(store.remove_models, tenant=call.tenant, source=asked.source))
        return Nothing()

    async def _known(self, call: Call, source: str) -> tuple[Known, str]:
        """The source, and whose SQL its database speaks."""
        known = await self._of.known(call.tenant, source)
        return known, (await self._of.held(call.tenant, source)).settings.kind

    async def _next(self, call: Call, known: Known, dialect: str, before: int, given: meaning.Read) -> ModelShown:  # fmt: skip
        of, tenant, source = self._of, call.tenant, known.row.name
        if before != known.meaning.version:
            raise Conflict("The model was changed meanwhile; look at it again.")
        await of.vault.prepare(tenant, PURPOSE, [SubjectId("")])
        sealed = await asyncio.to_thread(of.sealed_model, tenant, source, before + 1, given.text)
        row = store.ModelRow(source, before + 1, sealed, call.at_us, call.actor.id)
        call.write(partial(store.add_model, tenant=tenant, row=row, keep=VERSIONS_MAX))
        return await self._shown(call, known, dialect, row.version, given, row)

    async def _shown(self, call: Call, known: Known, dialect: str, version: int, given: meaning.Read, *made: store.ModelRow) -> ModelShown:  # fmt: skip
        """`made`: a version that is being written."""
        name = known.row.name
        rows = await self._of.database.run(lambda connection: store.models(connection, call.tenant, name, limit=VERSIONS_MAX))  # fmt: skip
        return await asyncio.to_thread(_shown, known, dialect, version, given, [*made, *rows][:VERSIONS_MAX])


def _checked(call: Call, known: Known, dialect: str, text: str) -> meaning.Read:
    """Blocks, as what follows does: models are read and compiled."""
    given = meaning.read(text)
    meaning.check(given.model, known.opened.tables, dialect, day_of(call.at_us))
    return given


def _verified(call: Call, known: Known, dialect: str, asked: Verify) -> meaning.Read:
    model = meaning.read(known.meaning.text).model if known.meaning.version else _drafted(known).model
    others = tuple(each for each in model.verified if each.question.lower() != asked.question.lower())
    if len(others) >= VERIFIED_MAX:
        raise SourceInvalid(f"There are {VERIFIED_MAX} verified questions already; remove one first.")
    text = ossie.write(replace(model, verified=(*others, Verified(asked.question, asked.statement))))
    return _checked(call, known, dialect, text)


def _drafted(known: Known) -> meaning.Read:
    model = drafted(known.row.name, known.opened.tables)
    return meaning.Read(ossie.write(model), model)


def _shown(known: Known, dialect: str, version: int, given: meaning.Read, rows: list[store.ModelRow]) -> ModelShown:  # fmt: skip
    model = given.model
    lost = meaning.lost(model, known.opened.tables, dialect) if version else []
    return ModelShown(
        source=known.row.name,
        dialect=dialect,
        version=version,
        model=given.text,
        versions=[
            VersionShown(version=row.version, made_at=rfc3339(row.made_us), made_by=row.made_by)
            for row in rows
        ],
        datasets=len(model.datasets),
        fields=sum(len(each.fields) for each in model.datasets),
        relationships=len(model.relationships),
        metrics=metrics_shown(model, dialect),
        verified=[each.question for each in model.verified],
        lost=[Remark(pointer=fault.pointer, detail=fault.detail) for fault in lost],
        left_out=list(given.left),
    )


def actions(sources: Sources) -> list[Action]:
    desk = _Desk(sources)
    manage = partial(own_action, permission="source.manage", keeps_answer=False)
    change = partial(own_action, permission="source.manage", effect=Effect.LOCAL, risk=Risk.MEDIUM, keeps_answer=False)  # fmt: skip
    at = "/v1/sources/{source}/model"
    return [
        manage("source.model.show", "Show a source's model", "What its tables mean: the semantic model that counts, an earlier version of it, or a draft from the catalogue where there is none.", Show, ModelShown,
               desk.show, Route("GET", at)),
        manage("source.model.check", "Check a semantic model", "Whether everything of it can be asked of this source. Nothing is changed, and no row is read.", Check, ModelShown, desk.check, Route("POST", at + "/check")),
        change("source.model.put", "Put a source's model", "Say what the source's tables mean: datasets, fields, relationships, metrics, words for them and verified questions. It counts at once, as the next version.",
               PutModel, ModelShown, desk.put, Route("PUT", at), sentence="Say what the tables of {source} mean"),
        change("source.model.verify", "Verify a question", "Answer a question once and for all: whoever asks it later in these words gets this statement, as they may see the data.", Verify, ModelShown, desk.verify,
               Route("POST", at + "/verified"), sentence="Answer {question} on {source} with {statement}"),
        change("source.model.remove", "Remove a source's model", "With all its versions. The source is asked by what its tables and columns are called.", OneSource, Nothing, desk.remove, Route("DELETE", at),
               sentence="Remove what the tables of {source} mean"),
    ]  # fmt: skip

"""What columns hold, from a sample of their values, where a source's policy lets that happen: a few rows of each table are read, looked at by the detector, and gone. Of a value nothing is told but what it is."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Annotated

from pydantic import Field

from ostiary.actions import Action, Call, Recorded, Risk, Route
from ostiary.clock import SECOND_US, Clock
from ostiary.detection.engine import detect
from ostiary.engines.engine import UNREACHABLE, Engine, EngineError
from ostiary.engines.libraries import needed
from ostiary.errors import Conflict, NotFound
from ostiary.guard.catalogue import Catalogue, Table
from ostiary.guard.verdict import Verdict
from ostiary.shapes import Answer, own_action
from ostiary.sources.actions import OneSource
from ostiary.sources.policy import NAMES_MAX, Path, covers
from ostiary.sources.schema import path
from ostiary.sources.services import Sources

ROWS = 50
"""Of each table."""
SECONDS_MAX = 60
"""After which no further table is begun."""
TABLES_MAX = 200
"""Of one look."""
VALUE_CHARACTERS_MAX = 1_000
SHARE_MIN = 0.05
"""Of a column's values, from which on a category counts; with few values one is enough."""
FEW = 5
PLAIN = frozenset(["date", "location", "organisation", "url"])
"""What by itself is nobody's."""

Values = Mapping[tuple[str, str], Sequence[str]]
"""Texts by the path of a table and the name of a column."""


class Sample(OneSource):
    """`tables`: `sales.orders`, `sales.*`; empty: all."""

    tables: Annotated[tuple[Path, ...], Field(max_length=NAMES_MAX)] = ()


class Held(Answer):
    """`share`: how many of the values that were `looked_at` hold it, 0 to 1. `tags`: what the column counts as so far."""

    column: str
    category: str
    share: float
    looked_at: int
    tags: list[str]


class Sampled(Answer):
    """`unread`: tables that the database did not let be read, or for which there was no time."""

    found: list[Held]
    tables: int
    unread: list[str]


class _Desk:
    def __init__(self, sources: Sources) -> None:
        self._of = sources

    async def sample(self, call: Call, asked: Sample) -> Sampled:
        """Raises NotFound, Conflict, and as `Engines.run`."""
        of, tenant = self._of, call.tenant
        known, held = await of.known(tenant, asked.source), await of.held(tenant, asked.source)
        policy = known.opened.policy
        if not policy.samples:
            raise Conflict("The policy of this source lets no sample be read: set samples in it.")
        known.check_bound(held)
        tables = [each for each in known.opened.tables if not asked.tables or any(covers(name, each) for name in asked.tables)]  # fmt: skip
        if not tables:
            raise NotFound("There is no such table.")
        if len(tables) > TABLES_MAX:
            raise Conflict(f"Name at most {TABLES_MAX} tables to look at.")
        statements = await asyncio.to_thread(_statements, tables, held.settings.kind)
        values, unread = await of.connectors.asked(
            held, partial(_read, statements, of.clock), accept_writer=policy.accept_writer
        )
        call.counts |= {"tables": len(tables), "values": sum(map(len, values.values()))}
        found = await asyncio.to_thread(_looked_at, values)
        tags = {path(each.schema, each.name): known.opened.tags(each) for each in tables}
        return Sampled(
            found=[
                Held(
                    column=f"{table}.{column}",
                    category=category,
                    share=round(share, 2),
                    looked_at=count,
                    tags=list(tags[table][column]),
                )
                for table, column, category, share, count in found
            ],
            tables=len(tables),
            unread=unread,
        )


def _statements(tables: Sequence[Table], dialect: str) -> list[tuple[Table, Verdict]]:
    """For each table a few rows, through the guard like any other statement."""
    with needed():
        from ostiary.guard.dialects import dialect_of  # noqa: PLC0415
        from ostiary.guard.governed import governed  # noqa: PLC0415 - libraries of an extra
        from ostiary.guard.masking import WRITINGS  # noqa: PLC0415
    quoted, found = WRITINGS[dialect_of(dialect).parser].quoted, []
    for table in tables:
        columns = ", ".join(quoted(each.name) for each in table.columns)
        where = ".".join(quoted(each) for each in (table.schema, table.name) if each)
        statement = f"SELECT {columns} FROM {where} LIMIT {ROWS}"  # noqa: S608 (names of the catalogue, quoted, and read by the guard)
        found.append((table, governed(statement, dialect, Catalogue.holding([table]), {})))
    return found


def _read(
    statements: Sequence[tuple[Table, Verdict]], clock: Clock, engine: Engine
) -> tuple[Values, list[str]]:
    """Texts by table and column. One table that cannot be read leaves the others; with none of them it is the database's error."""
    values: dict[tuple[str, str], list[str]] = {}
    unread: list[str] = []
    until_us = clock.monotonic_us() + SECONDS_MAX * SECOND_US
    for table, verdict in statements:
        if clock.monotonic_us() > until_us:
            unread.append(path(table.schema, table.name))
            continue
        try:
            if not verdict.allowed:
                raise EngineError(verdict.code, verdict.why)
            answer = engine.run(verdict, lambda _: "")
            rows = [row for batch in answer.batches() for row in batch]
        except EngineError as error:
            if len(statements) == 1 or error.code == UNREACHABLE:
                raise
            unread.append(path(table.schema, table.name))
            continue
        for place, column in enumerate(table.columns):
            texts = [row[place][:VALUE_CHARACTERS_MAX] for row in rows if isinstance(row[place], str)]
            if texts:
                values[path(table.schema, table.name), column.name] = texts
    return values, unread


def _looked_at(values: Values) -> list[tuple[str, str, str, float, int]]:
    """(table, column, category, share, values) each, those with the largest share of a table first."""
    found = []
    for (table, column), texts in values.items():
        held: Counter[str] = Counter()
        for findings in detect(texts):
            held.update({each.category for each in findings} - PLAIN)
        for category, hits in held.most_common():
            share = hits / len(texts)
            if len(texts) <= FEW or (hits > 1 and share >= SHARE_MIN):
                found.append((table, column, category, share, len(texts)))
    return found


def actions(sources: Sources) -> list[Action]:
    return [
        own_action(
            "source.sample", "Look at samples of a source", f"What columns hold, by the detector: up to {ROWS} rows of each table are read, where the source's policy says samples, and nothing of them is told or kept but the categories. "
            "What it finds is a suggestion for the policy's tags.", Sample, Sampled, _Desk(sources).sample, Route("POST", "/v1/sources/{source}/sample"), permission="source.manage", risk=Risk.MEDIUM, recorded=Recorded.DURABLE,
            keeps_answer=False, sentence="Read samples of {source} to see what is sensitive",
        ),
    ]  # fmt: skip

"""Rows that count only as a process with the tenant's keys wrote them: each carries a keyed mark over what it says, made when it is written and checked when
it is read. Whoever can write to the database and has no keys can take such rows away, but neither alter them nor make their own.

A table says so beside its columns: `mark()` among them and `info=marked()`, or `info=unmarked("why not")`; one that says neither fails the build. Its
statements then go through `add`, `put`, `change` and `read` here. A mark is a format byte and HMAC-SHA256 (RFC 2104) over table, tenant and every column that
has a value and is not named in `but`, each with its name and length. The key is a named key of the tenant, wrapped by its versions, so a rotation leaves
every mark as it is.

What it cannot see: a row that is gone, and an older version of a row with the mark that it had then. See docs/decisions/0117.
"""

import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, LargeBinary, Select, Table, bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import Column
from sqlalchemy.sql.dml import Insert, Update

from ostiary import log, metrics
from ostiary.db.scope import known, of_tenant
from ostiary.db.tables import COUNTED, metadata, upsert
from ostiary.errors import KeysUnavailable, RowForged, StoreUnavailable
from ostiary.ids import TenantId

COLUMN = "row_mark"
MARKS = "ostiary.marks"
"""Where a connection holds its `Marks`."""
FORMAT = b"\x01"
MARK_BYTES = len(FORMAT) + 32
NOTHING: Mapping[str, Any] = {}

_LOG = log.get("db")
_PLAIN = re.compile(r"[\w.:-]{1,64}")


@dataclass(frozen=True, slots=True)
class Forged:
    """A row that was refused. `row`: its key within tenant and table, empty where that is not plain."""

    tenant: TenantId
    table: str
    row: str


@dataclass(slots=True)
class Marks:
    """The keys of marks. `key`: of a tenant. `earlier`: of its rows in tables that an earlier release made; None until those were marked (`mark_all`).
    `refused` is told each refusal, in whichever thread; it must not block."""

    key: Callable[[TenantId], bytes]
    earlier: Callable[[TenantId], bytes | None]
    refused: Callable[[Forged], None] = field(default=lambda _forged: None)


def mark(*, earlier: bool = False) -> Column[Any]:
    """The column of the marks. `earlier`: the table was made by a release that knew none, whose rows are marked at the upgrade."""
    return Column(COLUMN, LargeBinary(MARK_BYTES), nullable=earlier, info={"held": "mark"})


def marked(*, but: Sequence[str] = ()) -> dict[str, Any]:
    """A table's `info`: its rows are marked. `but`: columns that decide nothing, or less than a change of the mark would cost."""
    return {"rows": "marked", "but": frozenset(but)}


def unmarked(why: str) -> dict[str, Any]:
    """A table's `info`: whoever writes such a row by hand gains nothing, for this reason."""
    return {"rows": "unmarked", "why": why}


@dataclass(frozen=True, slots=True)
class _Plan:
    head: bytes
    columns: tuple[tuple[str, bytes], ...]
    names: frozenset[str]
    key: tuple[str, ...]
    earlier: bool


@cache
def _plan(table: Table) -> _Plan:
    left_out = table.info["but"] | {"tenant", COLUMN}
    names = sorted(column.name for column in table.columns if column.name not in left_out)
    key = tuple(column.name for column in table.primary_key.columns if column.name != "tenant")
    return _Plan(
        head=b"".join(_sized(each.encode()) for each in ("ostiary row", table.name)),
        columns=tuple((name, _sized(name.encode())) for name in names),
        names=frozenset(names),
        key=key,
        earlier=bool(table.c[COLUMN].nullable),
    )


def _sized(content: bytes) -> bytes:
    return len(content).to_bytes(4, "big") + content


def _message(plan: _Plan, tenant: TenantId, values: Mapping[str, Any]) -> bytes:
    """What a mark is made over. A column without a value is not in it, so one that is added later leaves the marks before it as they are."""
    parts = [plan.head, _sized(tenant.encode())]
    for name, label in plan.columns:
        value = values.get(name)
        if value is None:
            continue
        if isinstance(value, str):
            content = b"s" + value.encode()
        elif isinstance(value, int):
            content = b"i%d" % value
        elif isinstance(value, bytes | memoryview):
            content = b"b" + bytes(value)
        else:  # SQLite keeps what it is given: no row of ours has such a value
            content = b"?" + repr(value).encode()
        parts += (label, _sized(content))
    return b"".join(parts)


def _made(key: bytes, plan: _Plan, tenant: TenantId, values: Mapping[str, Any]) -> bytes:
    return FORMAT + hmac.digest(key, _message(plan, tenant, values), "sha256")


@dataclass(frozen=True, slots=True)
class _Hand:
    """Who marks and checks the rows of one tenant in one table. `key` None: those were not marked yet."""

    marks: Marks
    tenant: TenantId
    table: Table
    plan: _Plan
    key: bytes | None

    def mark(self, values: Mapping[str, Any]) -> bytes | None:
        return None if self.key is None else _made(self.key, self.plan, self.tenant, values)

    def check(self, values: Mapping[str, Any]) -> None:
        if self.key is None:
            return
        found = values[COLUMN]
        if not isinstance(found, bytes) or not hmac.compare_digest(
            found, _made(self.key, self.plan, self.tenant, values)
        ):
            self._refuse(values)

    def _refuse(self, values: Mapping[str, Any]) -> None:
        row = "/".join(str(values[name]) for name in self.plan.key)
        forged = Forged(self.tenant, self.table.name, row if _PLAIN.fullmatch(row) else "")
        metrics.ROWS_FORGED.labels(forged.table).inc()
        _LOG.error("row.forged", tenant=forged.tenant, table=forged.table)
        self.marks.refused(forged)
        raise RowForged

    def written(self) -> None:
        """After a row was written without a mark: not if they were marked meanwhile, by whoever waits for this transaction's locks or had waited before."""
        if self.key is None and self.marks.earlier(self.tenant) is not None:
            raise StoreUnavailable("The rows were being marked; ask again.")


def _hand(connection: Connection, tenant: TenantId, table: Table) -> _Hand:
    marks: Marks | None = connection.info.get(MARKS)
    if marks is None:
        raise KeysUnavailable("This database was opened without the keys that its rows are marked with.")
    whose, plan = known(connection, tenant), _plan(table)
    return _Hand(marks, whose, table, plan, marks.earlier(whose) if plan.earlier else marks.key(whose))


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in ("tenant", COLUMN)}


def read(connection: Connection, tenant: TenantId, query: Select[Any]) -> list[dict[str, Any]]:
    """The rows of a `select(table)`, each as it was written, without tenant and mark. Raises RowForged."""
    (table,) = query._raw_columns  # what was given to `select`; the public ways compile the query, at 1 ms
    assert isinstance(table, Table)
    hand = _hand(connection, tenant, table)
    rows = [dict(row._mapping) for row in connection.execute(query)]
    for row in rows:
        hand.check(row)
    return [_shown(row) for row in rows]


def first(connection: Connection, tenant: TenantId, query: Select[Any]) -> dict[str, Any] | None:
    """The first of `read`."""
    found = read(connection, tenant, query.limit(1))
    return found[0] if found else None


def add(
    connection: Connection, tenant: TenantId, table: Table, values: Mapping[str, Any], *, once: bool = False
) -> bool:
    """Insert a row. `once`: where its key stands already it stays as it is, and this gives False."""
    hand = _hand(connection, tenant, table)
    statement = _insert(table, connection.dialect.name, once)
    done = connection.execute(statement, {**values, "tenant": tenant, COLUMN: hand.mark(values)})
    hand.written()
    return not once or done.rowcount == 1


@cache
def _insert(table: Table, dialect: str, once: bool) -> Insert:
    insert = (postgresql.insert if dialect == "postgresql" else sqlite.insert)(table)
    if not once:
        return insert
    key = [column.name for column in table.primary_key.columns]
    return insert.on_conflict_do_nothing(index_elements=key).execution_options(**COUNTED)


def put(connection: Connection, tenant: TenantId, table: Table, values: Mapping[str, Any]) -> None:
    """Insert a row, or replace the whole of it."""
    hand = _hand(connection, tenant, table)
    whole = {**values, "tenant": tenant, COLUMN: hand.mark(values)}
    changing = tuple(column.name for column in table.columns if not column.primary_key)
    connection.execute(upsert(connection.dialect.name, table, whole, changing=changing))
    hand.written()


def change(
    connection: Connection,
    tenant: TenantId,
    table: Table,
    where: Sequence[ColumnElement[bool]],
    values: Mapping[str, Any],
) -> list[dict[str, Any]]:
    """Change the rows of the tenant that fit; each as it is now. A value may be a function of the row as it stands. What stands is checked before, so that
    no forged row gets a mark; the rows stay locked until the transaction ends. Raises RowForged."""
    chosen = select(table).where(table.c.tenant == tenant, *where).with_for_update()
    return change_chosen(connection, tenant, chosen.order_by(*_key(table)), values)


def change_chosen(
    connection: Connection, tenant: TenantId, chosen: Select[Any], values: Mapping[str, Any], given: Mapping[str, Any] = NOTHING
) -> list[dict[str, Any]]:  # fmt: skip
    """`change` for a `select(table)...with_for_update()` that is made once and told its values by `given`: to build a statement costs more than to run it."""
    (table,) = chosen._raw_columns
    assert isinstance(table, Table)
    hand = _hand(connection, tenant, table)
    changed = []
    for row in [dict(row._mapping) for row in connection.execute(chosen, given)]:
        hand.check(row)
        new = {name: value(row) if callable(value) else value for name, value in values.items()}
        after = {**row, **new}
        made = {f"new_{name}": value for name, value in new.items()}
        told = {**_place(hand.plan, row), **made, "new_mark": hand.mark(after)}
        connection.execute(_update(table, frozenset(new)), told)
        changed.append(_shown(after))
    hand.written()
    return changed


def _key(table: Table) -> list[Column[Any]]:
    """In one order, so that two writers never wait for each other."""
    return [table.c[name] for name in _plan(table).key]


def _place(plan: _Plan, row: Mapping[str, Any]) -> dict[str, Any]:
    """Which row `_update` changes."""
    return {f"key_{name}": row[name] for name in ("tenant", *plan.key)}


@cache
def _update(table: Table, names: frozenset[str]) -> Update:
    same = [table.c[name] == bindparam(f"key_{name}") for name in ("tenant", *_plan(table).key)]
    made: dict[str, Any] = {name: bindparam(f"new_{name}") for name in sorted(names)}
    return update(table).where(*same).values({**made, COLUMN: bindparam("new_mark")})


def earlier_tables() -> list[Table]:
    """Marked tables that an earlier release made."""
    return [
        table
        for table in sorted(metadata.tables.values(), key=lambda table: table.name)
        if table.info.get("rows") == "marked" and _plan(table).earlier
    ]


@of_tenant
def mark_all(connection: Connection, tenant: TenantId, publish: Callable[[], bytes]) -> int:
    """Mark every row of the tenant in the tables that an earlier release made; how many. Nobody writes in them meanwhile.

    `publish` makes the key known, and gives the one that is: whoever writes after this transaction marks with it. So a row is either marked here or by its writer.
    """
    tables = earlier_tables()
    if connection.dialect.name == "postgresql":
        for table in tables:
            connection.exec_driver_sql(f"LOCK TABLE {table.name} IN SHARE ROW EXCLUSIVE MODE")
    key = publish()
    return sum(_mark_table(connection, tenant, table, key) for table in tables)


def _mark_table(connection: Connection, tenant: TenantId, table: Table, key: bytes) -> int:
    plan, whose = _plan(table), known(connection, tenant)
    rows = [dict(row._mapping) for row in connection.execute(select(table).where(table.c.tenant == tenant))]
    if rows:
        made = [{**_place(plan, row), "new_mark": _made(key, plan, whose, row)} for row in rows]
        connection.execute(_update(table, frozenset()), made)
    return len(rows)

"""Two databases on each engine that differ only in what a catalogue hides, and a generator of queries that try to tell them apart."""

import hashlib
import random
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import duckdb
import psycopg
import pymysql
from sqlalchemy import make_url

from ostiary.guard.catalogue import Catalogue
from ostiary.guard.governed import governed
from ostiary.guard.masking import SESSIONS
from ostiary.guard.verdict import Verdict
from tests.servers import drop_postgresql, fresh_postgresql

KEY = "5" * 64
CANARY = "TOPSECRET"
CUSTOMERS, ORDERS = 40, 90

Outcome = tuple[str, Any, Any]
Ask = Callable[[Verdict], Outcome]


def catalogue(schema: str) -> Catalogue:
    """The same on every engine."""
    customers = [
        {"name": "id", "type": "integer"},
        {"name": "name", "type": "varchar(40)"},
        {"name": "city", "type": "varchar(40)"},
        {"name": "ssn", "type": "varchar(40)", "mask": "full"},
        {"name": "credit", "type": "integer", "mask": "full"},
        {"name": "email", "type": "varchar(60)", "mask": {"kind": "partial", "first": 0, "last": 4}},
        {"name": "salary", "type": "integer", "mask": {"kind": "generalise", "to": 1000}},
        {"name": "born", "type": "date", "mask": {"kind": "generalise", "to": "year"}},
        {"name": "note", "type": "varchar(60)", "mask": "null"},
        {"name": "phone", "type": "varchar(40)", "mask": "hash"},
        {"name": "account", "type": "varchar(40)", "mask": {"kind": "token", "group": "account"}},
    ]
    orders = [
        {"name": "id", "type": "integer"},
        {"name": "customer_id", "type": "integer"},
        {"name": "region", "type": "varchar(10)"},
        {"name": "amount", "type": "integer"},
        {"name": "memo", "type": "varchar(60)"},
        {"name": "payer", "type": "varchar(40)", "mask": {"kind": "token", "group": "account"}},
    ]
    return Catalogue.of(
        {
            "tables": [
                {"schema": schema, "name": "customers", "columns": customers, "key": ["id"]},
                {
                    "schema": schema,
                    "name": "seen",
                    "columns": ["id", "name", {"name": "ssn", "mask": "full"}],
                    "view": True,
                },
                {
                    "schema": schema,
                    "name": "orders",
                    "columns": orders,
                    "key": ["id"],
                    "rows": "region = :region",
                },
            ]
        }
    )


def rows(world: int) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """Customers and orders. What is shown of them is the same in every world."""
    shown, hidden = random.Random(1), random.Random(100 + world)
    customers, orders = [], []
    for at in range(CUSTOMERS):
        tail = f"{shown.randrange(10)}.de"
        short = shown.random() < 0.2
        length = hidden.randint(0, 3) if short else hidden.randint(6, 30)
        address = (f"{CANARY}{hidden.random()}" * 3)[:length] + ("" if short else tail)
        thousands = shown.randint(-3, 9) * 1000
        customers.append(
            (
                at,
                f"name{shown.randrange(30)}",
                shown.choice(["Rome", "Oslo", "Bonn", None]),
                hidden.choice([None, "12", f"{CANARY}-{hidden.random()}"]),
                hidden.choice([None, 0, 1, hidden.randrange(10**6)]),
                address,
                thousands + hidden.randrange(1000),
                f"{shown.randint(1950, 1999)}-{hidden.randint(1, 12):02}-{hidden.randint(1, 28):02}",
                hidden.choice([None, "{}", f"{CANARY}{hidden.random()}"]),
                f"+49{shown.randrange(20)}",
                f"DE{at // 2}",
            )
        )
    for at in range(ORDERS):
        for _ in range(hidden.randrange(3)):  # rows of another region, which are not shown
            memo = hidden.choice([f"{CANARY}{hidden.random()}", "x", "0", None])
            orders.append((1000 + len(orders), hidden.randrange(CUSTOMERS), "US", 0, memo, "DE1"))
        memo = str(shown.randrange(1, 500))
        orders.append((at, shown.randrange(CUSTOMERS), "EU", shown.randint(1, 90), memo, f"DE{shown.randrange(20)}"))  # fmt: skip
    return customers, orders


TABLES = (
    "CREATE TABLE customers (id INTEGER PRIMARY KEY, name VARCHAR(40), city VARCHAR(40), ssn VARCHAR(60), credit INTEGER, email VARCHAR(60), salary INTEGER, born DATE, note VARCHAR(60), "
    "phone VARCHAR(40), account VARCHAR(40))",
    "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER, region VARCHAR(10), amount INTEGER, memo VARCHAR(60), payer VARCHAR(40))",
    "CREATE VIEW seen AS SELECT id, name, ssn FROM customers",
    "CREATE INDEX of_region ON orders (region)",
    "CREATE INDEX of_customer ON orders (customer_id)",
    "CREATE INDEX of_ssn ON customers (ssn)",
    "CREATE INDEX of_ssn_and_all ON customers (ssn, id, name)",
)


def _fill(run: Callable[[str, Any], Any], mark: str, world: int) -> None:
    for table in TABLES:
        run(table, ())
    customers, orders = rows(world)
    for row in customers:
        run(f"INSERT INTO customers VALUES ({', '.join([mark] * 11)})", row)
    for row in orders:
        run(f"INSERT INTO orders VALUES ({', '.join([mark] * 6)})", row)


def _outcome(run: Callable[[], tuple[Any, Any]], failure: type[Exception]) -> Outcome:
    try:
        names, found = run()
    except failure as error:
        return "error", type(error).__name__, CANARY in str(error)  # the text is relayed to no one
    return "rows", names, found


@contextmanager
def sqlite_world(world: int) -> Iterator[Ask]:
    """In memory."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.create_function(
        "ostiary_sha256", 1, lambda text: None if text is None else hashlib.sha256(text.encode()).hexdigest(), deterministic=True
    )  # fmt: skip
    _fill(connection.execute, "?", world)
    connection.execute("ANALYZE")

    def ask(verdict: Verdict) -> Outcome:
        def run() -> tuple[Any, Any]:
            cursor = connection.execute(verdict.sql, [KEY] * len(verdict.keys))
            return [each[0] for each in cursor.description], cursor.fetchall()

        return _outcome(run, sqlite3.Error)

    yield ask
    connection.close()


@contextmanager
def duckdb_world(world: int) -> Iterator[Ask]:
    """In memory."""
    connection = duckdb.connect()
    _fill(connection.execute, "?", world)
    for setting in (*SESSIONS["duckdb"], "SET enable_external_access=false", "SET lock_configuration=true"):
        connection.execute(setting)

    def ask(verdict: Verdict) -> Outcome:
        def run() -> tuple[Any, Any]:
            found = connection.execute(verdict.sql, [KEY] * len(verdict.keys))
            return [each[:2] for each in found.description or ()], found.fetchall()

        return _outcome(run, duckdb.Error)

    yield ask
    connection.close()


@contextmanager
def postgresql_world(world: int) -> Iterator[Ask]:
    """A schema of its own, over the extended protocol."""
    url = fresh_postgresql()
    where = make_url(url)
    parts = where.translate_connect_args(username="user", database="dbname") | dict(where.query)
    with psycopg.connect(**parts, autocommit=True, cursor_factory=psycopg.RawCursor) as connection:
        _fill_postgresql(connection, world)
        for setting in SESSIONS["postgres"]:
            connection.execute(setting.encode())

        def ask(verdict: Verdict) -> Outcome:
            def run() -> tuple[Any, Any]:
                sql = verdict.sql.replace('"public".', "")  # this test's own schema
                found = connection.execute(sql.encode(), [KEY] * len(verdict.keys), prepare=True)
                return [(each.name, each.type_code) for each in found.description or ()], found.fetchall()

            return _outcome(run, psycopg.Error)

        yield ask
    drop_postgresql(url)


def _fill_postgresql(connection: psycopg.Connection[Any], world: int) -> None:
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(table.encode())
        for name, given in zip(("customers", "orders"), rows(world), strict=True):
            with cursor.copy(f"COPY {name} FROM STDIN".encode()) as copy:
                for row in given:
                    copy.write_row(row)
        cursor.execute("VACUUM ANALYZE customers, orders")


@contextmanager
def mariadb_world(world: int) -> Iterator[Ask]:
    """A database of its own. The driver writes the key into the text."""
    name = f"ostiary_world_{random.SystemRandom().randrange(10**12)}"
    connection = pymysql.connect(host="127.0.0.1", user="root", autocommit=True)
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        cursor.execute(f"USE {name}")
        cursor.execute(
            "SET SESSION sql_mode = 'STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION', max_statement_time = 5"
        )
        _fill(cursor.execute, "%s", world)

    def ask(verdict: Verdict) -> Outcome:
        def run() -> tuple[Any, Any]:
            with connection.cursor() as cursor:
                sql = re.sub(r"`?\bshop\b`?\.", "", verdict.sql).replace("?", f"'{KEY}'")
                cursor.execute(sql)
                return [each[:2] for each in cursor.description], cursor.fetchall()

        return _outcome(run, pymysql.Error)

    yield ask
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE {name}")
    connection.close()


WORLDS: dict[str, tuple[str, Callable[[int], Any]]] = {
    "postgresql": ("public", postgresql_world),
    "mariadb": ("shop", mariadb_world),
    "sqlite": ("main", sqlite_world),
    "duckdb": ("main", duckdb_world),
}

_ANY = "id name city ssn credit email salary born note phone account".split()  # noqa: SIM905
_OF_ORDERS = "id customer_id region amount memo payer".split()  # noqa: SIM905
_NUMBERS = frozenset(["id", "credit", "salary", "customer_id", "amount"])
_CASTS = {
    "postgresql": ["CAST({0} AS INTEGER)", "{0}::text", "to_json({0})", "CAST({0} AS TEXT)::json", "md5({0}::text)", "length({0}::text)", "ascii({0}::text)"],
    "mariadb": ["CAST({0} AS SIGNED)", "CAST({0} AS CHAR)", "JSON_VALUE({0}, '$.a')", "HEX({0})", "LENGTH({0})", "ASCII({0})", "1 / ({0} - 1)"],
    "sqlite": ["CAST({0} AS INTEGER)", "CAST({0} AS TEXT)", "json({0})", "hex({0})", "length({0})", "unicode({0})", "abs({0})", "typeof({0})"],
    "duckdb": ["CAST({0} AS INTEGER)", "CAST({0} AS TEXT)", "CAST({0} AS JSON)", "md5(CAST({0} AS TEXT))", "length(CAST({0} AS TEXT))", "typeof({0})"],
}  # fmt: skip
_ROWS = {
    "postgresql": ["SELECT to_json({0}) FROM {1} {0}", "SELECT {0} FROM {1} {0}", "SELECT {0}.*::text FROM {1} {0}", "SELECT json_agg({0}) FROM {1} {0}", "SELECT count(DISTINCT {0}) FROM {1} {0}", "SELECT {0}.row_to_json FROM {1} {0}"],
    "mariadb": ["SELECT * FROM {1} {0}", "SELECT {0}.* FROM {1} AS {0} ORDER BY 1, 2, 3"],
    "sqlite": ["SELECT * FROM {1} {0}", "SELECT rowid, * FROM {1} {0}", "SELECT {0}.* FROM {1} AS {0}"],
    "duckdb": ["FROM {1} {0}", "SELECT {0} FROM {1} {0}", "SELECT COLUMNS('s|m') FROM {1} {0}", "SELECT list({0}) FROM {1} {0}", "SUMMARIZE {1}", "SELECT * EXCLUDE (id) FROM {1} {0}"],
}  # fmt: skip


_GATHERED = {
    "postgresql": ["json_agg({0})", "array_agg({0})", "string_agg({0}::text, ',')", "array_agg(DISTINCT {0})", "count(*) FILTER (WHERE {0} IS NULL)", "bool_or({0} IS NULL)"],
    "mariadb": ["group_concat({0})", "group_concat(DISTINCT {0})", "sum({0})"],
    "sqlite": ["sum({0})", "total({0})", "count({0})"],
    "duckdb": ["list({0})", "string_agg({0}, ',')", "any_value({0})", "first({0})", "count({0})"],
}  # fmt: skip
_WINDOWED = [
    "row_number()",
    "rank()",
    "ntile(3)",
    "lag({0})",
    "first_value({0})",
    "count(*)",
    "max({0})",
    "dense_rank()",
]


class Queries:
    """Statements for one engine, without end and the same for the same seed."""

    def __init__(self, engine: str, seed: int) -> None:
        self._engine = engine
        self._draw = random.Random(seed)

    def __iter__(self) -> Iterator[str]:
        while True:
            yield self._query(2)

    def _column(self, alias: str) -> str:
        name = self._draw.choice(_ANY if alias == "c" else _OF_ORDERS)
        return f"{alias}.{name}" if self._draw.random() < 0.9 else name

    def _value(self, aliases: str) -> str:
        column = self._column(self._draw.choice(aliases))
        if self._draw.random() < 0.35:
            return str(self._draw.choice(_CASTS[self._engine])).format(column)
        if self._draw.random() < 0.1:
            return f"CASE WHEN {self._condition(aliases, 0)} THEN {column} END"
        return column

    def _constant(self, value: str = "") -> str:
        if self._draw.random() < 0.9:
            if value.rpartition(".")[2] in _NUMBERS:
                return self._draw.choice(["0", "1", "12", "500", "2000", "NULL"])
            if value.endswith("born"):
                return self._draw.choice(["'1970-01-01'", "'1985-06-01'"])
            if "(" not in value:
                return self._draw.choice(
                    ["'EU'", "'US'", "'***'", "'%SECRET%'", "NULL", "'12'", "'7'", f"'{CANARY}'"]
                )
        return self._draw.choice(["0", "1", "12", "500", "'EU'", "'US'", "'***'", "'%SECRET%'", "'1970-01-01'", "NULL", f"'{CANARY}'"])  # fmt: skip

    def _condition(self, aliases: str, depth: int) -> str:
        draw = self._draw.random()
        value = self._value(aliases)
        if draw < 0.35:
            sign = self._draw.choice(
                ["=", "<>", "<", ">=", "=" if value.rpartition(".")[2] in _NUMBERS else "LIKE"]
            )
            return f"{value} {sign} {self._constant(value)}"
        if draw < 0.5:
            return f"{value} IS {self._draw.choice(['', 'NOT '])}NULL"
        if draw < 0.6:
            return f"{value} = {self._value(aliases)}"
        if draw < 0.7 and depth:
            return f"EXISTS (SELECT 1 FROM orders o2 WHERE o2.{self._draw.choice(_OF_ORDERS)} = {value})"
        if draw < 0.8 and depth:
            return f"{value} IN (SELECT {self._draw.choice(_OF_ORDERS)} FROM orders)"
        if draw < 0.9 and depth:
            return f"({self._condition(aliases, 0)} {self._draw.choice(['AND', 'OR'])} NOT {self._condition(aliases, 0)})"
        return f"{value} BETWEEN {self._constant(value)} AND {self._constant(value)}"

    def _from(self) -> tuple[str, str]:
        draw = self._draw.random()
        if draw < 0.3:
            return "customers c", "c"
        if draw < 0.5:
            return "orders o", "o"
        joined = self._draw.choice(["JOIN", "LEFT JOIN", "LEFT JOIN", "CROSS JOIN"])
        on = "" if joined == "CROSS JOIN" else " ON " + self._draw.choice(["o.customer_id = c.id", "o.payer = c.account", f"{self._column('c')} = {self._column('o')}"])  # fmt: skip
        return f"customers c {joined} orders o{on}", "co"

    def _query(self, depth: int) -> str:
        draw = self._draw.random()
        if draw < 0.03:
            return f"SELECT {self._draw.choice(['id', 'name, ssn', '*'])} FROM seen{self._draw.choice(['', ' LIMIT 5', ' ORDER BY ssn'])}"
        if draw < 0.08:
            table = self._draw.choice(["customers", "orders"])
            return str(self._draw.choice(_ROWS[self._engine])).format("x", table)
        if draw < 0.14 and depth:
            word = self._draw.choice(["UNION", "UNION ALL", "EXCEPT", "INTERSECT"])
            return f"{self._one(1)} {word} {self._one(1)}"
        if draw < 0.22 and depth:
            name = self._draw.choice(["x", "customers", "orders"])
            value = self._value("c")
            return f"WITH {name} AS (SELECT {value} AS v, {self._column('c')} AS w FROM customers c) SELECT v, count(*) FROM {name} GROUP BY v ORDER BY 1"
        return self._select(depth)

    def _one(self, depth: int) -> str:
        source, aliases = self._from()
        return f"SELECT {self._value(aliases)} FROM {source} WHERE {self._condition(aliases, depth)}"

    def _select(self, depth: int) -> str:
        source, aliases = self._from()
        where = f" WHERE {self._condition(aliases, depth)}" if self._draw.random() < 0.8 else ""
        draw = self._draw.random()
        if draw < 0.25:
            by = self._value(aliases)
            gathered = self._draw.choice(
                ["count(*)", "min({0})", "max({0})", "count(DISTINCT {0})", *_GATHERED[self._engine]]
            ).format(self._value(aliases))
            having = f" HAVING count(*) > {self._draw.randint(0, 3)}" if self._draw.random() < 0.3 else ""
            return f"SELECT {by}, {gathered} FROM {source}{where} GROUP BY {by}{having} ORDER BY 1, 2"
        if draw < 0.33 and "c" in aliases:
            return f"SELECT c.id, c.{self._draw.choice(_ANY)}, count(*) FROM {source}{where} GROUP BY c.id ORDER BY c.{self._draw.choice(_ANY)}, 1"
        if draw < 0.4:
            function = self._draw.choice(_WINDOWED).format(self._value(aliases))
            part = f"PARTITION BY {self._value(aliases)} " if self._draw.random() < 0.5 else ""
            return f"SELECT {function} OVER ({part}ORDER BY {self._value(aliases)}) AS n, {self._value(aliases)} FROM {source}{where}"
        values = ", ".join(self._value(aliases) for _ in range(self._draw.randint(1, 3)))
        distinct = "DISTINCT " if self._draw.random() < 0.15 else ""
        order = f" ORDER BY {self._draw.randint(1, 1)}" if self._draw.random() < 0.5 else ""
        limit = f" LIMIT {self._draw.randint(1, 20)}" if self._draw.random() < 0.3 else ""
        return f"SELECT {distinct}{values} FROM {source}{where}{order}{limit}"


@contextmanager
def two_worlds(engine: str) -> Iterator[tuple[Catalogue, Ask, Ask]]:
    """The catalogue and both databases."""
    schema, world = WORLDS[engine]
    with ExitStack() as stack:
        yield catalogue(schema), stack.enter_context(world(1)), stack.enter_context(world(2))


def told_apart(engine: str, statements: Iterator[str], count: int) -> tuple[dict[str, int], list[str]]:
    """How many were refused, failed and answered; and the statements by whose outcome the worlds differ, or which show what is hidden."""
    counted = {"refused": 0, "error": 0, "rows": 0}
    differ = []
    with two_worlds(engine) as (known, one, other):
        for _ in range(count):
            sql = next(statements)
            verdict = governed(sql, engine, known, {"region": "EU"})
            if not verdict.allowed:
                counted["refused"] += 1
                continue
            outcomes = one(verdict), other(verdict)
            counted[outcomes[0][0]] += 1
            if _told(outcomes[0]) != _told(outcomes[1]) or any(_shows(each, sql) for each in outcomes):
                differ.append(f"{sql}\n  {verdict.sql}\n  {outcomes[0]!r:.600}\n  {outcomes[1]!r:.600}")
    return counted, differ


def _told(outcome: Outcome) -> Outcome:
    """What whoever asks gets: of an error that it is one of its kind. Which of two parts that fail is named first in its text, threads decide."""
    return (*outcome[:2], None) if outcome[0] == "error" else outcome


def _shows(outcome: Outcome, sql: str) -> bool:
    """Whether what is hidden stands in it, beyond what the statement itself said."""
    if outcome[0] == "error":
        return bool(outcome[2]) and CANARY not in sql
    return CANARY in re.sub(rf"\b{CANARY}\b(?!\\d|-)", "", repr(outcome))

"""The house rules that a machine can check, on the syntax tree of every file."""

import ast
import importlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from sqlalchemy import Table

import ostiary
from ostiary.db import marks
from ostiary.db.tables import keys_metadata, metadata

SOURCE = Path(ostiary.__file__).parent
FILES = sorted(path for path in SOURCE.rglob("*.py") if "standalone" not in path.parts)
"""`standalone` is for auditors and no part of the product: it shares no code with it."""

FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 70

CLOCKS = {"time", "monotonic", "time_ns", "monotonic_ns", "perf_counter", "utcnow", "today"}
NETWORK = {"socket", "urllib.request", "http.client", "httpx", "httpcore", "requests", "smtplib", "aiohttp"}


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


NO_TENANT_OF_ITS_OWN = {"rehearse"}
"""Calls a function that tells it."""


def room(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imports(path: Path) -> Iterator[tuple[str, ast.stmt]]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            for name in node.names:
                yield name.name, node
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module, node


def each(rooms_left_out: set[str]) -> list[Path]:
    return [path for path in FILES if room(path) not in rooms_left_out]


@pytest.mark.parametrize(
    "path", each({"client", "clock", "sample"}), ids=lambda path: str(path.relative_to(SOURCE))
)
def test_time_is_read_only_in_clock(path: Path) -> None:
    read = [
        node.lineno
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id in {"time", "datetime", "date"}
        and node.func.attr in CLOCKS | {"now"}
    ]
    assert read == []


@pytest.mark.parametrize(
    "path", each({"client", "net", "connectors", "sample"}), ids=lambda path: str(path.relative_to(SOURCE))
)
def test_only_net_reaches_out(path: Path) -> None:
    if (
        room(path) == "db" and path.name == "watch.py"
    ):  # it breaks connections of the driver's, and makes none
        return
    assert [name for name, _ in imports(path) if name in NETWORK] == []


@pytest.mark.parametrize("path", each({"ids"}), ids=lambda path: str(path.relative_to(SOURCE)))
def test_random_numbers_come_from_ids(path: Path) -> None:
    if room(path) == "sample" and path.name == "dice.py":  # a seeded generator: the same company every time
        return
    assert [name for name, _ in imports(path) if name in {"random", "secrets", "uuid_utils"}] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_statements_live_in_store(path: Path) -> None:
    if path.name == "store.py" or room(path) in {"db", "connectors", "sample"}:
        return
    made = [
        alias.name
        for name, node in imports(path)
        if name == "sqlalchemy" and isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.name in {"select", "insert", "update", "delete", "text", "Table"}
    ]
    assert made == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_only_the_door_runs_an_action(path: Path) -> None:
    if room(path) == "door":
        return
    runs = [
        node.lineno
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "run"
        and isinstance(node.func.value, ast.Name | ast.Attribute)
        and (node.func.value.id if isinstance(node.func.value, ast.Name) else node.func.value.attr)
        == "action"
    ]
    assert runs == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_files_and_functions_stay_small(path: Path) -> None:
    if "migrations" in path.parts:  # made by a machine, read once
        return
    lists = path == SOURCE / "errors.py"  # one class an error, in one place
    assert lists or len(path.read_text().splitlines()) <= FILE_LINES_MAX
    long = [
        f"{node.name} ({(node.end_lineno or 0) - node.lineno + 1})"
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name != "actions"  # a list
        and (node.end_lineno or 0) - node.lineno + 1 > FUNCTION_LINES_MAX
    ]
    assert long == []


@pytest.mark.parametrize(
    "path",
    [path for path in FILES if path.name == "store.py"],
    ids=lambda path: str(path.relative_to(SOURCE)),
)
def test_store_functions_take_the_tenant_after_the_connection(path: Path) -> None:
    wrong = []
    for node in tree(path).body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            names = [argument.arg for argument in node.args.args]
            typed = [ast.unparse(a.annotation) for a in node.args.args if a.annotation]
            if (
                names[:1] == ["connection"]
                and names[1:2] != ["tenant"]
                and not any(t.endswith("Row") for t in typed[1:2])
            ):
                wrong.append(node.name)
    assert [name for name in wrong if name not in {"tenants", "all_tenants", "rehearse"}] == []


@pytest.mark.parametrize(
    "path",
    [path for path in FILES if path.name == "store.py"],
    ids=lambda path: str(path.relative_to(SOURCE)),
)
def test_store_functions_tell_the_database_their_tenant(path: Path) -> None:
    """By `@of_tenant`, or `within(...)` where the tenant stands in a row. None is a generator: its statements would run after its tenant has gone."""
    untold = []
    for node in tree(path).body:
        if not isinstance(node, ast.FunctionDef) or node.name.startswith("_"):
            continue
        if [argument.arg for argument in node.args.args][:1] != ["connection"]:
            continue
        decorated = "of_tenant" in [ast.unparse(decorator) for decorator in node.decorator_list]
        called = {ast.unparse(each.func) for each in ast.walk(node) if isinstance(each, ast.Call)}
        yields = any(isinstance(each, ast.Yield | ast.YieldFrom) for each in ast.walk(node))
        if yields or not (decorated or "within" in called):
            untold.append(node.name)
    assert [name for name in untold if name not in NO_TENANT_OF_ITS_OWN] == []


def test_every_column_says_how_it_is_held() -> None:
    undeclared = [
        f"{table.name}.{column.name}"
        for tables in (metadata, keys_metadata)
        for table in tables.sorted_tables
        for column in table.columns
        if column.info.get("held") not in {"clear", "sealed", "blind", "mark"}
    ]
    assert undeclared == []


def test_every_table_of_the_data_has_its_tenant_first() -> None:
    assert [table.name for table in metadata.sorted_tables if table.columns.keys()[0] != "tenant"] == []


def tables_of(path: Path) -> dict[str, Table]:
    """The tables that a store declares, by the name that its code knows them by."""
    module = importlib.import_module(".".join(["ostiary", *path.relative_to(SOURCE).with_suffix("").parts]))
    return {name: value for name, value in vars(module).items() if isinstance(value, Table)}


def test_every_table_says_whether_its_rows_are_marked() -> None:
    for path in FILES:
        if path.name == "store.py":
            tables_of(path)
    undeclared, wrong = [], []
    for table in metadata.sorted_tables:
        held = table.info.get("rows")
        if held is None and table.name != "schema_floor":  # written by the tables' owner alone
            undeclared.append(table.name)
        if held == "unmarked" and not table.info["why"]:
            undeclared.append(table.name)
        if (held == "marked") != (marks.COLUMN in table.c):
            wrong.append(table.name)
    assert (undeclared, wrong) == ([], [])


WRITES_WHAT_NO_MARK_IS_OVER = {"touch_sessions", "touch_keys", "touch_grants", "hold_grant"}
ASKS_FOR_LESS_THAN_ROWS = {
    # Counts and ids: what they say only ever refuses, or names rows that are then read whole.
    "add", "add_session", "add_words", "bound", "count", "count_asked", "count_codes", "count_keys", "count_members", "count_of", "forget_words",
    "has_people", "has_role", "newest_secret", "newest_version", "over", "prune", "reads", "seen_by", "seen_ids", "surplus", "expired", "waiting",
    "words_by", "_claim", "add_intent_key", "add_stop", "add_decision", "add_upload", "begin_export", "claimed", "count_reviews",
    "add_place", "add_run", "missing", "old_runs",
}  # fmt: skip


@pytest.mark.parametrize(
    "path",
    [path for path in FILES if path.name == "store.py"],
    ids=lambda path: str(path.relative_to(SOURCE)),
)
def test_marked_rows_are_written_and_read_by_marks(path: Path) -> None:
    marked = {name for name, table in tables_of(path).items() if table.info.get("rows") == "marked"}
    past = []
    for node in tree(path).body:
        if not isinstance(node, ast.FunctionDef):
            continue
        calls = [each for each in ast.walk(node) if isinstance(each, ast.Call)]
        through = any(ast.unparse(each.func) in {"marks.read", "marks.first", "_one"} for each in calls)
        for call in calls:
            made, whole = ast.unparse(call.func), {ast.unparse(each) for each in call.args} & marked
            parts = {
                ast.unparse(each).split(".")[0] for each in call.args if ".c." in ast.unparse(each)
            } & marked
            if (
                made in {"insert", "update", "upsert"}
                and whole
                and node.name not in WRITES_WHAT_NO_MARK_IS_OVER
            ):
                past.append(f"{node.name}: {made}")
            if made == "select" and whole and not through:
                past.append(f"{node.name}: {made}")
            if made == "select" and parts and node.name not in ASKS_FOR_LESS_THAN_ROWS:
                past.append(f"{node.name}: {made} of columns")
    assert past == []

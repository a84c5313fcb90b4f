"""The house rules that a machine can check, on the syntax tree of every file."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import ostiary
from ostiary.db.tables import keys_metadata, metadata

SOURCE = Path(ostiary.__file__).parent
FILES = sorted(SOURCE.rglob("*.py"))

FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 70

CLOCKS = {"time", "monotonic", "time_ns", "monotonic_ns", "perf_counter", "utcnow", "today"}
NETWORK = {"socket", "urllib.request", "http.client", "httpx", "httpcore", "requests", "smtplib", "aiohttp"}


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


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


@pytest.mark.parametrize("path", each({"clock", "sample"}), ids=lambda path: str(path.relative_to(SOURCE)))
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
    "path", each({"net", "connectors", "sample"}), ids=lambda path: str(path.relative_to(SOURCE))
)
def test_only_net_reaches_out(path: Path) -> None:
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
    assert len(path.read_text().splitlines()) <= FILE_LINES_MAX
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


def test_every_column_says_how_it_is_held() -> None:
    undeclared = [
        f"{table.name}.{column.name}"
        for tables in (metadata, keys_metadata)
        for table in tables.sorted_tables
        for column in table.columns
        if column.info.get("held") not in {"clear", "sealed", "blind"}
    ]
    assert undeclared == []


def test_every_table_of_the_data_has_its_tenant_first() -> None:
    assert [table.name for table in metadata.sorted_tables if table.columns.keys()[0] != "tenant"] == []

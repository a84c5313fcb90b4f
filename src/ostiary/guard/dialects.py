"""The dialects: what each is called, which functions of it only compute, and whose tables are the system's."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources


@dataclass(frozen=True, slots=True)
class Dialect:
    """`parser`: sqlglot's name. `functions`: in small letters. `relations`: those that may stand in FROM. `system`: schemas that are never read; `prefixes`: of names of system tables."""

    name: str
    parser: str
    functions: frozenset[str]
    relations: frozenset[str]
    system: frozenset[str]
    prefixes: tuple[str, ...]

    @property
    def nulls_first(self) -> bool:
        """Whether NULL comes before everything else in an order."""
        return self.parser in ("mysql", "sqlite", "tsql")


NAMES: Mapping[str, str] = {
    "postgresql": "postgres",
    "mysql": "mysql",
    "mariadb": "mysql",
    "sqlite": "sqlite",
    "duckdb": "duckdb",
    "sqlserver": "tsql",
}
"""Our name of each -> the parser's."""

_OTHER_NAMES = {"postgres": "postgresql", "tsql": "sqlserver", "mssql": "sqlserver"}
_SYSTEM = {
    "postgres": ("pg_catalog information_schema pg_toast", ("pg_",)),
    "mysql": ("mysql information_schema performance_schema sys", ()),
    "sqlite": ("temp", ("sqlite_", "pragma_", "dbstat")),
    "duckdb": ("information_schema pg_catalog temp system", ("duckdb_", "sqlite_", "pragma_", "pg_")),
    "tsql": ("sys information_schema guest", ("sys.", "fn_", "xp_", "sp_")),
}


@cache
def dialect_of(name: str) -> Dialect:
    """Raises KeyError for one that we do not know."""
    own = _OTHER_NAMES.get(name, name)
    parser = NAMES[own]
    system, prefixes = _SYSTEM[parser]
    functions = _listed("common") | _listed(parser)
    relations = frozenset(each[1:] for each in functions if each.startswith("*"))
    plain = frozenset(each for each in functions if not each.startswith("*")) | relations
    return Dialect(own, parser, plain, relations, frozenset(system.split()), prefixes)


def _listed(name: str) -> frozenset[str]:
    """The words of a list; `#` begins a remark."""
    text = resources.files(__package__).joinpath("functions", f"{name}.txt").read_text()
    return frozenset(word for line in text.splitlines() for word in line.partition("#")[0].split())

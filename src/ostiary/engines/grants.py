"""The SQL that makes a role which may read, and nothing else, for a DBA to look at and run."""

from collections.abc import Callable, Iterable

from ostiary.guard.catalogue import Table
from ostiary.guard.masking import WRITINGS, kind_of


def grants(dialect: str, role: str, tables: Iterable[Table], database: str) -> list[str]:
    """Statements. Only the columns that may be read at all are granted where some are masked in full. Raises ValueError where the engine has no roles."""
    if dialect == "postgresql":
        return _postgresql(role, list(tables), database)
    if dialect == "mysql":
        return _mysql(role, list(tables))
    raise ValueError("a file has no roles: it is opened to be read")


def _postgresql(role: str, tables: list[Table], database: str) -> list[str]:
    quoted = WRITINGS["postgres"].quoted
    who, where = quoted(role), quoted(database)
    schemas = dict.fromkeys(table.schema for table in tables)
    return [
        f"CREATE ROLE {who} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;",
        f"REVOKE TEMPORARY, CREATE ON DATABASE {where} FROM PUBLIC;",
        f"GRANT CONNECT ON DATABASE {where} TO {who};",
        *(f"REVOKE CREATE ON SCHEMA {quoted(schema)} FROM PUBLIC;" for schema in schemas),
        *(f"GRANT USAGE ON SCHEMA {quoted(schema)} TO {who};" for schema in schemas),
        *(f"GRANT SELECT{_columns(table, quoted)} ON {quoted(table.schema)}.{quoted(table.name)} TO {who};" for table in tables),
        f"ALTER ROLE {who} SET default_transaction_read_only = on;",
        f"ALTER ROLE {who} SET statement_timeout = '30s';",
    ]  # fmt: skip


def _mysql(role: str, tables: list[Table]) -> list[str]:
    quoted = WRITINGS["mysql"].quoted
    who = "'" + role.replace("\\", "\\\\").replace("'", "''") + "'@'%'"
    return [
        f"CREATE USER {who} IDENTIFIED BY 'CHOOSE-A-PASSWORD' REQUIRE SSL;",
        *(f"GRANT SELECT{_columns(table, quoted)} ON {quoted(table.schema)}.{quoted(table.name)} TO {who};" for table in tables),
    ]  # fmt: skip


def _columns(table: Table, quoted: Callable[[str], str]) -> str:
    """(a, b) where not all of them are read: a text that is masked in full is not."""
    read = [each.name for each in table.columns if not (each.mask and each.mask.kind == "full" and kind_of(each.type) == "text")]  # fmt: skip
    return "" if len(read) == len(table.columns) else f" ({', '.join(map(quoted, read))})"

"""The tables' common ground: two sets of tables (data, keys) and the three ways in which a column may be held.

A column is made by `clear`, `sealed` or `blind`; one made otherwise fails the build (`tests/test_house.py`). Clear is for ids, instants, counts
and closed vocabularies. Free text, payloads and personal data are sealed. Blind holds a keyed hash for look-up of a sealed value.
"""

import re
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Column, ColumnElement, LargeBinary, MetaData, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import Insert
from sqlalchemy.types import TypeEngine

_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

Grants = dict[str, frozenset[tuple[str, str]]]
"""For each role (product, sequencer, retention, and backup, which reads everything) its privileges, each with a column, or "" for the whole table."""


def granted(*, product: str, sequencer: str = "", retention: str = "") -> dict[str, Grants]:
    """A table's `info`, where the roles on PostgreSQL may do something else with it than its database's tables usually allow: `SELECT, UPDATE(body)`."""
    given = {"product": product, "sequencer": sequencer, "retention": retention, "backup": "SELECT"}
    return {"granted": {role: frozenset(_PRIVILEGE.findall(text)) for role, text in given.items()}}


_PRIVILEGE = re.compile(r"([A-Z]+)(?:\((\w+)\))?")

metadata = MetaData(naming_convention=_NAMES, info=granted(product="SELECT, INSERT, UPDATE, DELETE"))
"""The data: everything that is backed up as data."""

keys_metadata = MetaData(naming_convention=_NAMES, info=granted(product="SELECT, INSERT, UPDATE"))
"""Key material: a small database of its own, apart from the data, with its own shorter backups. Its rows are overwritten, never deleted: they are proof."""


def clear(
    name: str, kind: TypeEngine[Any] | type[TypeEngine[Any]], *args: Any, nullable: bool = False, **more: Any
) -> Column[Any]:
    """A column readable by whoever reads the database: ids, instants, counts, closed vocabularies."""
    return Column(name, kind, *args, nullable=nullable, info={"held": "clear"}, **more)


def sealed(name: str, *, nullable: bool = False) -> Column[Any]:
    """A column that holds `Vault.seal(...)`."""
    return Column(name, LargeBinary, nullable=nullable, info={"held": "sealed"})


def blind(name: str, *, nullable: bool = False, **more: Any) -> Column[Any]:
    """A column that holds `Vault.blind(...)`: 32 bytes, equal for equal values of one tenant, and nothing more."""
    return Column(name, LargeBinary(32), nullable=nullable, info={"held": "blind"}, **more)


COUNTED = {"preserve_rowcount": True}
"""What an INSERT is executed with whose `rowcount` is looked at: without it SQLAlchemy says -1 on PostgreSQL."""


def upsert(
    dialect: str,
    table: Table,
    values: Mapping[str, Any],
    *,
    changing: tuple[str, ...],
    where: ColumnElement[bool] | None = None,
) -> Insert:
    """Insert, or change the columns in `changing` where the primary key stands already (and `where` holds); with none, what stands stays.

    `dialect` is `connection.dialect.name`. The result's `rowcount` says whether anything was written.
    """
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    statement = insert(table).values(**values).execution_options(**COUNTED)
    key = [column.name for column in table.primary_key.columns]
    if not changing:
        return statement.on_conflict_do_nothing(index_elements=key)
    return statement.on_conflict_do_update(
        index_elements=key,
        set_={name: getattr(statement.excluded, name) for name in changing},
        where=where,
    )

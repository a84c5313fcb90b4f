"""Whose a statement is, told to PostgreSQL beside the statement: row-level security then confines one that forgets its own WHERE.

Every function of a `store.py` that takes a connection is wrapped by `of_tenant`. What it executes runs with the tenant that it was called for, set with
SET LOCAL semantics; a statement outside of such a function runs with none, and sees no row. The setting travels in front of the first statement that
needs another one than stands, so a transaction of one tenant pays one round trip. SQLite has no such thing; there the statement's own WHERE is all.

A cell, the processes of one pinned tenant, has an installation's rows of its own: whatever its code asks of INSTALL is asked of these, and its login role
reaches no others (`ostiary.cells`).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import Any, Literal, TypeVar, cast

from sqlalchemy import Connection, Engine, event

from ostiary.ids import INSTALL, TenantId

F = TypeVar("F", bound=Callable[..., Any])

Hand = Literal["sequencer", "retention"]
"""A role that only some statements take on: sequencer appends to the audit log, retention drops bodies of old events. The login role itself may do neither."""

TENANT = "ostiary.tenant"
"""The setting that the policies compare with; nobody's is the empty one."""

CELL_ROLE = "_cell_"
"""Stands in the name of a cell's login role, between the product's and the digits of its tenant's id: that is how the policies know it."""

_SCOPE = "ostiary.scope"
_SAVEPOINTS = ("SAVEPOINT", "ROLLBACK TO", "RELEASE")
_SET = f"SELECT set_config('role', %s, true), set_config('{TENANT}', %s, true)"


@dataclass(slots=True)
class _Scope:
    """Of one connection: what its next statement shall run as, and what the server has (None: not known). `install`: who INSTALL is in a cell."""

    login: str
    role: str
    install: TenantId = INSTALL
    tenant: str = ""
    standing: tuple[str, str] | None = None


def of_tenant(function: F) -> F:
    """For a store function `(connection, tenant, ...)`: its statements see and change this tenant's rows only."""

    @wraps(function)
    def confined(connection: Connection, tenant: TenantId, *args: Any, **kwargs: Any) -> Any:
        scope: _Scope | None = connection.info.get(_SCOPE)
        if scope is None:
            return function(connection, tenant, *args, **kwargs)
        if tenant == INSTALL:
            tenant = scope.install
        before, scope.tenant = scope.tenant, tenant
        try:
            return function(connection, tenant, *args, **kwargs)
        finally:
            scope.tenant = before

    return cast(F, confined)


@contextmanager
def within(connection: Connection, tenant: TenantId) -> Iterator[None]:
    """Statements in here are this tenant's; for a store function whose tenant stands in its row."""
    scope: _Scope | None = connection.info.get(_SCOPE)
    if scope is None:
        yield
        return
    before, scope.tenant = scope.tenant, scope.install if tenant == INSTALL else tenant
    try:
        yield
    finally:
        scope.tenant = before


@contextmanager
def hand(connection: Connection, role: Hand) -> Iterator[None]:
    """Take on the role for some statements: `<login role>_<role>`, of which the login role is a member without inheriting anything."""
    scope: _Scope | None = connection.info.get(_SCOPE)
    if scope is None:
        yield
        return
    before, scope.role = scope.role, f"{scope.login}_{role}"
    try:
        yield
    finally:
        scope.role = before


def stored(connection: Connection, tenant: TenantId) -> TenantId:
    """Under which tenant's name these rows are: the same, but for INSTALL in a cell."""
    scope: _Scope | None = connection.info.get(_SCOPE)
    return scope.install if scope is not None and tenant == INSTALL else tenant


def known(connection: Connection, tenant: TenantId) -> TenantId:
    """The reverse of `stored`, for a tenant that was read from a row."""
    scope: _Scope | None = connection.info.get(_SCOPE)
    return INSTALL if scope is not None and tenant == scope.install else tenant


def product_role(login: str) -> str:
    """The product's role, of which a cell's is a member; or the role itself."""
    return login.partition(CELL_ROLE)[0] or login


def follow(engine: Engine, install: TenantId = INSTALL) -> None:
    """Keep the server's settings and what is wanted in step, on every connection of a PostgreSQL engine."""

    @event.listens_for(engine, "connect")
    def connected(raw: Any, record: Any) -> None:
        login, role = raw.execute("SELECT session_user, current_setting('role')").fetchone()
        raw.rollback()
        record.info[_SCOPE] = _Scope(product_role(login), role, install)

    @event.listens_for(engine, "begin")
    def begun(connection: Connection) -> None:
        connection.info[_SCOPE].standing = None  # also if a statement has set something for the whole session

    @event.listens_for(engine, "rollback_savepoint")
    def undone(connection: Connection, _name: str, _context: Any) -> None:
        connection.info[_SCOPE].standing = None  # the server took it back to where the savepoint was

    @event.listens_for(engine, "before_cursor_execute")
    def told(connection: Connection, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.startswith(_SAVEPOINTS):  # a transaction that failed hears nothing else
            return
        if setting := setting_due(connection):
            connection.exec_driver_sql(*setting)


def setting_due(connection: Connection) -> tuple[str, tuple[str, str]] | None:
    """The statement, with its values, that has to go before the next one; None where what is wanted stands. Whoever takes it must send it."""
    scope: _Scope = connection.info[_SCOPE]
    wanted = scope.role, scope.tenant
    if scope.standing == wanted:
        return None
    scope.standing = wanted
    return _SET, wanted

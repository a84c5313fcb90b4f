"""An installation's place on PostgreSQL: its roles, database and schemas, the SQL that makes them, and what a role that logs in there must not be.

`ostiary db init` prints the SQL, as a script for `psql`, or executes it as an administrator; nothing in it asks for more than a role that may make roles and
databases. It holds no password.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import URL, Connection, MetaData

from ostiary.db.scope import CELL_ROLE
from ostiary.db.secure import Roles, Want, extra_schemas, jobs_schema_of, quoted, wanting
from ostiary.ids import TenantId, digits_of

_PATH = re.compile(r"search_path=([^\s,]+)")
_LOCAL = ("", "localhost", "127.0.0.1", "::1")
_VERIFIED = "verify-full"


@dataclass(frozen=True, slots=True)
class Place:
    """Where one set of tables is. `which` is data or keys."""

    which: str
    database: str
    schema: str
    roles: Roles
    verified: bool

    @property
    def extra(self) -> tuple[str, ...]:
        return extra_schemas(self.schema) if self.which == "data" else ()


def of_url(url: URL, which: str) -> Place:
    """The place that an address with the product's login role names; the schema is the first of its `search_path`, else `public`."""
    named = _PATH.search(str(url.query.get("options", "")))
    local = (url.host or "") in _LOCAL or (url.host or "").startswith("/")
    return Place(
        which,
        url.database or url.username or "",
        named[1] if named else "public",
        Roles(url.username or "postgres"),
        local or url.query.get("sslmode") == _VERIFIED,
    )


def as_owner(url: URL, administrator: URL) -> URL:
    """The same place, logged in as an administrator who acts as the owner. An owner who may log in is one too."""
    place = of_url(url, "data")
    options = f"{url.query.get('options', '')} -c role={place.roles.owner} -c search_path={place.schema}"
    return administrator.set(drivername=url.drivername, database=place.database).update_query_dict(
        {**url.query, **administrator.query, "options": options.strip()}
    )


# The script


def server_script(place: Place) -> list[str]:
    """What an administrator executes on the server, in any database."""
    roles, may_not = place.roles, "NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT"
    made = [
        _unless(_role_stands(roles.owner), f"CREATE ROLE {quoted(roles.owner)} NOLOGIN {may_not}"),
        _unless(_role_stands(roles.login), f"CREATE ROLE {quoted(roles.login)} LOGIN {may_not}"),
        f"ALTER ROLE {quoted(roles.login)} NOINHERIT",
    ]
    for name in roles.hands.values():
        made += [
            _unless(_role_stands(name), f"CREATE ROLE {quoted(name)} NOLOGIN {may_not}"),
            f"GRANT {quoted(name)} TO {quoted(roles.login)}",
        ]
    backup = f"CREATE ROLE {quoted(roles.backup)} LOGIN BYPASSRLS {may_not}"
    not_allowed = "EXCEPTION WHEN insufficient_privilege THEN RAISE NOTICE 'no role for backups: only a superuser makes one'"
    made.append(_unless(_role_stands(roles.backup), backup, f"; {not_allowed}"))
    superuser = "SELECT FROM pg_roles WHERE rolname = current_user AND rolsuper"
    made.append(_unless(superuser, f"GRANT {quoted(roles.owner)} TO CURRENT_USER"))
    return made


def database_statement(place: Place) -> str:
    """What makes the database, for a server that has none of this name. Not within a transaction."""
    return f"CREATE DATABASE {quoted(place.database)} OWNER {quoted(place.roles.owner)}"


def database_script(place: Place) -> list[str]:
    """What an administrator executes in the database."""
    roles, schema, owner = place.roles, quoted(place.schema), quoted(place.roles.owner)
    database = quoted(place.database)
    comers = f"{quoted(roles.login)}, {', '.join(map(quoted, roles.hands.values()))}"
    ours = f"SELECT FROM pg_database WHERE datname = current_database() AND datdba = {_text(roles.owner)}::regrole"
    made = [
        f"DO $$ BEGIN IF EXISTS ({ours}) THEN REVOKE ALL ON DATABASE {database} FROM PUBLIC; END IF; END $$",
        f"GRANT CONNECT ON DATABASE {database} TO {quoted(roles.login)}",
        f"CREATE SCHEMA IF NOT EXISTS {schema} AUTHORIZATION {owner}",
        f"REVOKE ALL ON SCHEMA {schema} FROM PUBLIC",
        f"GRANT USAGE, CREATE ON SCHEMA {schema} TO {owner}",
        f"REVOKE CREATE ON SCHEMA {schema} FROM {comers}",
        f"GRANT USAGE ON SCHEMA {schema} TO {comers}",
        _adopted(place),
    ]
    for name in map(quoted, place.extra):
        default = f"ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA {name} GRANT"
        made += [
            f"CREATE SCHEMA IF NOT EXISTS {name} AUTHORIZATION {owner}",
            f"GRANT USAGE ON SCHEMA {name} TO {quoted(roles.login)}",
            f"{default} SELECT, INSERT, UPDATE, DELETE ON TABLES TO {quoted(roles.login)}",
            f"{default} USAGE, SELECT ON SEQUENCES TO {quoted(roles.login)}",
        ]
    backup = f"GRANT CONNECT ON DATABASE {database} TO {quoted(roles.backup)}; GRANT USAGE ON SCHEMA {schema} TO {quoted(roles.backup)}"
    made.append(f"DO $$ BEGIN IF EXISTS ({_role_stands(roles.backup)}) THEN {backup}; END IF; END $$")
    return made


def script(place: Place) -> str:
    """All of it for `psql`, to be executed as an administrator. Twice does no harm."""
    stands = f"SELECT FROM pg_database WHERE datname = {_text(place.database)}"
    lines = [
        r"\set ON_ERROR_STOP on",
        *(f"{statement};" for statement in server_script(place)),
        f"SELECT {_text(database_statement(place))} WHERE NOT EXISTS ({stands}) \\gexec",
        rf"\connect {quoted(place.database)}",
        *(f"{statement};" for statement in database_script(place)),
        f"-- A password, where the server asks for one: \\password {quoted(place.roles.login)}",
    ]
    return "\n".join(lines)


def _adopted(place: Place) -> str:
    """Tables that the login role made itself, as the release before did, become the owner's."""
    mine = f"schemaname = {_text(place.schema)} AND tableowner = {_text(place.roles.login)}"
    change = f"'ALTER TABLE ' || quote_ident(t.schemaname) || '.' || quote_ident(t.tablename) || ' OWNER TO ' || quote_ident({_text(place.roles.owner)})"
    tables = f"SELECT schemaname, tablename FROM pg_tables WHERE {mine}"  # noqa: S608 - names of our own, quoted
    loop = f"FOR t IN {tables} LOOP EXECUTE {change}; END LOOP"
    return f"DO $$ DECLARE t record; BEGIN {loop}; END $$"


def _role_stands(name: str) -> str:
    return f"SELECT FROM pg_roles WHERE rolname = {_text(name)}"


def _unless(condition: str, statement: str, more: str = "") -> str:
    return f"DO $$ BEGIN IF NOT EXISTS ({condition}) THEN {statement}; END IF{more}; END $$"


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


# A cell's role


def cell_role(place: Place, tenant: TenantId) -> str:
    """The login role of the cell of a tenant: what the policies know it by is its name."""
    return f"{place.roles.login}{CELL_ROLE}{digits_of(tenant)}"


def cell_server_script(place: Place, tenant: TenantId) -> list[str]:
    """What an administrator executes on the server for a cell, in any database. Its role is no member of the product's: who is may end the sessions of all
    others of that role, and see their statements."""
    roles, cell = place.roles, cell_role(place, tenant)
    name, may_not = quoted(cell), "NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT"
    return [
        _unless(_role_stands(cell), f"CREATE ROLE {name} LOGIN {may_not}"),
        f"ALTER ROLE {name} NOINHERIT",
        *(f"GRANT {quoted(hand)} TO {name}" for hand in roles.hands.values()),
        f"DO $$ BEGIN IF pg_has_role({_text(cell)}, {_text(roles.login)}, 'MEMBER') THEN REVOKE {quoted(roles.login)} FROM {name}; END IF; END $$",
    ]


def cell_database_script(place: Place, tenant: TenantId) -> list[str]:
    """What an administrator executes in the database for a cell, whose tables the product uses already: the same privileges, which row-level security
    narrows to the tenant's rows, and a schema of its own for its jobs."""
    roles, schema, cell = place.roles, quoted(place.schema), cell_role(place, tenant)
    name, owner = quoted(cell), quoted(roles.owner)
    made = [
        f"GRANT CONNECT ON DATABASE {quoted(place.database)} TO {name}",
        f"GRANT USAGE ON SCHEMA {schema} TO {name}",
        _alike(place, cell),
    ]
    if place.which == "data":
        jobs = quoted(jobs_schema_of(place.schema, digits_of(tenant)))
        default = f"ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA {jobs} GRANT"
        made += [
            f"CREATE SCHEMA IF NOT EXISTS {jobs} AUTHORIZATION {owner}",
            f"GRANT USAGE ON SCHEMA {jobs} TO {name}",
            f"{default} SELECT, INSERT, UPDATE, DELETE ON TABLES TO {name}",
            f"{default} USAGE, SELECT ON SEQUENCES TO {name}",
        ]
    return made


def cell_script(place: Place, tenant: TenantId) -> str:
    """All of it for `psql`. Twice does no harm."""
    lines = [
        r"\set ON_ERROR_STOP on",
        *(f"{statement};" for statement in cell_server_script(place, tenant)),
        rf"\connect {quoted(place.database)}",
        *(f"{statement};" for statement in cell_database_script(place, tenant)),
        f"-- A password: \\password {quoted(cell_role(place, tenant))}",
        *(["-- Then, for the tables of its jobs: ostiary db upgrade"] if place.which == "data" else []),
    ]
    return "\n".join(lines)


def _alike(place: Place, cell: str) -> str:
    """Every privilege on tables and columns that the product has, for the cell's role too."""
    columns = "CASE WHEN g.attname IS NULL THEN '' ELSE ' (' || quote_ident(g.attname) || ')' END"
    change = f"'GRANT ' || g.privilege_type || {columns} || ' ON ' || g.oid::regclass || ' TO ' || quote_ident({_text(cell)})"
    where = f"c.relnamespace = {_text(place.schema)}::regnamespace AND c.relkind IN ('r', 'p') AND x.grantee = {_text(place.roles.login)}::regrole"
    tables = f"SELECT c.oid, x.privilege_type, NULL::name AS attname FROM pg_class c, aclexplode(c.relacl) x WHERE {where}"  # noqa: S608 - names of our own, quoted
    cells = f"SELECT c.oid, x.privilege_type, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid, aclexplode(a.attacl) x WHERE {where}"  # noqa: S608
    loop = f"FOR g IN {tables} UNION ALL {cells} LOOP EXECUTE {change}; END LOOP"
    as_owner = f"EXECUTE 'SET LOCAL ROLE ' || quote_ident({_text(place.roles.owner)})"
    return f"DO $$ DECLARE g record; BEGIN {as_owner}; {loop}; END $$"


# What the login role is


_LOGIN = """
SELECT r.rolname, r.rolsuper, r.rolbypassrls, r.rolcreaterole, r.rolcreatedb, r.rolreplication,
  (SELECT count(*) FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')
    AND pg_has_role(r.oid, c.relowner, 'MEMBER')),
  (SELECT count(*) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant'
    WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND NOT (c.relrowsecurity AND c.relforcerowsecurity)),
  coalesce(has_schema_privilege(r.oid, current_schema()::regnamespace, 'CREATE'), false)
FROM pg_roles r WHERE r.rolname = session_user
"""


_ABOVE = """
SELECT m.rolname FROM pg_roles m WHERE m.rolname <> session_user AND pg_has_role(session_user, m.oid, 'MEMBER')
  AND (m.rolsuper OR m.rolbypassrls OR m.rolcreaterole) ORDER BY m.rolname
"""


def danger(connection: Connection) -> str:
    """Why the product must not run as the role that is logged in; empty: it may."""
    (name, superuser, bypasses, creates, *_others, owned, unconfined, _may_create) = (
        connection.exec_driver_sql(_LOGIN).one()
    )
    for holds, why in (
        (superuser, "is a superuser"),
        (bypasses, "bypasses row-level security"),
        (creates, "makes and changes roles"),
        (owned, "owns the tables, or is a member of the role that does"),
    ):
        if holds:
            return f"The role {name} {why}; the product's must not."
    for above in connection.exec_driver_sql(_ABOVE).scalars():
        return (
            f"The role {name} may take on {above}, which tenants' walls do not hold; the product's must not."
        )
    return f"{unconfined} tables do not keep tenants apart." if unconfined else ""


def problems(connection: Connection, place: Place, tables: MetaData) -> list[Want]:
    """Everything that is not as designed, with what repairs it: of the role, the connection, the schema and the tables."""
    login, superuser, *_more = connection.exec_driver_sql(_LOGIN).one()
    if superuser:
        return [
            Want(
                f"{login} is a superuser: give the product a role of its own, `ostiary db init` makes it.",
                "",
                owner=False,
            )
        ]
    return [*_role_problems(connection, place), *wanting(connection, tables, place.roles)]


def _role_problems(connection: Connection, place: Place) -> Iterator[Want]:
    name, _superuser, bypasses, creates, databases, replicates, owned, _unconfined, may_create = (
        connection.exec_driver_sql(_LOGIN).one()
    )
    login, roles = quoted(name), place.roles
    for holds, attribute in (
        (bypasses, "BYPASSRLS"),
        (creates, "CREATEROLE"),
        (databases, "CREATEDB"),
        (replicates, "REPLICATION"),
    ):
        if holds:
            yield Want(f"{name} has {attribute}.", f"ALTER ROLE {login} NO{attribute}", owner=False)
    if owned:
        yield Want(
            f"{name} owns tables, or is a member of their owner.",
            f"REVOKE {quoted(roles.owner)} FROM {login}",
            owner=False,
        )
    for above in connection.exec_driver_sql(_ABOVE).scalars():
        yield Want(f"{name} may take on {above}.", f"REVOKE {quoted(above)} FROM {login}", owner=False)
    if may_create:
        yield Want(
            f"{name} may make tables.",
            f"REVOKE CREATE ON SCHEMA {quoted(place.schema)} FROM {login}, PUBLIC",
            owner=False,
        )
    yield from _hand_problems(connection, name, roles)
    if not place.verified:
        yield Want(
            f"The server's certificate is not verified: add sslmode={_VERIFIED} to the address.",
            "",
            owner=False,
        )


def _hand_problems(connection: Connection, login: str, roles: Roles) -> Iterator[Want]:
    for hand in roles.hands.values():
        member = "SELECT pg_has_role(session_user, oid, 'MEMBER'), pg_has_role(session_user, oid, 'USAGE') FROM pg_roles WHERE rolname = %s"
        takes, inherits = connection.exec_driver_sql(member, (hand,)).one_or_none() or (False, False)
        if not takes:
            yield Want(
                f"{login} cannot take on {hand}.", f"GRANT {quoted(hand)} TO {quoted(login)}", owner=False
            )
        elif inherits:
            again = f"ALTER ROLE {quoted(login)} NOINHERIT; REVOKE {quoted(hand)} FROM {quoted(login)}; GRANT {quoted(hand)} TO {quoted(login)}"
            yield Want(f"{login} has what {hand} may do without taking it on.", again, owner=False)

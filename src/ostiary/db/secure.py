"""What PostgreSQL itself enforces: who may do what with which table, and that a statement sees one tenant's rows.

`wanting` compares a schema with the design and gives, for each difference, a sentence and the statement that repairs it. `ostiary db check` prints them,
`ostiary db upgrade` executes them, and an installation that has none of them is left alone: no lock is taken for nothing. SQLite has no roles; there the
file's permissions are all.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, MetaData

from ostiary.db.scope import CELL_ROLE, TENANT, product_role
from ostiary.db.tables import Grants, granted

POLICY = "of_tenant"
VERSIONS = "alembic_version"
_SET = f"current_setting('{TENANT}'::text, true)"
_DIGITS = f"split_part((SESSION_USER)::text, '{CELL_ROLE}'::text, 2)"
_ITS_OWN = ", ".join(f"('{kind}'::text || {_DIGITS})" for kind in ("ten_", "own_", "cell_"))
_CONFINED = f"""(tenant)::text =
CASE
    WHEN ((strpos((SESSION_USER)::text, '{CELL_ROLE}'::text) = 0) OR ({_SET} = ANY (ARRAY[{_ITS_OWN}]))) THEN NULLIF({_SET}, ''::text)
    ELSE NULL::text
END"""
"""The rows of the tenant that the statement is for; for the login role of a cell, whatever it sets, those of its tenant (`ids.install_of`; `cell_...`: the
key that it shares with the installation). SESSION_USER, as SET ROLE does not change it. Written as the server shows it."""
_READ_ONLY: Grants = granted(product="SELECT")["granted"]
"""For what has no tenant: Alembic's own table."""


@dataclass(frozen=True, slots=True)
class Roles:
    """The product logs in as `login`, which is a member of the two hands without inheriting anything from them. The owner makes the tables.

    `ostiary backup` logs in as `backup`, which reads all tenants' rows (BYPASSRLS) and changes none.
    """

    login: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "login", product_role(self.login))

    @property
    def owner(self) -> str:
        return f"{self.login}_owner"

    @property
    def hands(self) -> dict[str, str]:
        return {"sequencer": f"{self.login}_sequencer", "retention": f"{self.login}_retention"}

    @property
    def backup(self) -> str:
        return f"{self.login}_backup"

    def named(self) -> dict[str, str]:
        return {"product": self.login, **self.hands, "backup": self.backup}


@dataclass(frozen=True, slots=True)
class Want:
    """Something that is not as designed. `sql` repairs it (empty: no statement does); the owner executes it, or an administrator where `owner` is false."""

    problem: str
    sql: str
    owner: bool = True


@dataclass(frozen=True, slots=True)
class _Standing:
    """A table as it is."""

    name: str
    owner: str
    enabled: bool
    forced: bool
    tenant: bool
    policies: dict[str, str]
    grants: frozenset[tuple[str, str, str]]


def jobs_schema_of(schema: str, cell: str) -> str:
    """The schema of a cell's jobs: its own, so that it neither sees nor stops those of others. `cell`: the digits of its tenant's id."""
    return f"{'dbos' if schema == 'public' else schema}_{cell}"


def extra_schemas(schema: str) -> tuple[str, ...]:
    """Schemas beside the data's that a library fills with tables of its own, without tenants; the owner makes them, the product uses them."""
    return ("dbos" if schema == "public" else f"{schema}_dbos",)


def wanting(connection: Connection, tables: MetaData, roles: Roles) -> list[Want]:
    """What the tables of the current schema lack; empty: nothing. A server that has no role for backups needs no grants to it."""
    there = set(connection.exec_driver_sql("SELECT rolname FROM pg_roles").scalars())
    named = {which: role for which, role in roles.named().items() if which != "backup" or role in there}
    named |= {role: role for role in _cells(connection, roles)}
    return [want for table in _standing(connection) for want in _table(table, tables, roles.owner, named)]


def cells_here(connection: Connection, roles: Roles) -> list[str]:
    """The digits of the cells whose login roles may use the current schema."""
    return [role.partition(CELL_ROLE)[2] for role in _cells(connection, roles)]


def _cells(connection: Connection, roles: Roles) -> list[str]:
    asked = """SELECT rolname FROM pg_roles WHERE starts_with(rolname, %s) AND EXISTS (SELECT FROM pg_namespace n, aclexplode(n.nspacl) x
        WHERE n.nspname = current_schema() AND x.grantee = pg_roles.oid) ORDER BY rolname"""
    return list(connection.exec_driver_sql(asked, (roles.login + CELL_ROLE,)).scalars())


def _table(table: _Standing, tables: MetaData, owner: str, roles: dict[str, str]) -> Iterator[Want]:
    known = table.name in tables.tables or table.name == VERSIONS
    if not known and not (table.tenant and table.owner == owner):  # somebody else's
        return
    name = quoted(table.name)
    if table.owner != owner:
        change = f"ALTER TABLE {name} OWNER TO {quoted(owner)}"
        yield Want(f"{table.name} belongs to {table.owner}.", change, owner=False)
        return
    if table.tenant:
        yield from _confinement(table, name)
    if known:  # else of the release before or after this one: who may do what with it stays
        yield from _granting(table, name, _grants(table, tables), roles)


def _granting(table: _Standing, name: str, grants: Grants, roles: dict[str, str]) -> Iterator[Want]:
    wanted = {
        (role, privilege, column)
        for which, role in roles.items()
        for privilege, column in grants.get("product" if CELL_ROLE in which else which, ())
    }
    for role, given in _by_role(table.grants - wanted):
        who = role or "everybody"
        yield Want(f"{table.name}: {who} may {given}.", f"REVOKE {given} ON {name} FROM {_role(role)}")
    for role, given in _by_role(wanted - table.grants):
        yield Want(f"{table.name}: {role} may not {given}.", f"GRANT {given} ON {name} TO {_role(role)}")


def _by_role(grants: Iterable[tuple[str, str, str]]) -> list[tuple[str, str]]:
    """For each role its privileges, as they stand in a statement."""
    found: dict[str, list[str]] = {}
    for role, privilege, column in sorted(grants):
        found.setdefault(role, []).append(f"{privilege} ({quoted(column)})" if column else privilege)
    return [(role, ", ".join(privileges)) for role, privileges in found.items()]


def _confinement(table: _Standing, name: str) -> Iterator[Want]:
    problem = f"{table.name}: rows are not confined to their tenant."
    for other in sorted(table.policies.keys() - {POLICY}):
        yield Want(f"{table.name}: a policy that is not ours.", f"DROP POLICY {quoted(other)} ON {name}")
    if table.policies.get(POLICY) != f"({_CONFINED})":
        if POLICY in table.policies:
            yield Want(problem, f"DROP POLICY {POLICY} ON {name}")
        yield Want(problem, f"CREATE POLICY {POLICY} ON {name} USING ({_CONFINED})")
    if not table.enabled:
        yield Want(problem, f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY")
    if not table.forced:
        yield Want(problem, f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY")


def _grants(table: _Standing, tables: MetaData) -> Grants:
    usual: Grants = tables.info["granted"] if table.tenant else _READ_ONLY
    declared = tables.tables.get(table.name)
    own: Grants = usual if declared is None else declared.info.get("granted", usual)
    return own


_TABLES = """
SELECT c.oid, c.relname, pg_get_userbyid(c.relowner), c.relrowsecurity, c.relforcerowsecurity,
  EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant' AND NOT a.attisdropped)
FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') ORDER BY c.relname
"""

# A policy that is not for everybody and every command, or has a check of its own, shows as one that differs.
_POLICIES = """
SELECT p.polrelid, p.polname, CASE WHEN p.polpermissive AND p.polcmd = '*' AND p.polroles = '{0}' AND p.polwithcheck IS NULL
  THEN pg_get_expr(p.polqual, p.polrelid) ELSE '' END
FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid WHERE c.relnamespace = current_schema()::regnamespace
"""

_GRANTS = """
SELECT c.oid, coalesce(r.rolname, ''), g.privilege_type, '' FROM pg_class c, aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) g
  LEFT JOIN pg_roles r ON r.oid = g.grantee
  WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND g.grantee <> c.relowner
UNION ALL
SELECT c.oid, coalesce(r.rolname, ''), g.privilege_type, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid, aclexplode(a.attacl) g
  LEFT JOIN pg_roles r ON r.oid = g.grantee
  WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND g.grantee <> c.relowner
"""


def _standing(connection: Connection) -> list[_Standing]:
    policies: dict[int, dict[str, str]] = {}
    for table, name, expression in connection.exec_driver_sql(_POLICIES):
        policies.setdefault(table, {})[name] = expression
    grants: dict[int, set[tuple[str, str, str]]] = {}
    for table, role, privilege, column in connection.exec_driver_sql(_GRANTS):
        grants.setdefault(table, set()).add((role, privilege, column))
    return [
        _Standing(
            name, owner, enabled, forced, tenant, policies.get(table, {}), frozenset(grants.get(table, ()))
        )
        for table, name, owner, enabled, forced, tenant in connection.exec_driver_sql(_TABLES)
    ]


def repair(connection: Connection, wants: Iterable[Want]) -> None:
    for want in wants:
        connection.exec_driver_sql(want.sql)


def quoted(name: str) -> str:
    """An identifier as it stands in a statement."""
    return '"' + name.replace('"', '""') + '"'


def _role(name: str) -> str:
    return quoted(name) if name else "PUBLIC"

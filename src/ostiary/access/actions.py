"""Roles and the matrix, as actions."""

from collections.abc import Callable, Iterable
from typing import Annotated

from pydantic import Field
from sqlalchemy import Connection

from ostiary.access import matrix, store
from ostiary.access.roles import BUILT_IN, INSTALL_ONLY, OWN, PERMISSIONS, ROLE_NAME, built_in, must_hold
from ostiary.actions import Action, Call, Effect, Masking, Recorded, Risk, Route
from ostiary.clock import rfc3339
from ostiary.db.database import Database
from ostiary.errors import Conflict, Fault, Forbidden, InvalidParameters, NotFound
from ostiary.ids import TenantId
from ostiary.shapes import Answer, Empty, ModelShape, Nothing, Params
from ostiary.vault.sealing import Place, Vault

RoleName = Annotated[str, Field(pattern=f"^{ROLE_NAME.pattern}$", examples=["refund_desk"])]


class RoleShown(Answer):
    name: str
    title: str
    description: str
    permissions: list[str]
    built_in: bool
    changed_at: str


class RoleList(Answer):
    roles: list[RoleShown]
    permissions: dict[str, str]


class RolePut(Params):
    name: RoleName
    title: Annotated[str, Field(max_length=100)] = ""
    description: Annotated[str, Field(max_length=1000)] = ""
    permissions: Annotated[list[str], Field(max_length=len(PERMISSIONS))]


class RoleNamed(Params):
    name: RoleName


class MatrixRow(Answer):
    action: str
    title: str
    permission: str
    risk: str
    roles: dict[str, str]


class Matrix(Answer):
    roles: list[str]
    actions: list[MatrixRow]
    markdown: str


def actions(
    database: Database,
    vault: Vault,
    catalogue: Callable[[], Iterable[Action]],
    in_use: Callable[[Connection, TenantId, str], bool],
) -> list[Action]:
    """`catalogue` gives the built-in actions, and `in_use` says whether a member or key has a role."""

    async def list_roles(call: Call, _params: Empty) -> RoleList:
        rows = await database.run(lambda connection: store.listed(connection, call.tenant))
        shown = [_built_in(role.name) for role in built_in()]
        shown += [_own(vault, call.tenant, row) for row in rows]
        return RoleList(roles=shown, permissions=PERMISSIONS)

    async def put_role(call: Call, params: RolePut) -> RoleShown:
        wanted = _checked(params)
        must_hold(call.actor, wanted)
        tenant = call.tenant
        words = {"title": params.title, "description": params.description}
        await vault.prepare(tenant, "role", [])
        row = store.RoleRow(
            params.name,
            wanted,
            vault.seal_json(_place(tenant, params.name), words, purpose="role"),
            call.at_us,
        )

        def rows(connection: Connection) -> None:
            before = store.find(connection, tenant, params.name)
            if before is None and store.count(connection, tenant) >= store.ROLES_MAX:
                raise Conflict(f"A tenant has at most {store.ROLES_MAX} roles of its own.")
            if before is not None:
                must_hold(call.actor, before.permissions)
            store.put(connection, tenant, row)

        call.write(rows)
        return _own(vault, tenant, row)

    async def remove_role(call: Call, params: RoleNamed) -> Nothing:
        tenant = call.tenant
        if params.name in BUILT_IN:
            raise Forbidden("Built-in roles stay.")

        def rows(connection: Connection) -> None:
            before = store.find(connection, tenant, params.name)
            if before is None:
                raise NotFound
            must_hold(call.actor, before.permissions)
            if in_use(connection, tenant, params.name):
                raise Conflict("Members or keys still have this role.")
            store.remove(connection, tenant, params.name)

        await database.run(lambda connection: _must_exist(connection, tenant, params.name))
        call.write(rows)
        return Nothing()

    async def show_matrix(_call: Call, _params: Empty) -> Matrix:
        listed = sorted(catalogue(), key=lambda action: action.name)
        rows = [
            MatrixRow(
                action=action.name,
                title=action.title,
                permission="" if action.public else action.permission,
                risk=action.risk.value,
                roles={role: matrix.cell(action, role) for role in BUILT_IN},
            )
            for action in listed
        ]
        return Matrix(roles=list(BUILT_IN), actions=rows, markdown=matrix.markdown(listed))

    return [
        Action(
            name="role.list",
            title="List roles",
            description="The built-in roles, the tenant's own, and what each permission means.",
            permission="member.read",
            risk=Risk.LOW,
            effect=Effect.NONE,
            params=ModelShape(Empty),
            result=ModelShape(RoleList),
            run=list_roles,
            route=Route("GET", "/v1/roles"),
            recorded=Recorded.BATCHED,
            masking=Masking.OWN,
            sentence="List the roles",
        ),
        Action(
            name="role.put",
            title="Define a role",
            description="Define or change one of the tenant's own roles. You can only use permissions that you hold yourself.",
            permission="role.manage",
            risk=Risk.MEDIUM,
            effect=Effect.LOCAL,
            params=ModelShape(RolePut),
            result=ModelShape(RoleShown),
            run=put_role,
            route=Route("PUT", "/v1/roles/{name}"),
            masking=Masking.OWN,
            sentence="Define the role {name}",
        ),
        Action(
            name="role.remove",
            title="Remove a role",
            description="Remove one of the tenant's own roles. Refused while a member or a key has it.",
            permission="role.manage",
            risk=Risk.MEDIUM,
            effect=Effect.LOCAL,
            params=ModelShape(RoleNamed),
            result=ModelShape(Nothing),
            run=remove_role,
            route=Route("DELETE", "/v1/roles/{name}"),
            masking=Masking.OWN,
            sentence="Remove the role {name}",
        ),
        Action(
            name="permission.matrix",
            title="Show the permission matrix",
            description="Every action against every built-in role.",
            permission="member.read",
            risk=Risk.LOW,
            effect=Effect.NONE,
            params=ModelShape(Empty),
            result=ModelShape(Matrix),
            run=show_matrix,
            route=Route("GET", "/v1/permissions"),
            recorded=Recorded.BATCHED,
            masking=Masking.OWN,
            sentence="Show the permission matrix",
        ),
    ]


def _checked(params: RolePut) -> frozenset[str]:
    if params.name in BUILT_IN:
        raise Forbidden("Built-in roles stay as they are.")
    wanted = frozenset(params.permissions)
    unknown = [
        Fault(f"/permissions/{index}", "no such permission")
        for index, name in enumerate(params.permissions)
        if name not in PERMISSIONS or name in INSTALL_ONLY
    ]
    if unknown:
        raise InvalidParameters(faults=tuple(unknown))
    return wanted | OWN


def _must_exist(connection: Connection, tenant: TenantId, name: str) -> None:
    if store.find(connection, tenant, name) is None:
        raise NotFound


def _place(tenant: TenantId, name: str) -> Place:
    return Place(tenant, "role", "words", name)


def _built_in(name: str) -> RoleShown:
    return RoleShown(
        name=name,
        title=name.capitalize(),
        description="",
        permissions=sorted(BUILT_IN[name]),
        built_in=True,
        changed_at="",
    )


def _own(vault: Vault, tenant: TenantId, row: store.RoleRow) -> RoleShown:
    words = vault.open_json(_place(tenant, row.name), row.words)
    return RoleShown(
        name=row.name,
        title=words["title"],
        description=words["description"],
        permissions=sorted(row.permissions),
        built_in=False,
        changed_at=rfc3339(row.changed_us),
    )

"""Tenants, as actions: the ones that one belongs to, and new ones, which the operator of the installation creates."""

from functools import partial

from sqlalchemy import Connection

from ostiary import ids
from ostiary.access.roles import OWNER
from ostiary.actions import Action, ActorKind, Call, Risk, Route, Trace
from ostiary.clock import rfc3339
from ostiary.identity import people, store
from ostiary.identity.me_actions import Belonging, belongings
from ostiary.identity.services import Name, Services, change, look
from ostiary.identity.store import MemberRow
from ostiary.ids import INSTALL, PersonId, TenantId
from ostiary.shapes import Answer, Empty, Params


class TenantCreate(Params):
    name: Name


class TenantCreated(Answer):
    tenant: str
    name: str
    created_at: str


class TenantList(Answer):
    tenants: list[Belonging]


def actions(services: Services) -> list[Action]:
    return [
        look("tenant.list", "List tenants", "The tenants that one belongs to.",
             "me.own", Empty, TenantList, partial(list_tenants, services), "/v1/tenants"),
        change("tenant.create", "Create a tenant", "A space of its own, with its own keys and its own log, which begins with this. Whoever creates it becomes its owner.",
               "install.manage", TenantCreate, TenantCreated, partial(create, services), Route("POST", "/v1/tenants", 201), risk=Risk.HIGH, sentence="Create the tenant {name}"),
    ]  # fmt: skip


async def create(services: Services, call: Call, params: TenantCreate) -> TenantCreated:
    person = people.in_session(call.actor)
    tenant = TenantId(ids.new("ten"))
    row = await people.tenant_row(services, tenant, params.name, call.at_us)
    member = MemberRow(person, OWNER, call.at_us, person)

    def rows(connection: Connection) -> None:
        store.add(connection, INSTALL, row)
        store.join(connection, tenant, member)

    call.write(rows)
    call.traces.append(Trace(call.id, "tenant.created", "ran", tenant=tenant, person=person))
    return TenantCreated(tenant=tenant, name=params.name, created_at=rfc3339(call.at_us))


async def list_tenants(services: Services, call: Call, _params: Empty) -> TenantList:
    if call.actor.kind is ActorKind.PERSON:
        person = PersonId(call.actor.id)
        found = await services.database.run(lambda connection: belongings(services, connection, person))
    else:
        found = await services.database.run(lambda connection: _own(services, connection, call.tenant))
    return TenantList(tenants=found)


def _own(services: Services, connection: Connection, tenant: TenantId) -> list[Belonging]:
    row = store.find_tenant(connection, INSTALL, tenant)
    if row is None:
        return []
    name = services.vault.open(people.tenant_place(tenant), row.name).decode()
    return [Belonging(tenant=tenant, name=name, role="")]

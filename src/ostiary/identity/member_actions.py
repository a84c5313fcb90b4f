"""Members of a tenant, as actions. Nobody gives or takes a role above their own, and the last owner stays."""

from functools import partial
from typing import Annotated

from pydantic import Field
from sqlalchemy import Connection

from ostiary.access import store as access_store
from ostiary.access.roles import OWNER, ROLE_NAME, must_hold
from ostiary.actions import Action, Call, Risk, Route
from ostiary.clock import rfc3339
from ostiary.errors import Conflict, Fault, InvalidParameters, NotFound
from ostiary.identity import people, store
from ostiary.identity.services import EMAIL_COLUMN, Email, Name, Services, change, look
from ostiary.identity.store import MemberRow, PersonRow
from ostiary.ids import INSTALL, PersonId, TenantId
from ostiary.shapes import Answer, Empty, Nothing, Params

MEMBERS_MAX = 1000

RoleName = Annotated[str, Field(pattern=f"^{ROLE_NAME.pattern}$")]
Person = Annotated[str, Field(pattern="^per_[0-9a-f]{32}$")]


class MemberShown(Answer):
    person: str
    email: str
    name: str
    role: str
    second_factor: bool
    added_at: str


class MemberList(Answer):
    members: list[MemberShown]


class MemberAdd(Params):
    email: Email
    name: Name
    role: RoleName


class MemberChangeRole(Params):
    person: Person
    role: RoleName


class MemberNamed(Params):
    person: Person


def actions(services: Services) -> list[Action]:
    return [
        look("member.list", "List members", "Who belongs to the tenant, and with which role.",
             "member.read", Empty, MemberList, partial(list_members, services), "/v1/members"),
        change("member.add", "Add a member", "Adds a person by email address. They sign in with a code sent there. The role cannot hold more than your own.",
               "member.manage", MemberAdd, MemberShown, partial(add, services), Route("POST", "/v1/members", 201), risk=Risk.HIGH, sentence="Add {email} as {role}"),
        change("member.change_role", "Change a member's role", "Counts at the member's next call. The last owner stays owner.",
               "member.manage", MemberChangeRole, Nothing, partial(change_role, services), Route("PUT", "/v1/members/{person}/role"), risk=Risk.HIGH, sentence="Make {person} {role}"),
        change("member.remove", "Remove a member", "Counts at the member's next call. The last owner stays.",
               "member.manage", MemberNamed, Nothing, partial(remove, services), Route("DELETE", "/v1/members/{person}"), risk=Risk.HIGH, sentence="Remove the member {person}"),
        change("member.reset_second_factor", "Reset a member's second factor", "For somebody who lost their authenticator: it is removed, and their sessions end. For the operator of the installation.",
               "install.manage", MemberNamed, Nothing, partial(reset_second_factor, services), Route("POST", "/v1/members/{person}/reset-second-factor"), risk=Risk.HIGH,
               step_up=True, sentence="Reset the second factor of {person}"),
    ]  # fmt: skip


async def list_members(services: Services, call: Call, _params: Empty) -> MemberList:
    members, rows = await services.database.run(lambda connection: _members(connection, call.tenant))
    by_id = {row.id: row for row in rows}
    return MemberList(
        members=[
            _shown(services, member, by_id[member.person]) for member in members if member.person in by_id
        ]
    )


async def add(services: Services, call: Call, params: MemberAdd) -> MemberShown:
    tenant = call.tenant
    index = services.vault.blind(INSTALL, EMAIL_COLUMN, params.email)

    def look_up(connection: Connection) -> PersonRow | None:
        may_give(connection, call, params.role)
        return store.find_person_by_email(connection, INSTALL, index)

    known = await services.database.run(look_up)
    person = known or await people.fresh(services, params.email, params.name, call.at_us)
    member = MemberRow(person.id, params.role, call.at_us, call.actor.id)

    def rows(connection: Connection) -> None:
        may_give(connection, call, params.role)
        now = store.find_person_by_email(connection, INSTALL, index)
        if now is None:
            store.add(connection, INSTALL, person)
        elif now.id != person.id or store.find_member(connection, tenant, person.id):
            raise Conflict("This address is a member already.")
        if store.count_members(connection, tenant) >= MEMBERS_MAX:
            raise Conflict(f"A tenant has at most {MEMBERS_MAX} members.")
        store.join(connection, tenant, member)

    call.write(rows)
    return _shown(services, member, person)


async def change_role(services: Services, call: Call, params: MemberChangeRole) -> Nothing:
    person = PersonId(params.person)

    def check(connection: Connection) -> None:
        may_change(connection, call, person)
        may_give(connection, call, params.role)

    def rows(connection: Connection) -> None:
        check(connection)
        if params.role != OWNER:
            _must_leave_an_owner(connection, call.tenant, person)
        store.change_role(connection, call.tenant, person, params.role)

    await services.database.run(check)
    call.write(rows)
    return Nothing()


async def remove(services: Services, call: Call, params: MemberNamed) -> Nothing:
    person = PersonId(params.person)

    def rows(connection: Connection) -> None:
        may_change(connection, call, person)
        _must_leave_an_owner(connection, call.tenant, person)
        store.leave(connection, call.tenant, person)

    await services.database.run(lambda connection: may_change(connection, call, person))
    call.write(rows)
    return Nothing()


async def reset_second_factor(services: Services, call: Call, params: MemberNamed) -> Nothing:
    person = PersonId(params.person)
    await services.database.run(lambda connection: may_change(connection, call, person))
    values = {"totp": None, "totp_pending": None, "totp_failures": 0, "totp_retry_us": 0}

    def rows(connection: Connection) -> None:
        may_change(connection, call, person)
        store.change_person(connection, INSTALL, person, values)
        store.end_sessions(connection, INSTALL, person, call.at_us)

    call.write(rows)
    return Nothing()


def may_give(connection: Connection, call: Call, role: str) -> None:
    """Raises InvalidParameters for a role that the tenant does not have, Forbidden for one that holds more than the actor."""
    if not access_store.known(connection, call.tenant, role):
        raise InvalidParameters(faults=(Fault("/role", "there is no such role"),))
    must_hold(call.actor, access_store.granted(connection, call.tenant, [role]))


def may_change(connection: Connection, call: Call, person: PersonId) -> MemberRow:
    """The member. Raises NotFound, and Forbidden for one whose role holds more than the actor."""
    member = store.find_member(connection, call.tenant, person)
    if member is None:
        raise NotFound
    must_hold(call.actor, access_store.granted(connection, call.tenant, [member.role]))
    return member


def _must_leave_an_owner(connection: Connection, tenant: TenantId, person: PersonId) -> None:
    member = store.find_member(connection, tenant, person)
    if member is not None and member.role == OWNER and store.count_members(connection, tenant, OWNER) < 2:
        raise Conflict("The last owner stays: make somebody else an owner first.")


def _members(connection: Connection, tenant: TenantId) -> tuple[list[MemberRow], list[PersonRow]]:
    members = store.list_members(connection, tenant, MEMBERS_MAX)
    return members, store.list_people(connection, INSTALL, [member.person for member in members])


def _shown(services: Services, member: MemberRow, row: PersonRow) -> MemberShown:
    person = people.opened(services, row)
    return MemberShown(
        person=member.person,
        email=person.email,
        name=person.name,
        role=member.role,
        second_factor=row.totp is not None,
        added_at=rfc3339(member.added_us),
    )

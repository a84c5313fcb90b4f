"""Set-up, sign-in, second factor, and one's own sessions, as actions.

The session token is in the field `secret` of the answer; the console puts it into its cookie. Every sign-in and every second factor makes a new token, so a
token that was fixed or seen before is worth nothing after.
"""

from dataclasses import replace
from functools import partial
from typing import Annotated

from pydantic import Field, SecretStr
from sqlalchemy import Connection

from ostiary import ids
from ostiary.access.roles import OWNER
from ostiary.actions import Action, ActorKind, Call, Risk, Route, Trace
from ostiary.cells.pins import Pins
from ostiary.clock import SECOND_US, rfc3339
from ostiary.errors import CodeRefused, NotAuthenticated, NotFound, StepUpRequired, TooMany
from ostiary.identity import codes, people, setup, store, totp
from ostiary.identity.services import EMAIL_COLUMN, Email, Name, Services, change, look
from ostiary.identity.sessions import SECOND_FACTOR_WITHIN_S, TOKEN_LENGTH, origin_place
from ostiary.identity.store import MemberRow, SessionRow
from ostiary.ids import INSTALL, PersonId, SubjectId, TenantId
from ostiary.secret import Secret
from ostiary.shapes import Answer, Empty, Nothing, Params

Code = Annotated[SecretStr, Field(min_length=6, max_length=12)]
SessionId = Annotated[str, Field(pattern="^ses_[0-9a-f]{32}$")]


class SetupBegin(Params):
    token: Annotated[SecretStr, Field(min_length=1, max_length=200)]
    email: Email
    name: Name
    tenant: Name


class SessionOpened(Answer):
    """`secret` is the session token. With `second_factor_required` it is good for nothing but `session.second_factor`, for ten minutes."""

    secret: str
    session: str
    person: str
    tenant: str
    expires_at: str
    second_factor_required: bool


class RequestCode(Params):
    email: Email


class CodeRequested(Answer):
    """The same whether the address has an account or not. `request` goes back with the code."""

    request: str
    expires_at: str


class SessionStart(Params):
    request: Annotated[str, Field(pattern="^cod_[0-9a-f]{32}$")]
    code: Code


class CodeGiven(Params):
    code: Code


class SessionEnd(Params):
    """`session`: one of one's own sessions; without it, this one."""

    session: Annotated[str, Field(pattern="^(ses_[0-9a-f]{32})?$")] = ""


class SessionEndAll(Params):
    keep_this: bool = False


class SessionShown(Answer):
    session: str
    tenant: str
    created_at: str
    seen_at: str
    expires_at: str
    address: str
    this: bool


class SessionList(Answer):
    sessions: list[SessionShown]


class SwitchTenant(Params):
    tenant: Annotated[str, Field(max_length=64)]


class SwitchedTenant(Answer):
    tenant: str
    role: str


def actions(services: Services) -> list[Action]:
    return [
        change("setup.begin", "Set the installation up", "Against the set-up token: creates the first tenant and its owner, and signs the owner in.",
               "", SetupBegin, SessionOpened, partial(begin, services), Route("POST", "/v1/setup"), risk=Risk.MEDIUM, public=True),
        change("session.request_code", "Ask for a sign-in code", "Sends a one-time code to the address, if it has an account here. The answer is the same either way.",
               "", RequestCode, CodeRequested, partial(request_code, services), Route("POST", "/v1/session/code"), public=True),
        change("session.start", "Sign in with a code", "Opens a session with an emailed code. With a second factor enrolled, the session waits for it.",
               "", SessionStart, SessionOpened, partial(start, services), Route("POST", "/v1/session/start"), public=True),
        change("session.second_factor", "Give the second factor", "Completes a sign-in with the code that the authenticator app shows.",
               "", CodeGiven, SessionOpened, partial(second_factor, services), Route("POST", "/v1/session/second-factor"), public=True),
        change("session.step_up", "Confirm with the second factor", "Gives the second factor anew, as approving what is of high risk asks for.",
               "session.own", CodeGiven, SessionOpened, partial(step_up, services), Route("POST", "/v1/session/step-up")),
        change("session.end", "Sign out", "Ends this session, or another of one's own.",
               "session.own", SessionEnd, Nothing, partial(end, services), Route("POST", "/v1/session/end")),
        change("session.end_all", "Sign out everywhere", "Ends all of one's own sessions.",
               "session.own", SessionEndAll, Nothing, partial(end_all, services), Route("POST", "/v1/session/end-all")),
        look("session.list", "List own sessions", "Where one is signed in.",
             "session.own", Empty, SessionList, partial(list_sessions, services), "/v1/session/list"),
        change("session.switch_tenant", "Go to another tenant", "Moves this session to another tenant that one is a member of.",
               "session.own", SwitchTenant, SwitchedTenant, partial(switch_tenant, services), Route("POST", "/v1/session/switch-tenant")),
    ]  # fmt: skip


async def begin(services: Services, call: Call, params: SetupBegin) -> SessionOpened:
    token = Secret(params.token.get_secret_value())
    await services.database.run(lambda connection: setup.check(connection, token))
    tenant = TenantId(ids.new("ten"))
    tenant_row = await people.tenant_row(services, tenant, params.tenant, call.at_us)
    person = await people.fresh(services, params.email, params.name, call.at_us, operator=True)
    member = MemberRow(person.id, OWNER, call.at_us, person.id)
    secret, session = services.gate.sessions.fresh(person.id, tenant, call.at_us, origin=call.actor.address)

    def rows(connection: Connection) -> None:
        setup.burn(connection)
        store.add(connection, INSTALL, person)
        store.add(connection, INSTALL, tenant_row)
        store.join(connection, tenant, member)
        store.add(connection, INSTALL, session)

    call.write(rows)
    return opened(secret, session)


async def request_code(services: Services, call: Call, params: RequestCode) -> CodeRequested:
    person = await services.database.run(lambda connection: _account_of(services, connection, params.email))
    code, row = codes.fresh(services, call, params.email, person)

    def rows(connection: Connection) -> None:
        by_email, by_address = store.count_codes(
            connection,
            INSTALL,
            email=row.email_index,
            address=row.address_index,
            since_us=call.at_us - codes.WINDOW_S * SECOND_US,
        )
        if by_email >= codes.PER_EMAIL_MAX or by_address >= codes.PER_ADDRESS_MAX:
            raise TooMany(retry_after_s=codes.WINDOW_S)
        store.add(connection, INSTALL, row)

    call.write(rows)
    if person:
        call.then(lambda: services.post.send(params.email, code))
    return CodeRequested(request=row.id, expires_at=rfc3339(row.expires_us))


async def start(services: Services, call: Call, params: SessionStart) -> SessionOpened:
    code = await codes.check(services, call, params.request, params.code.get_secret_value())
    person, homes = await services.database.run(lambda c: _standing(c, code.person, services.gate.pins))
    await services.vault.prepare(INSTALL, people.PURPOSE, [SubjectId(person.id)])
    home = homes[0] if homes else INSTALL
    secret, session = services.gate.sessions.fresh(person.id, home, call.at_us, origin=call.actor.address)
    if person.totp is not None:
        wait_us = call.at_us + SECOND_FACTOR_WITHIN_S * SECOND_US
        session = replace(session, stage="second", expires_us=wait_us)

    def rows(connection: Connection) -> None:
        if not store.use_code(connection, INSTALL, code.id, call.at_us):
            raise CodeRefused
        if call.actor.session:
            store.change_session(connection, INSTALL, call.actor.session, {"ended_us": call.at_us})
        store.add(connection, INSTALL, session)

    call.write(rows)
    if session.stage == "open":
        _told(call, session, operator=person.operator)
    return opened(secret, session)


async def second_factor(services: Services, call: Call, params: CodeGiven) -> SessionOpened:
    if call.actor.kind is not ActorKind.ANONYMOUS or not call.actor.session:
        raise NotAuthenticated("Sign in with an emailed code first.")
    session = await _session(services, call)
    answer = await _confirmed(services, call, session, params.code)
    person = await services.database.run(
        lambda connection: store.find_person(connection, INSTALL, session.person)
    )
    _told(call, session, operator=person is not None and person.operator)
    return answer


async def step_up(services: Services, call: Call, params: CodeGiven) -> SessionOpened:
    people.in_session(call.actor)
    return await _confirmed(services, call, await _session(services, call), params.code)


async def end(services: Services, call: Call, params: SessionEnd) -> Nothing:
    person = people.in_session(call.actor)
    wanted = params.session or call.actor.session
    row = await services.database.run(
        lambda connection: store.find_session_by_id(connection, INSTALL, wanted)
    )
    if row is None or row.person != person:
        raise NotFound
    call.write(lambda connection: _ended(connection, wanted, call.at_us))
    return Nothing()


async def end_all(services: Services, call: Call, params: SessionEndAll) -> Nothing:
    person = people.in_session(call.actor)
    kept = call.actor.session if params.keep_this else ""
    call.write(lambda connection: store.end_sessions(connection, INSTALL, person, call.at_us, but=kept))
    return Nothing()


async def list_sessions(services: Services, call: Call, _params: Empty) -> SessionList:
    person = people.in_session(call.actor)
    rows = await services.database.run(
        lambda connection: store.list_sessions(connection, INSTALL, person, call.at_us)
    )
    return SessionList(sessions=[_shown(services, row, call.actor.session) for row in rows])


async def switch_tenant(services: Services, call: Call, params: SwitchTenant) -> SwitchedTenant:
    person = people.in_session(call.actor)
    tenant = TenantId(params.tenant)
    member = await services.database.run(lambda connection: store.find_member(connection, tenant, person))
    if member is None:
        raise NotFound
    await services.database.run(lambda connection: services.gate.pins.check(connection, tenant))
    session = call.actor.session
    call.write(
        lambda connection: _must_stand(store.change_session(connection, INSTALL, session, {"home": tenant}))
    )
    return SwitchedTenant(tenant=tenant, role=member.role)


def _account_of(services: Services, connection: Connection, email: str) -> PersonId:
    """Whose email it is, if they may sign in; else ""."""
    index = services.vault.blind(INSTALL, EMAIL_COLUMN, email)
    row = store.find_person_by_email(connection, INSTALL, index)
    homes = store.homes(
        connection, INSTALL, row.id if row is not None else PersonId("")
    )  # asked either way: cost tells
    return row.id if row is not None and (row.operator or homes) else PersonId("")


def _standing(connection: Connection, person: PersonId, pins: Pins) -> tuple[store.PersonRow, list[TenantId]]:
    """The person and where they belong, what is served here first. Raises CodeRefused for one who may not sign in any more."""
    row = store.find_person(connection, INSTALL, person)
    homes = store.homes(connection, INSTALL, person)
    homes.sort(key=lambda home: not pins.serves(connection, home))
    if row is None or not (row.operator or homes):
        raise CodeRefused
    return row, homes


async def _session(services: Services, call: Call) -> SessionRow:
    row = await services.database.run(
        lambda connection: store.find_session_by_id(connection, INSTALL, call.actor.session)
    )
    if row is None:
        raise NotAuthenticated
    return row


async def _confirmed(services: Services, call: Call, session: SessionRow, code: SecretStr) -> SessionOpened:
    """The second factor was given: the session is open, under a new token."""
    person = await people.account(services, session.person)
    if person.totp is None:
        raise StepUpRequired("You have no second factor yet: enrol one in your account first.")
    step = await totp.check(services, call, person, code)
    secret, changed = renewed(services, session, call.at_us)

    def rows(connection: Connection) -> None:
        if not store.use_totp_step(connection, INSTALL, person.id, step):
            raise CodeRefused
        store_renewed(connection, changed)

    call.write(rows)
    return opened(secret, changed)


def renewed(services: Services, session: SessionRow, at_us: int) -> tuple[Secret, SessionRow]:
    """The same session after its second factor: open, stepped up, under a fresh token."""
    secret = Secret(ids.token(TOKEN_LENGTH))
    whole_us = session.created_us + services.gate.sessions.limits.absolute_s * SECOND_US
    changed = replace(
        session,
        token=services.gate.sessions.hashed(secret),
        stage="open",
        second_us=at_us,
        seen_us=at_us,
        expires_us=whole_us,
    )
    return secret, changed


def store_renewed(connection: Connection, session: SessionRow) -> None:
    """Raises NotAuthenticated when the session was ended in the meantime."""
    names = ("token", "stage", "second_us", "seen_us", "expires_us")
    values = {name: getattr(session, name) for name in names}
    _must_stand(store.change_session(connection, INSTALL, session.id, values))


def _told(call: Call, session: SessionRow, *, operator: bool) -> None:
    """The tenant's own log learns that somebody signed in; the sign-in itself stands in the installation's, and that an operator did so by a name of its own."""
    if session.home != INSTALL:
        call.traces.append(Trace(call.id, "session.start", "ran", tenant=session.home, person=session.person))
    if operator:
        call.traces.append(Trace(call.id, "session.operator", "ran", tenant=INSTALL, person=session.person))


def _must_stand(stands: bool) -> None:
    if not stands:
        raise NotAuthenticated


def _ended(connection: Connection, session: str, at_us: int) -> None:
    store.change_session(connection, INSTALL, session, {"ended_us": at_us})


def opened(secret: Secret, session: SessionRow) -> SessionOpened:
    return SessionOpened(
        secret=secret.reveal(),
        session=session.id,
        person=session.person,
        tenant=session.home,
        expires_at=rfc3339(session.expires_us),
        second_factor_required=session.stage == "second",
    )


def _shown(services: Services, row: SessionRow, this: str) -> SessionShown:
    return SessionShown(
        session=row.id,
        tenant=row.home,
        created_at=rfc3339(row.created_us),
        seen_at=rfc3339(row.seen_us),
        expires_at=rfc3339(row.expires_us),
        address=services.vault.open(origin_place(row.id), row.origin).decode(),
        this=row.id == this,
    )

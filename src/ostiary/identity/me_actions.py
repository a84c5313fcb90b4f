"""One's own account: who one is, and the second factor, as actions."""

from functools import partial

from pydantic import SecretStr
from sqlalchemy import Connection

from ostiary.actions import Action, ActorKind, Call, Risk, Route
from ostiary.clock import SECOND_US
from ostiary.errors import CodeRefused, Conflict, NotAuthenticated, StepUpRequired
from ostiary.identity import _rfc6238, people, store, totp
from ostiary.identity.services import Services, change, look, shown
from ostiary.identity.session_actions import Code, SessionOpened, opened, renewed, store_renewed
from ostiary.ids import INSTALL, PersonId, SubjectId
from ostiary.shapes import Answer, Empty, Nothing, Params

ISSUER = "Ostiary"
ENROL_WITHIN_S = 1800
"""How long after signing in a first second factor may be enrolled: a session that was left open, or stolen, later on may not."""


class Belonging(Answer):
    tenant: str
    name: str
    role: str


class Me(Answer):
    """`operator`: may create tenants. `stepped_up_at`: when the second factor was last given in this session."""

    kind: str
    id: str
    name: str
    email: str
    tenant: str
    roles: list[str]
    permissions: list[str]
    scopes: list[str] | None
    session: str
    second_factor: bool
    stepped_up_at: str
    operator: bool
    tenants: list[Belonging]


class TotpSecret(Answer):
    """`key` is for typing in, `otpauth` for a link, `qr_svg` for the camera."""

    key: str
    otpauth: str
    qr_svg: str


class TotpEnrolment(Answer):
    secret: TotpSecret


class TotpConfirm(Params):
    code: Code


def actions(services: Services) -> list[Action]:
    return [
        look("me.show", "Show who one is", "Who asks, as the gateway sees it: person or key, tenant, roles, permissions, scopes.",
             "me.own", Empty, Me, partial(show, services), "/v1/me"),
        change("me.totp_enrol", "Enrol a second factor", "Gives a secret for an authenticator app. It counts once a first code has confirmed it.",
               "me.own", Empty, TotpEnrolment, partial(enrol, services), Route("POST", "/v1/me/totp")),
        change("me.totp_confirm", "Confirm the second factor", "Confirms the enrolment with a first code. Other sessions end, and this one gets a new token.",
               "me.own", TotpConfirm, SessionOpened, partial(confirm, services), Route("POST", "/v1/me/totp/confirm")),
        change("me.totp_remove", "Remove the second factor", "Removes it; asks for it one last time.",
               "me.own", Empty, Nothing, partial(remove, services), Route("DELETE", "/v1/me/totp"), risk=Risk.MEDIUM, step_up=True),
    ]  # fmt: skip


async def show(services: Services, call: Call, _params: Empty) -> Me:
    actor = call.actor
    if actor.kind is not ActorKind.PERSON:
        return _me(call, email="", second_factor=False, tenants=[])
    person = await people.account(services, PersonId(actor.id))
    tenants = await services.database.run(lambda connection: belongings(services, connection, person.id))
    email = people.opened(services, person).email
    return _me(call, email=email, second_factor=person.totp is not None, tenants=tenants)


async def enrol(services: Services, call: Call, _params: Empty) -> TotpEnrolment:
    person = await people.account(services, people.in_session(call.actor))
    if person.totp is not None:
        raise Conflict("A second factor is enrolled already: remove it first.")
    await _must_be_fresh(services, call)
    await services.vault.prepare(INSTALL, people.PURPOSE, [SubjectId(person.id)])
    secret = _rfc6238.fresh_secret()
    sealed = totp.seal(services, "totp_pending", person.id, secret)
    values = {"totp_pending": sealed}
    call.write(lambda connection: store.change_person(connection, INSTALL, person.id, values))
    uri = _rfc6238.otpauth(secret, account=people.opened(services, person).email, issuer=ISSUER)
    shown_once = TotpSecret(key=secret.reveal(), otpauth=uri, qr_svg=_rfc6238.qr_svg(uri))
    return TotpEnrolment(secret=shown_once)


async def confirm(services: Services, call: Call, params: TotpConfirm) -> SessionOpened:
    person = await people.account(services, people.in_session(call.actor))
    if person.totp is not None:
        raise Conflict("A second factor is enrolled already: remove it first.")
    return await _enrolled(services, call, person, params.code)


async def remove(services: Services, call: Call, _params: Empty) -> Nothing:
    person = people.in_session(call.actor)
    values = {"totp": None, "totp_pending": None}
    call.write(lambda connection: store.change_person(connection, INSTALL, person, values))
    return Nothing()


async def _must_be_fresh(services: Services, call: Call) -> None:
    session = await services.database.run(
        lambda connection: store.find_session_by_id(connection, INSTALL, call.actor.session)
    )
    if session is None:
        raise NotAuthenticated
    if call.at_us - session.created_us > ENROL_WITHIN_S * SECOND_US:
        raise StepUpRequired("Sign out and in again, then enrol within half an hour.")


async def _enrolled(
    services: Services, call: Call, person: store.PersonRow, code: SecretStr
) -> SessionOpened:
    """The pending secret becomes the second factor; this session is stepped up, under a new token, and the others end."""
    step = await totp.check(services, call, person, code, pending=True)
    if person.totp_pending is None:
        raise CodeRefused
    await services.vault.prepare(INSTALL, people.PURPOSE, [SubjectId(person.id)])
    secret = totp.opened(services, "totp_pending", person.id, person.totp_pending)
    sealed = totp.seal(services, "totp", person.id, secret)
    session = await services.database.run(
        lambda connection: store.find_session_by_id(connection, INSTALL, call.actor.session)
    )
    if session is None:
        raise NotAuthenticated
    token, changed = renewed(services, session, call.at_us)

    def rows(connection: Connection) -> None:
        now = store.find_person(connection, INSTALL, person.id)
        if now is None or now.totp is not None or now.totp_pending != person.totp_pending:
            raise Conflict("The enrolment was changed in the meantime: begin again.")
        if not store.use_totp_step(connection, INSTALL, person.id, step):
            raise CodeRefused
        store.change_person(connection, INSTALL, person.id, {"totp": sealed, "totp_pending": None})
        store.end_sessions(connection, INSTALL, person.id, call.at_us, but=session.id)
        store_renewed(connection, changed)

    call.write(rows)
    return opened(token, changed)


def belongings(services: Services, connection: Connection, person: PersonId) -> list[Belonging]:
    """The tenants of a person, with their role there."""
    found = []
    homes = store.homes(connection, INSTALL, person)
    for row in store.list_tenants(connection, INSTALL, homes):
        member = store.find_member(connection, row.id, person)
        name = services.vault.open(people.tenant_place(row.id), row.name).decode()
        found.append(Belonging(tenant=row.id, name=name, role=member.role if member else ""))
    return found


def _me(call: Call, *, email: str, second_factor: bool, tenants: list[Belonging]) -> Me:
    actor = call.actor
    return Me(
        kind=actor.kind.value,
        id=actor.id,
        name=actor.name,
        email=email,
        tenant=actor.tenant,
        roles=sorted(actor.roles),
        permissions=sorted(actor.permissions),
        scopes=None if actor.scopes is None else sorted(actor.scopes),
        session=actor.session,
        second_factor=second_factor,
        stepped_up_at=shown(actor.stepped_up_us),
        operator="install.manage" in actor.permissions,
        tenants=tenants,
    )

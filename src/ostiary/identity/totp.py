"""A person's second factor: its sealed secret, and one try at it."""

from pydantic import SecretStr

from ostiary.actions import Call
from ostiary.clock import SECOND_US
from ostiary.errors import CodeRefused, TooMany
from ostiary.identity import _rfc6238, store
from ostiary.identity.services import Services
from ostiary.identity.store import PersonRow
from ostiary.ids import INSTALL, PersonId, SubjectId
from ostiary.secret import Secret
from ostiary.vault.sealing import Place


async def check(
    services: Services, call: Call, person: PersonRow, code: SecretStr, *, pending: bool = False
) -> int:
    """The time step of a fitting code, to be used up by the caller's rows (`store.use_totp_step`).

    A try counts as failed until it has succeeded, in a transaction of its own; after five in a row each costs a wait. Raises CodeRefused, TooMany.
    """
    sealed = person.totp_pending if pending else person.totp
    if sealed is None:
        raise CodeRefused
    wait_us = await services.database.change(
        lambda connection: store.take_totp_try(connection, INSTALL, person.id, call.at_us, _rfc6238.wait_s)
    )
    if wait_us:
        raise TooMany(retry_after_s=-(-wait_us // SECOND_US))
    column = "totp_pending" if pending else "totp"
    secret = opened(services, column, person.id, sealed)
    step = _rfc6238.used_step(
        secret,
        code.get_secret_value().replace(" ", ""),
        at_us=call.at_us,
        after_step=person.totp_step,
    )
    if step is None:
        raise CodeRefused
    return step


def place(column: str, person: PersonId) -> Place:
    return Place(INSTALL, "person", column, person)


def seal(services: Services, column: str, person: PersonId, secret: Secret) -> bytes:
    """Prepare the person's key of purpose "person" before."""
    return services.vault.seal(
        place(column, person), secret.reveal().encode(), purpose="person", subject=SubjectId(person)
    )


def opened(services: Services, column: str, person: PersonId, sealed: bytes) -> Secret:
    return Secret(services.vault.open(place(column, person), sealed).decode())

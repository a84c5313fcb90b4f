"""One-time codes by email: 8 digits, ten minutes, five tries. A code belongs to the request that asked for it, so only the browser that asked can use it."""

import hmac

from ostiary import ids
from ostiary.actions import Call
from ostiary.clock import SECOND_US
from ostiary.errors import CodeRefused
from ostiary.identity import store
from ostiary.identity.services import EMAIL_COLUMN, Services
from ostiary.identity.store import CodeRow
from ostiary.ids import INSTALL, PersonId, random_bytes

DIGITS = 8
VALID_S = 600
TRIES_MAX = 5
WINDOW_S = 900
PER_EMAIL_MAX = 10
PER_ADDRESS_MAX = 20
PURPOSE = "sign-in-code"


def fresh(services: Services, call: Call, email: str, person: PersonId) -> tuple[str, CodeRow]:
    """A code and its row; `person` is "" for an email without an account, which costs the same."""
    code, request = ids.digits(DIGITS), ids.new("cod")
    row = CodeRow(
        id=request,
        person=person,
        email_index=services.vault.blind(INSTALL, EMAIL_COLUMN, email),
        address_index=services.vault.blind(INSTALL, "sign_in_code.address", call.actor.address),
        code=_hashed(services, request, code),
        created_us=call.at_us,
        expires_us=call.at_us + VALID_S * SECOND_US,
        tries=0,
        used_us=0,
    )
    return code, row


async def check(services: Services, call: Call, request: str, code: str) -> CodeRow:
    """The code's row, if it fits; it is not used up yet. A try is counted before anything is compared, in a transaction of its own, since a refusal
    undoes its call's rows. Raises CodeRefused."""
    row = await services.database.change(
        lambda connection: store.take_try(connection, INSTALL, request, call.at_us, TRIES_MAX)
    )
    expected = row.code if row is not None else random_bytes(32)
    fits = hmac.compare_digest(expected, _hashed(services, request, code.replace(" ", "")))
    if row is None or not fits or not row.person:
        raise CodeRefused
    return row


def _hashed(services: Services, request: str, code: str) -> bytes:
    return services.vault.mac(INSTALL, PURPOSE, f"{request}|{code}".encode())

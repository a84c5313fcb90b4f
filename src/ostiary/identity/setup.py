"""The first start: whoever holds the set-up token becomes the owner of the first tenant and the operator of the installation. Then the token is gone."""

import hashlib
import hmac

from sqlalchemy import Connection

from ostiary import ids
from ostiary.clock import Clock
from ostiary.db.database import Database
from ostiary.errors import CredentialRefused
from ostiary.identity import store
from ostiary.ids import INSTALL
from ostiary.secret import Secret


def is_waiting(database: Database) -> bool:
    """Whether nobody has set this installation up yet."""
    return not database.read(lambda connection: store.has_people(connection, INSTALL))


def issue_token(database: Database, clock: Clock) -> Secret:
    """A fresh set-up token; the one before it is void. For a terminal or a 0600 file, never for a log."""
    token = Secret(ids.token())
    database.transact(
        lambda connection: store.put_setup_token(connection, INSTALL, _hashed(token), clock.now_us())
    )
    return token


def check(connection: Connection, token: Secret) -> None:
    """Raises CredentialRefused: wrong token, no token issued, or somebody was first."""
    stored = store.find_setup_token(connection, INSTALL)
    fits = hmac.compare_digest(stored.encode(), _hashed(token).encode())
    if not fits or store.has_people(connection, INSTALL):
        raise CredentialRefused


def burn(connection: Connection) -> None:
    """Use the token up. Raises CredentialRefused when it was used in the meantime."""
    if store.has_people(connection, INSTALL) or not store.burn_setup_token(connection, INSTALL):
        raise CredentialRefused


def _hashed(token: Secret) -> str:
    return hashlib.sha256(token.reveal().encode()).hexdigest()

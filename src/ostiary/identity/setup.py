"""The first start: whoever holds the set-up token becomes the owner of the first tenant and the operator of the installation. Then the token is gone."""

import hashlib
import hmac

from sqlalchemy import Connection

from ostiary import ids
from ostiary.clock import SECOND_US, Clock
from ostiary.db.database import Database
from ostiary.errors import CredentialRefused
from ostiary.identity.setting_up import store as tokens
from ostiary.ids import INSTALL
from ostiary.secret import Secret


def is_waiting(database: Database) -> bool:
    """Whether nobody has set this installation up yet."""
    return not database.read(lambda connection: tokens.has_people(connection, INSTALL))


def issue_token(database: Database, clock: Clock, *, kept_s: int = 0) -> Secret | None:
    """A fresh set-up token; the one before it is void. For a terminal or a 0600 file, never for a log.

    kept_s: one that is younger stays, and None is returned: several processes that start together show one token, not one each.
    """
    token = Secret(ids.token())

    def issue(connection: Connection) -> bool:
        now_us = clock.now_us()
        return tokens.put_setup_token(
            connection, INSTALL, _hashed(token), now_us, before_us=now_us - kept_s * SECOND_US
        )

    return token if database.transact(issue) else None


def check(connection: Connection, token: Secret) -> None:
    """Raises CredentialRefused: wrong token, no token issued, or somebody was first."""
    stored = tokens.find_setup_token(connection, INSTALL)
    fits = hmac.compare_digest(stored.encode(), _hashed(token).encode())
    if not fits or tokens.has_people(connection, INSTALL):
        raise CredentialRefused


def burn(connection: Connection) -> None:
    """Use the token up. Raises CredentialRefused when it was used in the meantime."""
    if tokens.has_people(connection, INSTALL) or not tokens.burn_setup_token(connection, INSTALL):
        raise CredentialRefused


def _hashed(token: Secret) -> str:
    return hashlib.sha256(token.reveal().encode()).hexdigest()

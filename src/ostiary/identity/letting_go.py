"""How a tenant is closed for everybody, when it ends."""

from sqlalchemy import Connection

from ostiary.db.signals import tell
from ostiary.identity.api_keys.store import CHANGED
from ostiary.ids import INSTALL, TenantId
from ostiary.retention.ending import store


def shut(connection: Connection, tenant: TenantId) -> None:
    """No session, key or member enters the tenant any more, in any process; the people themselves stay."""
    store.remove_home(connection, INSTALL, tenant)
    tell(connection, tenant, CHANGED)

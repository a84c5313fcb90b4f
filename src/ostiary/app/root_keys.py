"""What each root key still wraps, read from the databases that the settings name: so that an operator knows when an old one can go."""

from collections.abc import Mapping
from typing import Any

from ostiary import config
from ostiary.app.home import root_key
from ostiary.clock import SystemClock
from ostiary.db.database import Database
from ostiary.identity import store as identity_store
from ostiary.ids import INSTALL
from ostiary.vault.keyring import KeyRing
from ostiary.vault.roots.adopting import standing


def look(environ: Mapping[str, str]) -> list[dict[str, Any]]:
    """A row for each root key that is given or still wraps something. Raises ConfigurationError, StoreUnavailable, KeysUnavailable."""
    settings = config.load(environ, offline=True)
    data, keys = Database(settings.database_url), Database(settings.keys_url, name="keys")
    try:
        ring = KeyRing(keys, root_key(settings), SystemClock())
        tenants = data.read(lambda connection: identity_store.all_tenants(connection, INSTALL))
        wraps = standing(ring, (INSTALL, *tenants))
        given = ring.root.known()
    finally:
        data.close()
        keys.close()
    return [
        {
            "root_key": name,
            "given": "first" if name == ring.root.current() else "also" if name in given else "no",
            "wraps": wraps[name].first if name in wraps else 0,
            "wraps_also": wraps[name].further if name in wraps else 0,
        }
        for name in dict.fromkeys((*given, *wraps))
    ]

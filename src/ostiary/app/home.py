"""What a process needs before anything else: its folder, for itself where that must be, and the root key."""

import fcntl
import os
from typing import IO

from ostiary import log
from ostiary.config import Settings
from ostiary.errors import ConfigurationError, KeysUnavailable
from ostiary.ids import TenantId
from ostiary.vault.root import EnvironmentRoot, FileRoot, RootKeyProvider
from ostiary.vault.roots.adopting import adopt
from ostiary.vault.sealing import Vault

RESTORING = "restoring"
"""The folder in the home that stands there while a restore has not ended."""

_LOG = log.get("app")


def root_key(settings: Settings) -> RootKeyProvider:
    """From the mounted file, which is checked for who can read it, else from the environment. Raises ConfigurationError."""
    if settings.root_key_file:
        return FileRoot(settings.root_key_file, data_folder=settings.home)
    return EnvironmentRoot(settings.root_key)


def rotate_root(vault: Vault, tenants: list[TenantId]) -> None:
    """Wrap under the first root key what an older one wraps. Raises ConfigurationError where none of those given opens it."""
    try:
        adopted = adopt(vault.keys, tenants)
    except KeysUnavailable as error:
        raise ConfigurationError(
            ["The key store does not answer, or OSTIARY_ROOT_KEY does not open its keys."]
        ) from error
    if adopted.foreign:
        raise ConfigurationError(
            ["OSTIARY_ROOT_KEY does not open this installation's keys; give the one that they were made with"]
        )
    if adopted.wrapped or adopted.dropped:
        _LOG.info("root_key.rotated", tenant_keys=adopted.wrapped, old_wraps=adopted.dropped)


def prepare_home(settings: Settings) -> None:
    """The data folder, for the operator's eyes only. Raises ConfigurationError where a restore into it has not ended."""
    settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.chmod(settings.home, 0o700)
    if (settings.home / RESTORING).exists():
        raise ConfigurationError(
            [f"OSTIARY_HOME {settings.home}: a restore was interrupted; run `ostiary restore` again"]
        )


def exclusive(settings: Settings) -> IO[bytes] | None:
    """One process at a time on an embedded database: two sequencers would fork the log. Raises ConfigurationError."""
    if not settings.database_url.startswith("sqlite"):
        return None
    lock = open(settings.home / "lock", "ab")  # noqa: SIM115 - held for as long as the process lives
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise ConfigurationError(
            [f"OSTIARY_HOME {settings.home} is in use by another process of Ostiary; stop it first"]
        ) from error
    return lock

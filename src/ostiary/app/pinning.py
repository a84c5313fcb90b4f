"""`ostiary keys pin` and `unpin`: calls through the door, recorded in the installation's own log, made by a command beside the running gateway. The operator's
root keys are in files and in this process, and in no request."""

import asyncio
import os
from collections.abc import Coroutine, Mapping
from pathlib import Path

from ostiary import config
from ostiary.actions import Actor, ActorKind, Face
from ostiary.app.gateway import Gateway
from ostiary.app.kind import Kind
from ostiary.cells.actions import PERMISSION
from ostiary.clock import SystemClock
from ostiary.door.outcome import Outcome
from ostiary.errors import ConfigurationError
from ostiary.identity.gate import Entrance
from ostiary.ids import INSTALL
from ostiary.vault.root import FileRoot, generate

ACTOR = "operator"


def make_key(path: Path) -> None:
    """A fresh root key in a fresh file, for its owner's eyes only. Raises ConfigurationError."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise ConfigurationError([f"{path} cannot be made: {error.strerror}"]) from error
    with os.fdopen(handle, "w") as file:
        file.write(generate().reveal() + "\n")
        file.flush()
        os.fsync(handle)


def run(environ: Mapping[str, str], action: str, params: Mapping[str, str], key_file: Path) -> None:
    """Raises OstiaryError, ConfigurationError."""
    settings = config.load(environ, offline=True)
    FileRoot(key_file, data_folder=settings.home)  # that others cannot read it, and that it is one
    key = key_file.read_text("ascii").strip()
    gateway = Gateway(settings, SystemClock(), kind=Kind.TOOL)
    try:
        gateway.audit.start()
        actor = Actor(INSTALL, ActorKind.SERVICE, ACTOR, permissions=frozenset({PERMISSION}))
        call = gateway.door.call(Entrance(actor), action, {**params, "root_key": key}, face=Face.CLI)
        asyncio.run(_outcome(call))
    finally:
        gateway.audit.stop()
        gateway.close()


async def _outcome(call: Coroutine[None, None, Outcome]) -> None:
    await call

"""At a start: whether another release runs than before, or another root key wraps the keys. What is new is recorded in the installation's log, and told."""

import asyncio

import ostiary
from ostiary import log
from ostiary.actions import Actor, ActorKind, Face
from ostiary.clock import Clock
from ostiary.db.database import Database
from ostiary.door.door import Door
from ostiary.errors import Conflict, OstiaryError
from ostiary.identity.gate import Entrance
from ostiary.ids import INSTALL
from ostiary.upkeep import store
from ostiary.upkeep.actions import ACTOR, NAMES, PERMISSION
from ostiary.vault.sealing import Vault

_LOG = log.get("app")


async def look(database: Database, vault: Vault, clock: Clock, door: Door) -> None:
    """Of several processes that start together one records it. A log or database that is away stops no start: the next one finds it still."""
    try:
        now = {"release": ostiary.__version__, "root_key": await asyncio.to_thread(_root, vault)}
        before = await database.run(lambda connection: store.seen(connection, INSTALL))
        for name, value in now.items():
            if name not in before:
                await _first(database, clock, name, value)
            elif before[name] != value:
                await _moved(door, name, before[name], value)
    except Conflict:
        return
    except OstiaryError as error:
        _LOG.warning("upkeep.not_recorded", code=error.code)


async def _first(database: Database, clock: Clock, name: str, value: str) -> None:
    at_us = clock.now_us()
    await database.change(lambda c: store.note(c, INSTALL, name, before="", after=value, at_us=at_us))


async def _moved(door: Door, name: str, before: str, after: str) -> None:
    actor = Actor(INSTALL, ActorKind.SERVICE, ACTOR, permissions=frozenset({PERMISSION}))
    await door.call(Entrance(actor), NAMES[name], {"before": before, "after": after}, face=Face.JOB)


def _root(vault: Vault) -> str:
    """The fingerprint of the root key that wraps the newest key of the installation."""
    return vault.versions(INSTALL)[0][0].root

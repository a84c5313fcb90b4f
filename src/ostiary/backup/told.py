"""Telling the installation what became of a backup: a call through the door, recorded in the installation's own log. It works beside a running gateway, since
a log takes several writers."""

import asyncio
from dataclasses import asdict, dataclass

from ostiary.actions import Actor, ActorKind, Face
from ostiary.app.gateway import Gateway
from ostiary.app.kind import Kind
from ostiary.clock import Clock
from ostiary.config import Settings
from ostiary.identity.gate import Entrance
from ostiary.ids import INSTALL
from ostiary.recovery.actions import PERMISSION

ACTOR = "backup"


@dataclass(frozen=True, slots=True)
class Numbers:
    """What is told; see `recovery.actions.Told`."""

    backup: str
    taken_us: int
    bytes: int = 0
    rows: int = 0
    events: int = 0
    files: int = 0
    events_lost: int = 0
    lost_us: int = 0
    ready_us: int = 0


def tell(settings: Settings, clock: Clock, action: str, numbers: Numbers) -> None:
    """Record it. Raises OstiaryError, ConfigurationError."""
    gateway = Gateway(settings, clock, kind=Kind.TOOL)
    try:
        gateway.audit.start()
        actor = Actor(INSTALL, ActorKind.SERVICE, ACTOR, permissions=frozenset({PERMISSION}))
        asyncio.run(_told(gateway, actor, action, numbers))
    finally:
        gateway.audit.stop()
        gateway.close()


async def _told(gateway: Gateway, actor: Actor, action: str, numbers: Numbers) -> None:
    await gateway.door.call(Entrance(actor), action, asdict(numbers), face=Face.JOB)

"""Discovery put together: what it opens places with, and whom it tells."""

from pathlib import Path

from ostiary.actions import Action
from ostiary.clock import Clock
from ostiary.config import Settings
from ostiary.connectors.connectors import Connectors
from ostiary.discovery import actions as discovery_actions
from ostiary.discovery import letting_go, running
from ostiary.discovery.places import Grounds
from ostiary.discovery.services import Discovery
from ostiary.jobs.queue import Queue
from ostiary.privacy.plans.plans import Plans
from ostiary.vault.sealing import Vault
from ostiary.work import Announce

KINDS = running.KINDS
KEPT = letting_go.KEPT


def build(
    settings: Settings, vault: Vault, clock: Clock, connectors: Connectors, jobs: Queue, announce: Announce
) -> Discovery:
    own = connectors.limits.own_paths
    if settings.blob_url.startswith("file://"):
        own = (*own, Path(settings.blob_url.removeprefix("file://")))
    grounds = Grounds(connectors, clock, settings.discovery_roots, own)
    plans = Plans(jobs.database, vault)
    return Discovery(jobs.database, vault, jobs, plans, grounds, announce, running.RUN)


def actions(discovery: Discovery) -> list[Action]:
    return discovery_actions.actions(discovery)

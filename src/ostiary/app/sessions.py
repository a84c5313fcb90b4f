"""The actions of agents' sessions, put together."""

from ostiary.actions import Action
from ostiary.clock import Clock
from ostiary.db.database import Database
from ostiary.identity.standing import GrantedTo, known_agents
from ostiary.provenance import actions as session_actions
from ostiary.provenance import jobs
from ostiary.provenance.speaking import Speaking
from ostiary.vault.sealing import Vault


def actions(database: Database, vault: Vault, clock: Clock, granted: GrantedTo) -> list[Action]:
    """What can be asked, and the steps of the room's jobs."""
    speaking = Speaking(database, vault, clock, known_agents(database, clock, granted))
    return [*session_actions.actions(speaking), *jobs.steps(database, clock)]

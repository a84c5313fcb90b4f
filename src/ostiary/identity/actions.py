"""Everything that can be asked of identity, in the order of the reference."""

from ostiary.actions import Action
from ostiary.identity import key_actions, me_actions, member_actions, session_actions, tenant_actions
from ostiary.identity.services import Services


def actions(services: Services) -> list[Action]:
    return [
        *session_actions.actions(services),
        *me_actions.actions(services),
        *tenant_actions.actions(services),
        *member_actions.actions(services),
        *key_actions.actions(services),
    ]

"""Masking, rule sets, plans and scopes, put together: all that is asked of sensitive data in what people and programs hand in."""

from ostiary.actions import Action
from ostiary.db.database import Database
from ostiary.detection.provider import Provider
from ostiary.privacy import actions as privacy_actions
from ostiary.privacy.plans import actions as plan_actions
from ostiary.privacy.plans import scope_actions, text_actions
from ostiary.privacy.plans.plans import Plans
from ostiary.privacy.policy import Masker
from ostiary.retention.services import Retention
from ostiary.vault.sealing import Vault

KIND = scope_actions.KIND


def actions(
    database: Database, vault: Vault, masker: Masker, retention: Retention, provider: Provider | None
) -> list[Action]:
    plans = Plans(database, vault, provider)
    return [
        *privacy_actions.actions(masker),
        *plan_actions.actions(plans),
        *text_actions.actions(plans),
        *scope_actions.actions(plans, retention),
    ]

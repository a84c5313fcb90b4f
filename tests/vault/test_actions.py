"""The key actions show and turn versions of one tenant's key, and show no key."""

import asyncio
import base64

from ostiary.actions import Action, Actor, ActorKind, Call, Face, Write
from ostiary.db.database import Database
from ostiary.ids import CallId, TenantId
from ostiary.shapes import Empty
from ostiary.vault import store
from ostiary.vault.actions import actions
from ostiary.vault.sealing import Place, Vault
from tests.vault.conftest import A


def nobody(*_asked: object, **_more: object) -> Write:
    """No jobs here: tests/vault/test_rotation.py has them."""
    raise AssertionError


def run(vault: Vault, name: str, tenant: TenantId) -> dict[str, object]:
    action: Action = {action.name: action for action in actions(vault, nobody)}[name]
    actor = Actor(tenant, ActorKind.PERSON, "per_1")
    call = Call(CallId("cal_1"), actor, action, Face.REST, 0, "")
    answer: dict[str, object] = asyncio.run(action.run(call, Empty())).model_dump(mode="json")
    return answer


def test_versions_are_listed(vault: Vault) -> None:
    vault.seal(Place(A, "t", "c", "r"), b"x", purpose="p")
    answer = run(vault, "vault.keys", A)
    assert answer == {
        "versions": [
            {
                "version": 1,
                "state": "active",
                "root_key": "aee681ca42bec693",
                "further_root_keys": [],
                "data_keys": 1,
                "created_at": "2025-10-09T08:53:20.000000Z",
            }
        ]
    }


def test_no_key_is_shown(vault: Vault, each_keys_database: Database) -> None:
    rows = each_keys_database.read(lambda connection: store.tenant_keys(connection, A))
    shown = repr(run(vault, "vault.keys", A))
    assert rows[0].wrapped.hex() not in shown
    assert base64.b64encode(rows[0].wrapped).decode() not in shown


def test_every_action_has_an_owner_only_permission(vault: Vault) -> None:
    assert {action.name: action.permission for action in actions(vault, nobody)} == {
        "vault.keys": "tenant.manage",
        "vault.rotate_tenant": "tenant.manage",
        "vault.rotation_step": "tenant.manage",
    }

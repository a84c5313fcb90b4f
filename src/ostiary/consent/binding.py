"""What a yes is bound to, so that nothing can be exchanged between the question and the deed.

The binding is a keyed hash over tenant, actor, action, contract hash, canonical parameters, the request that was shown, policy version, expiry and nonce.
It is made when the question is asked and made again, from what is about to run, before it runs.
"""

import orjson

from ostiary.actions import Action, Actor, JsonValue
from ostiary.consent import policy
from ostiary.ids import TenantId
from ostiary.vault.sealing import Vault


def canonical(value: JsonValue) -> bytes:
    """One byte string for one JSON value: sorted keys, no spaces."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def fingerprint(vault: Vault, tenant: TenantId, action: str, params: JsonValue) -> bytes:
    """A keyed hash of the content of a call: two calls with the same one ask for the same thing."""
    return vault.mac(tenant, "call.fingerprint", canonical([action, params]))


def sinks(vault: Vault, tenant: TenantId, action: Action, params: JsonValue) -> bytes:
    """A keyed hash of the values that decide where the effect goes; of all parameters if the contract labels none."""
    chosen = {name: params.get(name) for name in action.sinks} if action.sinks else params
    return vault.mac(tenant, "call.sinks", canonical([action.name, chosen]))


def key_index(vault: Vault, tenant: TenantId, actor_id: str, key: str) -> bytes:
    """The blind index of a caller's idempotency key."""
    return vault.mac(tenant, "call.key", canonical([actor_id, key]))


def vouch(vault: Vault, tenant: TenantId, *, approval: str, binding: bytes, by: str, at_us: int) -> bytes:
    """A keyed hash over a yes: whoever can write to the database, but has no keys, cannot say it."""
    said = canonical(["approved", approval, binding.hex(), by, at_us])
    return vault.mac(tenant, "approval.decision", said)


def bind(
    vault: Vault,
    *,
    actor: Actor,
    action: Action,
    params: JsonValue,
    request: JsonValue,
    expires_us: int,
    nonce: str,
) -> bytes:
    """The 32 bytes that an approval carries."""
    whole = {
        "tenant": actor.tenant,
        "actor": [actor.kind, actor.id],
        "subject": actor.subject,
        "action": action.name,
        "contract": action.hash,
        "params": params,
        "request": request,
        "policy": policy.VERSION,
        "expires": expires_us,
        "nonce": nonce,
    }
    return vault.mac(actor.tenant, "approval", canonical(whole))

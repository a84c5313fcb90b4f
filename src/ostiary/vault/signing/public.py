"""Keeping a public key beyond the life of its private one."""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ostiary.errors import KeysUnavailable, SealBroken
from ostiary.ids import TenantId
from ostiary.vault import envelope
from ostiary.vault.keyring import KeyRing
from ostiary.vault.signing import store


def publish(ring: KeyRing, tenant: TenantId, name: str, key: bytes, signer: Ed25519PrivateKey) -> None:
    """Keep a public key beyond the life of its private one, signed by the installation."""
    row = store.PublicKeyRow(name, key, signer.sign(_public_text(tenant, name, key)))
    ring.settled(lambda connection: store.put_public_key(connection, tenant, row, at_us=ring.clock.now_us()))


def published(ring: KeyRing, tenant: TenantId, name: str, signer: Ed25519PrivateKey) -> bytes:
    """The public key that was kept. Raises KeysUnavailable when there is none, SealBroken when it is another's."""
    row = ring.looked_up(lambda connection: store.find_public_key(connection, tenant, name))
    if row is None:
        raise KeysUnavailable
    try:
        signer.public_key().verify(row.signature, _public_text(tenant, name, row.key))
    except InvalidSignature as error:
        raise SealBroken from error
    return row.key


def _public_text(tenant: TenantId, name: str, key: bytes) -> bytes:
    return envelope.bound("ostiary/public-key/1", tenant, name, key.hex())

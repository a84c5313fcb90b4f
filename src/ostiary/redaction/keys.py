"""The keys of a scope. Everything keyed here (tokens, hashes, formats, dates, surrogates) uses a key of its own, so that none says anything about another.

Keys are derived by HKDF-SHA-256 (RFC 5869) from the tenant's root key of a version, with tenant, scope, purpose and category as length-prefixed `info`:
equal values of two tenants, two scopes or two categories have nothing in common. Forgetting a version's root key is crypto-shredding: what was made with it cannot
be opened by anybody any more.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

ROOT_BYTES_MIN = 32
VERSION_MAX = 9999
NAME_CHARACTERS_MAX = 200


class KeyDestroyed(LookupError):
    """There is no key of that version: it was destroyed, or never was."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Within which equal values are made equal. `roots`: root key (32 bytes or more) by version, 1 to VERSION_MAX; `version`: the one used for what is new.

    ValueError for what is no scope. Its representation shows no key.
    """

    tenant: str
    name: str
    roots: Mapping[int, bytes] = field(repr=False, hash=False)
    version: int

    def __post_init__(self) -> None:
        for text in (self.tenant, self.name):
            if not 0 < len(text) <= NAME_CHARACTERS_MAX:
                raise ValueError(f"a tenant or scope has 1 to {NAME_CHARACTERS_MAX} characters")
        for version, root in self.roots.items():
            if not 1 <= version <= VERSION_MAX:
                raise ValueError(f"a key version is 1 to {VERSION_MAX}")
            if len(root) < ROOT_BYTES_MIN:
                raise ValueError(f"a root key has at least {ROOT_BYTES_MIN} bytes")
        if not 1 <= self.version <= VERSION_MAX:
            raise ValueError(f"a key version is 1 to {VERSION_MAX}")


def derived(scope: Scope, purpose: str, category: str, *, version: int, length: int) -> bytes:
    """A key of `length` bytes for one purpose and category. KeyDestroyed where the scope has no root key of that version."""
    root = scope.roots.get(version)
    if root is None:
        raise KeyDestroyed
    return _derived(root, scope.tenant, scope.name, purpose, category, length)


@lru_cache(maxsize=2048)
def _derived(root: bytes, tenant: str, name: str, purpose: str, category: str, length: int) -> bytes:
    parts = ("ostiary redaction 1", tenant, name, purpose, category)
    info = b"".join(len(part.encode()).to_bytes(2, "big") + part.encode() for part in parts)
    return HKDF(algorithm=SHA256(), length=length, salt=None, info=info).derive(root)

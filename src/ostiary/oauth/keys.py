"""The authorization server's own signing keys: Ed25519, one a month, private halves sealed. The next one comes by itself; the last one stays published
until nothing that it signed can still be valid. A key's name is its month, so processes that meet a new month at once agree on one key."""

from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc.jwk import KeySet, OKPKey

from ostiary.clock import DAY_US, MINUTE_US, Clock
from ostiary.db.database import Database
from ostiary.ids import INSTALL
from ostiary.oauth import store
from ostiary.oauth.store import SigningKeyRow
from ostiary.vault.sealing import Place, Vault

PERIOD_US = 30 * DAY_US
PUBLISHED_AFTER_US = DAY_US
"""Longer than any access token is valid."""
LOOKED_UP_EVERY_US = MINUTE_US
PURPOSE = "oauth-key"


@dataclass(frozen=True, slots=True)
class Signer:
    """`key` is private; `id` names it."""

    key: OKPKey
    id: str


class SigningKeys:
    """Lives on the event loop."""

    def __init__(self, database: Database, vault: Vault, clock: Clock) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock
        self._rows: list[SigningKeyRow] = []
        self._read_us = 0
        self._signer: Signer | None = None

    async def signer(self) -> Signer:
        """The key of this month. Raises KeysUnavailable, SealBroken, StoreUnavailable."""
        name = self._name()
        if self._signer is None or self._signer.id != name:
            row = next((row for row in await self._published(fresh=True) if row.id == name), None)
            row = row or await self._made(name)
            opened = self._vault.open(_place(row.id), row.private)
            self._signer = Signer(OKPKey.import_key(Ed25519PrivateKey.from_private_bytes(opened)), row.id)
        return self._signer

    async def verifiers(self, kid: str) -> KeySet:
        """What our own tokens are checked with. `kid` is what a token names: another process may have made it a moment ago."""
        rows = await self._published()
        if all(row.id != kid for row in rows) and kid == self._name():
            rows = await self._published(fresh=True)
        return KeySet([_public(row) for row in rows])

    async def jwks(self) -> Mapping[str, Any]:
        """The public keys as a JWK set (RFC 7517 section 5); this month's is always among them."""
        await self.signer()
        rows = await self._published()
        return {"keys": [_public(row).as_dict(private=False) for row in rows]}

    async def forget(self) -> None:
        """Drop the keys whose last token is long over."""
        before_us = self._clock.now_us() - PUBLISHED_AFTER_US
        await self._database.change(
            lambda connection: store.drop_keys(connection, INSTALL, before_us=before_us)
        )

    def _name(self) -> str:
        return f"m{self._clock.now_us() // PERIOD_US}"

    async def _published(self, *, fresh: bool = False) -> list[SigningKeyRow]:
        now_us = self._clock.now_us()
        if fresh or now_us - self._read_us >= LOOKED_UP_EVERY_US or not self._rows:
            since_us = now_us - PUBLISHED_AFTER_US
            self._rows = await self._database.run(lambda c: store.keys(c, INSTALL, since_us=since_us))
            self._read_us = now_us
        return self._rows

    async def _made(self, name: str) -> SigningKeyRow:
        """This month's key; the one that another process has made meanwhile, where there is one."""
        await self._vault.prepare(INSTALL, PURPOSE, [])
        private = Ed25519PrivateKey.generate()
        now_us = self._clock.now_us()
        row = SigningKeyRow(
            id=name,
            public=private.public_key().public_bytes_raw(),
            private=self._vault.seal(_place(name), private.private_bytes_raw(), purpose=PURPOSE),
            made_us=now_us,
            until_us=(now_us // PERIOD_US + 1) * PERIOD_US,
        )
        await self._database.change(lambda connection: store.add_key(connection, INSTALL, row))
        return next(row for row in await self._published(fresh=True) if row.id == name)


def _public(row: SigningKeyRow) -> OKPKey:
    from_bytes: dict[str, str | list[str]] = {"kty": "OKP", "crv": "Ed25519", "x": _b64(row.public)}
    return OKPKey.import_key(from_bytes, {"kid": row.id, "use": "sig", "alg": "Ed25519"})


def _b64(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")


def _place(name: str) -> Place:
    return Place(INSTALL, "oauth_key", "private", name)

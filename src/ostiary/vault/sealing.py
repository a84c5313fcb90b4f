"""Content sealed at its place: it opens where it was sealed, and nowhere else.

Sealed bytes are: format (1, value 1) | data key id (16) | salt (16) | nonce (12) | ciphertext and tag. AES-256-GCM; the associated data is the format
and the place. A data key is never used directly: HKDF-SHA256 (RFC 5869) with the salt gives a subkey that only this process uses, from its start on,
and the nonce counts messages under that subkey. So no nonce repeats, however many messages, processes and restarts share a data key, and
no state is kept for it (NIST SP 800-38D section 8.2.1).
"""

import asyncio
import hmac
import os
import threading
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import count
from typing import Any
from weakref import WeakSet

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ostiary.actions import JsonValue
from ostiary.clock import DAY_US, Clock
from ostiary.db.database import Database
from ostiary.db.marks import Forged, Marks
from ostiary.errors import KeysUnavailable, SealBroken
from ostiary.ids import INSTALL, NO_TENANT, SubjectId, TenantId, random_bytes
from ostiary.vault import store, turning
from ostiary.vault.envelope import KEY_BYTES, NONCE_BYTES, TAG_BYTES, bound
from ostiary.vault.held import Held
from ostiary.vault.keyring import KeyRing
from ostiary.vault.root import RootKeyProvider
from ostiary.vault.roots import cells
from ostiary.vault.signing import public
from ostiary.vault.store import TenantKeyRow
from ostiary.vault.turning import Destroyed

SEALERS_HELD_MAX = 20_000
OPENERS_HELD_MAX = 20_000
SIGNERS_HELD_MAX = 4096
PSEUDONYMS_HELD_MAX = 20_000
MESSAGES_PER_SUBKEY_MAX = 2**30
SEALERS_AGE_MAX_US = DAY_US
"""After this long what seals is looked up again, so that a data key that has become too old is replaced."""
SEALED_BYTES_MAX = 64 * 1024 * 1024
"""Larger content is a file: `vault.files` seals it in chunks."""

KEY_ID_BYTES = 16
SALT_BYTES = 16
HEADER_BYTES = 1 + KEY_ID_BYTES + SALT_BYTES
BODY_FROM = HEADER_BYTES + NONCE_BYTES
OVERHEAD_BYTES = BODY_FROM + TAG_BYTES

SCRATCH_FROM_BYTES = 64 * 1024
SCRATCH_BYTES_MAX = 1024 * 1024
"""Contents of this size are sealed in a buffer that each thread keeps: a second large allocation costs twelve times the cipher (1 MiB: 850 us, 70 us)."""

_FORMAT = b"\x01"
_SUBKEY_INFO = b"ostiary/seal/1"
_INDEX = "index"
_SIGN = "sign"
_ROWS = "mac/rows"
_EARLIER_ROWS = "mac/rows/earlier"
"""Its being there says that the tenant's rows in tables of earlier releases are marked: whoever makes it marks them. A new tenant has it from the start."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where sealed content lives. `row` is the row's whole key within its tenant and table."""

    tenant: TenantId
    table: str
    column: str
    row: str


class _Sealer:
    """One subkey and its message counter. `next` of a counter is one step of the interpreter, so threads never share a nonce."""

    __slots__ = ("cipher", "header", "numbers")

    def __init__(self, key_id: bytes, key: bytes) -> None:
        salt = random_bytes(SALT_BYTES)
        self.header = _FORMAT + key_id + salt
        self.cipher = _subkey(key, salt)
        self.numbers = count()


class Vault:
    """Seals, opens, indexes, authenticates and signs, each tenant with keys of its own. Safe between threads."""

    def __init__(
        self, keys_database: Database, root: RootKeyProvider, clock: Clock, *, cell: str = ""
    ) -> None:
        """`cell`: whose root key it is; empty: the installation's."""
        self.keys = KeyRing(keys_database, root, clock, cell=cell)
        self._hearing = keys_database.signals
        self._hearing.on(store.CHANGED, self._changed)
        self._clock = clock
        self._forget_all()
        _vaults.add(self)

    def _forget_all(self) -> None:
        self._scratch = threading.local()
        self._sealers: Held[tuple[TenantId, str, str], _Sealer] = Held(SEALERS_HELD_MAX, self._hearing)
        self._openers: Held[tuple[TenantId, bytes], AESGCM] = Held(OPENERS_HELD_MAX, self._hearing)
        self._signers: Held[TenantId, Ed25519PrivateKey] = Held(SIGNERS_HELD_MAX, self._hearing)
        self._pseudonyms: Held[tuple[TenantId, str], str] = Held(PSEUDONYMS_HELD_MAX, self._hearing)
        self._sealers_until_us = self._clock.now_us() + SEALERS_AGE_MAX_US

    async def create_tenant(self, tenant: TenantId) -> None:
        """Give a tenant (or INSTALL) its keys; nothing where they stand already. Raises KeysUnavailable."""
        await asyncio.to_thread(self.create_tenant_now, tenant)

    def create_tenant_now(self, tenant: TenantId) -> None:
        """`create_tenant` in this thread."""
        self.keys.create_tenant(tenant, (_INDEX, _SIGN), first=(_EARLIER_ROWS,))

    def seal(
        self, place: Place, plaintext: bytes, *, purpose: str, subject: SubjectId = SubjectId("")
    ) -> bytes:
        """Seal content under the key of a purpose and a subject; the key is made at first use (that blocks; see `prepare`).

        Raises KeysUnavailable; SealBroken when the tenant's keys were destroyed; ValueError for more than SEALED_BYTES_MAX.
        """
        if len(plaintext) > SEALED_BYTES_MAX:
            raise ValueError("too much for one seal: use vault.files")
        name = (place.tenant, purpose, subject)
        sealer = self._sealers.get(name) or self._hold(place.tenant, purpose, [subject])[0]
        number = next(sealer.numbers)
        while number >= MESSAGES_PER_SUBKEY_MAX:
            sealer = self._renew(name, sealer)
            number = next(sealer.numbers)
        nonce = number.to_bytes(NONCE_BYTES, "big")
        if SCRATCH_FROM_BYTES <= len(plaintext) <= SCRATCH_BYTES_MAX:
            return self._sealed_in_scratch(sealer, nonce, plaintext, _aad(place))
        return sealer.header + nonce + sealer.cipher.encrypt(nonce, plaintext, _aad(place))

    async def prepare(self, tenant: TenantId, purpose: str, subjects: Iterable[SubjectId]) -> None:
        """Make or load these subjects' keys off the event loop, so that `seal` does not block; no subjects: the purpose's own key.

        Raises KeysUnavailable.
        """
        self._renew_old()
        missing = [
            subject
            for subject in dict.fromkeys(subjects) or (SubjectId(""),)
            if not self._sealers.get((tenant, purpose, subject))
        ]
        if missing:
            await asyncio.to_thread(self._hold, tenant, purpose, missing)

    def open(self, place: Place, sealed: bytes) -> bytes:
        """The content. Raises SealBroken when it was changed or moved or its key is gone, KeysUnavailable when keys cannot be had."""
        if len(sealed) < OVERHEAD_BYTES or sealed[:1] != _FORMAT:
            raise SealBroken
        header = sealed[1:HEADER_BYTES]
        cipher = self._openers.get((place.tenant, header)) or self._opener(place.tenant, header)
        nonce = sealed[HEADER_BYTES:BODY_FROM]
        body = sealed[BODY_FROM:] if len(sealed) < SCRATCH_FROM_BYTES else memoryview(sealed)[BODY_FROM:]
        try:
            return cipher.decrypt(nonce, body, _aad(place))
        except InvalidTag as error:
            raise SealBroken from error

    def seal_json(
        self, place: Place, value: JsonValue, *, purpose: str, subject: SubjectId = SubjectId("")
    ) -> bytes:
        """`seal` of the JSON text."""
        return self.seal(place, orjson.dumps(value), purpose=purpose, subject=subject)

    def open_json(self, place: Place, sealed: bytes) -> Any:
        """The reverse of `seal_json`. Raises SealBroken, KeysUnavailable."""
        return orjson.loads(self.open(place, sealed))

    def blind(self, tenant: TenantId, column: str, value: str) -> bytes:
        """32 bytes to look a sealed value up by: equal for equal values (letter case, width and outer space aside) of one tenant and column."""
        return self._indexed(tenant, "blind", column, _normalised(value))

    def pseudonym(self, tenant: TenantId, value: str) -> str:
        """20 hex digits that stand for a value in public envelopes and logs; another tenant's differ."""
        held = self._pseudonyms.get((tenant, value))
        if held is not None:
            return held
        epoch = self._pseudonyms.epoch
        made = self._indexed(tenant, "pseudonym", value)[:10].hex()
        return self._pseudonyms.put((tenant, value), made, epoch=epoch)

    def mac(self, tenant: TenantId, purpose: str, message: bytes) -> bytes:
        """HMAC-SHA256 (RFC 2104) with a key of the tenant for this purpose, made at first use. Compare with `hmac.compare_digest`."""
        return hmac.digest(self.keys.named(tenant, f"mac/{purpose}"), message, "sha256")

    def marks(self, refused: Callable[[Forged], None] = lambda _forged: None) -> Marks:
        """What marks and checks the rows of a database whose keys these are."""
        return Marks(
            lambda tenant: self.keys.named(tenant, _ROWS),
            lambda tenant: self.keys.standing(tenant, _EARLIER_ROWS),
            refused,
        )

    def has_marks(self, tenant: TenantId) -> bool:
        """Whether the tenant's rows in tables of earlier releases are marked. Raises KeysUnavailable."""
        try:
            return self.keys.standing(tenant, _EARLIER_ROWS) is not None
        except SealBroken:  # its keys are destroyed: nothing of it is read any more
            return True

    def begin_marks(self, tenant: TenantId) -> bytes:
        """From now on the tenant's rows in tables of earlier releases count with a mark only; its key."""
        return self.keys.named(tenant, _EARLIER_ROWS)

    def signer(self, tenant: TenantId) -> Ed25519PrivateKey:
        """The key that signs the tenant's log (RFC 8032)."""
        held = self._signers.get(tenant)
        if held is not None:
            return held
        epoch = self._signers.epoch
        key = Ed25519PrivateKey.from_private_bytes(self.keys.named(tenant, _SIGN))
        return self._signers.put(tenant, key, epoch=epoch)

    def verifier(self, tenant: TenantId) -> bytes:
        """The 32 bytes of the public key that verifies the tenant's log; also when the tenant's keys are destroyed, or a cell's that is not ours.

        Raises KeysUnavailable, SealBroken.
        """
        try:
            return self.signer(tenant).public_key().public_bytes_raw()
        except (SealBroken, KeysUnavailable):
            if tenant == INSTALL:
                raise
            return public.published(self.keys, tenant, _SIGN, self.signer(INSTALL))

    def destroy_subject(self, tenant: TenantId, subject: SubjectId) -> Destroyed:
        """Destroy every data key of a subject. What they sealed opens nowhere again, in any process within a second; the backups of the key store aside.

        Raises KeysUnavailable.
        """
        return turning.destroy_subject(self.keys, tenant, self.subject_index(tenant, subject))

    def destroy_subject_index(self, tenant: TenantId, index: bytes) -> Destroyed:
        """`destroy_subject` of one who is known by the index alone: to destroy again what a restored backup has brought back."""
        return turning.destroy_subject(self.keys, tenant, index)

    def subject_index(self, tenant: TenantId, subject: SubjectId) -> bytes:
        """How the key store knows a subject: 32 bytes that say nothing to those without the tenant's keys."""
        return self._indexed(tenant, "subject", subject)

    def destroy_named(self, tenant: TenantId, name: str) -> Destroyed:
        """Destroy one named key, for good: no other is made under the name. Raises KeysUnavailable."""
        return turning.destroy_named(self.keys, tenant, name)

    def is_gone(self, tenant: TenantId, name: str) -> bool:
        """Whether a named key opens nothing: asked of the key store, and of the key itself. Raises KeysUnavailable."""
        try:
            return self.keys.standing(tenant, name) is None
        except SealBroken:
            return True

    def destroy_tenant(self, tenant: TenantId) -> Destroyed:
        """Destroy every key of a tenant, for good; `verifier` stays. Asked again after a crash, it goes on. Raises KeysUnavailable; ValueError for INSTALL.

        Nothing more can be signed by the tenant's log, so its last entry is made before.
        """
        if tenant != INSTALL and not self.is_destroyed(tenant) and self.versions(tenant):
            self._publish(tenant)
        return turning.destroy_tenant(self.keys, tenant)

    def pin(self, tenant: TenantId, cell: str) -> None:
        """Hand a tenant's keys over to a cell (`roots.cells`). Raises NotFound, Conflict, KeysUnavailable."""
        self._publish(tenant)
        cells.pin(self.keys, tenant, cell)

    def _publish(self, tenant: TenantId) -> None:
        """Keep the log's public key for those who cannot sign any more; one that is kept stays."""
        public.publish(self.keys, tenant, _SIGN, self.verifier(tenant), self.signer(INSTALL))

    def is_destroyed(self, tenant: TenantId) -> bool:
        """Whether the tenant's keys were destroyed. Raises KeysUnavailable."""
        return self.keys.read(lambda connection: store.is_destroyed(connection, tenant))

    async def rotate_tenant(self, tenant: TenantId) -> int:
        """Add a version of the tenant's key and wrap every data key under it, in batches; the new version. Nothing sealed is rewritten."""
        return await asyncio.to_thread(self.rotate_tenant_now, tenant)

    def rotate_tenant_now(self, tenant: TenantId) -> int:
        """`rotate_tenant` in this thread."""
        version = turning.rotate(self.keys, tenant)
        turning.rewrap_all(self.keys, tenant)
        return version

    def versions(self, tenant: TenantId) -> list[tuple[TenantKeyRow, int]]:
        """Every version of the tenant's key, the newest first, with how many data keys it wraps."""
        return turning.versions(self.keys, tenant)

    def _changed(self, tenant: TenantId, ids: str) -> None:
        """Keys were changed here or in another process: forget the data keys of these ids, or all of the tenant."""
        gone = {bytes.fromhex(key_id) for key_id in ids.split(",")} if ids else set()

        def concerns(owner: TenantId, key_id: bytes) -> bool:
            return tenant == NO_TENANT or (tenant == owner and (not gone or key_id in gone))

        self._sealers.drop(lambda name, sealer: concerns(name[0], sealer.header[1 : 1 + KEY_ID_BYTES]))
        self._openers.drop(lambda name, _cipher: concerns(name[0], name[1][:KEY_ID_BYTES]))
        self._pseudonyms.drop(lambda name, _pseudonym: tenant in (name[0], NO_TENANT))
        if not ids:
            self._signers.drop(lambda owner, _signer: tenant in (owner, NO_TENANT))

    def _renew_old(self) -> None:
        now_us = self._clock.now_us()
        if now_us >= self._sealers_until_us:
            self._sealers_until_us = now_us + SEALERS_AGE_MAX_US
            self._sealers.drop(lambda _name, _sealer: True)

    def _sealed_in_scratch(self, sealer: _Sealer, nonce: bytes, plaintext: bytes, aad: bytes) -> bytes:
        """`seal` into this thread's buffer, which holds ciphertext only, and one copy out of it."""
        buffer: memoryview | None = getattr(self._scratch, "buffer", None)
        if buffer is None:
            buffer = self._scratch.buffer = memoryview(bytearray(SCRATCH_BYTES_MAX + OVERHEAD_BYTES))
        end = OVERHEAD_BYTES + len(plaintext)
        buffer[:HEADER_BYTES], buffer[HEADER_BYTES:BODY_FROM] = sealer.header, nonce
        sealer.cipher.encrypt_into(nonce, plaintext, aad, buffer[BODY_FROM:end])
        return bytes(buffer[:end])

    def _hold(self, tenant: TenantId, purpose: str, subjects: list[SubjectId]) -> list[_Sealer]:
        indexes = [self.subject_index(tenant, subject) for subject in subjects]
        epoch = self._sealers.epoch
        keys = self.keys.data_keys(tenant, purpose, indexes)
        return [
            self._sealers.put((tenant, purpose, subject), _Sealer(*keys[index]), epoch=epoch)
            for subject, index in zip(subjects, indexes, strict=True)
        ]

    def _renew(self, name: tuple[TenantId, str, str], spent: _Sealer) -> _Sealer:
        """A fresh subkey where this one has counted to its end."""
        self._sealers.drop(lambda _name, sealer: sealer is spent)
        return self._sealers.get(name) or self._hold(name[0], name[1], [SubjectId(name[2])])[0]

    def _opener(self, tenant: TenantId, header: bytes) -> AESGCM:
        key_id, salt = header[:KEY_ID_BYTES], header[KEY_ID_BYTES:]
        epoch = self._openers.epoch
        cipher = _subkey(self.keys.data_key_by_id(tenant, key_id), salt)
        return self._openers.put((tenant, header), cipher, epoch=epoch)

    def _indexed(self, tenant: TenantId, *parts: str) -> bytes:
        return hmac.digest(self.keys.named(tenant, _INDEX), bound(*parts), "sha256")


def _aad(place: Place) -> bytes:
    return _FORMAT + bound(place.tenant, place.table, place.column, place.row)


def _subkey(key: bytes, salt: bytes) -> AESGCM:
    return AESGCM(HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=salt, info=_SUBKEY_INFO).derive(key))


def _normalised(value: str) -> str:
    """Unicode's compatibility caseless matching (Unicode Standard, section 3.13, D146), outer space aside."""
    folded = unicodedata.normalize("NFKC", value).casefold()
    return unicodedata.normalize("NFKC", folded).strip()


_vaults: WeakSet[Vault] = WeakSet()


def _forget_after_fork() -> None:
    """A forked child would go on counting where its parent does, under the same subkeys: it draws new ones."""
    for vault in _vaults:
        vault._forget_all()


os.register_at_fork(after_in_child=_forget_after_fork)

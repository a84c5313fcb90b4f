"""The root key: it wraps the tenants' keys and nothing else. It comes from the operator, never from our own folders.

Several root keys may be given: the first wraps, the others still unwrap, until no process needs them (`roots`). A key is known by its
fingerprint, so the order is not remembered anywhere. An HSM or a cloud KMS is another `RootKeyProvider`.
"""

import base64
import binascii
import os
import stat
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ostiary.errors import ConfigurationError, KeysUnavailable, SealBroken
from ostiary.secret import Secret
from ostiary.vault import envelope

KEY_SETTING = "OSTIARY_ROOT_KEY"
FILE_SETTING = "OSTIARY_ROOT_KEY_FILE"
ROOT_KEYS_MAX = 8
FILE_BYTES_MAX = 4096
_FINGERPRINT_BYTES = 8


class RootKeyProvider(Protocol):
    """Wraps and unwraps tenants' keys. `aad` binds a wrapped key to its tenant and version."""

    @property
    def name(self) -> str:
        """Where the key is, for the operator: `environment`, `file`."""
        ...

    def current(self) -> str:
        """The fingerprint of the key that wraps now."""
        ...

    def known(self) -> tuple[str, ...]:
        """The fingerprints of all keys that are at hand, the current one first."""
        ...

    def wrap(self, plaintext: bytes, aad: bytes, *, by: str = "") -> bytes:
        """The key wrapped by the current root key, or by another of the known. Raises KeysUnavailable."""
        ...

    def unwrap(self, wrapped: bytes, aad: bytes) -> bytes:
        """The key itself. Raises KeysUnavailable when the root key is not at hand, SealBroken when `wrapped` was changed or moved."""
        ...


class LocalRoot:
    """Root keys in this process's memory: `texts` are base64, the current one first. Raises ConfigurationError."""

    def __init__(self, name: str, setting: str, texts: list[str]) -> None:
        keys = [_key(setting, text) for text in texts]
        if not keys:
            raise ConfigurationError([f"{setting} is empty: make a key with `ostiary keys generate`."])
        if len(keys) > ROOT_KEYS_MAX:
            raise ConfigurationError(
                [f"{setting} holds {len(keys)} keys; at most {ROOT_KEYS_MAX} are taken."]
            )
        self._name = name
        self._current = _fingerprint(keys[0])
        self._keys = {_fingerprint(key): AESGCM(key) for key in keys}

    @property
    def name(self) -> str:
        return self._name

    def current(self) -> str:
        return self._current.hex()

    def known(self) -> tuple[str, ...]:
        return tuple(fingerprint.hex() for fingerprint in self._keys)

    def wrap(self, plaintext: bytes, aad: bytes, *, by: str = "") -> bytes:
        fingerprint = bytes.fromhex(by) or self._current
        return fingerprint + envelope.wrap(self._keys[fingerprint], plaintext, fingerprint + aad)

    def unwrap(self, wrapped: bytes, aad: bytes) -> bytes:
        fingerprint, rest = wrapped[:_FINGERPRINT_BYTES], wrapped[_FINGERPRINT_BYTES:]
        if len(fingerprint) < _FINGERPRINT_BYTES:
            raise SealBroken
        key = self._keys.get(fingerprint)
        if key is None:
            raise KeysUnavailable("The root key that wrapped this is not configured.")
        return envelope.unwrap(key, rest, fingerprint + aad)


class EnvironmentRoot(LocalRoot):
    """The value of OSTIARY_ROOT_KEY: one key in base64, or several with commas between, the current one first."""

    def __init__(self, text: Secret) -> None:
        super().__init__("environment", KEY_SETTING, _listed(text.reveal()))


class FileRoot(LocalRoot):
    """A mounted file (OSTIARY_ROOT_KEY_FILE): keys in base64, the current one first, commas or new lines between. It is read once, at start."""

    def __init__(self, path: Path, *, data_folder: Path) -> None:
        mistakes = file_mistakes(path, data_folder=data_folder)
        if mistakes:
            raise ConfigurationError(mistakes)
        super().__init__("file", FILE_SETTING, _listed(path.read_text("ascii", "replace")))


def file_mistakes(path: Path, *, data_folder: Path) -> list[str]:
    """One sentence for each thing wrong with a root key file; empty when it may be used."""
    try:
        status = path.stat()
    except OSError:
        return [f"{FILE_SETTING} names a file that cannot be read."]
    if not stat.S_ISREG(status.st_mode):
        return [f"{FILE_SETTING} does not name a file."]
    mistakes = []
    if status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        mistakes.append(f"{FILE_SETTING}: others than its owner can reach the file; run `chmod 600` on it.")
    if path.resolve().is_relative_to(data_folder.resolve()):
        mistakes.append(
            f"{FILE_SETTING} lies inside the data folder: a copy of the data would carry its own key; move it out."
        )
    if status.st_size > FILE_BYTES_MAX:
        mistakes.append(
            f"{FILE_SETTING}: the file is larger than {FILE_BYTES_MAX} bytes; it holds something else."
        )
    if not os.access(path, os.R_OK):
        mistakes.append(f"{FILE_SETTING}: this process may not read the file.")
    return mistakes


def generate() -> Secret:
    """A fresh root key as the settings take it: base64 of 32 random bytes."""
    return Secret(base64.b64encode(envelope.new_key()).decode())


def _listed(text: str) -> list[str]:
    return text.replace(",", " ").split()


def _key(setting: str, text: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != envelope.KEY_BYTES:
        raise ConfigurationError([f"{setting}: a root key is 32 bytes in base64 (44 characters)."])
    return key


def _fingerprint(key: bytes) -> bytes:
    return sha256(b"ostiary root key fingerprint\0" + key).digest()[:_FINGERPRINT_BYTES]

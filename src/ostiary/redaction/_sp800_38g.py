"""FF1, format-preserving encryption: NIST SP 800-38G Rev. 1, algorithms 7 and 8, over lists of numerals.

A domain has at least 1,000,000 values (section 5.1 of the revision): smaller ones can be searched through, and are refused.
"""

from collections.abc import Sequence

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms
from cryptography.hazmat.primitives.ciphers.modes import ECB

DOMAIN_MIN = 1_000_000
LENGTH_MAX = 4096
ROUNDS = 10


class DomainTooSmall(ValueError):
    """Fewer than 1,000,000 values have this form: an encryption of it could be undone by trying all."""


def encrypt(key: bytes, tweak: bytes, numerals: Sequence[int], *, radix: int) -> list[int]:
    """Numerals 0 to radix-1 to as many others; `key` of 16, 24 or 32 bytes. DomainTooSmall, ValueError."""
    return _rounds(key, tweak, numerals, radix, forward=True)


def decrypt(key: bytes, tweak: bytes, numerals: Sequence[int], *, radix: int) -> list[int]:
    """What `encrypt` was given."""
    return _rounds(key, tweak, numerals, radix, forward=False)


def _rounds(key: bytes, tweak: bytes, numerals: Sequence[int], radix: int, *, forward: bool) -> list[int]:
    n = len(numerals)
    if not 2 <= radix <= 65536 or n > LENGTH_MAX or any(not 0 <= each < radix for each in numerals):
        raise ValueError("numerals beyond the radix, or too many")
    if n < 2 or radix**n < DOMAIN_MIN:
        raise DomainTooSmall
    u = n // 2
    v = n - u
    b = ((radix**v - 1).bit_length() + 7) // 8
    d = 4 * -(-b // 4) + 4
    p = (
        bytes((1, 2, 1))
        + radix.to_bytes(3, "big")
        + bytes((10, u % 256))
        + n.to_bytes(4, "big")
        + len(tweak).to_bytes(4, "big")
    )
    padding = bytes((-len(tweak) - b - 1) % 16)
    block = Cipher(algorithms.AES(key), ECB()).encryptor().update  # noqa: S305 (a single block at a time, as the standard says)
    modulus = (radix**u, radix**v)
    left, right = _number(numerals[:u], radix), _number(numerals[u:], radix)
    for i in range(ROUNDS) if forward else reversed(range(ROUNDS)):
        known = right if forward else left
        q = tweak + padding + bytes((i,)) + known.to_bytes(b, "big")
        y = _stream(block, p + q, d)
        if forward:
            left, right = right, (left + y) % modulus[i % 2]
        else:
            left, right = (right - y) % modulus[i % 2], left
    return _numerals(left, radix, u) + _numerals(right, radix, v)


def _stream(block: object, data: bytes, length: int) -> int:
    """The PRF (CBC-MAC) of the data, drawn out to `length` bytes, as a number."""
    assert callable(block)
    mac = bytes(16)
    for start in range(0, len(data), 16):
        mac = block(_xor(mac, data[start : start + 16]))
    drawn = mac
    for j in range(1, -(-length // 16)):
        drawn += block(_xor(mac, j.to_bytes(16, "big")))
    return int.from_bytes(drawn[:length], "big")


def _xor(one: bytes, other: bytes) -> bytes:
    return (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).to_bytes(16, "big")


def _number(numerals: Sequence[int], radix: int) -> int:
    number = 0
    for each in numerals:
        number = number * radix + each
    return number


def _numerals(number: int, radix: int, length: int) -> list[int]:
    found = []
    for _ in range(length):
        number, rest = divmod(number, radix)
        found.append(rest)
    return found[::-1]

"""What is found: a span of a text, the category it belongs to, and why we think so."""

from dataclasses import dataclass
from enum import StrEnum


class Category(StrEnum):
    """What a span of text is, which is what policy speaks about. The value is the public name."""

    EMAIL = "email"
    PHONE = "phone"
    CARD = "card"
    IBAN = "iban"
    BANK_ACCOUNT = "bank_account"
    NATIONAL_ID = "national_id"
    PASSPORT = "passport"
    DRIVING_LICENCE = "driving_licence"
    HEALTH_ID = "health_id"
    DATE_OF_BIRTH = "date_of_birth"
    IP_ADDRESS = "ip_address"
    MAC_ADDRESS = "mac_address"
    CRYPTO_WALLET = "crypto_wallet"
    API_KEY = "api_key"
    PRIVATE_KEY = "private_key"
    PASSWORD = "password"  # noqa: S105 (a category's name, not a password)


@dataclass(frozen=True, slots=True)
class Finding:
    """A sensitive span: `start` and `end` (exclusive) count code points of the text as it was given.

    `country` is ISO 3166 alpha-2, empty where there is none. `score` is 0 to 1. `why` names the detector and whether a context word stood by.
    """

    start: int
    end: int
    category: Category
    country: str
    score: float
    why: str

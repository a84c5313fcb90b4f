"""When a notice is tried again. Pure.

The wait grows five-fold with each try, from five seconds to a day; chance spreads it by a fifth either way, so that what failed together does not come back
together. After TRIES_MAX tries, some three days later, it is a dead letter: it is kept, and a person may send it again.
"""

from email.utils import parsedate_to_datetime

from ostiary.clock import DAY_US, SECOND_US

FIRST_S = 5
FACTOR = 5
WAIT_S_MAX = 86_400
TRIES_MAX = 10
DISABLE_AFTER_US = 5 * DAY_US
"""An endpoint that has taken nothing for so long, although it was tried, is switched off."""
SPREAD = 0.2
CHANCES = 1_000
"""`chance` is one of so many."""
_DIGITS_MAX = 9


def wait_us(tries: int, chance: int) -> int:
    """How long to wait after the try of this number (1 is the first) failed; a day at most, whatever the chance (0 to CHANCES - 1)."""
    seconds = FIRST_S * FACTOR ** min(tries - 1, TRIES_MAX)
    spread = 1 + SPREAD * (2 * chance / (CHANCES - 1) - 1)
    return int(min(seconds * spread, WAIT_S_MAX) * SECOND_US)


def asked_us(retry_after: str, now_us: int) -> int:
    """For how long a Retry-After header asks to be left alone: seconds or an HTTP date (RFC 9110 section 10.2.3); a day at most, 0 where it cannot be read."""
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return min(int(text[:_DIGITS_MAX]), WAIT_S_MAX) * SECOND_US
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return 0
    if moment.tzinfo is None:
        return 0
    return max(0, min(int(moment.timestamp() * SECOND_US) - now_us, WAIT_S_MAX * SECOND_US))

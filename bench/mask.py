"""What detection and masking cost: bytes per CPU-second against the standard library's `re` with the same patterns, and the cost of a clean small result.

Run: python -m bench.mask. Ratios are of one process and one run; absolute numbers belong to the machine.
"""

import re
import time
from collections.abc import Callable

from ostiary.detection.detectors import DETECTORS
from ostiary.detection.engine import detect
from ostiary.privacy.masking import mask_json

CLEAN = (
    "The committee met on 22 November 2026 and agreed that order 4711 of the spring catalogue is late; the supplier "
    "promised delivery within ten days, at 1,299.00 EUR a piece, and the warehouse in Rotterdam keeps 250 of them. "
)
MIXED = CLEAN * 4 + (
    "Jane Doe (jane.doe@example.com, +44 20 7946 0958) paid with 4111 1111 1111 1111; her IBAN is "
    "DE89 3704 0044 0532 0130 00, the request came from 203.0.113.77 with key sk_live_4eC39HqLyjWDarjtT1zdp7dc. "
)
RESULT = {
    "id": "cus_0193f2a012347abc8def123456789012",
    "name": "Ada Lovelace",
    "status": "active",
    "created": "2026-11-22T10:00:00Z",
    "balance": 1999,
    "currency": "EUR",
    "tags": ["early", "annual"],
}
SENSITIVE = RESULT | {"mail": "jane.doe@example.com", "note": "call +44 20 7946 0958"}


def cpu_s(work: Callable[[], object], *, at_least_s: float = 0.5) -> float:
    """CPU seconds of one execution, averaged over enough of them."""
    work()
    rounds, began = 0, time.process_time()
    while time.process_time() - began < at_least_s:
        work()
        rounds += 1
    return (time.process_time() - began) / rounds


def standard_library() -> list[re.Pattern[str]]:
    """The same patterns."""
    return [re.compile(detector.pattern) for detector in DETECTORS]


def main() -> None:
    compiled = standard_library()
    for name, text in (("clean prose", CLEAN), ("mixed", MIXED)):
        small, large = text * (20_000 // len(text)), text * (200_000 // len(text))
        plain = len(small) / cpu_s(lambda small=small: [list(one.finditer(small)) for one in compiled])  # type: ignore[misc]
        ours = len(large) / cpu_s(lambda large=large: detect([large]))  # type: ignore[misc]
        print(
            f"{name}: {ours / 1e6:.2f} MB/CPU-s with validators, `re` without {plain / 1e6:.3f}: {ours / plain:.0f}x"
        )
    print(f"clean small result: {cpu_s(lambda: mask_json(RESULT)) * 1e6:.1f} us")
    print(
        f"small result with an e-mail address and a phone number: {cpu_s(lambda: mask_json(SENSITIVE)) * 1e6:.1f} us"
    )


if __name__ == "__main__":
    main()

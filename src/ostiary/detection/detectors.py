"""The pattern tier's detectors in their order: what is not in `DETECTORS` is not looked for."""

from ostiary.detection import (
    asian_detectors,
    dates,
    european_detectors,
    national_detectors,
    personal_detectors,
    places,
    secret_detectors,
    vat,
    web_detectors,
    world_detectors,
)
from ostiary.detection.detector import Detector

VALUES: tuple[Detector, ...] = (
    *personal_detectors.DETECTORS,
    *national_detectors.DETECTORS,
    *european_detectors.DETECTORS,
    *world_detectors.DETECTORS,
    *asian_detectors.DETECTORS,
    *vat.DETECTORS,
    *dates.DETECTORS,
    *places.DETECTORS,
    *web_detectors.DETECTORS,
)
DETECTORS: tuple[Detector, ...] = (*secret_detectors.DETECTORS, *VALUES)
PARTS: tuple[str, ...] = (
    *(secret_detectors.PARTS[one.name] for one in secret_detectors.DETECTORS),
    *("numbers" if one.category in {"card", "phone"} else "values" for one in VALUES),
)
"""The part in which each detector stands, an automaton of its own. One over all grows its states three times as long on fresh text; one for each file reads half as fast.
Long numbers in groups of any length stand apart from the rest: together they count each other's groups."""


def names() -> tuple[str, ...]:
    """Every detector as `name (country)`, for the reference documentation."""
    return tuple(
        f"{detector.name} ({detector.country})" if detector.country else detector.name
        for detector in DETECTORS
    )

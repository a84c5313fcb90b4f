"""The pattern tier's detectors in their order: what is not in `DETECTORS` is not looked for."""

from ostiary.detection import (
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

DETECTORS: tuple[Detector, ...] = (
    *secret_detectors.DETECTORS,
    *personal_detectors.DETECTORS,
    *national_detectors.DETECTORS,
    *european_detectors.DETECTORS,
    *world_detectors.DETECTORS,
    *vat.DETECTORS,
    *dates.DETECTORS,
    *places.DETECTORS,
    *web_detectors.DETECTORS,
)


def names() -> tuple[str, ...]:
    """Every detector as `name (country)`, for the reference documentation."""
    return tuple(
        f"{detector.name} ({detector.country})" if detector.country else detector.name
        for detector in DETECTORS
    )

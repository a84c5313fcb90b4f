"""The pattern tier's detectors in their order: what is not in `DETECTORS` is not looked for."""

from ostiary.detection import national_detectors, personal_detectors, secret_detectors
from ostiary.detection.detector import Detector

DETECTORS: tuple[Detector, ...] = (
    *secret_detectors.DETECTORS,
    *personal_detectors.DETECTORS,
    *national_detectors.DETECTORS,
)


def names() -> tuple[str, ...]:
    """Every detector as `name (country)`, for the reference documentation."""
    return tuple(
        f"{detector.name} ({detector.country})" if detector.country else detector.name
        for detector in DETECTORS
    )

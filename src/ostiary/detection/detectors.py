"""The pattern tier's detectors in their order: what is not in `DETECTORS` is not looked for."""

from collections.abc import Mapping
from types import MappingProxyType

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

_PARTS: tuple[tuple[str, tuple[Detector, ...]], ...] = (
    ("", secret_detectors.DETECTORS),
    ("personal", personal_detectors.DETECTORS),
    ("national", national_detectors.DETECTORS),
    ("european", european_detectors.DETECTORS),
    ("world", world_detectors.DETECTORS),
    ("asian", asian_detectors.DETECTORS),
    ("vat", vat.DETECTORS),
    ("dates", dates.DETECTORS),
    ("places", places.DETECTORS),
    ("web", web_detectors.DETECTORS),
)
DETECTORS: tuple[Detector, ...] = tuple(one for _, detectors in _PARTS for one in detectors)
PARTS: tuple[str, ...] = tuple(
    part or secret_detectors.PARTS[one.name] for part, detectors in _PARTS for one in detectors
)
"""The part in which each detector stands: an automaton over all of them would have the product of their states, one for each part has the sum."""
GATES: Mapping[str, str] = MappingProxyType(
    {**secret_detectors.GATES, **dict.fromkeys(("european", "asian", "vat", "dates", "places"), r"\d")}
)
"""What has to stand in a window before a part is asked at all; RE2."""


def names() -> tuple[str, ...]:
    """Every detector as `name (country)`, for the reference documentation."""
    return tuple(
        f"{detector.name} ({detector.country})" if detector.country else detector.name
        for detector in DETECTORS
    )

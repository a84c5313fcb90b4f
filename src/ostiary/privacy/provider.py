"""The model provider that the operator set up, for whoever asks it: the gateway's plans, and `ostiary detect --provider`. Nothing is set up by default, and no text leaves."""

from functools import partial

from ostiary.clock import SECOND_US, Clock
from ostiary.config import Settings
from ostiary.detection.provider import PARAGRAPHS_MAX, Provider
from ostiary.net import completions
from ostiary.net.completions import Endpoint


def provider_of(settings: Settings, clock: Clock, *, paragraphs_max: int = PARAGRAPHS_MAX) -> Provider | None:
    """None: none was set up."""
    if not (settings.detect_model_url and settings.detect_model):
        return None
    endpoint = Endpoint(
        settings.detect_model_url,
        settings.detect_model,
        settings.detect_model_key,
        settings.detect_model_timeout_s,
    )
    hourly = settings.detect_model_requests_per_hour
    ask = partial(completions.ask, endpoint)
    return Provider(ask, hourly, lambda: clock.monotonic_us() / SECOND_US, paragraphs_max)

"""Sends spans to the operator's collector (OTLP over HTTP), a batch at a time, beside the calls and never in their way: what does not fit or is not taken is
counted and forgotten."""

import asyncio
import ipaddress
from collections import deque
from importlib.metadata import version

import orjson

from ostiary import ids, log, metrics, traces
from ostiary.clock import Clock
from ostiary.config import Settings
from ostiary.errors import AddressRefused, ConfigurationError, OstiaryError
from ostiary.net.address import Egress, parse_url
from ostiary.net.http import Bounds, Client, Request
from ostiary.traces import Span, Tracer, encoded

QUEUE_SPANS_MAX = 16_384
BATCH_SPANS_MAX = 1_024
EVERY_S = 2.0
TIMEOUT_S = 5.0
ANSWER_BYTES_MAX = 64 * 1024
PATH = "/v1/traces"
ANYWHERE = Egress(networks=(ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("::/0")))
"""The address is the operator's setting, not a tenant's: it is not vetted, and it is connected to as it was resolved."""

_LOG = log.get("traces")


class Exporter:
    """`keep` takes a span in any thread; `run` sends until it is cancelled; `close` sends what is left. `process`: which one of several this is."""

    def __init__(self, settings: Settings, *, process: str) -> None:
        try:
            endpoint = parse_url(settings.otlp_endpoint)
        except AddressRefused as error:
            raise ConfigurationError([f"OSTIARY_OTLP_ENDPOINT cannot be used. {error.detail}"]) from error
        bounds = Bounds(timeout_s=TIMEOUT_S, answer_bytes_max=ANSWER_BYTES_MAX, connections_max=1)
        self._client = Client(endpoint, ANYWHERE, bounds)
        self._target = endpoint.path + PATH
        self._headers = _headers(settings)
        self._queue: deque[Span] = deque()
        self._percent = settings.traces_percent
        self._failing = False
        self._resource = {
            "service.name": "ostiary",
            "service.version": version("ostiary"),
            "service.instance.id": ids.new("bot"),
            "ostiary.process": process,
        }

    def begin(self, clock: Clock) -> None:
        """Trace from now on."""
        traces.configure(Tracer(clock, self.keep, percent=self._percent))
        log.FIELDS[:] = [traces.log_fields]

    def keep(self, span: Span) -> None:
        if len(self._queue) >= QUEUE_SPANS_MAX:
            metrics.SPANS.labels("dropped").inc()
        else:
            self._queue.append(span)

    async def run(self) -> None:
        while True:
            await asyncio.sleep(EVERY_S)
            await self.send()

    async def send(self) -> None:
        """Send what is there now. A batch that is not taken is given up: traces are not worth a queue on disk."""
        for _ in range(-(-len(self._queue) // BATCH_SPANS_MAX)):
            batch = [self._queue.popleft() for _ in range(min(len(self._queue), BATCH_SPANS_MAX))]
            body = orjson.dumps(encoded(batch, self._resource))
            try:
                answer = await self._client.send(Request("POST", self._target, self._headers, body))
                why = "" if answer.status < 300 else str(answer.status)
            except OstiaryError as error:
                why = error.code
            metrics.SPANS.labels("failed" if why else "exported").inc(len(batch))
            if why and not self._failing:
                _LOG.warning("traces.not_taken", why=why)
            self._failing = bool(why)

    async def close(self) -> None:
        """Trace no more, and send what is left."""
        traces.configure(None)
        await self.send()
        await self._client.close()


def _headers(settings: Settings) -> dict[str, str]:
    given = [part.strip() for part in settings.otlp_headers.reveal().split(",") if part.strip()]
    named = dict(part.split("=", 1) for part in given)
    return {"Content-Type": "application/json", "User-Agent": "ostiary", **named}

"""One try to deliver a notice: signed now, posted to vetted addresses, no redirect followed. What comes back is a status; its body is not kept."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ostiary import metrics
from ostiary.actions import JsonValue
from ostiary.clock import SECOND_US, Clock
from ostiary.errors import (
    AddressRefused,
    KeysUnavailable,
    OstiaryError,
    SealBroken,
    StoreUnavailable,
    TargetRefused,
)
from ostiary.net import webhook
from ostiary.net.address import Egress
from ostiary.net.http import Answer, Bounds, Client, Request
from ostiary.vault.sealing import Vault
from ostiary.webhooks import endpoint as noun
from ostiary.webhooks import message, outbox, schedule
from ostiary.webhooks.endpoint import Opened
from ostiary.webhooks.store import DeliveryRow, EndpointRow, MessageRow

BOUNDS = Bounds(connect_timeout_s=5, timeout_s=10, answer_bytes_max=16 << 10, connections_max=8)
STEP_SHARE = 0.6
GONE = 410
_BODIES = {"standard": message.standard, "slack": message.slack}
_OURS = (KeysUnavailable, StoreUnavailable)
"""What is no fault of the endpoint: the job waits for it."""


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of one try. `status` 0: no answer came, and `code` says why; `asked_us`: for how long it asked to be left alone."""

    delivery: DeliveryRow
    status: int
    code: str
    took_us: int
    asked_us: int = 0

    @property
    def taken(self) -> bool:
        return 200 <= self.status < 300

    @property
    def gone(self) -> bool:
        return self.status == GONE


class Sender:
    """`allowed`: the operator's egress rules, which every address is held to at each connection. `step_timeout_s`: the longest that a step may take; a try takes
    less, so that how it ended is always written down."""

    def __init__(self, vault: Vault, clock: Clock, allowed: Egress, *, step_timeout_s: float) -> None:
        timeout_s = min(BOUNDS.timeout_s, STEP_SHARE * step_timeout_s)
        self.bounds = replace(
            BOUNDS, timeout_s=timeout_s, connect_timeout_s=min(BOUNDS.connect_timeout_s, timeout_s)
        )
        self._vault = vault
        self._clock = clock
        self.allowed = allowed

    async def send(
        self, row: EndpointRow, deliveries: Sequence[tuple[DeliveryRow, MessageRow]]
    ) -> list[Tried]:
        """Each of them once, side by side. Raises KeysUnavailable, SealBroken."""
        await self._vault.prepare(row.tenant, noun.PURPOSE, ())
        opened = noun.opened(self._vault, row)
        try:
            there = noun.checked(opened.url, self.allowed)
        except AddressRefused as error:  # the operator has narrowed what may be reached since
            return [Tried(delivery, 0, error.code, 0) for delivery, _ in deliveries]
        client = Client(there.endpoint, self.allowed, self.bounds)
        try:
            return list(
                await asyncio.gather(
                    *(self._try(client, there.target, row, opened, *each) for each in deliveries)
                )
            )
        finally:
            await client.close()

    async def _try(
        self, client: Client, target: str, row: EndpointRow, opened: Opened, delivery: DeliveryRow, of: MessageRow
    ) -> Tried:  # fmt: skip
        begun_us = self._clock.monotonic_us()
        try:
            answer = await client.send(self._request(target, row, opened, of))
        except _OURS:
            raise
        except SealBroken as error:  # the notice was tampered with, or its key was destroyed
            tried = Tried(delivery, 0, error.code, 0)
        except OstiaryError as error:
            tried = Tried(delivery, 0, error.code, self._clock.monotonic_us() - begun_us)
        else:
            tried = self._answered(delivery, answer, self._clock.monotonic_us() - begun_us)
        metrics.WEBHOOKS.labels("taken" if tried.taken else "failed").inc()
        return tried

    def _request(self, target: str, row: EndpointRow, opened: Opened, of: MessageRow) -> Request:
        data = self._vault.open_json(outbox.place(of), of.data)
        content = body(row.format, of, data)
        now_us = self._clock.now_us()
        signed = webhook.headers(opened.live(now_us), message=of.id, now_s=now_us // SECOND_US, body=content)
        headers = {"content-type": "application/json", "user-agent": "Ostiary", **signed}
        return Request("POST", target, headers, content)

    def _answered(self, delivery: DeliveryRow, answer: Answer, took_us: int) -> Tried:
        code = "" if 200 <= answer.status < 300 else TargetRefused.code
        asked_us = (
            schedule.asked_us(answer.headers.get("retry-after", ""), self._clock.now_us()) if code else 0
        )
        return Tried(delivery, answer.status, code, took_us, asked_us)


def body(format_: str, of: MessageRow, data: Mapping[str, JsonValue]) -> bytes:
    """What is posted of a notice to an endpoint of this format."""
    return _BODIES[format_](of.type, of.at_us, data)

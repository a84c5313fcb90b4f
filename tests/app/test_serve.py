"""What a process does once, so that no call has to wait for it."""

import asyncio
import sys
from collections.abc import Iterator
from typing import Any, cast

import pytest

from ostiary.app import serve
from ostiary.app.gateway import Gateway
from ostiary.detection import engine
from ostiary.privacy import masking


class Idle:
    """A gateway that has nothing to start."""

    async def start(self) -> None:
        pass

    async def stop(self) -> None:
        pass


@pytest.fixture(autouse=True)
def as_it_was(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The process of the tests stays as it is."""
    before = sys.getswitchinterval()
    monkeypatch.setattr(serve.gc, "freeze", lambda: None)
    monkeypatch.setattr(serve.gc, "set_threshold", lambda _count: None)
    yield
    sys.setswitchinterval(before)


async def lived(application: Any) -> list[str]:
    """What the application answers to a start and a stop."""
    told: list[str] = []

    async def receive() -> dict[str, str]:
        return {"type": "lifespan"}

    async def send(message: Any) -> None:
        told.append(message["type"])

    await application({"type": "lifespan"}, receive, send)
    if application._warming:
        await application._warming
    return told


def test_the_first_call_compiles_no_pattern():
    engine._compiled.cache_clear()
    assert asyncio.run(lived(serve._Application(cast(Gateway, Idle())))) == [
        "lifespan.startup.complete",
        "lifespan.shutdown.complete",
    ]
    compiled = engine._compiled.cache_info().misses
    assert compiled > 0
    masking.mask_json({"note": "call +44 20 7946 0958", "ssn": "536-90-4399"})
    engine.detect(["call +44 20 7946 0958"])
    assert engine._compiled.cache_info().misses == compiled


def test_a_thread_that_computes_gives_way_to_the_event_loop_after_a_millisecond():
    asyncio.run(lived(serve._Application(cast(Gateway, Idle()))))
    assert sys.getswitchinterval() == pytest.approx(0.001)

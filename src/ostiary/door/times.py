"""How long each step of the path took, for `/metrics`, and for the call's trace where there is one."""

from ostiary import metrics, traces
from ostiary.clock import Clock


class Step:
    """A step of the path, and where its times are counted."""

    __slots__ = ("name", "times")

    def __init__(self, name: str) -> None:
        self.name = name
        self.times = metrics.STAGES.of(name)


ENTER = Step("enter")
ADMIT = Step("admit")
AUTHORISE = Step("authorise")
CONTRACT = Step("contract")
CONSENT = Step("consent")
INTEND = Step("intend")
RUN = Step("run")
REDACT = Step("redact")
RECORD = Step("record")


class Times:
    """One call's way: `to` where the next step begins, `end` where the call is over; what comes after that is not counted."""

    __slots__ = ("_clock", "_since_us", "_step", "started_us", "steps")

    def __init__(self, clock: Clock, step: Step) -> None:
        self._clock = clock
        self._step: Step | None = step
        self._since_us = self.started_us = clock.monotonic_us()
        self.steps: traces.Steps | None = None

    @property
    def took_us(self) -> int:
        return self._clock.monotonic_us() - self.started_us

    def trace(self, steps: traces.Steps | None) -> None:
        """Make a span of each step from now on."""
        self.steps = steps
        if steps and self._step:
            steps.to(self._step.name)

    def to(self, step: Step) -> None:
        before = self._step
        if before is None:
            return
        now_us = self._clock.monotonic_us()
        before.times.observe(now_us - self._since_us)
        self._since_us, self._step = now_us, step
        if self.steps:
            self.steps.to(step.name)

    def end(self) -> int:
        """How long all of it took, in microseconds."""
        if self._step is not None:
            now_us = self._clock.monotonic_us()
            self._step.times.observe(now_us - self._since_us)
            self._since_us, self._step = now_us, None
        if self.steps:
            self.steps.end()
        return self._since_us - self.started_us

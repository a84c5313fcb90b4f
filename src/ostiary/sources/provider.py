"""The language model that the operator set up for questions, for those that we do not understand ourselves: told names and never a row, and answering with a plan or a statement that is governed like anybody's.

What it can do is bounded by what is taken from it: a plan over the words that whoever asks may see, or SQL for the guard. No word of it reaches whoever asked: what a plan means is told in our own.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from threading import BoundedSemaphore

from ostiary.clock import SECOND_US, Clock
from ostiary.config import Settings
from ostiary.detection.hourly import Hourly
from ostiary.detection.provider import ProviderAway
from ostiary.engines.libraries import needed
from ostiary.errors import QueryRefused
from ostiary.net import completions
from ostiary.net.completions import Endpoint
from ostiary.semantics.lexicon import Lexicon
from ostiary.semantics.plan import Plan

TRIES_MAX = 3
"""Of one question: what was not taken is given back with the reason."""
AT_ONCE = 4
"""Questions that wait for the model at the same time, of this process."""
BUSY = "The model provider has as many questions as it is given at a time: ask again."
OFTEN = "The model provider was asked as often in this hour as the operator lets it."


@dataclass(frozen=True, slots=True)
class Proposed:
    """`statement`: SQL, as it would be handed in; "" where the model found none. `plan`: what it was made of; None: SQL of the model's own. `plans`: where it could not tell which is meant."""

    statement: str
    plan: Plan | None = None
    plans: Sequence[Plan] = ()


@dataclass(slots=True)
class Asker:
    """`ask`: (instructions, data) -> what the model answered, within `timeout_s`; raises ProviderAway. `whole_s`: for all tries of a question, by `now_s`, a clock that only goes forward."""

    ask: Callable[[str, str], str]
    hourly: Hourly
    now_s: Callable[[], float]
    timeout_s: int
    whole_s: int
    _waiting: BoundedSemaphore = field(default_factory=lambda: BoundedSemaphore(AT_ONCE))

    def propose(self, question: str, before: Sequence[str], words: Lexicon, dialect: str, today: date, tried: Callable[[str], object]) -> Proposed:  # fmt: skip
        """In this thread. `tried`: governs a statement as it will be, and raises QueryRefused. Raises ProviderAway; QueryRefused where the model could not do better; LibraryMissing."""
        with needed():
            from ostiary.semantics import prompting, proposed, sql  # noqa: PLC0415 - libraries of an extra
            from ostiary.semantics.model import ModelError  # noqa: PLC0415
        data = {**prompting.told(words.model, question, before, dialect, today), "refused": []}
        last: QueryRefused | None = None
        until_s = self.now_s() + self.whole_s
        for number in range(TRIES_MAX):
            if number and self.now_s() + self.timeout_s > until_s:
                break
            said = self._asked(prompting.INSTRUCTIONS, json.dumps(data, ensure_ascii=False))
            try:
                found = proposed.read(said, words.model)
                if isinstance(found, proposed.Several):
                    return Proposed("", plans=found.plans)
                plan = found if isinstance(found, Plan) else None
                statement = sql.Writer(words.model, dialect).write(plan, today) if plan else found.sql  # type: ignore[union-attr]
                tried(statement)
                return Proposed(statement, plan)
            except (proposed.Unfit, sql.Untold, ModelError) as error:
                why, last = str(error), None
            except QueryRefused as error:
                why, last = error.detail, error
            data["refused"].append({"answer": said[: proposed.STATEMENT_CHARACTERS_MAX], "why": why})
        if last:
            raise last
        return Proposed("")

    def _asked(self, instructions: str, data: str) -> str:
        if not self._waiting.acquire(blocking=False):
            raise ProviderAway(BUSY)
        try:
            if not self.hourly.spend():
                raise ProviderAway(OFTEN)
            return self.ask(instructions, data)
        finally:
            self._waiting.release()


def asker_of(settings: Settings, clock: Clock) -> Asker | None:
    """None: the operator set none up."""
    if not (settings.ask_model_url and settings.ask_model):
        return None
    endpoint = Endpoint(settings.ask_model_url, settings.ask_model, settings.ask_model_key, settings.ask_model_timeout_s)  # fmt: skip

    def now_s() -> float:
        return clock.monotonic_us() / SECOND_US

    return Asker(
        partial(completions.ask, endpoint),
        Hourly(settings.ask_model_requests_per_hour, now_s),
        now_s,
        timeout_s=settings.ask_model_timeout_s,
        whole_s=settings.call_timeout_s,
    )

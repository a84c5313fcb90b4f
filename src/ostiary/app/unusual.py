"""Whether more credentials are refused than usual. Simple on purpose, so that whoever is woken by it can work out why: the last minute, beside the mean of about
the last day in which single peaks hardly count. Each process judges what it sees itself, and learns anew after a start."""

from collections import deque

WINDOW_S = 60
DAY_S = 86_400
TIMES = 6
"""So many times what is usual is odd."""
LEAST = 30
"""Fewer in a minute are never odd: a person who mistypes, a program with an old key."""
USUAL_LEAST = 0.02
PEAK = 3
"""A minute counts towards what is usual with so many times of what is usual at most, so that an attack does not become it."""


class Refused:
    """`see` is told the count so far, now and then; `rate` and `usual` are per second."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, float]] = deque()
        self.rate = 0.0
        self.usual = USUAL_LEAST
        self.odd = False

    def see(self, at_s: float, count: float) -> bool:
        """Whether it has become odd just now."""
        before = self._seen[-1][0] if self._seen else at_s
        self._seen.append((at_s, count))
        while len(self._seen) > 2 and at_s - self._seen[1][0] >= WINDOW_S:
            self._seen.popleft()
        first_s, first = self._seen[0]
        recent = count - first
        self.rate = recent / max(at_s - first_s, WINDOW_S)
        was, self.odd = self.odd, recent >= LEAST and self.rate > TIMES * self.usual
        part = min(1.0, (at_s - before) / DAY_S)
        self.usual = max(USUAL_LEAST, self.usual + part * (min(self.rate, PEAK * self.usual) - self.usual))
        return self.odd and not was

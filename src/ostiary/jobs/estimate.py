"""How long a job will still take, from how long it took so far."""

LEAST_US = 2_000_000
"""Younger than that says nothing about the pace."""


def left_us(*, count: int, total: int, took_us: int) -> int | None:
    """Microseconds, if it goes on as it went; None where nobody can know."""
    if not 0 < count <= total or took_us < LEAST_US:
        return None
    return took_us * (total - count) // count


def percent(*, count: int, total: int) -> int | None:
    """0 to 100; 100 only when all is done. None where the total is not known."""
    return min(100, count * 100 // total) if total else None

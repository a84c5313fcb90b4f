"""Waiting for what another thread or process is about to do, within a bound."""

import time
from collections.abc import Callable

from ostiary import ids
from ostiary.db.database import Database
from ostiary.db.signals import tell
from ostiary.ids import INSTALL


def until(holds: Callable[[], bool], *, within_s: float = 10.0) -> float:
    """Wait until it holds; the seconds that it took. Fails after `within_s`."""
    begun = time.monotonic()
    while not holds():
        if time.monotonic() - begun > within_s:
            raise AssertionError(f"not within {within_s} s")
        time.sleep(0.005)
    return time.monotonic() - begun


def heard(database: Database) -> None:
    """Wait until this process has heard of every change so far from the server as well: it then keeps what it reads."""
    if database.sqlite:
        return
    mark, marks = ids.token(12), list[str]()
    database.signals.on(mark, lambda _tenant, detail: marks.append(detail))
    until(lambda: database.signals.fresh)
    database.transact(lambda connection: tell(connection, INSTALL, mark, mark))
    until(lambda: marks.count(mark) == 2)  # once by itself, once by the server

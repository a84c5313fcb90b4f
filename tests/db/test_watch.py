"""A server that takes packets and never answers: who waits for it is told within a bound, and goes on when it is back."""

import time

import pytest

from ostiary.db import watch
from ostiary.db.database import Database, ping
from ostiary.errors import StoreUnavailable
from tests import servers, stalling
from tests.waiting import until


def test_a_server_that_hangs_is_given_up_and_taken_up_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "HUNG_S", 2)
    url = servers.fresh_store("data")
    with stalling.to(url) as wire:
        database = Database(stalling.over(wire, url))
        database.signals.start()
        until(lambda: database.signals.fresh)
        database.read(ping)
        wire.stall()
        begun = time.monotonic()
        with pytest.raises(StoreUnavailable):
            database.read(ping)
        assert time.monotonic() - begun < 30
        assert not database.signals.fresh
        wire.mend()
        until(lambda: database.signals.fresh, within_s=30)
        database.read(ping)
        database.close()
    servers.drop_postgresql(url)


def test_a_statement_that_takes_long_on_a_server_that_answers_is_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(watch, "HUNG_S", 1)
    url = servers.fresh_store("data")
    database = Database(url)
    database.signals.start()
    until(lambda: database.signals.fresh)
    database.read(lambda connection: connection.exec_driver_sql("SELECT pg_sleep(4)"))
    database.close()
    servers.drop_postgresql(url)

"""An agent names its session in `_meta`, with unmodified clients of both eras; one that cannot be used refuses the call."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ostiary.provenance import store
from ostiary.provenance.marked.store import reads
from ostiary.provenance.store import SessionRow
from tests.mcp_server.gateway import NORTH, Gateway, ask, running

ERAS = ("legacy", "2026-07-28")
SHOW = {"invoice": "INV-20001"}
OWN, OTHERS, CLOSED = (f"ses_{digit * 32}" for digit in "abc")


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    with running(tmp_path) as started:
        until_us = 2**60
        rows = (
            SessionRow(OWN, "key_north", "per_boss", False, 1, until_us, 0, ""),
            SessionRow(OTHERS, "key_other", "per_boss", False, 1, until_us, 0, ""),
            SessionRow(CLOSED, "key_north", "per_boss", False, 1, until_us, 2, "per_boss"),
        )
        for row in rows:
            started.database.transact(lambda c, row=row: store.add_session(c, NORTH, row, most=10))
        yield started


def shown(gateway: Gateway, era: str, session: Any) -> Any:
    meta = {"dev.ostiary/session": session}
    return ask(gateway.url, "ost_north", era, lambda c: c.call_tool("customer_show", SHOW, meta=meta))


@pytest.mark.parametrize("era", ERAS)
def test_its_own_session_is_taken_and_what_was_read_is_kept_in_it(gateway: Gateway, era: str) -> None:
    assert not shown(gateway, era, OWN).is_error
    (row,) = gateway.database.read(lambda c: reads(c, NORTH, OWN, limit=10))
    assert (row.action, row.tainted) == ("customer.show", True)


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize(
    ("session", "code"),
    [
        (OTHERS, "session.not_yours"),
        (CLOSED, "session.closed"),
        ("ses_" + "d" * 32, "session.unknown"),
        ("nonsense", "params.invalid"),
        (5, "params.invalid"),
        ("ses_" + "a" * 4000, "params.invalid"),
    ],
)
def test_another_is_refused_and_never_left_out(gateway: Gateway, era: str, session: Any, code: str) -> None:
    answer = shown(gateway, era, session)
    assert (answer.is_error, answer.structured_content["code"]) == (True, code)
    assert gateway.works.done == []

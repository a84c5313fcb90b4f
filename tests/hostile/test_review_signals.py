"""PostgreSQL lets whoever may log in speak on any channel: what a stranger says there makes no process deaf."""

from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import make_url

from ostiary.db.database import Database
from ostiary.vault.store import CHANGED
from tests import servers
from tests.waiting import heard, until

SAID = (
    "",
    "nothing of ours",
    "[]",
    "{}",
    '["job"]',
    '["job", "tnt_1", "", ""]',
    "[1, 2, 3]",
    '["job", null, ""]',
    f'["{CHANGED}", "tnt_1", "no hex"]',
    "\u2028",
)


@pytest.fixture
def listening() -> Iterator[Database]:
    url = servers.fresh_store("keys")
    database = Database(url)
    database.signals.start()
    until(lambda: database.signals.fresh)
    yield database
    database.close()
    servers.drop_postgresql(url)


@pytest.mark.parametrize("said", SAID)
def test_what_a_stranger_says_makes_no_process_deaf(listening: Database, said: str) -> None:
    """The role for backups, which changes no row."""
    forgotten: list[str] = []
    listening.signals.on(CHANGED, lambda tenant, detail: _strict(tenant, detail, forgotten))
    stranger = make_url(servers.backup_url(listening.url.render_as_string(hide_password=False)))
    named = {**stranger.translate_connect_args(database="dbname", username="user"), **stranger.query}
    with psycopg.connect(**named, autocommit=True) as connection:  # type: ignore[arg-type]
        connection.execute("SELECT pg_notify('ostiary_changes_' || current_schema(), %s)", (said,))
    times = (
        2 if "hex" in said else 1
    )  # a handler that broke: the connection is made anew, and that is one more
    until(lambda: forgotten.count("") >= times)  # everything: something may have been missed
    heard(listening)


def _strict(_tenant: str, detail: str, forgotten: list[str]) -> None:
    """As the vault's handler, which reads the detail as hex."""
    forgotten.append(bytes.fromhex(detail).hex())

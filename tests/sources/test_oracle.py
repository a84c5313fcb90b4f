"""A model that answers each shared question with its gold SQL: what the database answers to that survives the whole pipeline, over HTTP to the model, the guard, governed tables and REST."""

import json
import os
import random
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ostiary.engines.values import plain, told_apart
from tests.completions import provider
from tests.house import House, play
from tests.servers import ROLE, administrator
from tests.sources.given import furnish

ASK = Path(os.environ.get("OSTIARY_CORPORA", Path(__file__).parents[3] / "shared" / "data")) / "ask"
DATABASES = ("academic", "broker", "car_dealership", "ewallet", "geography", "restaurants")
POLICY: dict[str, Any] = {"version": 1, "rules": [{"name": "all", "tables": ["*"], "masks": {}}], "rows_max": 5_000, "accept_writer": True, "provider": True}  # fmt: skip


@pytest.mark.skipif(not ASK.exists(), reason="the shared questions are not on this machine")
@pytest.mark.parametrize("name", DATABASES)
def test_every_gold_answer_survives(tmp_path: Path, name: str) -> None:
    questions = [json.loads(line) for line in (ASK / "questions.jsonl").read_text().splitlines()]
    own = [each["sql"] for each in questions if (each["database"], each["dialect"]) == (name, "postgres")]
    golds = [chosen(sql) for text in own for sql in text.split(";") if sql.strip()]
    with filled(name) as settings, provider(say=lambda data: {"sql": golds[int(data["question"].split()[-1])]}) as (_, url):  # fmt: skip

        async def story(house: House) -> None:
            await furnish(house, settings, POLICY)
            tagged = (await house.good("GET", "/v1/sources/shop"))["tagged"]
            untagged = {**POLICY, "tags": {each["column"]: [] for each in tagged}}
            await house.good("PUT", "/v1/sources/shop", json={"policy": untagged})
            shown = {"shown": {"owner": ["email", "phone", "card", "iban", "national_id"]}, "version": 0}
            await house.good("PUT", "/v1/privacy/policy", json=shown)
            with psycopg.connect(host="127.0.0.1", port=settings["port"], user=ROLE, dbname=settings["database"]) as store:  # fmt: skip
                for number, gold in enumerate(golds):
                    answered = await house.good("POST", "/v1/sources/shop/ask", json={"question": f"ask the oracle {number}", "rows": 5_000})  # fmt: skip
                    assert answered["by"] == "provider", (gold, answered["asked_back"])
                    ours = [tuple(row[column] for column in answered["columns"]) for row in answered["rows"]]
                    names, theirs = direct(store, gold)
                    assert answered["columns"] == names
                    assert sorted(map(repr, ours)) == sorted(map(repr, theirs)), gold

        play(
            tmp_path / "home",
            story,
            OSTIARY_EGRESS_ALLOW="127.0.0.0/8",
            OSTIARY_ASK_MODEL_URL=url,
            OSTIARY_ASK_MODEL="oracle",
        )
    assert len(golds) >= 20


def chosen(sql: str) -> str:
    """Of names to choose among, all: `{name, id}`, and `{}` for the same where it groups."""
    among = re.search(r"\{([^}]+)\}", sql)
    return sql.replace("{}", among[1]).replace(among[0], among[1]) if among else sql


def direct(store: psycopg.Connection[Any], statement: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    found = store.execute(statement.encode())
    names = told_apart([each.name for each in found.description or ()])
    return names, [tuple(json.loads(json.dumps(plain(value))) for value in row) for row in found.fetchall()]


@contextmanager
def filled(name: str) -> Iterator[dict[str, Any]]:
    """A database of the shared questions, as settings of a connector."""
    where = administrator()
    if (where.host or "127.0.0.1") not in {"127.0.0.1", "localhost"}:
        pytest.skip("not run: the server is reached by a socket only")
    made, port = f"ostiary_shop_{random.SystemRandom().randrange(10**12)}", where.port or 5432
    reached = {"host": "127.0.0.1", "port": port, "user": where.username, "autocommit": True}
    with psycopg.connect(**reached, dbname=where.database or "postgres") as server:
        server.execute(f"CREATE DATABASE {made} OWNER {ROLE}".encode())
        try:
            with psycopg.connect(**reached, dbname=made) as store:
                store.execute(f"ALTER SCHEMA public OWNER TO {ROLE}".encode())
            with psycopg.connect(host="127.0.0.1", port=port, user=ROLE, dbname=made) as store:
                store.execute((ASK / "databases" / name / f"{name}.sql").read_bytes())
            yield {"kind": "postgresql", "host": "127.0.0.1", "port": port, "database": made, "user": ROLE, "tls": "off"}  # fmt: skip
        finally:
            server.execute(f"DROP DATABASE {made} WITH (FORCE)".encode())

"""How many questions in words are answered as their gold SQL answers them, without a model of language: right, wrong, or asked back; what is wrong is printed.

PYTHONPATH=. .venv/bin/python bench/ask.py postgresql://root@127.0.0.1/postgres DATA [--why]

DATA: a folder with `questions.jsonl` (id, dialect, database, question, sql) and `databases/NAME/NAME.sql`, as of sql-eval. Semantic models lie in `bench/ask_models`. Each database is made on the server, and dropped. A question counts as answered right where each column of a
gold answer is one of ours, row by row, in whatever order.
"""

import argparse
import itertools
import json
import random
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg

from ostiary.engines.engine import Limits
from ostiary.engines.opening import opened
from ostiary.guard.catalogue import Catalogue
from ostiary.guard.governed import governed
from ostiary.semantics import asking, ossie, sql
from ostiary.semantics.found import Unsure
from ostiary.semantics.lexicon import Lexicon

MODELS = Path(__file__).parent / "ask_models"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("address")
    options.add_argument("data", type=Path)
    options.add_argument("--why", action="store_true", help="print what is asked back")
    chosen = options.parse_args()
    questions = [json.loads(line) for line in (chosen.data / "questions.jsonl").read_text().splitlines()]
    counted: dict[str, dict[str, int]] = {}
    for model in sorted(MODELS.glob("*.yaml")):
        own = [each for each in questions if each["database"] == model.stem and each["dialect"] == "postgres"]
        counted[model.stem] = _asked(chosen, model, own)
    counted["all"] = {name: sum(each[name] for each in counted.values()) for name in ("right", "wrong", "asked back")}  # fmt: skip
    for name, count in counted.items():
        print(f"{name:20} {count}  of {sum(count.values())}")


def _asked(chosen: Any, file: Path, questions: list[dict[str, str]]) -> dict[str, int]:
    counted = {"right": 0, "wrong": 0, "asked back": 0}
    model = ossie.read(file.read_text())
    lexicon, writer = Lexicon(model), sql.Writer(model, "postgresql")
    for store, catalogue in _database(chosen, file.stem):
        for each in questions:
            statement, why = _statement(lexicon, writer, each["question"])
            verdict = governed(statement, "postgresql", catalogue, {}) if statement else None
            if verdict is not None and not verdict.allowed:
                statement, why = "", verdict.why
            outcome = "asked back"
            if statement:
                ours = _rows(store, verdict.sql if verdict else "")
                outcome = "right" if any(_same(_rows(store, gold), ours) for gold in _golds(each["sql"])) else "wrong"  # fmt: skip
            counted[outcome] += 1
            if outcome == "wrong" or (chosen.why and outcome == "asked back"):
                print(f"{outcome}: {each['question']}\n    {why or statement}")
    return counted


def _statement(lexicon: Lexicon, writer: sql.Writer, question: str) -> tuple[str, str]:
    found = asking.asked(question, lexicon)
    if isinstance(found, Unsure):
        return "", found.why
    if isinstance(found, asking.Answered):
        return sql.filled(found.verified.statement, found.values, "postgresql"), ""
    try:
        return writer.write(found.plan, datetime.now(UTC).date()), ""
    except sql.Untold as error:
        return "", str(error)


def _database(chosen: Any, name: str) -> Iterator[tuple[psycopg.Connection[Any], Catalogue]]:
    made = f"ostiary_bench_ask_{random.SystemRandom().randrange(10**9)}"
    address = re.sub(r"/[^/]*$", f"/{made}", chosen.address)
    with psycopg.connect(chosen.address, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {made}".encode())
        try:
            with psycopg.connect(address, autocommit=True) as store:
                store.execute((chosen.data / "databases" / name / f"{name}.sql").read_bytes())
                engine = opened(address, None, Limits())
                yield store, Catalogue.holding(list(engine.index()))
                engine.close()
        finally:
            server.execute(f"DROP DATABASE {made} WITH (FORCE)".encode())


def _golds(text: str) -> Iterator[str]:
    """Several statements are several answers, as are the ways to choose among `{name, id}`."""
    for statement in filter(None, map(str.strip, text.split(";"))):
        chosen = re.search(r"\{([^}]*)\}", statement)
        if chosen is None:
            yield statement
            continue
        names = [each.strip() for each in chosen[1].split(",")]
        for size in range(1, len(names) + 1):
            for some in itertools.combinations(names, size):
                yield statement.replace(chosen[0], ", ".join(some)).replace("{}", ", ".join(some))


def _rows(store: psycopg.Connection[Any], statement: str) -> list[tuple[Any, ...]]:
    return [tuple(map(_plain, row)) for row in store.execute(statement.encode()).fetchall()]


def _plain(value: Any) -> Any:
    if isinstance(value, (Decimal, float)):
        return round(float(value), 2)
    if isinstance(value, datetime) and value.time() == datetime.min.time():
        return value.date().isoformat()
    return value.isoformat() if isinstance(value, (date, datetime)) else value


def _same(gold: list[tuple[Any, ...]], ours: list[tuple[Any, ...]]) -> bool:
    if len(gold) != len(ours):
        return False
    if not gold:
        return True
    wanted = sorted(gold, key=repr)
    places = itertools.permutations(range(len(ours[0])), len(gold[0])) if len(ours[0]) >= len(gold[0]) else ()
    return any(sorted((tuple(row[at] for at in some) for row in ours), key=repr) == wanted for some in places)


if __name__ == "__main__":
    main()

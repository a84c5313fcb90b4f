"""What a source's tables mean, put through the door: it counts at once, in versions, and as far as whoever asks may see."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.engines.given import ENGINES
from tests.house import House, play
from tests.sources.given import OPEN, altered, asked, connected, furnish
from tests.sources.given import told as in_schema
from tests.sources.test_ask import told
from tests.sources.test_sources import code

MODEL = """# looked at by the data team
version: 0.2.0.dev0
semantic_model:
  - name: shop
    datasets:
      - name: people
        source: SCHEMA.customers
        primary_key: [id]
        fields:
          - {name: id, expression: id}
          - {name: who, expression: name}
      - name: orders
        source: SCHEMA.orders
        fields:
          - {name: market, expression: region, ai_context: {synonyms: [place]}}
          - {name: big, expression: "CASE WHEN amount > 15 THEN 'yes' ELSE 'no' END"}
    relationships:
      - {name: buyer, from: orders, to: people, from_columns: [customer_id], to_columns: [id]}
    metrics:
      - {name: revenue, expression: SUM(orders.amount), ai_context: {synonyms: [turnover]}}
      - {name: orders per head, expression: COUNT(orders.id) / COUNT(DISTINCT people.id)}
    custom_extensions:
      - vendor_name: OSTIARY
        data: '{"verified": [{"question": "best person", "sql": "SELECT name FROM SCHEMA.customers WHERE id = 1"}, {"question": "orders of {region}", "sql": "SELECT count(*) AS n FROM SCHEMA.orders WHERE region = :region"}]}'
"""
AT = "/v1/sources/shop/model"


async def put(house: House, model: str, version: int = 0) -> Any:
    return await house.good("PUT", AT, json={"model": model, "version": version})


@pytest.mark.parametrize("engine", ENGINES)
def test_a_model_counts_at_once_and_in_versions(tmp_path: Path, engine: str) -> None:
    async def story(house: House, schema: str) -> None:
        model = MODEL.replace("SCHEMA", schema)
        draft = await house.good("GET", AT)
        assert (draft["version"], draft["datasets"], "customers" in draft["model"]) == (0, 3, True)
        assert (await told(house, "turnover by place"))["asked_back"]
        first = await put(house, model)
        assert (first["version"], first["model"], [each["name"] for each in first["metrics"]]) == (
            1,
            model,
            ["revenue", "orders per head"],
        )
        found = await told(house, "turnover by place")
        assert [(row["market"], int(row["revenue"])) for row in found["rows"]] == [("EU", 40), ("US", 20)]
        assert (found["model"], found["understood"]) == (1, "revenue, by orders market")
        assert [int(row["revenue"]) for row in (await told(house, "revenue by big"))["rows"]] == [10, 50]
        assert (await told(house, "Orders of EU"))["rows"] == [{"n": 2}]
        schema_shown = await house.good("GET", "/v1/sources/shop/schema")
        assert [each["name"] for each in schema_shown["metrics"]] == ["revenue", "orders per head"]
        assert schema_shown["questions"] == ["best person", "orders of {region}"]
        second = await put(house, model.replace("turnover", "takings"), 1)
        assert [each["version"] for each in second["versions"]] == [2, 1]
        assert (await told(house, "takings"))["model"] == 2
        assert (await told(house, "turnover"))["asked_back"]
        assert (await house.good("GET", AT + "?version=1"))["model"] == model
        verified = {"question": "first region", "statement": f"SELECT min(region) AS r FROM {schema}.orders"}
        third = await house.good("POST", AT + "/verified", json={**verified, "version": 2})
        assert third["verified"] == ["best person", "orders of {region}", "first region"]
        assert (await told(house, "first region"))["rows"] == [{"r": "EU"}]
        assert (await house.ask("DELETE", AT)).status_code < 300
        assert (await told(house, "takings"))["asked_back"]
        assert (await put(house, model))["version"] == 1
        assert (await told(house, "turnover"))["model"] == 1

    asked(tmp_path, engine, story)


def test_what_cannot_be_asked_is_refused_with_its_place(tmp_path: Path) -> None:
    async def story(house: House, schema: str) -> None:
        model = MODEL.replace("SCHEMA", schema)
        for old, new, pointer, said in (
            ("SUM(orders.amount)", "SUM(orders.amounts)", "/semantic_model/0/metrics/0", "no field amounts"),
            ("expression: name}", "expression: names}", "/semantic_model/0/datasets/0/fields/1", "no column names"),
            (".customers\n", ".clients\n", "/semantic_model/0/datasets/0", "no table main.clients"),
            ("[customer_id]", "[client]", "/semantic_model/0/relationships/0", "no column client"),
            ("SUM(orders.amount)", "SUM(randomblob(orders.amount))", "/semantic_model/0/metrics/0", "randomblob"),
            ("SUM(orders.amount)", "load_extension(orders.amount)", "/semantic_model/0/metrics/0", ""),
            ("SELECT name FROM", "DELETE FROM", "/semantic_model/0/verified/0", "no SELECT"),
            ("SELECT name FROM", "SELECT secret FROM", "/semantic_model/0/verified/0", "no column secret"),
            ("region = :region", "region = :other", "/semantic_model/0/verified/1", "no place other"),
            ("orders of {region}", "orders of {region} {region}", "/semantic_model/0/custom_extensions/verified/1/question", "places"),
            ("    datasets:", "    datasets: &a", "", ""),
            ("semantic_model:", "semantic_modell:", "/semantic_modell", "nothing of that name"),
            ("version: 0.2", "version: [", "", "no YAML"),
        ):  # fmt: skip
            assert old in model
            changed = {"model": model.replace(old, new), "version": 0}
            answer = await house.ask("PUT", AT, json=changed)
            if new == "    datasets: &a":  # an anchor that nobody uses is none
                assert answer.status_code == 200, answer.text
                await house.ask("DELETE", AT)
                continue
            assert code(answer) == (422, "source.invalid"), (new, answer.text)
            faults = answer.json()["errors"]
            assert any(each["pointer"] == pointer and said in each["detail"] for each in faults), (new, faults)  # fmt: skip
            checked = await house.ask("POST", AT + "/check", json={"model": changed["model"]})
            assert checked.json()["errors"] == faults
        alias = "a: &a [x, x]\nb: [*a, *a]\n"
        assert code(await house.ask("PUT", AT, json={"model": alias, "version": 0})) == (
            422,
            "source.invalid",
        )
        assert (await house.good("GET", AT))["version"] == 0
        await house.good("POST", AT + "/check", json={"model": model})
        assert (await house.good("GET", AT))["version"] == 0
        assert code(await house.ask("PUT", AT, json={"model": model, "version": 3})) == (409, "conflict")
        assert code(await house.ask("GET", AT + "?version=7")) == (404, "not_found")
        support = await house.make_key("support", kind="program")
        for method, path, body in (("GET", AT, None), ("PUT", AT, {"model": model, "version": 0}), ("DELETE", AT, None)):  # fmt: skip
            answer = await house.ask(method, path, support, **({"json": body} if body else {}))
            assert code(answer) == (403, "access.forbidden")

    asked(tmp_path, "sqlite", story)


def test_of_two_who_put_one_at_once_one_is_told(tmp_path: Path) -> None:
    async def story(house: House, schema: str) -> None:
        model = {"model": MODEL.replace("SCHEMA", schema), "version": 0}
        answers = await asyncio.gather(*(house.ask("PUT", AT, json=model) for _ in range(4)))
        assert sorted(each.status_code for each in answers) == [200, 409, 409, 409]
        assert [each["version"] for each in (await house.good("GET", AT))["versions"]] == [1]

    asked(tmp_path, "sqlite", story)


def test_nobody_asks_by_words_for_what_they_may_not_see(tmp_path: Path) -> None:
    """Support sees the orders of Europe, and no customer: neither the metric that counts them, nor the question about one, nor their names, are words of theirs."""
    policy = {**OPEN, "rules": [OPEN["rules"][0], {**OPEN["rules"][1], "roles": ["owner"]}]}

    async def story(house: House, schema: str) -> None:
        await put(house, MODEL.replace("SCHEMA", schema))
        support = await house.make_key("support", kind="program")
        seen = await house.good("GET", "/v1/sources/shop/schema", support)
        assert ([each["name"] for each in seen["metrics"]], seen["questions"]) == (["revenue"], ["orders of {region}"])  # fmt: skip
        assert [int(row["revenue"]) for row in (await told(house, "revenue by market", support))["rows"]] == [
            40
        ]
        for question in ("orders per head", "best person", "revenue by who", "number of people"):
            back = await told(house, question, support)
            assert (back["statement"], back["rows"]) == ("", []), question
            assert "people" not in str(back["choices"])
        assert (await told(house, "best person"))["rows"] == [{"name": "***"}]

    asked(tmp_path, "sqlite", story, policy)


def test_what_the_database_has_lost_is_said_and_asked_back(tmp_path: Path) -> None:
    with connected("sqlite", tmp_path) as (settings, schema, reached):

        async def story(house: House) -> None:
            await furnish(house, settings, in_schema(OPEN, schema))
            altered("sqlite", settings, schema)
            await house.good("POST", "/v1/sources/shop/index")
            model = MODEL.replace("SCHEMA", schema).replace("SUM(orders.amount)", "COUNT(orders.note)")
            assert not (await put(house, model))["lost"]
            import sqlite3

            with sqlite3.connect(settings["path"]) as store:
                store.execute("ALTER TABLE orders DROP COLUMN note")
            await house.good("POST", "/v1/sources/shop/index")
            assert [each["pointer"] for each in (await house.good("GET", AT))["lost"]] == ["/semantic_model/0/metrics/0"]  # fmt: skip
            assert "know" in (await told(house, "revenue"))["asked_back"]

        play(tmp_path / "home", story, **reached)


def test_dbt_is_taken_as_ossie(tmp_path: Path) -> None:
    async def story(house: House, schema: str) -> None:
        made = await put(house, DBT)
        assert "semantic_model:" in made["model"]
        assert [int(row["revenue"]) for row in (await told(house, "revenue by region"))["rows"]] == [40, 20]

    asked(tmp_path, "sqlite", story)


DBT = """
semantic_models:
  - name: orders
    model: ref('orders')
    entities:
      - {name: order, type: primary, expr: id}
    dimensions:
      - {name: region, type: categorical}
    measures:
      - {name: amount, agg: sum}
metrics:
  - {name: revenue, type: simple, type_params: {measure: amount}}
"""

"""A database is opened under a policy and asked, through the door of a whole gateway: on four engines, on whichever database the suite runs on."""

from pathlib import Path
from typing import Any

import pytest

from tests.engines.given import ENGINES
from tests.house import House, play
from tests.sources.given import OPEN, altered, asked, connected, executed, furnish, told

COUNT = "SELECT count(*) AS n FROM main.orders"


async def query(house: House, statement: str, token: str | None = None, **more: Any) -> Any:
    return await house.ask("POST", "/v1/sources/shop/query", token, json={"statement": statement, **more})


async def rows(house: House, statement: str, token: str | None = None, **more: Any) -> Any:
    answer = await query(house, statement, token, **more)
    assert answer.status_code == 200, answer.text
    return answer.json()["rows"]


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


@pytest.mark.parametrize("engine", ENGINES)
def test_each_sees_what_the_policy_opens_to_them(tmp_path: Path, engine: str) -> None:
    async def story(house: House, schema: str) -> None:
        first = await query(house, f"SELECT id, name, ssn FROM {schema}.customers ORDER BY id")
        assert first.status_code == 200, first.text
        found = first.json()
        assert found["columns"] == ["id", "name", "ssn"]
        assert [row["id"] for row in found["rows"]] == [1, 2]
        assert {row["ssn"] for row in found["rows"]} == {"***"}  # a tag by its name, and no mask said
        assert "Ada" not in str(found["rows"])
        assert found["masks"] == {f"{schema}.customers.name": "partial", f"{schema}.customers.ssn": "full"}
        assert not found["truncated"]
        europe = await house.make_key("europe", kind="program")
        sums = f"SELECT region, sum(amount) AS n FROM {schema}.orders GROUP BY region"
        assert [(row["region"], int(row["n"])) for row in await rows(house, sums, europe)] == [("EU", 40)]
        assert code(await query(house, f"SELECT * FROM {schema}.paid", europe)) == (422, "query.refused")
        cut = (await query(house, f"SELECT id FROM {schema}.orders ORDER BY id", rows=2)).json()
        assert cut["truncated"]
        assert len(cut["rows"]) == 2

    asked(tmp_path, engine, story)


@pytest.mark.parametrize("engine", ENGINES)
def test_what_the_database_got_since_is_not_there_before_somebody_takes_it_in(
    tmp_path: Path, engine: str
) -> None:
    with connected(engine, tmp_path) as (settings, schema, reached):

        async def story(house: House) -> None:
            await furnish(house, settings, told(OPEN, schema))
            assert (await house.good("GET", "/v1/sources/shop/drift"))["same"]
            altered(engine, settings, schema)
            drift = await house.good("GET", "/v1/sources/shop/drift")
            assert (drift["same"], drift["added"], drift["gone"]) == (
                False,
                [f"{schema}.orders.note"],
                [],
            )
            note = f"SELECT note FROM {schema}.orders WHERE id = 1"
            assert code(await query(house, note)) == (422, "query.refused")
            assert [
                list(row) for row in await rows(house, f"SELECT * FROM {schema}.orders WHERE id = 1")
            ] == [["id", "customer_id", "region", "amount"]]
            assert (await house.good("POST", "/v1/sources/shop/index"))["added"] == drift["added"]
            assert await rows(house, note) == [{"note": None}]

        play(tmp_path / "home", story, **reached)


def test_whoever_looks_after_it_sees_what_others_would(tmp_path: Path) -> None:
    async def story(house: House, schema: str) -> None:
        whole = await house.good("GET", "/v1/sources/shop")
        assert (whole["current"], whole["version"], whole["tables"]) == (True, 1, 3)
        tagged = {each["column"]: each["tags"] for each in whole["tagged"]}
        assert tagged["main.customers.ssn"] == ["national_id"]
        preview = {"roles": ["support"], "statement": "SELECT region FROM main.orders"}
        seen = await house.good("POST", "/v1/sources/shop/preview", json=preview)
        assert "'EU'" in seen["sql"]
        assert {table["name"]: table["rows"] for table in seen["tables"]} == {
            "customers": "all",
            "orders": "some",
        }
        refused = await house.good(
            "POST", "/v1/sources/shop/preview", json={**preview, "statement": "DROP TABLE x"}
        )
        assert refused["sql"] == ""
        assert refused["refused"]
        checked = await house.good("GET", "/v1/sources/shop/check")
        assert checked == {"beyond": [], "grants": []}

    asked(tmp_path, "sqlite", story)


@pytest.mark.parametrize("engine", ["postgresql", "mysql"])
def test_a_credential_that_may_write_is_refused_unless_that_is_accepted(tmp_path: Path, engine: str) -> None:
    with connected(engine, tmp_path) as (settings, schema, reached):

        async def story(house: House) -> None:
            await house.connect("shop", **settings)
            policy = {**told(OPEN, schema), "accept_writer": False}
            refused = await house.ask("PUT", "/v1/sources/shop", json={"policy": policy})
            assert code(refused) == (409, "conflict")
            assert "may do more than read" in refused.json()["detail"]
            checked = await house.good("GET", "/v1/sources/shop/check")
            assert checked["beyond"]
            assert any(each.startswith("GRANT SELECT") for each in checked["grants"])

        play(tmp_path / "home", story, **reached)


def test_the_roles_that_the_check_writes_are_enough_and_no_more(tmp_path: Path) -> None:
    """A reader made by the SQL that was given, and an indexer that may log in and nothing else."""
    reader, indexer = (f"{name}_{tmp_path.stat().st_ino}" for name in ("reader", "indexer"))

    with connected("postgresql", tmp_path) as (settings, schema, reached):

        async def story(house: House) -> None:
            await house.connect("shop", **settings)
            checked = await house.good("GET", "/v1/sources/shop/check", params={"role": reader})
            for statement in (*checked["grants"], f"CREATE ROLE {indexer} LOGIN"):
                executed(settings, statement)
            await house.connect("shop", **{**settings, "user": reader, "indexer": indexer})
            policy = {**told(OPEN, schema), "accept_writer": False}
            put = await house.good("PUT", "/v1/sources/shop", json={"policy": policy})
            assert put["tables"] == 3
            assert (await house.good("GET", "/v1/sources/shop/check"))["beyond"] == []
            count = f"SELECT count(*) AS n FROM {schema}.orders"
            assert await rows(house, count) == [{"n": 3}]
            executed(settings, f"REVOKE SELECT ON {schema}.orders FROM {reader}")
            assert (await house.good("GET", "/v1/sources/shop/drift"))["same"]
            assert code(await query(house, count)) == (422, "query.refused")

        try:
            play(tmp_path / "home", story, **reached)
        finally:
            for role in (reader, indexer):
                executed(settings, f"DROP OWNED BY {role}")
                executed(settings, f"DROP ROLE {role}")


def test_a_statement_runs_as_often_as_was_agreed(tmp_path: Path) -> None:
    policy = {**OPEN, "rules": [{**OPEN["rules"][1], "consent": "confirm"}]}

    async def story(house: House, _schema: str) -> None:
        assert code(await query(house, COUNT)) == (403, "query.held")
        agreed = await house.good("POST", "/v1/sources/shop/confirm", json={"statement": COUNT, "runs": 2})
        assert agreed["runs"] == 2
        assert code(await query(house, COUNT + " WHERE id = 1")) == (403, "query.held")
        weighed = await house.good("POST", "/v1/sources/shop/weigh", json={"statement": COUNT})
        assert (weighed["consent"], weighed["agreed"], weighed["rule"]) == ("confirm", True, "shop")
        for _ in range(2):
            assert await rows(house, COUNT) == [{"n": 3}]
        assert code(await query(house, COUNT)) == (403, "query.held")

    asked(tmp_path, "sqlite", story, policy)


def test_what_wants_four_eyes_is_approved_by_somebody_else(tmp_path: Path) -> None:
    policy = {**OPEN, "rules": [{**OPEN["rules"][1], "consent": "approve"}]}

    async def story(house: House, _schema: str) -> None:
        wanted = {"statement": COUNT, "why": "The month's report."}
        confirmed = await house.ask("POST", "/v1/sources/shop/confirm", json=wanted)
        assert code(confirmed) == (409, "conflict")
        held = await house.ask("POST", "/v1/sources/shop/request", json=wanted)
        assert held.status_code == 202, held.text
        approval = held.json()["approval_id"]
        card = await house.good("GET", f"/v1/approvals/{approval}")
        assert "main" in card["request"]["runs_as"]
        own = await house.approve(approval)
        assert own.status_code == 403, own.text
        await house.good(
            "POST", "/v1/members", json={"email": "sue@pellow.example", "name": "Sue", "role": "admin"}
        )
        sue = await house.sign_in("sue@pellow.example")
        asking = await house.ask("POST", "/v1/sources/shop/request", sue, json=wanted)
        yes = await house.approve(asking.json()["approval_id"])
        assert yes.status_code < 300, yes.text
        assert (await house.settled(asking.json()["call_id"]))["state"] == "done"
        assert code(await query(house, COUNT)) == (403, "query.held")  # it is nobody else's
        assert await rows(house, COUNT, sue) == [{"n": 3}]
        nonsense = await house.ask(
            "POST", "/v1/sources/shop/request", json={"statement": "DROP TABLE orders"}
        )
        assert code(nonsense) == (422, "query.refused")

    asked(tmp_path, "sqlite", story, policy)


def test_an_agreement_ends_with_the_policy_it_was_given_under(tmp_path: Path) -> None:
    policy = {**OPEN, "rules": [{**OPEN["rules"][1], "consent": "confirm"}]}

    async def story(house: House, schema: str) -> None:
        await house.good("POST", "/v1/sources/shop/confirm", json={"statement": COUNT, "runs": 9})
        assert await rows(house, COUNT) == [{"n": 3}]
        await house.good("PUT", "/v1/sources/shop", json={"policy": told(policy, schema)})
        assert code(await query(house, COUNT)) == (403, "query.held")
        await house.good("POST", "/v1/sources/shop/confirm", json={"statement": COUNT, "runs": 9})
        house.clock.advance(3601)
        assert code(await query(house, COUNT)) == (403, "query.held")

    asked(tmp_path, "sqlite", story, policy)


def test_a_purpose_opens_what_it_is_for(tmp_path: Path) -> None:
    rules = [
        {
            "name": "audit",
            "purposes": ["audit"],
            "tables": ["customers"],
            "masks": {"tag:national_id": "none"},
        },
        {"name": "all", "tables": ["customers"]},
    ]

    async def story(house: House, _schema: str) -> None:
        ssn = "SELECT ssn FROM main.customers ORDER BY id"
        assert {row["ssn"] for row in await rows(house, ssn)} == {"***"}
        assert [
            row["id"] for row in await rows(house, "SELECT id FROM customers ORDER BY id", purpose="audit")
        ] == [1, 2]
        described = await house.good("GET", "/v1/sources/shop/schema", params={"purpose": "audit"})
        (table,) = described["tables"]
        assert table["rule"] == "audit"
        assert {column["name"]: column["mask"] for column in table["columns"]}["ssn"] == "none"
        (listed,) = (await house.good("GET", "/v1/sources"))["sources"]
        assert (listed["name"], listed["dialect"], listed["purposes"]) == ("shop", "sqlite", ["audit"])

    asked(tmp_path, "sqlite", story, {**OPEN, "rules": rules})


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"tags": {"customers.nothing": []}}, "/tags/customers.nothing"),
        ({"rules": [{"name": "a", "tables": ["nothing"]}]}, "/rules/0/tables/0"),
        (
            {"rules": [{"name": "a", "tables": ["*"], "masks": {"customers.nmae": "full"}}]},
            "/rules/0/masks/customers.nmae",
        ),
        ({"rules": [{"name": "a", "tables": ["*"], "rows": {"order": "1 = 1"}}]}, "/rules/0/rows/order"),
        (
            {"rules": [{"name": "a", "tables": ["*"], "rows": {"orders": "delete from x"}}]},
            "/rules/0/rows/orders",
        ),
        (
            {"rules": [{"name": "a", "tables": ["*"], "rows": {"orders": "region = :regoin"}}]},
            "/rules/0/rows/orders",
        ),
        ({"claims": [*OPEN["claims"], {"name": "actor", "value": "me"}]}, "/claims/1/name"),
    ],
)
def test_a_policy_that_speaks_of_nothing_is_refused(
    tmp_path: Path, change: dict[str, Any], pointer: str
) -> None:
    async def story(house: House, _schema: str) -> None:
        answer = await house.ask("PUT", "/v1/sources/shop", json={"policy": {**OPEN, **change}})
        assert code(answer) == (422, "source.invalid")
        assert [fault["pointer"] for fault in answer.json()["errors"]] == [pointer]
        assert (await house.good("GET", "/v1/sources/shop"))["version"] == 1

    asked(tmp_path, "sqlite", story)


def test_postgresqls_estimate_asks_and_refuses(tmp_path: Path) -> None:
    policy = {**OPEN, "cost_confirm": 0.5, "cost_max": 100_000}

    async def story(house: House, schema: str) -> None:
        held = await query(house, f"SELECT id FROM {schema}.orders")
        assert code(held) == (403, "query.held")
        assert "cost" in held.json()["detail"]
        large = ", ".join(f"{schema}.orders AS o{number}" for number in range(4))
        refused = await query(house, f"SELECT count(*) FROM {large}")
        assert code(refused) == (422, "query.refused")
        assert refused.json()["errors"] == [{"pointer": "/statement", "detail": "sql.costly"}]

    asked(tmp_path, "postgresql", story, policy)

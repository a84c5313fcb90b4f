"""A question in words through the door: on four engines, as whoever asks may see the data, over REST and MCP."""

from pathlib import Path
from typing import Any

import pytest

from tests.engines.given import ENGINES
from tests.house import House
from tests.sources.given import OPEN, asked
from tests.sources.test_sources import code


async def told(house: House, question: str, token: str | None = None, **more: Any) -> Any:
    answer = await house.ask("POST", "/v1/sources/shop/ask", token, json={"question": question, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("engine", ENGINES)
def test_a_question_is_answered_as_whoever_asks_may_see(tmp_path: Path, engine: str) -> None:
    async def story(house: House, schema: str) -> None:
        found = await told(house, "number of orders by region")
        assert [tuple(row.values()) for row in found["rows"]] == [("EU", 2), ("US", 1)]
        assert (found["understood"], found["asked_back"]) == ("number of orders, by orders region", "")
        assert f"{schema}.orders" in found["statement"].replace('"', "").replace("`", "")
        europe = await house.make_key("europe", kind="program")
        only = await told(house, "number of orders by region", europe)
        assert [tuple(row.values()) for row in only["rows"]] == [("EU", 2)]
        hidden = await told(house, "number of customers by ssn")
        assert [tuple(row.values()) for row in hidden["rows"]] == [("***", 2)]
        back = await told(house, "number of orders without region")
        assert (back["rows"], back["statement"], "without" in back["asked_back"]) == ([], "", True)
        unknown = await told(house, "number of customers", europe)
        assert unknown["asked_back"]  # no table of that name is open to them
        on = await told(house, "and region 'EU'", before=["total amount of orders"], run=False)
        assert (on["rows"], "'EU'" in on["statement"]) == ([], True)

    policy = {**OPEN, "rules": [OPEN["rules"][0], {**OPEN["rules"][1], "roles": ["owner"]}]}
    asked(tmp_path, engine, story, policy)


def test_a_question_that_needs_a_yes_waits_for_it(tmp_path: Path) -> None:
    async def story(house: House, _schema: str) -> None:
        question = {"question": "how many orders"}
        held = await house.ask("POST", "/v1/sources/shop/ask", json=question)
        assert code(held) == (403, "query.held")
        statement = (await told(house, "how many orders", run=False))["statement"]
        await house.good("POST", "/v1/sources/shop/confirm", json={"statement": statement})
        assert (await told(house, "how many orders"))["rows"] == [{"orders_count": 3}]
        assert code(await house.ask("POST", "/v1/sources/shop/ask", json=question)) == (403, "query.held")
        assert code(await house.ask("POST", "/v1/sources/other/ask", json=question)) == (404, "not_found")

    careful = {"name": "all", "tables": ["orders"], "consent": "confirm"}
    asked(tmp_path, "sqlite", story, {**OPEN, "rules": [careful]})

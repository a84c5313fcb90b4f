"""Questions that somebody saved, and dashboards of them: as whoever opens one may ask, and never an answer."""

from pathlib import Path
from typing import Any

import pytest

from ostiary.ids import SubjectId, TenantId
from ostiary.retention.kinds import Whom
from ostiary.sources import store
from ostiary.sources.letting_go import HOLDER
from tests.house import House
from tests.sources.given import OPEN, asked, told
from tests.sources.test_sources import code

POLICY: dict[str, Any] = {
    **OPEN,
    "rules": [{**OPEN["rules"][1], "roles": ["owner", "support"], "name": "shop"}],
}
QUESTION = {
    "source": "shop",
    "title": "By region",
    "question": "number of orders by region",
    "chart": {"kind": "bar", "by": "region", "of": "n"},
}


def counted(schema: str) -> dict[str, Any]:
    return {**QUESTION, "statement": f"SELECT region, count(*) AS n FROM {schema}.orders GROUP BY region"}


async def titles(house: House, token: str | None = None) -> list[str]:
    answer = await house.ask("GET", "/v1/saved-questions", token)
    assert answer.status_code == 200, answer.text
    return [each["title"] for each in answer.json()["questions"]]


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_a_question_is_saved_found_changed_and_removed(tmp_path: Path, engine: str) -> None:
    async def story(house: House, schema: str) -> None:
        made = await house.good("POST", "/v1/saved-questions", json=counted(schema))
        assert (made["version"], made["own"], made["shared"]) == (1, True, False)
        shown = await house.good("GET", f"/v1/saved-questions/{made['id']}")
        assert shown == made
        assert shown["chart"] == {**QUESTION["chart"], "split": ""}
        assert "rows" not in shown
        changed = {**counted(schema), "title": "Regions", "version": 1}
        put = await house.good("PUT", f"/v1/saved-questions/{made['id']}", json=changed)
        assert (put["version"], await titles(house)) == (2, ["Regions"])
        stale = await house.ask("PUT", f"/v1/saved-questions/{made['id']}", json=changed)
        assert code(stale) == (409, "conflict")
        wrong = {**counted(schema), "statement": f"DELETE FROM {schema}.orders"}
        assert code(await house.ask("POST", "/v1/saved-questions", json=wrong)) == (422, "query.refused")
        nowhere = {**counted(schema), "source": "other"}
        assert code(await house.ask("POST", "/v1/saved-questions", json=nowhere)) == (404, "not_found")
        await house.good("DELETE", f"/v1/saved-questions/{made['id']}")
        assert await titles(house) == []
        gone = await house.ask("GET", f"/v1/saved-questions/{made['id']}")
        assert code(gone) == (404, "not_found")

    asked(tmp_path, engine, story, POLICY)


def test_what_is_shared_is_there_for_those_who_might_ask_it(tmp_path: Path) -> None:
    async def story(house: House, schema: str) -> None:
        own = await house.good("POST", "/v1/saved-questions", json={**counted(schema), "title": "Mine"})
        ours = await house.good(
            "POST", "/v1/saved-questions", json={**counted(schema), "title": "Ours", "shared": True}
        )
        names = f"SELECT name FROM {schema}.customers"
        narrow = await house.good("POST", "/v1/saved-questions", json={**counted(schema), "title": "Names", "statement": names, "shared": True})  # fmt: skip
        board = {"title": "Board", "tiles": [ours["id"], narrow["id"]], "shared": True}
        shown = await house.good("POST", "/v1/dashboards", json=board)
        assert ([each["title"] for each in shown["questions"]], shown["hidden"]) == (["Ours", "Names"], 0)
        desk = await house.make_key("desk", kind="program")  # with the role support
        assert await titles(house, desk) == ["Ours", "Names"]
        assert code(await house.ask("GET", f"/v1/saved-questions/{own['id']}", desk)) == (404, "not_found")
        for change in ("PUT", "DELETE"):
            body = {"json": {**counted(schema), "version": 1}} if change == "PUT" else {}
            foreign = await house.ask(change, f"/v1/saved-questions/{ours['id']}", desk, **body)
            assert code(foreign) == (404, "not_found")
        orders = {**OPEN["rules"][0], "rows": {}, "name": "few"}
        less = {**POLICY, "rules": [{**POLICY["rules"][0], "roles": ["owner"]}, orders]}
        now = told(less, schema)
        await house.good("PUT", "/v1/sources/shop", json={"policy": now})
        hidden = await house.ask("GET", f"/v1/saved-questions/{narrow['id']}", desk)
        assert code(hidden) == (404, "not_found"), "its statement names what is not open to them"
        seen = (await house.ask("GET", f"/v1/dashboards/{shown['id']}", desk)).json()
        assert ([each["title"] for each in seen["questions"]], seen["hidden"]) == (["Ours"], 1)
        await house.good("PUT", "/v1/sources/shop", json={"policy": {**now, "rules": now["rules"][:1]}})
        assert await titles(house, desk) == [], "of a source that is not there for them"

    asked(tmp_path, "sqlite", story, POLICY)


def test_a_dashboard_is_changed_and_bounded(tmp_path: Path) -> None:
    async def story(house: House, schema: str) -> None:
        own = await house.good("POST", "/v1/saved-questions", json=counted(schema))
        board = await house.good("POST", "/v1/dashboards", json={"title": "Mine", "tiles": [own["id"]]})
        at = f"/v1/dashboards/{board['id']}"
        alone = await house.ask("PUT", at, json={"title": "Ours", "tiles": [own["id"]], "shared": True, "version": 1})  # fmt: skip
        assert code(alone) == (409, "conflict")
        again = await house.good("PUT", at, json={"title": "Twice", "tiles": [own["id"]] * 2, "version": 1})
        assert (again["version"], len(again["questions"])) == (2, 2)
        many = await house.ask("PUT", at, json={"title": "Many", "tiles": [own["id"]] * 25, "version": 2})
        assert code(many) == (422, "params.invalid")
        none = await house.ask("PUT", at, json={"title": "None", "tiles": ["svq_none"], "version": 2})
        assert code(none) == (404, "not_found")
        wrong = await house.ask("GET", f"/v1/dashboards/{own['id']}")
        assert code(wrong) == (404, "not_found"), "a question is no dashboard"
        (listed,) = (await house.good("GET", "/v1/dashboards"))["dashboards"]
        assert (listed["title"], listed["tiles"], listed["own"]) == ("Twice", 2, True)
        await house.good("DELETE", f"/v1/saved-questions/{own['id']}")
        left = await house.good("GET", at)
        assert (left["questions"], left["hidden"]) == ([], 2)
        await house.good("DELETE", at)
        assert (await house.good("GET", "/v1/dashboards"))["dashboards"] == []

    asked(tmp_path, "sqlite", story, POLICY)


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_with_a_person_goes_what_they_kept_for_themselves(tmp_path: Path, engine: str) -> None:
    async def story(house: House, schema: str) -> None:
        await house.good("POST", "/v1/saved-questions", json=counted(schema))
        await house.good("POST", "/v1/saved-questions", json={**counted(schema), "title": "Ours", "shared": True})  # fmt: skip
        database, tenant = house.gateway.database, TenantId(house.tenant)
        (first,) = await database.run(
            lambda connection: store.saved(connection, tenant, kind="question", whose="", limit=9)
        )
        whom = Whom(SubjectId(first.made_by), "gone_1", b"")
        counts = await database.run(lambda connection: HOLDER.count(connection, tenant, [], whom))
        assert counts == {"source_saved": 2}
        await database.change(lambda connection: HOLDER.clear(connection, tenant, [], whom, 0))
        (left,) = (await house.good("GET", "/v1/saved-questions"))["questions"]
        assert (left["title"], left["own"]) == ("Ours", False)

    asked(tmp_path, engine, story, POLICY)

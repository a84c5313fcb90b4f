"""A tenant goes to a cell and comes back, with real processes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import KINDS
from tests.isolation.kit import MEMBER, Estate, estate
from tests.waiting import until

pytestmark = pytest.mark.skipif("postgresql" not in KINDS, reason="not run: cells need PostgreSQL")


@pytest.fixture
def of(tmp_path: Path) -> Iterator[Estate]:
    with estate(tmp_path) as made:
        yield made


def test_a_tenant_goes_to_its_cell_and_comes_back(of: Estate) -> None:
    before = of.web.good("GET", "/v1/keys", of.key)
    of.pin()
    turned_away = of.web.ask("GET", "/v1/keys", of.key)
    assert (turned_away.status_code, turned_away.json()["code"]) == (421, "tenant.elsewhere")
    assert turned_away.json()["url"] == of.cell.url
    assert of.web.ask("GET", "/v1/keys", of.other_key).status_code == 200

    of.start_cell()
    assert of.cell.good("GET", "/v1/keys", of.key)["keys"][0]["key_id"] == before["keys"][0]["key_id"]
    assert of.cell.ask("GET", "/v1/keys", of.other_key).status_code == 401
    assert of.cell.ask("GET", "/v1/members", of.web.owner).status_code == 401, "no session comes with it"
    opened = of.sign_in(of.cell, MEMBER)
    assert opened.status_code == 200, opened.text
    owner = opened.json()["secret"]
    assert [member["email"] for member in of.cell.good("GET", "/v1/members", owner)["members"]].count(
        MEMBER
    ) == 1
    assert [each["tenant"] for each in of.cell.good("GET", "/v1/tenants", owner)["tenants"]] == [of.tenant]
    of.cell.good("POST", "/v1/members", owner, json={"email": "nia.new@brock.example", "name": "Nia New", "role": "support"})  # fmt: skip
    fresh = of.cell.good("POST", "/v1/keys", owner, json={"name": "made there", "kind": "agent", "roles": ["support"]})  # fmt: skip

    rotation = of.cell.good("POST", "/v1/vault/keys", owner, json={})
    assert rotation["versions"][0]["state"] == "active"
    until(lambda: of.cell.good("GET", "/v1/vault/keys", owner)["versions"][0]["version"] == 2, within_s=30)

    of.unpin()
    assert of.cell.ask("GET", "/v1/keys", of.key).json()["url"] == f"http://localhost:{of.web.port}"
    assert of.web.good("GET", "/v1/keys", of.key)["keys"]
    assert of.web.ask("GET", "/v1/me", fresh["secret"]).status_code == 200
    back = of.sign_in(of.web, "nia.new@brock.example")
    assert back.json()["tenant"] == of.tenant

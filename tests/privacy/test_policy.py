import asyncio
from typing import Any

import pytest

from ostiary.actions import Action, Actor, ActorKind, Call, Face, Masking
from ostiary.db.database import Database
from ostiary.errors import Conflict, InvalidParameters
from ostiary.ids import CallId, TenantId
from ostiary.privacy import store
from ostiary.privacy.actions import actions
from ostiary.privacy.masking import MASKED
from ostiary.privacy.policy import Masker

TENANT, OTHER = TenantId("ten_a"), TenantId("ten_b")
VALUE = {"mail": "jane@example.com", "card": "4111111111111111"}


def actor(*roles: str, tenant: TenantId = TENANT) -> Actor:
    return Actor(tenant, ActorKind.PERSON, "per_1", roles=frozenset(roles))


def ask(
    masker: Masker, name: str, params: dict[str, Any], tenant: TenantId = TENANT
) -> tuple[Any, Call, Action]:
    action = next(one for one in actions(masker) if one.name == name)
    call = Call(CallId("cal_1"), actor("owner", tenant=tenant), action, Face.REST, 1_760_000_000_000_000, "")
    return asyncio.run(action.run(call, action.params.parse(params))), call, action  # type: ignore[arg-type]


def commit(database: Database, call: Call) -> None:
    for rows in call.writes:
        database.transact(rows)
    for hook in call.after:
        hook()


def put(
    database: Database, masker: Masker, shown: dict[str, list[str]], tenant: TenantId = TENANT, **more: Any
) -> Any:
    answer, call, _ = ask(masker, "privacy.policy_put", {"shown": shown, **more}, tenant)
    commit(database, call)
    return answer


def mask(masker: Masker, who: Actor) -> Any:
    return masker.mask(who, VALUE, asyncio.run(masker.ready(who.tenant)))


def test_without_a_policy_nobody_sees_anything(database: Database) -> None:
    assert mask(Masker(database), actor("owner", "admin")) == (
        {"mail": "[email]", "card": "[card *1111]"},
        {"email": 1, "card": 1},
    )


def test_a_role_sees_what_the_policy_shows_it_and_others_do_not(database: Database) -> None:
    masker = Masker(database)
    put(database, masker, {"support": ["email"], "admin": ["card"]})
    assert mask(masker, actor("support"))[0] == {"mail": "jane@example.com", "card": "[card *1111]"}
    assert mask(masker, actor("viewer"))[0] == {"mail": "[email]", "card": "[card *1111]"}
    assert mask(masker, actor("support", "admin"))[0] == VALUE
    assert mask(masker, actor())[0] == {"mail": "[email]", "card": "[card *1111]"}


def test_a_policy_is_its_tenants_alone(database: Database) -> None:
    masker = Masker(database)
    put(database, masker, {"support": ["email"]})
    assert mask(masker, actor("support", tenant=OTHER))[0] == {"mail": "[email]", "card": "[card *1111]"}
    put(database, masker, {"support": []}, OTHER)
    assert mask(masker, actor("support"))[0]["mail"] == "jane@example.com"


def test_a_change_holds_from_its_commit_on(database: Database) -> None:
    masker = Masker(database)
    put(database, masker, {"support": ["email"]})
    assert mask(masker, actor("support"))[0]["mail"] == "jane@example.com"
    put(database, masker, {})
    assert mask(masker, actor("support"))[0]["mail"] == "[email]"


def test_a_policy_read_before_a_change_is_not_kept_after_it(database: Database) -> None:
    masker = Masker(database)
    put(database, masker, {"support": ["email"]})
    stored = masker.policy

    async def changed_meanwhile(tenant: TenantId) -> Any:
        policy = await stored(tenant)
        await asyncio.to_thread(database.transact, lambda c: store.replace(c, tenant, {}, version=2, at_us=1))
        return policy

    masker.policy = changed_meanwhile  # type: ignore[method-assign]
    asyncio.run(masker.ready(TENANT))
    masker.policy = stored  # type: ignore[method-assign]
    assert mask(masker, actor("support"))[0]["mail"] == "[email]"


def test_the_policy_is_shown_with_its_version(database: Database) -> None:
    masker = Masker(database)
    assert ask(masker, "privacy.policy_show", {})[0].version == 0
    assert put(database, masker, {"support": ["phone", "email"], "viewer": []}).version == 1
    shown = ask(masker, "privacy.policy_show", {})[0]
    assert (shown.version, shown.shown) == (1, {"support": ["email", "phone"]})
    assert shown.categories == list(MASKED)


def test_a_policy_may_name_a_family_or_one_of_its_categories(database: Database) -> None:
    masker = Masker(database)
    put(database, masker, {"payroll": ["us_ssn"], "hr": ["national_id"]})
    value = {"a": "536-90-4399", "b": "130 692 544"}
    policy = asyncio.run(masker.ready(TENANT))
    assert masker.mask(actor("payroll"), value, policy)[0] == {"a": "536-90-4399", "b": "[national_id]"}
    assert masker.mask(actor("hr"), value, policy)[0] == value
    assert masker.mask(actor(), value, policy)[1] == {"national_id": 2}


def test_a_change_of_another_version_than_the_standing_one_is_refused(database: Database) -> None:
    masker = Masker(database)
    put(database, masker, {"support": ["email"]}, version=0)
    with pytest.raises(Conflict):
        put(database, masker, {"support": ["card"]}, version=0)
    assert put(database, masker, {"support": ["card"]}, version=1).version == 2


def test_of_two_changes_at_once_the_second_is_refused_whole(database: Database) -> None:
    masker = Masker(database)
    _, first, _ = ask(masker, "privacy.policy_put", {"shown": {"support": ["email"]}})
    _, second, _ = ask(masker, "privacy.policy_put", {"shown": {"support": ["card"]}})
    commit(database, first)
    with pytest.raises(Conflict):
        commit(database, second)
    assert database.read(lambda connection: store.shown(connection, TENANT)) == {
        "support": frozenset({"email"})
    }


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"shown": {"support": ["emails"]}},
        {"shown": {"support": ["us_ssn2"]}},
        {"shown": {"Support Team": ["email"]}},
        {"shown": {"support": "email"}},
        {"shown": {f"r{n}": [] for n in range(65)}},
        {"shown": {}, "version": -1},
        {"shown": {}, "version": "1"},
        {"shown": {}, "tenant": "ten_b"},
    ],
)
def test_a_malformed_policy_is_refused(sqlite_database: Database, params: dict[str, Any]) -> None:
    with pytest.raises(InvalidParameters):
        ask(Masker(sqlite_database), "privacy.policy_put", params)


def test_detect_answers_findings_and_the_masked_text(sqlite_database: Database) -> None:
    answer, call, action = ask(
        Masker(sqlite_database), "privacy.detect", {"texts": ["mail jane@example.com", "nothing"]}
    )
    assert [[(f.start, f.end, f.category, f.why) for f in found] for found in answer.findings] == [
        [(5, 21, "email", "e-mail address")],
        [],
    ]
    assert answer.masked == ["mail [email]", "nothing"]
    assert action.masking is Masking.OWN
    assert call.writes == []


@pytest.mark.parametrize(
    "params",
    [{"texts": []}, {"texts": ["x"] * 33}, {"texts": ["x" * 10_001]}, {"texts": "x"}, {"texts": [1]}],
)
def test_detect_takes_a_bounded_number_of_bounded_texts(
    sqlite_database: Database, params: dict[str, Any]
) -> None:
    with pytest.raises(InvalidParameters):
        ask(Masker(sqlite_database), "privacy.detect", params)


def test_the_actions_say_who_may(sqlite_database: Database) -> None:
    assert [
        (one.name, one.permission, one.route.method, one.route.path)
        for one in actions(Masker(sqlite_database))
        if one.route
    ] == [
        ("privacy.policy_show", "privacy.read", "GET", "/v1/privacy/policy"),
        ("privacy.policy_put", "privacy.manage", "PUT", "/v1/privacy/policy"),
        ("privacy.detect", "privacy.detect", "POST", "/v1/privacy/detect"),
    ]

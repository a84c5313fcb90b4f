"""Applied files become actions, for their own tenant, until they change."""

import asyncio
from collections.abc import Mapping

import pytest

from ostiary.actions import Action, Actor, ActorKind, Call, Effect, Face, Risk, Surface
from ostiary.contracts.actions import Applied, ApplyFile, CheckFile, ContractNamed, FileVersion, actions
from ostiary.contracts.book import Book, visible
from ostiary.db.database import Database
from ostiary.errors import Conflict, ContractInvalid, InvalidParameters, NotFound, TargetUnavailable
from ostiary.ids import CallId, SubjectId, TenantId
from ostiary.shapes import Empty, Page
from tests import servers
from tests.conftest import StillClock
from tests.contracts.conftest import A, B
from tests.contracts.texts import BOTH, SHOW, Connectors, no_faults
from tests.waiting import heard, until


@pytest.fixture
def offered(database: Database, book: Book) -> Mapping[str, Action]:
    return {action.name: action for action in actions(database, book, no_faults)}


def a_call(action: Action, tenant: TenantId = A, at_us: int = 1_760_000_000_000_000) -> Call:
    actor = Actor(tenant, ActorKind.PERSON, "per_1")
    return Call(CallId("cal_1"), actor, action, Face.REST, at_us, "")


def ask(
    offered: Mapping[str, Action], database: Database, name: str, params: object, tenant: TenantId = A
) -> object:
    """Run an action as the door does: its rows in one transaction, then what follows."""

    async def go() -> object:
        call = a_call(offered[name], tenant)
        result = await offered[name].run(call, params)
        await database.change(lambda connection: [write(connection) for write in call.writes])
        for hook in call.after:
            hook()
        return offered[name].result.parse(result)

    return asyncio.run(go())


def apply(offered: Mapping[str, Action], database: Database, text: str, **more: object) -> Applied:
    applied = ask(offered, database, "contract.apply", ApplyFile(text=text, **more))
    assert isinstance(applied, Applied)
    return applied


def test_an_applied_file_is_callable_and_another_tenants_is_not(offered, database, book):
    applied = apply(offered, database, BOTH)
    assert (applied.version, applied.change.added) == (1, ["invoice.refund", "invoice.show"])
    refund = asyncio.run(book.get(A, "invoice.refund"))
    assert refund is not None
    assert (refund.permission, refund.contract, refund.tool) == ("contract.call", True, True)
    assert (refund.risk, refund.effect, refund.own) == (Risk.HIGH, Effect.OUTSIDE, "customer_id")
    assert refund.sinks == {"iban"}
    assert refund.honours_key is True
    assert len(refund.hash) == 64
    assert asyncio.run(book.get(A, "invoice.delete")) is None
    assert asyncio.run(book.actions(B)) == {}


def test_the_action_runs_its_target_with_exact_parameters(offered, database, book):
    apply(offered, database, BOTH)
    refund = asyncio.run(book.get(A, "invoice.refund"))
    params = refund.params.parse(
        {"invoice_id": "INV-0001", "customer_id": "C-1", "amount": 5.0, "iban": "DE02"}
    )
    assert params == {"invoice_id": "INV-0001", "customer_id": "C-1", "amount": 5, "iban": "DE02", "note": ""}
    assert asyncio.run(refund.run(a_call(refund), params))["asked"] == params
    assert refund.preview(a_call(refund), params) == params
    assert refund.subject_of(params) == (SubjectId("C-1"),)
    assert refund.sentence == "Refund {amount} of {invoice_id} to {iban}"
    with pytest.raises(InvalidParameters):
        refund.params.parse({"invoice_id": "INV-1"})
    with pytest.raises(InvalidParameters):
        refund.result.parse({"refund": 1})


def test_the_hash_changes_with_the_contract_and_with_its_connector(
    offered, database, book, connectors: Connectors
):
    apply(offered, database, BOTH)
    first = asyncio.run(book.get(A, "invoice.refund")).hash
    apply(offered, database, BOTH.replace("Pay money back", "Pay money back quickly"))
    second = asyncio.run(book.get(A, "invoice.refund")).hash
    show = asyncio.run(book.get(A, "invoice.show")).hash
    connectors.version = "2"
    book.drop(A)
    third = asyncio.run(book.get(A, "invoice.refund")).hash
    assert len({first, second, third}) == 3
    assert asyncio.run(book.get(A, "invoice.show")).hash != show


def test_key_order_and_format_do_not_change_the_hash(offered, database, book):
    apply(offered, database, SHOW)
    before = asyncio.run(book.get(A, "invoice.show")).hash
    shown = ask(offered, database, "contract.file", FileVersion(version=0))
    import json

    again = apply(offered, database, json.dumps(shown.file, sort_keys=True, indent=3), filename="x.json")
    assert (again.version, again.change.added, again.change.changed, again.change.removed) == (1, [], [], [])
    assert asyncio.run(book.get(A, "invoice.show")).hash == before


def test_a_file_is_compiled_once_and_again_when_it_changes(
    offered, database, book, connectors: Connectors, clock: StillClock
):
    apply(offered, database, SHOW)
    bound = connectors.bound
    asyncio.run(book.actions(A))
    assert connectors.bound == bound + 1
    asyncio.run(book.actions(A))
    clock.advance(10)
    until(lambda: database.signals.fresh)  # by its clock it has heard nothing for ten seconds
    asyncio.run(book.actions(A))
    assert connectors.bound == bound + 1


def test_a_process_that_cannot_hear_of_changes_asks_each_time(
    offered, vault, connectors: Connectors, database
):
    apply(offered, database, SHOW)
    deaf = Database(database.url.render_as_string(hide_password=False))
    deaf.signals._shared = True  # nobody has begun to listen
    other = Book(deaf, vault, connectors.bind)
    assert list(asyncio.run(other.actions(A))) == ["invoice.show"]
    bound = connectors.bound
    asyncio.run(other.actions(A))
    assert connectors.bound == bound  # the version is compared, nothing is compiled
    apply(offered, database, BOTH)
    assert sorted(asyncio.run(other.actions(A))) == ["invoice.refund", "invoice.show"]
    deaf.close()


def test_many_callers_at_once_compile_once(offered, database, book, connectors: Connectors):
    apply(offered, database, SHOW)
    heard(database)
    bound = connectors.bound

    async def together() -> None:
        await asyncio.gather(*(book.actions(A) for _ in range(20)))

    asyncio.run(together())
    assert connectors.bound == bound + 1


def test_a_contract_whose_connector_is_gone_says_so(offered, database, book, connectors: Connectors):
    apply(offered, database, BOTH)
    before = asyncio.run(book.get(A, "invoice.show")).hash
    connectors.names.discard("company")
    book.drop(A)
    show = asyncio.run(book.get(A, "invoice.show"))
    with pytest.raises(TargetUnavailable):
        asyncio.run(show.run(a_call(show), {"invoice_id": "INV-0001"}))
    with pytest.raises(TargetUnavailable):
        show.preview(a_call(show), {"invoice_id": "INV-0001"})
    assert show.hash != before
    listed = ask(offered, database, "contract.list", Empty())
    assert [(one.name, one.connected) for one in listed.contracts] == [
        ("invoice.refund", True),
        ("invoice.show", False),
    ]


def test_a_file_with_a_mistake_changes_nothing(offered, database, book):
    apply(offered, database, SHOW)
    with pytest.raises(ContractInvalid) as caught:
        apply(offered, database, BOTH.replace("risk: high", "risk: hihg"))
    assert [(one.pointer, one.detail) for one in caught.value.faults] == [
        ("/actions/1/risk", "line 32, column 11: write one of low, medium, high; did you mean `high`?")
    ]
    assert list(asyncio.run(book.actions(A))) == ["invoice.show"]


def test_a_connector_that_is_not_set_up_is_a_mistake_in_its_place(offered, database):
    with pytest.raises(ContractInvalid) as caught:
        apply(offered, database, SHOW.replace("connector: company", "connector: compnay"))
    assert [(one.pointer, one.detail) for one in caught.value.faults] == [
        (
            "/actions/0/target/connector",
            "line 10, column 7: there is no connector of this name: set it up first",
        )
    ]


def test_a_check_changes_nothing_and_shows_what_would_change(offered, database, book):
    apply(offered, database, BOTH)
    text = SHOW.replace("Show one invoice.", "Show an invoice.") + SHOW.split("actions:\n")[1].replace(
        "invoice.show", "invoice.find"
    )
    checked = ask(offered, database, "contract.check", CheckFile(text=text))
    assert checked.ok
    assert checked.change.added == ["invoice.find"]
    assert checked.change.removed == ["invoice.refund"]
    assert [
        (one.name, [(f.pointer, f.kind, f.before, f.after) for f in one.fields])
        for one in checked.change.changed
    ] == [("invoice.show", [("/description", "changed", "Show one invoice.", "Show an invoice.")])]
    assert sorted(asyncio.run(book.actions(A))) == ["invoice.refund", "invoice.show"]
    broken = ask(offered, database, "contract.check", CheckFile(text="version: 1\nactions: no"))
    assert (broken.ok, broken.change, broken.mistakes[0].line, broken.mistakes[0].column) == (
        False,
        None,
        2,
        10,
    )


def test_two_who_apply_at_once_do_not_overwrite_each_other(offered, database):
    apply(offered, database, SHOW)
    with pytest.raises(Conflict):
        apply(offered, database, BOTH, expected=0)

    async def race() -> None:
        calls = [a_call(offered["contract.apply"]) for _ in range(2)]
        for call, description in zip(calls, ("one", "two"), strict=True):
            await offered["contract.apply"].run(
                call, ApplyFile(text=SHOW.replace("Show one invoice.", description))
            )
        await database.change(lambda connection: calls[0].writes[0](connection))
        await database.change(lambda connection: calls[1].writes[0](connection))

    with pytest.raises(Conflict):
        asyncio.run(race())


def test_a_removed_contract_is_off_contract(offered, database, book):
    apply(offered, database, BOTH)
    removed = ask(offered, database, "contract.remove", ContractNamed(name="invoice.refund"))
    assert (removed.version, removed.change.removed) == (2, ["invoice.refund"])
    assert asyncio.run(book.get(A, "invoice.refund")) is None
    with pytest.raises(NotFound):
        ask(offered, database, "contract.remove", ContractNamed(name="invoice.refund"))


def test_the_history_keeps_every_applied_file(offered, database):
    apply(offered, database, SHOW)
    apply(offered, database, BOTH)
    ask(offered, database, "contract.remove", ContractNamed(name="invoice.show"))
    page = ask(offered, database, "contract.history", Page(limit=2))
    assert [(one.version, one.actions, one.added, one.removed, one.applied_by) for one in page.files] == [
        (3, 1, [], ["invoice.show"], "per_1"),
        (2, 2, ["invoice.refund"], [], "per_1"),
    ]
    rest = ask(offered, database, "contract.history", Page(limit=2, cursor=page.next))
    assert ([one.version for one in rest.files], rest.next) == ([1], "")
    old = ask(offered, database, "contract.file", FileVersion(version=1))
    assert [one["name"] for one in old.file["actions"]] == ["invoice.show"]
    assert ask(offered, database, "contract.history", Page(), tenant=B).files == []
    with pytest.raises(NotFound):
        ask(offered, database, "contract.file", FileVersion(version=1), tenant=B)
    with pytest.raises(NotFound):
        ask(offered, database, "contract.file", FileVersion(version=9))


def test_a_contract_is_shown_with_the_schema_that_is_enforced(offered, database):
    apply(offered, database, BOTH)
    shown = ask(offered, database, "contract.show", ContractNamed(name="invoice.show"))
    assert shown.contract["target"] == {
        "connector": "company",
        "sql": {"statement": "SELECT id, amount FROM invoices WHERE id = :invoice_id"},
    }
    assert shown.parameters["additionalProperties"] is False
    with pytest.raises(NotFound):
        ask(offered, database, "contract.show", ContractNamed(name="invoice.gone"))
    with pytest.raises(NotFound):
        ask(offered, database, "contract.show", ContractNamed(name="invoice.show"), tenant=B)


def test_an_empty_file_takes_everything_away(offered, database, book):
    apply(offered, database, BOTH)
    assert apply(offered, database, "version: 1\nactions: []\n").change.removed == [
        "invoice.refund",
        "invoice.show",
    ]
    assert asyncio.run(book.actions(A)) == {}


def test_an_actor_sees_what_it_could_call(offered, database, book):
    apply(offered, database, BOTH)
    known = asyncio.run(book.actions(A))

    def names(**more: object) -> list[str]:
        standing = {"permissions": frozenset({"contract.call"}), "roles": frozenset({"support"})}
        return [
            action.name
            for action in visible(Actor(A, ActorKind.AGENT, "key_1", **{**standing, **more}), known)
        ]

    assert names() == ["invoice.refund", "invoice.show"]
    assert names(roles=frozenset({"developer"})) == ["invoice.show"]
    assert names(scopes=frozenset({"invoice.show"})) == ["invoice.show"]
    assert names(scopes=frozenset({"billing.*"})) == ["invoice.refund"]
    assert names(permissions=frozenset()) == []
    assert names(surface=Surface.CUSTOMER) == ["invoice.refund"]
    assert names(surface=Surface.WRITE_ONLY) == []


def test_what_is_applied_is_sealed(offered, database, tmp_path):
    apply(offered, database, BOTH)
    with servers.intruder(database) as connection:
        rows = connection.exec_driver_sql("SELECT document FROM contract_set").all()
    assert b"invoice" not in bytes(rows[0][0])


def test_every_action_of_this_room_is_reserved_and_asks_for_a_permission(offered):
    assert {(action.name, action.permission, action.effect.value) for action in offered.values()} == {
        ("contract.list", "contract.read", "none"),
        ("contract.show", "contract.read", "none"),
        ("contract.check", "contract.read", "none"),
        ("contract.file", "contract.read", "none"),
        ("contract.history", "contract.read", "none"),
        ("contract.apply", "contract.manage", "local"),
        ("contract.remove", "contract.manage", "local"),
    }

import pytest

from ostiary.connectors.targets import ConstantTarget, check_target, compile_target
from ostiary.errors import ContractInvalid, Fault

HTTP = {
    "method": "POST",
    "path": "/refunds/{invoice}",
    "query": {"dry": "{dry}"},
    "body": {"amount": "{amount}"},
}


def test_a_target_that_uses_only_known_parameters_has_no_fault():
    assert check_target("http", {"http": HTTP}, ["invoice", "dry", "amount"]) == []
    assert check_target("sqlite", {"sql": {"statement": "SELECT name FROM c WHERE id = :id"}}, ["id"]) == []
    assert check_target("constant", {"constant": {"a": [1]}}, []) == []


def test_each_unknown_parameter_is_a_fault_at_its_place():
    assert check_target("http", {"http": HTTP}, ["invoice"]) == [
        Fault("/http/query/dry", "dry is not a parameter of this contract"),
        Fault("/http/body", "amount is not a parameter of this contract"),
    ]
    assert check_target("sqlite", {"sql": {"statement": "SELECT :id, :x"}}, ["id"]) == [
        Fault("/sql/statement", "x is not a parameter of this contract")
    ]


@pytest.mark.parametrize(
    ("kind", "spec", "pointer"),
    [
        ("http", {"sql": {"statement": "SELECT 1"}}, ""),
        ("sqlite", {"http": HTTP}, ""),
        ("http", {"http": HTTP, "constant": 1}, ""),
        ("ftp", {"ftp": {}}, ""),
        ("http", {"http": "GET /"}, "/http"),
        ("http", {"http": HTTP | {"method": "CONNECT"}}, "/http/method"),
        ("http", {"http": HTTP | {"method": "get"}}, "/http/method"),
        ("http", {"http": HTTP | {"method": "GET"}}, "/http/body"),
        ("http", {"http": HTTP | {"path": "http://elsewhere/"}}, "/http/path"),
        ("http", {"http": HTTP | {"path": 7}}, "/http/path"),
        ("http", {"http": HTTP | {"url": "http://elsewhere/"}}, "/http/url"),
        ("http", {"http": HTTP | {"query": ["a"]}}, "/http/query"),
        ("http", {"http": HTTP | {"query": {"a": {"b": 1}}}}, "/http/query/a"),
        ("http", {"http": HTTP | {"headers": {"Host": "inside"}}}, "/http/headers/Host"),
        ("http", {"http": HTTP | {"headers": {"Authorization": "x"}}}, "/http/headers/Authorization"),
        ("http", {"http": HTTP | {"headers": {"Ostiary-Signature": "x"}}}, "/http/headers/Ostiary-Signature"),
        (
            "http",
            {"http": HTTP | {"headers": {"Transfer-Encoding": "chunked"}}},
            "/http/headers/Transfer-Encoding",
        ),
        ("http", {"http": HTTP | {"headers": {"X-A": "a\r\nb"}}}, "/http/headers/X-A"),
        ("http", {"http": HTTP | {"headers": {"X A": "a"}}}, "/http/headers/X A"),
        ("http", {"http": HTTP | {"errors": {"pointer": "/code"}}}, "/http/errors"),
        ("http", {"http": HTTP | {"errors": {"pointer": "code", "codes": []}}}, "/http/errors/pointer"),
        ("http", {"http": HTTP | {"errors": {"pointer": "/code", "codes": ["a b"]}}}, "/http/errors/codes"),
        ("sqlite", {"sql": {"statement": "DELETE FROM c"}}, "/sql/statement"),
        ("sqlite", {"sql": {"statement": None}}, "/sql/statement"),
        ("sqlite", {"sql": {"statement": "SELECT 1", "timeout": 3}}, "/sql/timeout"),
    ],
)
def test_what_is_wrong_is_said_at_its_place(kind, spec, pointer):
    faults = check_target(kind, spec, ["invoice", "dry", "amount"])
    assert [fault.pointer for fault in faults] == [pointer]
    with pytest.raises(ContractInvalid) as caught:
        compile_target(kind, spec)
    assert caught.value.faults[0].pointer == pointer


def test_a_constant_is_itself():
    assert compile_target("constant", {"constant": {"rows": []}}) == ConstantTarget({"rows": []})


def test_a_sql_target_may_be_checked_before_its_database_is_known():
    assert check_target("sql", {"sql": {"statement": "SELECT data->>'a' FROM t WHERE id = ANY(:ids)"}}) == []

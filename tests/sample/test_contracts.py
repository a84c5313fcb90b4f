"""The sample's contracts check, and say what is dangerous."""

from ostiary.connectors.targets import check_target
from ostiary.contracts.contract import Contract
from ostiary.contracts.file import check_text
from ostiary.sample.demo import CONTRACTS


def _contracts() -> dict[str, Contract]:
    report = check_text(CONTRACTS.read_text(), CONTRACTS.name, check_target)
    assert report.mistakes == ()
    assert report.advice == ()
    return {contract.name: contract for contract in report.contracts}


def test_the_file_checks_without_a_mistake() -> None:
    assert list(_contracts()) == [
        "customer.show",
        "invoice.list",
        "ticket.list",
        "ticket.read",
        "order.status",
        "ticket.submit",
        "invoice.refund",
        "payment.send",
        "letter.send",
        "replacement.send",
    ]


def test_money_never_moves_without_a_person() -> None:
    contracts = _contracts()
    for name in ("invoice.refund", "payment.send"):
        assert (contracts[name].risk, contracts[name].confirmation) == ("high", "always")
    assert (contracts["letter.send"].risk, contracts["letter.send"].confirmation) == ("medium", "always")
    assert contracts["payment.send"].labels["/iban"] == "account"


def test_customers_see_their_own_and_the_web_page_reads_nothing() -> None:
    contracts = _contracts()
    assert contracts["order.status"].own == "customer_id"
    assert set(contracts["order.status"].surfaces) == {"admin", "customer"}
    assert set(contracts["ticket.submit"].surfaces) == {"admin", "write_only"}

"""Tool sets of other domains, in other languages and other styles, mostly without a description: what says where something goes is a sink, what is paid an
amount, what is written content; and what a stranger wrote is not believed."""

from typing import Any

import pytest

from ostiary.actions import Risk
from ostiary.contracts.labels.sense import Described
from ostiary.contracts.labels.suggest import suggest
from ostiary.evidence import SINKS

NUMBERS = frozenset(["amount", "importe", "betrag", "montant", "newSalary", "qty", "replicas"])
ADDRESS = {"line1": {"type": "string"}, "zip": {"type": "string"}, "city": {"type": "string"}}


def tool(name: str, *parameters: str) -> Described:
    properties: dict[str, Any] = {
        key: {"type": "number" if key in NUMBERS else "string"} for key in parameters
    }
    return Described(name, "", "", {"type": "object", "properties": properties})


@pytest.mark.parametrize(
    ("name", "sinks", "amounts", "contents"),
    [
        ("opportunities.update", "opportunityId ownerId", "amount", ""),
        ("logCall", "leadId phone", "", "outcome"),
        ("crearFactura", "clienteId cuenta", "importe", "concepto"),
        ("sendeNachricht", "empfaenger", "", "betreff text"),
        ("ueberweisungErstellen", "empfaengerIban", "betrag", "verwendungszweck"),
        ("envoyerCourriel", "destinataire", "", "objet corps"),
        ("virementBancaire", "compteDestination", "montant", "motif"),
        ("supprimer_fichier", "chemin", "", ""),
        ("tk_asgn", "id usr", "", ""),
        ("tk_new", "", "", "subj"),
        ("escalateTicket", "ticketId toTeam", "", "reason"),
        ("ec2_terminate", "instanceIds", "", ""),
        ("putObject", "bucket key", "", "body"),
        ("createIamUser", "userName groups", "", ""),
        ("employees.setSalary", "employeeId", "newSalary", ""),
        ("offboardEmployee", "employeeId forwardMailTo", "", ""),
        ("changeBankDetails", "employeeId accountHolder iban", "", ""),
        ("cart.addItem", "sku", "qty", ""),
        ("issueRefund", "orderId destination", "amount", ""),
        ("CalendarCreate", "guests", "", "summary where"),
        ("mailForward", "msgId fwdTo", "", "note"),
        ("setAutoReply", "forwardTo", "", "message"),
        ("mbox.rule.add", "redirect", "", ""),
    ],
)
def test_writes_of_other_domains(name: str, sinks: str, amounts: str, contents: str) -> None:
    found = suggest(tool(name, *sinks.split(), *amounts.split(), *contents.split()))
    labels = {path[1:]: label for path, label in found.labels.items()}
    assert found.effect == "write"
    assert {key for key, label in labels.items() if label in SINKS} == set(sinks.split())
    assert {key for key, label in labels.items() if label == "amount"} == set(amounts.split())
    assert {key for key, label in labels.items() if label == "content"} == set(contents.split())


def test_every_line_of_an_address_says_where_it_goes() -> None:
    order = {"type": "object", "properties": {"shippingAddress": {"type": "object", "properties": ADDRESS}}}
    assert set(suggest(Described("placeOrder", "", "", order)).labels.values()) == {"address"}


@pytest.mark.parametrize("name", ["setDnsRecord", "createIamUser", "ec2_terminate"])
def test_what_opens_the_house_always_asks(name: str) -> None:
    assert suggest(tool(name, "name", "value")).risk is Risk.HIGH


@pytest.mark.parametrize(
    "name", ["readFile", "get_page_content", "download_attachment", "fetchDocument", "open_file", "get_transcript"]
)  # fmt: skip
def test_nothing_in_a_document_is_the_systems_own(name: str) -> None:
    assert suggest(tool(name, "path")).trusted == ()


@pytest.mark.parametrize("name", ["rechercherClients", "list_files", "buscarPedidos", "getTicket"])
def test_records_keep_their_ids(name: str) -> None:
    assert "id" in suggest(tool(name, "q")).trusted

"""Contract files for the tests, and the connectors' part played by functions."""

from collections.abc import Mapping

from ostiary.actions import Bound, Call, JsonValue
from ostiary.contracts.file import check_text
from ostiary.contracts.report import CheckReport
from ostiary.errors import Fault, NotFound
from ostiary.ids import TenantId

SHOW = """\
version: 1
actions:
  - name: invoice.show
    description: Show one invoice.
    parameters:
      properties:
        invoice_id: {type: string, pattern: "^INV-[0-9]{4}$"}
      required: [invoice_id]
    target:
      connector: company
      sql:
        statement: SELECT id, amount FROM invoices WHERE id = :invoice_id
"""

REFUND = """\
  - name: invoice.refund
    title: Refund an invoice
    description: Pay money back to the customer.
    parameters:
      properties:
        invoice_id: {type: string, pattern: "^INV-[0-9]{4}$"}
        customer_id: {type: string, maxLength: 20}
        amount: {type: number, exclusiveMinimum: 0}
        iban: {type: string, maxLength: 34}
        note: {type: string, maxLength: 200, default: ""}
      required: [invoice_id, customer_id, amount, iban]
    returns:
      type: object
      properties:
        refund_id: {type: string}
      required: [refund_id]
    scope: billing.write
    roles: [support, admin]
    surfaces: [admin, customer]
    risk: high
    confirmation: always
    self_approval: false
    subject: customer_id
    own: customer_id
    sentence: Refund {amount} of {invoice_id} to {iban}
    trusted: [refund_id]
    labels: {iban: account, amount: amount, note: content}
    target:
      connector: backend
      http:
        method: POST
        path: /invoices/{invoice_id}/refunds
        body: {customer: "{customer_id}", amount: "{amount}", iban: "{iban}", note: "{note}"}
"""

BOTH = SHOW + REFUND


def no_faults(_kind: str, _spec: Mapping[str, JsonValue]) -> list[Fault]:
    return []


def check(text: str, filename: str = "actions.yaml") -> CheckReport:
    return check_text(text, filename, no_faults)


def details(text: str) -> list[str]:
    """The mistakes as `line:column detail`."""
    return [f"{one.mark.line}:{one.mark.column} {one.detail}" for one in check(text).mistakes]


def action(**keys: str) -> str:
    """A minimal action in which some keys are replaced, or left out where the text is empty; values are YAML in flow style."""
    standing = {
        "name": "invoice.show",
        "description": "Show one invoice.",
        "parameters": "{properties: {id: {type: string}}, required: [id]}",
        "target": "{connector: company, sql: {statement: 'SELECT 1 FROM invoices WHERE id = :id'}}",
    }
    lines = [f"{key}: {value}" for key, value in {**standing, **keys}.items() if value]
    return "version: 1\nactions:\n  - " + "\n    ".join(lines) + "\n"


class Connectors:
    """Connectors `company` and `backend` for tenant `ten_a`, none for others; counts how often it is asked."""

    def __init__(self) -> None:
        self.names = {"company", "backend"}
        self.version = "1"
        self.bound = 0

    def bind(self, tenant: TenantId, connector: str, target: Mapping[str, JsonValue]) -> Bound:
        self.bound += 1
        if tenant != "ten_a" or connector not in self.names:
            raise NotFound

        async def run(_call: Call, params: Mapping[str, JsonValue]) -> JsonValue:
            return {"asked": dict(params), "target": dict(target)}

        return Bound(
            run=run,
            preview=lambda _call, params: dict(params),
            honours_key=True,
            hash=connector + self.version,
        )

"""An import as the review page shows it: made by the importer itself from a small document, with one draft that has a mistake."""

from typing import Any

from ostiary.clock import HOUR_US, rfc3339
from ostiary.contracts.importing.openapi import imported_openapi

IMPORT = "imp_0190f3a27c4b7d8ea1b2000000000001"
ACCOUNT = "per_0190f3a27c4b7d8ea1b2c3d4e5f60001"
DOCUMENT = """
openapi: 3.1.0
info: {title: Parcels, version: "1"}
servers: [{url: "https://parcels.example/api"}]
paths:
  /shipments:
    post:
      operationId: createShipment
      summary: Create a shipment
      description: Books a courier who brings a parcel to an address.
      requestBody:
        required: true
        content:
          application/json:
            schema:
              type: object
              required: [recipient_email, address]
              properties:
                recipient_email: {type: string, format: email, description: Who is told when it arrives.}
                address: {type: object, properties: {street: {type: string}, city: {type: string}}}
                insured_amount: {type: number}
                note: {type: string}
      responses: {"200": {description: Made.}}
    get:
      operationId: listShipments
      summary: List shipments
      parameters: [{name: status, in: query, schema: {type: string}}]
      responses:
        "200":
          description: Shipments.
          content: {application/json: {schema: {type: object, properties: {rows: {type: array, items: {type: object, properties: {id: {type: string}, note: {type: string}, shared_with: {type: array, items: {type: string}}}}}}}}}
  /labels:
    put:
      operationId: uploadLabel
      requestBody: {required: true, content: {application/pdf: {}}}
      responses: {"200": {description: Kept.}}
components: {securitySchemes: {key: {type: apiKey, in: header, name: X-Key}}}
"""


def drafts(now_us: int) -> dict[str, Any]:
    made = imported_openapi(DOCUMENT, "parcels.yaml", "billing", "https://billing.example")
    shown = [
        {
            "name": draft.item["name"],
            "source": draft.source,
            "state": "open",
            "contract": draft.item,
            "why": [{"pointer": pointer, "detail": detail} for pointer, detail in draft.why.items()],
            "notes": [
                {"pointer": "/description", "detail": "commands the model: this text speaks to a model"}
            ],
            "mistakes": [{"pointer": "/risk", "detail": "write one of low, medium, high"}] if index else [],
        }
        for index, draft in enumerate(made.drafts)
    ]
    return {
        "summary": summary(now_us),
        "notes": list(made.notes),
        "drafts": shown,
        "left": [{"source": left.source, "detail": left.detail} for left in made.left],
    }


def summary(now_us: int) -> dict[str, Any]:
    return {
        "import_id": IMPORT,
        "connector": "billing",
        "filename": "parcels.yaml",
        "made_at": rfc3339(now_us - HOUR_US),
        "made_by": ACCOUNT,
        "open": 2,
        "accepted": 0,
        "left": 1,
    }

"""What a face found in a request, before anybody believed it."""

from dataclasses import dataclass

from ostiary.actions import Face
from ostiary.secret import Secret


@dataclass(frozen=True, slots=True)
class Presented:
    """`bearer` is an API key, `token` an OAuth access token, `session` a session token; the first of them counts. `signature` is the Ostiary-Signature header, `customer` the
    Ostiary-Customer header; "" where absent. `path` includes the query, as on the request line; `body` is raw."""

    face: Face
    bearer: Secret | None = None
    session: Secret | None = None
    signature: str = ""
    customer: str = ""
    method: str = ""
    path: str = ""
    body: bytes = b""
    address: str = ""
    user_agent: str = ""
    token: Secret | None = None

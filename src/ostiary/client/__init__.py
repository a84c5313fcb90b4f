"""The Python client: typed, sync and async, over the REST API of a running gateway. It imports nothing of the gateway itself."""

from ostiary.client.clients import AsyncClient, Client
from ostiary.client.errors import (
    ApprovalExpired,
    Forbidden,
    GatewayUnavailable,
    InvalidParameters,
    LimitReached,
    NotAuthenticated,
    NotFound,
    OutcomeUnknown,
    Problem,
    Rejected,
    Stopped,
)
from ostiary.client.shapes import Contract, Done, Held, Preview, Session

__all__ = [
    "ApprovalExpired",
    "AsyncClient",
    "Client",
    "Contract",
    "Done",
    "Forbidden",
    "GatewayUnavailable",
    "Held",
    "InvalidParameters",
    "LimitReached",
    "NotAuthenticated",
    "NotFound",
    "OutcomeUnknown",
    "Preview",
    "Problem",
    "Rejected",
    "Session",
    "Stopped",
]

"""Every way in which Ostiary says no, in one place.

Each error has a stable `code`, an HTTP `status`, and a docstring whose first line is the `title` that a stranger may read (RFC 9457).
`detail` is optional and says what to do; it never holds data, a path, SQL or a secret. What is raised here is shown to callers and
recorded; what is not an `OstiaryError` becomes `internal` at the face, with nothing of it shown.
"""

from dataclasses import dataclass
from typing import ClassVar

PROBLEM_BASE = "https://ostiary.dev/problems/"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong in the input: `pointer` is a JSON Pointer (RFC 6901) into it, `detail` says what was expected."""

    pointer: str
    detail: str


class OstiaryError(Exception):
    """Something went wrong."""

    code: ClassVar[str] = "internal"
    status: ClassVar[int] = 500

    def __init__(
        self,
        detail: str = "",
        *,
        faults: tuple[Fault, ...] = (),
        retry_after_s: int | None = None,
        maybe_done: bool = False,
    ) -> None:
        """`maybe_done`: the call had left for the connected system when this went wrong, so its effect may stand (target errors only)."""
        super().__init__(detail or self.title())
        self.detail = detail
        self.faults = faults
        self.retry_after_s = retry_after_s
        self.maybe_done = maybe_done

    @classmethod
    def title(cls) -> str:
        return (cls.__doc__ or "").strip().splitlines()[0]

    def problem(self, instance: str = "") -> dict[str, object]:
        """The RFC 9457 problem details object."""
        body: dict[str, object] = {
            "type": PROBLEM_BASE + self.code,
            "title": self.title(),
            "status": self.status,
            "code": self.code,
        }
        if self.detail:
            body["detail"] = self.detail
        if instance:
            body["instance"] = instance
        if self.faults:
            body["errors"] = [{"pointer": fault.pointer, "detail": fault.detail} for fault in self.faults]
        return body


# What is asked is malformed.


class MalformedRequest(OstiaryError):
    """The request could not be read."""

    code, status = "request.malformed", 400


class RequestTooLarge(OstiaryError):
    """The request is larger than this gateway takes."""

    code, status = "request.too_large", 413


class RequestTimeout(OstiaryError):
    """The request took too long to arrive."""

    code, status = "request.timeout", 408


class UnsupportedMedia(OstiaryError):
    """The request's content type is not one this route takes."""

    code, status = "request.media_type", 415


class InvalidParameters(OstiaryError):
    """The parameters do not fit the contract."""

    code, status = "params.invalid", 422


class NotFound(OstiaryError):
    """There is nothing here by that name."""

    code, status = "not_found", 404


class MethodNotAllowed(OstiaryError):
    """This address does not take that method."""

    code, status = "method.not_allowed", 405


class Conflict(OstiaryError):
    """What you ask does not fit the present state."""

    code, status = "conflict", 409


class WrongHost(OstiaryError):
    """This gateway does not answer to that host name."""

    code, status = "host.refused", 421


class CrossSite(OstiaryError):
    """The request came from another site."""

    code, status = "request.cross_site", 403


# Who asks.


class NotAuthenticated(OstiaryError):
    """Say who you are: a valid credential is required."""

    code, status = "auth.required", 401


class CredentialRefused(OstiaryError):
    """The credential is not valid: unknown, expired or revoked."""

    code, status = "auth.refused", 401


class CodeRefused(OstiaryError):
    """The code is not valid: wrong, used or expired."""

    code, status = "auth.code_refused", 401


class SignatureRefused(OstiaryError):
    """The request's signature is missing, wrong or too old."""

    code, status = "auth.signature_refused", 401


class Replayed(OstiaryError):
    """This signed request has been used before."""

    code, status = "auth.replayed", 409


class StepUpRequired(OstiaryError):
    """Confirm this with your second factor."""

    code, status = "auth.step_up_required", 403


class Forbidden(OstiaryError):
    """Your role does not permit this."""

    code, status = "access.forbidden", 403


class OutOfScope(OstiaryError):
    """This key's scopes do not cover that action."""

    code, status = "access.scope", 403


class WrongSurface(OstiaryError):
    """This action is not offered on that surface."""

    code, status = "access.surface", 403


class NotYourRecord(OstiaryError):
    """There is nothing of yours by that name."""

    code, status = "access.subject", 404


class TooMany(OstiaryError):
    """Too many requests: slow down."""

    code, status = "limit.rate", 429


# What was agreed.


class OffContract(OstiaryError):
    """No such action is agreed: what is off contract is refused."""

    code, status = "contract.unknown", 404


class ContractInvalid(OstiaryError):
    """The contract file does not check."""

    code, status = "contract.invalid", 422


# Consent.


class SelfApproval(OstiaryError):
    """Someone else has to approve this: not the one who asked."""

    code, status = "approval.self", 403


class ApprovalClosed(OstiaryError):
    """This approval is no longer open: decided, expired or withdrawn."""

    code, status = "approval.closed", 409


class ApprovalRejected(OstiaryError):
    """A person said no to this call."""

    code, status = "approval.rejected", 403


class ApprovalExpired(OstiaryError):
    """Nobody decided in time; nothing was done."""

    code, status = "approval.expired", 410


class ApprovalStale(OstiaryError):
    """What was approved is no longer what would run; nothing was done."""

    code, status = "approval.stale", 409


# Doing it once.


class IdempotencyMismatch(OstiaryError):
    """This idempotency key was used with other content."""

    code, status = "idempotency.mismatch", 422


class InFlight(OstiaryError):
    """The same call is still running; ask again for its answer."""

    code, status = "call.in_flight", 409


class OutcomeUnknown(OstiaryError):
    """It is not known whether this was done; a person has to settle it."""

    code, status = "call.unknown", 409


# What we depend on.


class TargetUnavailable(OstiaryError):
    """The connected system did not answer."""

    code, status = "target.unavailable", 502


class TargetTimeout(OstiaryError):
    """The connected system took too long."""

    code, status = "target.timeout", 504


class TargetRefused(OstiaryError):
    """The connected system refused the call."""

    code, status = "target.refused", 502


class TargetAnswerInvalid(OstiaryError):
    """The connected system's answer is not what the contract says."""

    code, status = "target.answer_invalid", 502


class TargetAnswerTooLarge(OstiaryError):
    """The connected system's answer is larger than agreed."""

    code, status = "target.answer_too_large", 502


class AddressRefused(OstiaryError):
    """That address may not be reached from here."""

    code, status = "net.address_refused", 403


class AuditUnavailable(OstiaryError):
    """The audit log cannot be written: no audit, no passage."""

    code, status = "audit.unavailable", 503


class StoreUnavailable(OstiaryError):
    """The database does not answer."""

    code, status = "store.unavailable", 503


class BlobsUnavailable(OstiaryError):
    """The file store does not answer."""

    code, status = "blobs.unavailable", 503


class KeysUnavailable(OstiaryError):
    """The keys cannot be used: nothing is opened or sealed."""

    code, status = "keys.unavailable", 503


class SealBroken(OstiaryError):
    """Sealed content did not open: it was changed, moved or its key is gone."""

    code, status = "keys.seal_broken", 500


class ConfigurationError(Exception):
    """The settings have mistakes; `mistakes` has one sentence for each. Raised at start only, and shown to the operator."""

    def __init__(self, mistakes: list[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = mistakes


def all_errors() -> list[type[OstiaryError]]:
    """Every error that a caller can meet, by code: the source of the reference documentation."""
    found: list[type[OstiaryError]] = [OstiaryError, *OstiaryError.__subclasses__()]
    return sorted(found, key=lambda error: error.code)


def by_code(code: str) -> type[OstiaryError]:
    """The error with this code; OstiaryError itself for one that is not known (any more)."""
    return next((error for error in OstiaryError.__subclasses__() if error.code == code), OstiaryError)

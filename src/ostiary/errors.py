"""Every way in which Ostiary says no, in one place.

Each error has a stable `code`, an HTTP `status`, and a docstring whose first line is the `title` that a stranger may read (RFC 9457).
`detail` is optional and says what to do; it never holds data, a path, SQL or a secret. What is raised here is shown to callers and
recorded; what is not an `OstiaryError` becomes `internal` at the face, with nothing of it shown.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

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


class BodyDropped(OstiaryError):
    """The body of this event was dropped when its time was over; its place in the log is still proven."""

    code, status = "audit.dropped", 410


class OnHold(OstiaryError):
    """A legal hold stands on this: nothing of it is dropped, erased or destroyed."""

    code, status = "retention.hold", 409


class LedgerBroken(OstiaryError):
    """The ledger of erasures is not genuine: nothing is opened before it is."""

    code, status = "erasure.ledger", 500


class MethodNotAllowed(OstiaryError):
    """This address does not take that method."""

    code, status = "method.not_allowed", 405


class Conflict(OstiaryError):
    """What you ask does not fit the present state."""

    code, status = "conflict", 409


class WrongHost(OstiaryError):
    """This gateway does not answer to that host name."""

    code, status = "host.refused", 421


class Elsewhere(OstiaryError):
    """This tenant is served at another address; `url` says where."""

    code, status = "tenant.elsewhere", 421

    def __init__(self, detail: str = "", *, url: str = "", **more: Any) -> None:
        super().__init__(detail, **more)
        self.url = url

    def problem(self, instance: str = "") -> dict[str, object]:
        return {**super().problem(instance), "url": self.url} if self.url else super().problem(instance)


class TenantMoves(OstiaryError):
    """This tenant is moving to other processes: try again in a few seconds."""

    code, status = "tenant.moving", 503


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

    def __init__(self, detail: str = "", *, scope: str = "", **more: Any) -> None:
        """`scope`: what would cover it, for whoever can ask for more."""
        super().__init__(detail, **more)
        self.scope = scope


class WrongSurface(OstiaryError):
    """This action is not offered on that surface."""

    code, status = "access.surface", 403


class NotYourRecord(OstiaryError):
    """There is nothing of yours by that name."""

    code, status = "access.subject", 404


class Stopped(OstiaryError):
    """A person has stopped this; it does not pass until a person lets it go on."""

    code, status = "shield.stopped", 403


class TooMany(OstiaryError):
    """Too many requests: slow down."""

    code, status = "limit.rate", 429

    policy: str = ""
    """The limit that was met, as the RateLimit-Policy header field says it: `"actor";q=100;w=1`."""


class LimitReached(OstiaryError):
    """A limit that somebody set is used up: nothing was done. It says when it begins anew."""

    code, status = "limit.reached", 429


class OutsideHours(OstiaryError):
    """Calls of this kind may not come at this hour: nothing was done."""

    code, status = "limit.hours", 403


class QuotaExceeded(OstiaryError):
    """This tenant has stored as much as it may: remove something, wait until old calls are forgotten, or ask the operator for more. Reading goes on."""

    code, status = "quota.storage", 507


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


class LinkRefused(OstiaryError):
    """This link does not lead to a card."""

    code, status = "approval.link_refused", 403


class ApprovalStale(OstiaryError):
    """What was approved is no longer what would run; nothing was done."""

    code, status = "approval.stale", 409


# An agent's session.


class SessionUnknown(OstiaryError):
    """There is no session by that id."""

    code, status = "session.unknown", 404


class SessionNotYours(OstiaryError):
    """This session was opened for another agent."""

    code, status = "session.not_yours", 403


class SessionClosed(OstiaryError):
    """This session was closed; ask for a new one, or call without."""

    code, status = "session.closed", 409


class SessionExpired(OstiaryError):
    """This session's time is over; ask for a new one, or call without."""

    code, status = "session.expired", 410


class StatementRefused(OstiaryError):
    """This statement of intent does not count: signature, key, agent, time or use do not fit."""

    code, status = "session.statement_refused", 403


class ApprovalAgain(OstiaryError):
    """You have said yes to this already; it takes other people as well."""

    code, status = "approval.again", 409


class AllowanceSpent(OstiaryError):
    """This pre-approval does not cover the call any more: used up, expired or revoked."""

    code, status = "approval.spent", 409


class CallWithdrawn(OstiaryError):
    """Whoever asked has withdrawn this call; nothing was done."""

    code, status = "call.withdrawn", 410


class AnswerUnread(OstiaryError):
    """Nobody read this answer to its end."""

    code, status = "answer.unread", 410


class PolicyInvalid(OstiaryError):
    """The policy does not check."""

    code, status = "policy.invalid", 422


class RedactionInvalid(OstiaryError):
    """The rule set or redaction plan is not in order; each mistake is named."""

    code, status = "redaction.invalid", 422


class RedactionUnfit(OstiaryError):
    """An operator of the plan cannot do its work with a value that was found, and the plan names no other: nothing was given back."""

    code, status = "redaction.unfit", 422


class ProviderUnavailable(OstiaryError):
    """The rule set asks a model provider, and there is none or it did not answer: nothing was redacted by less than was meant."""

    code, status = "detect.provider_unavailable", 503


class ScopeDestroyed(OstiaryError):
    """The key of this scope was destroyed: its tokens open nowhere any more, and no new ones are made."""

    code, status = "redaction.scope_destroyed", 410


class PolicyRefused(OstiaryError):
    """This tenant's policy does not let this happen, and nobody can agree to it."""

    code, status = "policy.refused", 403


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


class JobCrashed(OstiaryError):
    """The job's worker stopped in the middle of the same step again and again, so it is not tried any more."""

    code, status = "job.crashed", 500


# OAuth: what is refused as RFC 6749 section 5.2 names it, behind `oauth.`.


class OAuthRequestInvalid(OstiaryError):
    """The authorization request lacks something, or repeats or misspells it."""

    code, status = "oauth.invalid_request", 400


class OAuthClientRefused(OstiaryError):
    """This client is not known here, or did not prove who it is."""

    code, status = "oauth.invalid_client", 401


class OAuthGrantRefused(OstiaryError):
    """The code or refresh token is not valid: unknown, used, expired or withdrawn."""

    code, status = "oauth.invalid_grant", 400


class OAuthScopeRefused(OstiaryError):
    """A scope that was asked for does not exist."""

    code, status = "oauth.invalid_scope", 400


class OAuthTargetRefused(OstiaryError):
    """The resource that was asked for is not here."""

    code, status = "oauth.invalid_target", 400


class OAuthUnsupported(OstiaryError):
    """This kind of grant is not offered."""

    code, status = "oauth.unsupported_grant_type", 400


class OAuthResponseUnsupported(OstiaryError):
    """This response type is not offered: only code is."""

    code, status = "oauth.unsupported_response_type", 400


class ConnectRequired(OstiaryError):
    """You have not connected your own account at this system: do it in the console, under Connected accounts."""

    code, status = "oauth.connect_required", 403


class ScopeRequired(OstiaryError):
    """The connected system wants more of your account than you have allowed: allow it in the console, under Connected accounts, or leave it."""

    code, status = "oauth.scope_required", 403


class AuthorizationServerRefused(OstiaryError):
    """The authorization server of the connected system said no, or did what the protocol does not allow."""

    code, status = "oauth.upstream_refused", 502


# What we depend on.


class TargetUnavailable(OstiaryError):
    """The connected system did not answer."""

    code, status = "target.unavailable", 502


class TargetTimeout(OstiaryError):
    """The connected system took too long."""

    code, status = "target.timeout", 504


class ToolQuarantined(OstiaryError):
    """The tool is not what was agreed: its server has changed it, or no person has accepted it yet."""

    code, status = "upstream.quarantined", 409


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


class LibraryMissing(OstiaryError):
    """This installation lacks a library that this needs; the operator installs it."""

    code, status = "library.missing", 501


class SourceInvalid(OstiaryError):
    """The policy of a source, or its semantic model, has mistakes."""

    code, status = "source.invalid", 422


class QueryRefused(OstiaryError):
    """The statement is not let through: it does more than read, or reads more than you may."""

    code, status = "query.refused", 422


class QueryHeld(OstiaryError):
    """Somebody has to agree to this statement before it is run."""

    code, status = "query.held", 403


class AuditUnavailable(OstiaryError):
    """The audit log cannot be written: no audit, no passage."""

    code, status = "audit.unavailable", 503


class LogInconsistent(OstiaryError):
    """The audit log does not extend the checkpoint that was published before: it was changed, or an older copy of it was put back."""

    code, status = "audit.inconsistent", 500


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


class RowForged(OstiaryError):
    """A row of the database is not as the gateway wrote it: it is not used. The operator is told which."""

    code, status = "rows.forged", 500


# Documents.


class DocumentFormatUnknown(OstiaryError):
    """This is no format of documents that can be redacted."""

    code, status = "document.format_unknown", 415


class DocumentMalformed(OstiaryError):
    """The document is damaged, or is not what its content or name says."""

    code, status = "document.malformed", 422


class DocumentEncrypted(OstiaryError):
    """The document is encrypted: take the password off first."""

    code, status = "document.encrypted", 422


class DocumentLibraryMissing(OstiaryError):
    """A library that this format needs is not installed: install ostiary[documents]."""

    code, status = "document.library_missing", 501


class DocumentTooLarge(OstiaryError):
    """The document has more bytes than are taken."""

    code, status = "document.too_large", 413


class DocumentUnpacksTooLarge(OstiaryError):
    """Unpacked, the document has more bytes than are taken."""

    code, status = "document.unpacks_too_large", 413


class DocumentTooDeep(OstiaryError):
    """Documents, elements or objects lie deeper within each other than is followed."""

    code, status = "document.too_deep", 422


class DocumentTooManyPieces(OstiaryError):
    """The document has more cells, paragraphs or fields than are taken."""

    code, status = "document.too_many_pieces", 413


class DocumentTooManyPages(OstiaryError):
    """The document has more pages than are taken."""

    code, status = "document.too_many_pages", 413


class DocumentTooManyPixels(OstiaryError):
    """The picture has more pixels than are taken."""

    code, status = "document.too_many_pixels", 413


class DocumentTookTooLong(OstiaryError):
    """The document took longer than it may."""

    code, status = "document.took_too_long", 422


class DocumentTookTooMuchMemory(OstiaryError):
    """The document took more memory than it may."""

    code, status = "document.took_too_much_memory", 422


class DocumentNotRedactable(OstiaryError):
    """What was found cannot be taken out of this document as the plan says."""

    code, status = "document.not_redactable", 422


class DocumentResidue(OstiaryError):
    """Verification found something left of what was to be removed, so there is no output."""

    code, status = "document.residue", 422


class DocumentStopped(OstiaryError):
    """The job that read or exported this document was cancelled, or ended without a word. Export it again; a document that was not read has to be uploaded again."""

    code, status = "document.stopped", 409


class Undecided(OstiaryError):
    """Findings wait for a decision, and this document may be exported only when all are decided."""

    code, status = "document.undecided", 409


class FourEyes(OstiaryError):
    """Who opened this document or decided in it may not export it: somebody else does."""

    code, status = "document.four_eyes", 403


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

"""What the gateway refuses, as exceptions: by the stable `code` of its problem document (RFC 9457), never by its text."""

from typing import Any


class Problem(Exception):
    """The gateway said no. `code` is stable; `title` and `detail` are for people; `faults` are (JSON Pointer, what was expected)."""

    def __init__(
        self, problem: dict[str, Any], *, status: int = 0, retry_after_s: float | None = None
    ) -> None:
        self.code: str = str(problem.get("code", "internal"))
        self.title: str = str(problem.get("title", ""))
        self.detail: str = str(problem.get("detail", ""))
        self.status: int = status or int(problem.get("status", 0) or 0)
        self.retry_after_s = retry_after_s
        self.faults: tuple[tuple[str, str], ...] = tuple(
            (str(each.get("pointer", "")), str(each.get("detail", ""))) for each in problem.get("errors", ())
        )
        told = " ".join(part for part in (self.title, self.detail) if part) or "The gateway refused."
        wrong = "".join(f" {pointer or '/'}: {detail}." for pointer, detail in self.faults)
        super().__init__(f"{told}{wrong} [{self.code}]")


class NotAuthenticated(Problem):
    """No credential, or one that does not count."""


class Forbidden(Problem):
    """Who asks may not; nothing was done."""


class NotFound(Problem):
    """There is nothing of that name, or nothing agreed."""


class InvalidParameters(Problem):
    """`faults` says what is wrong, and where."""


class Rejected(Problem):
    """A person said no, or the tenant's policy does. Nothing was done."""


class ApprovalExpired(Problem):
    """Nobody decided in time. Nothing was done."""


class Stopped(Problem):
    """A person has stopped this agent, this action or everything."""


class LimitReached(Problem):
    """Too fast, or a limit is used up. `retry_after_s` says when to come again."""


class OutcomeUnknown(Problem):
    """It is not known whether it was done: a person settles it. Do not repeat it under another key."""


class GatewayUnavailable(Problem):
    """The gateway, or what it needs, is away; or no answer came."""


_BY_CODE: tuple[tuple[str, type[Problem]], ...] = (
    ("approval.rejected", Rejected),
    ("policy.", Rejected),
    ("approval.expired", ApprovalExpired),
    ("shield.stopped", Stopped),
    ("limit.", LimitReached),
    ("quota.", LimitReached),
    ("call.unknown", OutcomeUnknown),
    ("params.", InvalidParameters),
    ("request.", InvalidParameters),
    ("auth.required", NotAuthenticated),
    ("auth.refused", NotAuthenticated),
    ("contract.unknown", NotFound),
    ("not_found", NotFound),
)
_BY_STATUS: dict[int, type[Problem]] = {
    401: NotAuthenticated,
    403: Forbidden,
    404: NotFound,
    422: InvalidParameters,
    429: LimitReached,
    503: GatewayUnavailable,
    504: GatewayUnavailable,
}


def problem_of(problem: dict[str, Any], *, status: int = 0, retry_after_s: float | None = None) -> Problem:
    """The exception for a problem document."""
    code = str(problem.get("code", ""))
    status = status or int(problem.get("status", 0) or 0)
    kind = next(
        (
            kind
            for known, kind in _BY_CODE
            if code == known or (known.endswith(".") and code.startswith(known))
        ),
        _BY_STATUS.get(status, Problem),
    )
    return kind(problem, status=status, retry_after_s=retry_after_s)

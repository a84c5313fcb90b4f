"""One request at the console: who asks, what they may see, and the three ways to answer (a page, a fragment of one, a redirect).

A handler is `async def page(desk: Desk) -> Response`. It asks the door by `desk.ask(...)` and renders what came back. What the door refuses is
raised as an OstiaryError and becomes a friendly page in `console.py`.
"""

import gzip
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import parse_qsl, quote, urlencode

import jinja2
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ostiary import ids
from ostiary.actions import Actor, ActorKind, Face, JsonValue
from ostiary.asgi.caller import Proxies
from ostiary.clock import Clock
from ostiary.door.outcome import Done, Held, Outcome, Previewed
from ostiary.errors import Conflict, MalformedRequest, NotAuthenticated, OstiaryError
from ostiary.identity.gate import Entrance
from ostiary.identity.presented import Presented
from ostiary.ids import TenantId
from ostiary.secret import Secret
from ostiary.web import words

FORM_FIELDS_MAX = 400
FORM_BYTES_MAX = 1_100_000
"""A contract file of one megabyte, and what surrounds it."""
SCRIPT_POLICY = (
    "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "frame-ancestors 'none'; form-action 'self'; base-uri 'none'; require-trusted-types-for 'script'; trusted-types htmx"
)
"""Never 'strict-dynamic': with it a script in a swapped response would run (tests/web/test_policy.py shows that here it does not)."""
COOKIE_AGE_S = 12 * 3600
"""Not longer than a session lasts by default; the server's own limits decide."""
PATH_CHARACTERS_MAX = 6_000
"""A page that one is taken back to after signing in: an authorization request carries a client's addresses and state."""
THEMES = ("light", "dark")
GZIP_LEVEL = 5
THEME_COOKIE = "ostiary_theme"
YEAR_S = 31_536_000


class Doorway(Protocol):
    """What the console needs of the door."""

    async def enter(self, presented: Presented) -> Entrance: ...

    async def call(
        self, entrance: Entrance, name: str, raw: JsonValue, *, face: Face, key: str = "", behalf: str = ""
    ) -> Outcome: ...


class Watching(Protocol):
    """What the console needs to learn of changes (`consent.watch.Watch`)."""

    def version(self, tenant: TenantId) -> int: ...

    async def beyond(self, tenant: TenantId, seen: int, timeout_s: float) -> int: ...


class Taken(Protocol):
    """What was uploaded: SHA-256, hexadecimal."""

    @property
    def digest(self) -> str: ...


class Intake(Protocol):
    """Where uploaded bytes go (`review.intake`), once their ticket was used up through the door."""

    async def take(self, tenant: TenantId, upload: str, pieces: AsyncIterator[bytes]) -> Taken: ...


@dataclass(frozen=True, slots=True)
class Fittings:
    """What `app` gives the console.

    watch: changes of approvals and calls; documents: of documents under review. origins: our own addresses, as browsers send them in Origin. secure: they are https, here or at the proxy. mailed: whether sign-in codes go by
    mail; `code_place` says in words where they go otherwise, as in "shown on the gateway's terminal".
    """

    door: Doorway
    watch: Watching
    documents: Watching
    clock: Clock
    proxies: Proxies
    origins: frozenset[str]
    secure: bool
    mailed: bool
    code_place: str = "shown on the gateway's terminal"
    stopping: Callable[[], bool] = lambda: False
    """Whether the server is asked to stop: open event streams end then, so that nobody waits for them."""
    intake: Intake | None = None
    """Where uploads go; None: nothing can be uploaded here."""

    @property
    def cookie(self) -> str:
        """The session cookie's name: `__Host-` binds it to this host over TLS; plain http is only ever loopback."""
        return "__Host-ostiary" if self.secure else "ostiary"


@dataclass(frozen=True, slots=True)
class Place:
    """A page of the console: `permission` is what one must hold for it to be worth showing; empty for everyone who is signed in. `under` is the place at
    the left that it belongs to; search finds it, and the pages there link to it."""

    path: str
    title: str
    icon: str
    permission: str = ""
    hint: str = ""
    under: str = ""


PLACES: tuple[Place, ...] = (
    Place("/", "Overview", "overview", "", "what happens now"),
    Place("/approvals", "Approvals", "approvals", "approval.read", "what waits for a yes or a no"),
    Place("/sessions", "Sessions", "said", "approval.read", "what people asked agents to do"),
    Place("/calls", "Calls", "calls", "call.read", "what was asked to change, and what became of it"),
    Place("/jobs", "Jobs", "jobs", "approval.decide", "long work, and how far it is"),
    Place("/contracts", "Contracts", "contracts", "contract.read", "what an AI may ask for"),
    Place("/ask", "Ask", "said", "source.ask", "questions to databases, in SQL"),
    Place("/discovery", "Discovery", "search", "privacy.discover", "where sensitive data lies"),
    Place("/connectors", "Connectors", "connectors", "connector.read", "the systems behind the door"),
    Place("/sources", "Sources", "database", "source.manage", "databases that can be asked, and by whom"),
    Place("/documents", "Documents", "copy", "document.review", "what is found in a document, and what goes"),
    Place("/keys", "API keys", "keys", "key.read", "what programs and agents come in with"),
    Place("/members", "Members", "members", "member.read", "who is here"),
    Place("/audit", "Audit", "audit", "audit.read", "what happened, with proof"),
    Place("/settings", "Settings", "settings", "", "your account, second factor and sessions"),
    Place("/audit/checkpoints", "Checkpoints", "seal", "audit.read", "published, cosigned, sent", "/audit"),
    Place("/dashboards", "Dashboards", "overview", "source.ask", "saved questions side by side", "/ask"),
    Place("/roles", "Roles", "members", "member.read", "who may do what", "/members"),
    Place("/connected", "Connected", "keys", "", "agents that act for you, your accounts elsewhere", "/settings"),
    Place("/intent-keys", "Intent keys", "said", "intent.manage", "whose signatures count as people's words", "/settings"),
    Place("/issuers", "Trusted issuers", "globe", "tenant.manage", "whose tokens let agents in", "/settings"),
    Place("/masking", "Masking", "masking", "privacy.read", "who sees which sensitive values", "/settings"),
    Place("/redaction", "Redaction plans", "masking", "privacy.read", "what becomes of sensitive values in texts", "/settings"),
    Place("/retention", "Retention and holds", "lock", "retention.manage", "how long data is kept", "/settings"),
    Place("/retention/erase", "Erase a person", "person", "subject.erase", "with a signed certificate", "/settings"),
    Place("/encryption", "Encryption keys", "keys", "tenant.manage", "versions, rotation", "/settings"),
    Place("/allowances", "Allowed beforehand", "approvals", "approval.decide", "yes in advance, and what is left of it", "/approvals"),
    Place("/policy", "Policy", "contracts", "policy.read", "the mode, and what is asked and refused", "/settings"),
    Place("/limits", "Limits", "wait", "limit.manage", "how much, how often, at which hours", "/settings"),
    Place("/webhooks", "Webhooks", "right", "webhook.read", "who is told of what, signed", "/settings"),
    Place("/quotas", "Quotas", "database", "tenant.manage", "what a tenant may use, and uses", "/settings"),
    Place("/install/webhooks", "Operator's webhooks", "right", "install.manage", "who is told of backups, tenants, keys, upgrades", "/settings"),
    Place("/backups", "Backups", "database", "install.manage", "the last one, and whether it was proven", "/settings"),
)  # fmt: skip


@dataclass(slots=True)
class Desk:
    """One request. `form` is empty for a GET."""

    request: Request
    fittings: Fittings
    jinja: jinja2.Environment
    entrance: Entrance
    presented: Presented
    form: Mapping[str, str] = field(default_factory=dict)
    lists: Mapping[str, list[str]] = field(default_factory=dict)
    nonce: str = field(default_factory=lambda: ids.token(22))
    seen: int = 0
    """The tenant's version (`Watching`) before anything of the page was read: what changes after it is told by the stream."""
    session: Secret | None = None
    """A session token that this request was given: it becomes the cookie of the answer."""

    @property
    def actor(self) -> Actor:
        return self.entrance.actor

    @property
    def signed_in(self) -> bool:
        return self.actor.kind is ActorKind.PERSON

    @property
    def partial(self) -> bool:
        """htmx asks for a part of the page."""
        return self.request.headers.get("hx-request") == "true"

    def path(self, name: str) -> str:
        return str(self.request.path_params[name])

    def query(self, name: str, default: str = "") -> str:
        return self.request.query_params.get(name, default)

    def may(self, permission: str) -> bool:
        return not permission or permission in self.actor.permissions

    async def ask(self, name: str, params: JsonValue = None) -> Any:
        """The result of one call through the door. Raises what the door raises; Conflict when a person has to agree to it first."""
        outcome = await self.fittings.door.call(self.entrance, name, params or {}, face=Face.CONSOLE)
        match outcome:
            case Done():
                return outcome.result
            case Held():
                raise Conflict("This waits for another person now: see Approvals.")
            case Previewed():
                raise Conflict("That was only tried.")

    def keep_session(self, opened: Mapping[str, JsonValue]) -> None:
        """Signing in, stepping up and enrolling give a fresh token: it goes into a cookie that scripts cannot read, and nowhere else."""
        self.session = Secret(str(opened["secret"]))

    async def ask_or(self, default: JsonValue, name: str, params: JsonValue = None) -> Any:
        """The same, for a part of a page that may be missing: what is refused gives `default`, and the page stands."""
        try:
            return await self.ask(name, params)
        except NotAuthenticated:
            raise
        except OstiaryError:
            return default

    def now_us(self) -> int:
        return self.fittings.clock.now_us()

    async def page(self, template: str, *, status: int = 200, bare: bool = False, **context: Any) -> Response:
        """A whole page in its frame; `bare` for the pages before one is signed in."""
        frame: dict[str, Any] = {}
        if self.signed_in and not bare:
            frame = await self._frame()
        return self._html(template, {**frame, **context}, status, bare=bare)

    def part(self, template: str, **context: Any) -> Response:
        """A piece of a page, for a swap."""
        return self._html(template, context, 200, bare=False)

    def go(self, path: str, note: str = "", **query: str) -> Response:
        """See other (303): after a form, so that a reload sends nothing twice. `note` is a word of `words.NOTES`."""
        asked = {**query, **({"note": note} if note else {})}
        address = quote(path, safe="/?&=%+,:*") + ("?" + urlencode(asked) if asked else "")
        return RedirectResponse(address, 303, headers={"Cache-Control": "no-store"})

    def html_headers(self) -> dict[str, str]:
        return {
            "Content-Security-Policy": SCRIPT_POLICY.format(nonce=self.nonce),
            "Cache-Control": "no-store",
            "Vary": "Accept-Encoding, Cookie, HX-Request",
        }

    def _html(self, template: str, context: Mapping[str, Any], status: int, *, bare: bool) -> Response:
        theme = self.request.cookies.get(THEME_COOKIE, "")
        shared = {
            "desk": self,
            "nonce": self.nonce,
            "theme": theme if theme in THEMES else "",
            "now_us": self.now_us(),
            "seen": self.seen,
            "here": self.request.url.path,
            "at": _under(self.request.url.path),
            "note": words.NOTES.get(self.query("note"), ""),
            "places": [place for place in PLACES if self.may(place.permission)],
            "signed_in": self.signed_in and not bare,
        }
        text = self.jinja.get_template(template).render({**shared, **context}).encode()
        headers = self.html_headers()
        # Only pages that were asked for by GET: a secret is only ever in the answer to a form, and is never compressed beside what a caller sent.
        if self.request.method == "GET" and "gzip" in self.request.headers.get("accept-encoding", ""):
            text = gzip.compress(text, GZIP_LEVEL, mtime=0)
            headers["Content-Encoding"] = "gzip"
        return Response(text, status, headers, "text/html; charset=utf-8")

    async def _frame(self) -> dict[str, Any]:
        me = await self.ask_or({}, "me.show")
        waiting = 0
        if self.may("approval.read"):
            waiting = (await self.ask_or({}, "approval.list", {"limit": 1})).get("waiting", 0)
        here = [row["name"] for row in me.get("tenants", []) if row["tenant"] == self.actor.tenant]
        return {"me": me, "waiting": waiting, "tenant_name": here[0] if here else "Ostiary"}


def _under(path: str) -> str:
    """The place at the left under which a page is; empty for none."""
    found = [place for place in PLACES if path == place.path or path.startswith(place.path.rstrip("/") + "/")]
    nearest = max(found, key=lambda place: len(place.path), default=None)
    return (nearest.under or nearest.path) if nearest and (nearest.path != "/" or path == "/") else ""


def read_form(body: bytes, kind: str) -> tuple[dict[str, str], dict[str, list[str]]]:
    """An urlencoded form: the last value of each field, and all of them. Raises MalformedRequest."""
    if not body:
        return {}, {}
    if not kind.startswith("application/x-www-form-urlencoded") or len(body) > FORM_BYTES_MAX:
        raise MalformedRequest("Send the form as the page gives it.")
    try:
        pairs = parse_qsl(
            body.decode(),
            keep_blank_values=True,
            strict_parsing=True,
            max_num_fields=FORM_FIELDS_MAX,
            errors="strict",
        )
    except ValueError:
        raise MalformedRequest("Send the form as the page gives it.") from None
    lists: dict[str, list[str]] = {}
    for name, value in pairs:
        lists.setdefault(name, []).append(value.replace("\r\n", "\n"))
    return {name: values[-1] for name, values in lists.items()}, lists


def within(path: str) -> str:
    """A path of our own to go back to, else the overview: never an address elsewhere."""
    fine = (
        path.startswith("/")
        and not path.startswith(("//", "/\\"))
        and "\n" not in path
        and len(path) < PATH_CHARACTERS_MAX
    )
    return path if fine else "/"

"""The console's pages and where they are. One list; each line names the method, the path and the handler.

`endpoint` is the way in for all of them: who is calling, whether a form came from our own page, a second factor that came with it, and the door's
refusals as pages that say what happened, what it means and what to do.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import jinja2
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from ostiary import log
from ostiary.actions import Actor, ActorKind, Face
from ostiary.asgi.caller import presented
from ostiary.asgi.guard import SAFE_METHODS, same_site
from ostiary.asgi.wire import read_body, target
from ostiary.errors import (
    CodeRefused,
    CredentialRefused,
    Elsewhere,
    InvalidParameters,
    NotAuthenticated,
    NotFound,
    OstiaryError,
    StepUpRequired,
)
from ostiary.identity.gate import Entrance
from ostiary.identity.presented import Presented
from ostiary.ids import INSTALL
from ostiary.secret import Secret
from ostiary.web import (
    agent_sessions,
    allowances,
    approvals,
    ask,
    assets,
    audit,
    backups,
    calls,
    checkpoints,
    connectors,
    contracts,
    dashboards,
    discovery,
    documents,
    encryption,
    imports,
    intent_keys,
    issuers,
    jobs,
    keys,
    limits,
    live,
    masking,
    members,
    models,
    oauth,
    overview,
    policy,
    quotas,
    redaction,
    render,
    retention,
    search,
    settings,
    signin,
    sources,
    upstreams,
    webhooks,
    words,
)
from ostiary.web.desk import COOKIE_AGE_S, FORM_BYTES_MAX, Desk, Fittings, read_form, within

Handler = Callable[[Desk], Awaitable[Response]]
SECOND_FACTOR_FIELD = "second_factor"
_LOG = log.get("web")
_ANONYMOUS = Actor(INSTALL, ActorKind.ANONYMOUS, "")

PUBLIC: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "/sign-in", signin.ask_email),
    ("POST", "/sign-in", signin.request_code),
    ("POST", "/sign-in/code", signin.start),
    ("GET", "/sign-in/second-factor", signin.ask_second_factor),
    ("POST", "/sign-in/second-factor", signin.second_factor),
    ("POST", "/sign-out", signin.sign_out),
    ("GET", "/setup", signin.ask_setup),
    ("POST", "/setup", signin.setup),
    ("POST", "/theme", settings.theme),
)

PAGES: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "/", overview.page),
    ("GET", "/overview/waiting", overview.waiting),
    ("GET", "/events", live.events),
    ("GET", "/search", search.page),
    ("GET", "/approvals", approvals.listed),
    ("GET", "/approvals/list", approvals.list_part),
    ("GET", "/approvals/open", webhooks.follow),
    ("GET", "/approvals/{approval_id}", approvals.one),
    ("GET", "/approvals/{approval_id}/card", approvals.card_part),
    ("POST", "/approvals/{approval_id}/approve", approvals.approve),
    ("POST", "/approvals/{approval_id}/reject", approvals.reject),
    ("GET", "/sessions", agent_sessions.listed),
    ("POST", "/sessions", agent_sessions.open_),
    ("GET", "/sessions/new", agent_sessions.ask_new),
    ("GET", "/sessions/{session_id}", agent_sessions.one),
    ("POST", "/sessions/{session_id}/words", agent_sessions.say),
    ("POST", "/sessions/{session_id}/close", agent_sessions.close),
    ("GET", "/calls", calls.listed),
    ("GET", "/calls/{call_id}", calls.one),
    ("POST", "/calls/{call_id}/settle", calls.settle),
    ("GET", "/contracts", contracts.listed),
    ("GET", "/contracts/apply", contracts.ask_file),
    ("POST", "/contracts/check", contracts.check),
    ("POST", "/contracts/apply", contracts.apply),
    ("GET", "/contracts/imports", imports.listed),
    ("POST", "/contracts/imports", imports.make),
    ("GET", "/contracts/imports/{import_id}", imports.one),
    ("POST", "/contracts/imports/{import_id}/accept", imports.accept),
    ("POST", "/contracts/imports/{import_id}/discard", imports.discard),
    ("GET", "/contracts/imports/{import_id}/draft", imports.draft),
    ("POST", "/contracts/imports/{import_id}/draft", imports.save),
    ("GET", "/contracts/{name}", contracts.one),
    ("POST", "/contracts/{name}/remove", contracts.remove),
    ("GET", "/ask", ask.page),
    ("POST", "/ask", ask.work),
    ("POST", "/ask/words", ask.in_words),
    ("POST", "/ask/weigh", ask.weigh),
    ("POST", "/ask/rows", ask.rows),
    ("POST", "/ask/stream", ask.stream),
    ("POST", "/ask/agree", ask.agree),
    ("GET", "/dashboards", dashboards.listed),
    ("POST", "/dashboards", dashboards.make),
    ("GET", "/dashboards/{dashboard}", dashboards.one),
    ("POST", "/dashboards/{dashboard}", dashboards.work),
    ("GET", "/sources", sources.listed),
    ("GET", "/sources/{name}", sources.one),
    ("POST", "/sources/{name}", sources.work),
    ("GET", "/sources/{name}/model", models.one),
    ("POST", "/sources/{name}/model", models.work),
    ("GET", "/connectors", connectors.listed),
    ("POST", "/connectors", connectors.save),
    ("GET", "/connectors/new", connectors.ask_new),
    ("GET", "/connectors/{name}", connectors.one),
    ("GET", "/connectors/{name}/change", connectors.ask_change),
    ("POST", "/connectors/{name}/test", connectors.test),
    ("GET", "/connectors/{name}/tools", upstreams.one),
    ("POST", "/connectors/{name}/tools/look", upstreams.look),
    ("POST", "/connectors/{name}/tools/accept", upstreams.accept),
    ("POST", "/connectors/{name}/tools/refuse", upstreams.refuse),
    ("POST", "/connectors/{name}/rotate", connectors.rotate),
    ("POST", "/connectors/{name}/remove", connectors.remove),
    ("GET", "/audit", audit.page),
    ("GET", "/audit/checkpoint", audit.checkpoint),
    ("GET", "/audit/export", audit.export),
    ("POST", "/audit/verify", audit.verify),
    ("GET", "/audit/verifier", checkpoints.verifier),
    ("GET", "/audit/checkpoints", checkpoints.page),
    ("POST", "/audit/checkpoints", checkpoints.save),
    ("POST", "/audit/checkpoints/publish", checkpoints.publish),
    ("POST", "/audit/checkpoints/secret", checkpoints.renew),
    ("GET", "/audit/checkpoints/{size}", checkpoints.file),
    ("POST", "/audit/{event_id}/reveal", audit.reveal),
    ("GET", "/jobs", jobs.listed),
    ("POST", "/jobs", jobs.start),
    ("GET", "/jobs/{job_id}", jobs.one),
    ("GET", "/jobs/{job_id}/file", jobs.fetch),
    ("POST", "/jobs/{job_id}/cancel", jobs.cancel),
    ("POST", "/jobs/{job_id}/retry", jobs.retry),
    ("GET", "/documents", documents.listed),
    ("GET", "/documents/{document_id}", documents.one),
    ("GET", "/documents/{document_id}/events", live.document_events),
    ("GET", "/documents/{document_id}/standing", documents.standing),
    ("GET", "/documents/{document_id}/pages/{page}", documents.picture),
    ("GET", "/documents/{document_id}/file/{what}", documents.fetch),
    ("GET", "/documents/{document_id}/key", documents.key),
    ("POST", "/documents/{document_id}/decide", documents.decide),
    ("POST", "/documents/{document_id}/add", documents.add),
    ("POST", "/documents/{document_id}/undo", documents.undo),
    ("POST", "/documents/{document_id}/export", documents.export),
    ("POST", "/documents/{document_id}/remove", documents.remove),
    ("GET", "/keys", keys.listed),
    ("POST", "/keys", keys.create),
    ("GET", "/keys/new", keys.ask_new),
    ("GET", "/keys/{key_id}", keys.one),
    ("POST", "/keys/{key_id}/rotate", keys.rotate),
    ("POST", "/keys/{key_id}/signing-secret", keys.signing_secret),
    ("POST", "/keys/{key_id}/revoke", keys.revoke),
    ("POST", "/keys/{key_id}/stop", keys.stop),
    ("POST", "/keys/{key_id}/resume", keys.resume),
    ("GET", "/members", members.listed),
    ("POST", "/members", members.add),
    ("POST", "/members/{person}/role", members.change_role),
    ("POST", "/members/{person}/remove", members.remove),
    ("GET", "/roles", members.roles),
    ("POST", "/roles", members.put_role),
    ("GET", "/roles/matrix", members.matrix),
    ("POST", "/roles/{name}/remove", members.remove_role),
    ("GET", "/masking", masking.page),
    ("POST", "/masking", masking.save),
    ("GET", "/discovery", discovery.listed),
    ("POST", "/discovery", discovery.save),
    ("GET", "/discovery/new", discovery.ask_new),
    ("GET", "/discovery/{place}", discovery.one),
    ("GET", "/discovery/{place}/change", discovery.ask_change),
    ("POST", "/discovery/{place}/act", discovery.act),
    ("POST", "/discovery/{place}/test", discovery.test),
    ("POST", "/discovery/{place}/remove", discovery.remove),
    ("GET", "/discovery/{place}/report/{form}", discovery.report),
    ("GET", "/redaction", redaction.listed),
    ("GET", "/redaction/scopes/{name}", redaction.scope),
    ("POST", "/redaction/scopes/{name}/destroy", redaction.destroy),
    ("GET", "/redaction/{kind}", redaction.one),
    ("POST", "/redaction/{kind}", redaction.work),
    ("POST", "/redaction/{kind}/look", redaction.look),
    ("POST", "/redaction/{kind}/shape", redaction.shape),
    ("GET", "/retention", retention.page),
    ("POST", "/retention/rules", retention.put_rule),
    ("POST", "/retention/holds", retention.place),
    ("POST", "/retention/holds/{hold_id}/release", retention.release),
    ("GET", "/retention/erase", retention.ask_whom),
    ("POST", "/retention/preview", retention.preview),
    ("POST", "/retention/erasures", retention.erase),
    ("GET", "/retention/erasures/{erasure_id}", retention.one),
    ("GET", "/retention/erasures/{erasure_id}/certificate", retention.certificate),
    ("POST", "/retention/end", retention.end),
    ("POST", "/retention/keep", retention.keep),
    ("GET", "/encryption", encryption.page),
    ("POST", "/encryption", encryption.rotate),
    ("GET", "/policy", policy.page),
    ("POST", "/policy", policy.work),
    ("GET", "/allowances", allowances.page),
    ("POST", "/allowances", allowances.allow),
    ("POST", "/allowances/{allowance_id}/take-back", allowances.take_back),
    ("GET", "/limits", limits.page),
    ("POST", "/limits", limits.add),
    ("POST", "/limits/{limit_id}", limits.change),
    ("POST", "/limits/{limit_id}/remove", limits.remove),
    ("GET", "/webhooks", webhooks.listed),
    ("POST", "/webhooks", webhooks.create),
    ("GET", "/webhooks/new", webhooks.ask_new),
    ("POST", "/webhooks/mailing", webhooks.save_mailing),
    ("GET", "/webhooks/deliveries/{delivery_id}", webhooks.delivery),
    ("POST", "/webhooks/deliveries/{delivery_id}/replay", webhooks.replay),
    ("GET", "/webhooks/{endpoint_id}", webhooks.one),
    ("POST", "/webhooks/{endpoint_id}", webhooks.change),
    ("POST", "/webhooks/{endpoint_id}/pause", webhooks.pause),
    ("POST", "/webhooks/{endpoint_id}/resume", webhooks.resume),
    ("POST", "/webhooks/{endpoint_id}/rotate", webhooks.rotate),
    ("POST", "/webhooks/{endpoint_id}/test", webhooks.test),
    ("POST", "/webhooks/{endpoint_id}/replay", webhooks.replay_range),
    ("POST", "/webhooks/{endpoint_id}/remove", webhooks.remove),
    ("GET", "/install/webhooks", webhooks.listed),
    ("POST", "/install/webhooks", webhooks.create),
    ("GET", "/install/webhooks/new", webhooks.ask_new),
    ("GET", "/install/webhooks/deliveries/{delivery_id}", webhooks.delivery),
    ("POST", "/install/webhooks/deliveries/{delivery_id}/replay", webhooks.replay),
    ("GET", "/install/webhooks/{endpoint_id}", webhooks.one),
    ("POST", "/install/webhooks/{endpoint_id}", webhooks.change),
    ("POST", "/install/webhooks/{endpoint_id}/pause", webhooks.pause),
    ("POST", "/install/webhooks/{endpoint_id}/resume", webhooks.resume),
    ("POST", "/install/webhooks/{endpoint_id}/rotate", webhooks.rotate),
    ("POST", "/install/webhooks/{endpoint_id}/test", webhooks.test),
    ("POST", "/install/webhooks/{endpoint_id}/replay", webhooks.replay_range),
    ("POST", "/install/webhooks/{endpoint_id}/remove", webhooks.remove),
    ("GET", "/quotas", quotas.page),
    ("POST", "/quotas", quotas.save),
    ("GET", "/backups", backups.page),
    ("GET", "/oauth/authorize", oauth.authorize),
    ("POST", "/oauth/authorize", oauth.decide),
    ("GET", "/oauth/callback", oauth.callback),
    ("GET", "/connected", oauth.page),
    ("POST", "/connected/grants/{grant}/withdraw", oauth.withdraw),
    ("POST", "/connected/accounts/{connector}/connect", oauth.connect),
    ("POST", "/connected/accounts/{connector}/disconnect", oauth.disconnect),
    ("POST", "/connected/clients", oauth.register),
    ("POST", "/connected/clients/{client}/remove", oauth.remove),
    ("GET", "/issuers", issuers.page),
    ("POST", "/issuers", issuers.trust),
    ("POST", "/issuers/{issuer_id}/forget", issuers.forget),
    ("GET", "/intent-keys", intent_keys.page),
    ("POST", "/intent-keys", intent_keys.register),
    ("POST", "/intent-keys/{intent_key_id}/revoke", intent_keys.revoke),
    ("GET", "/settings", settings.page),
    ("POST", "/settings/totp", settings.enrol),
    ("POST", "/settings/totp/confirm", settings.confirm),
    ("POST", "/settings/totp/remove", settings.remove_factor),
    ("POST", "/settings/sessions/end", settings.end_session),
    ("POST", "/settings/sessions/end-all", settings.end_all),
    ("POST", "/tenants", settings.create_tenant),
    ("POST", "/tenants/switch", settings.switch_tenant),
)

UPLOADS: tuple[tuple[str, str, Handler], ...] = (("POST", "/documents", documents.upload),)
"""Their bodies are read by the handler as they come, and are no forms of `desk.form`."""


def routes(fittings: Fittings) -> list[BaseRoute]:
    """Every page of the console, and its static files. Raises ConfigurationError when the console has not been built."""
    built = assets.load()
    jinja = render.environment(built)
    made: list[BaseRoute] = [assets.route(built)]
    for listed, public in ((PUBLIC, True), (PAGES, False)):
        for method, path, handler in listed:
            made.append(Route(path, Endpoint(handler, fittings, jinja, public=public), methods=[method]))
    for method, path, handler in UPLOADS:
        endpoint = Endpoint(handler, fittings, jinja, public=False, streamed=True)
        made.append(Route(path, endpoint, methods=[method]))
    return made


class Endpoint:
    """One page as an ASGI application."""

    def __init__(
        self, handler: Handler, fittings: Fittings, jinja: jinja2.Environment, *, public: bool, streamed: bool = False
    ) -> None:  # fmt: skip
        self._streamed = streamed
        self._handler = handler
        self._fittings = fittings
        self._jinja = jinja
        self._public = public

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except Exception as fault:  # noqa: BLE001 - a mistake of ours: it is logged, and nothing of it is shown
            _LOG.error("console.broke", error=type(fault).__name__, handler=self._handler.__qualname__)
            response = await problem(self._nobody(request), OstiaryError())
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        nobody = self._nobody(request)
        if elsewhere := localhost_of(request, self._fittings.origins):
            return RedirectResponse(elsewhere, 307, {"Cache-Control": "no-store"})
        try:
            same_site(request.scope, self._fittings.origins)
            body = (
                b""
                if request.method in SAFE_METHODS or self._streamed
                else await read_body(request.scope, request.receive, FORM_BYTES_MAX)
            )
            form, lists = read_form(body, request.headers.get("content-type", ""))
            cookie = request.cookies.get(self._fittings.cookie, "")
            shown = presented(
                request.scope,
                body,
                Face.CONSOLE,
                self._fittings.proxies,
                session=Secret(cookie) if cookie else None,
            )
            entrance = await self._enter(shown)
        except OstiaryError as error:
            return await problem(nobody, error)
        desk = Desk(request, self._fittings, self._jinja, entrance, shown, form, lists)
        desk.seen = self._fittings.watch.version(desk.actor.tenant)
        try:
            response = await self._handle(desk)
        except StepUpRequired:
            response = await step_up(desk)
        except OstiaryError as error:
            response = await problem(desk, error)
        return with_session(desk, response)

    def _nobody(self, request: Request) -> Desk:
        return Desk(request, self._fittings, self._jinja, Entrance(_ANONYMOUS), Presented(Face.CONSOLE))

    async def _enter(self, shown: Presented) -> Entrance:
        """Who asks; a session that is over is nobody, on the pages where nobody may be."""
        try:
            return await self._fittings.door.enter(shown)
        except CredentialRefused:
            return Entrance(_ANONYMOUS)

    async def _handle(self, desk: Desk) -> Response:
        if not self._public and not desk.signed_in:
            return to_sign_in(desk)
        if desk.signed_in and SECOND_FACTOR_FIELD in desk.form:
            try:
                desk.keep_session(
                    await desk.ask(
                        "session.step_up", {"code": desk.form[SECOND_FACTOR_FIELD].replace(" ", "")}
                    )
                )
            except (CodeRefused, InvalidParameters):
                return await step_up(desk, wrong=True)
            desk.presented = replace(desk.presented, session=desk.session)
            desk.entrance = await self._fittings.door.enter(desk.presented)
        return await self._handler(desk)


def localhost_of(request: Request, origins: frozenset[str]) -> str:
    """Where a page that was opened as 127.0.0.1 is, when we are `localhost`: cookies and forms belong to one name. Empty for all others."""
    host, _, port = request.headers.get("host", "").rpartition(":")
    ours = f"http://localhost:{port}"
    if request.method != "GET" or host not in ("127.0.0.1", "[::1]") or ours not in origins:
        return ""
    return ours + target(request.scope)


def with_session(desk: Desk, response: Response) -> Response:
    """The answer, with the cookie of a session that was opened or renewed on the way."""
    if desk.session is not None:
        response.set_cookie(
            desk.fittings.cookie, desk.session.reveal(), max_age=COOKIE_AGE_S, path="/", secure=desk.fittings.secure, httponly=True,
            samesite="lax",
        )  # fmt: skip
    return response


def to_sign_in(desk: Desk) -> Response:
    """To the sign-in page and back afterwards; a part of a page, or a stream, is told to load that page instead."""
    path = desk.request.url.path
    if desk.partial or path == "/events":
        return Response(
            "Sign in.", 401, {"HX-Redirect": "/sign-in", "Cache-Control": "no-store"}, "text/plain"
        )
    after = path + (f"?{desk.request.url.query}" if desk.request.url.query else "")
    if desk.request.method != "GET" or after == "/":
        return desk.go("/sign-in")
    return desk.go("/sign-in", next=within(after))


async def to_another(desk: Desk, url: str) -> Response:
    """To where this tenant is served (an operator's own address, from the table of pinned tenants); one signs in there. By Refresh, since the policy lets no
    form lead away from here, not by redirects either."""
    if desk.partial or desk.request.url.path == "/events":
        headers = {"HX-Redirect": f"{url}/", "Cache-Control": "no-store"}
        return Response("This tenant is served elsewhere.", 421, headers, "text/plain")
    response = await desk.page(
        "problem.html", status=421, title=Elsewhere.title(), detail=f"It is served at {url}", faults=(),
        meaning="You are taken there; sign in there with your email.", remedy="", code=Elsewhere.code, back=f"{url}/",
    )  # fmt: skip
    response.headers["Refresh"] = f"1; url={url}/"
    return response


async def step_up(desk: Desk, *, wrong: bool = False) -> Response:
    """Ask for the second factor in place: the form that was sent is kept in the page and goes again with the code."""
    me = await desk.ask_or({}, "me.show")
    kept = [
        (name, value)
        for name, values in desk.lists.items()
        if name != SECOND_FACTOR_FIELD
        for value in values
    ]
    return await desk.page(
        "step_up.html",
        status=403,
        action=desk.request.url.path,
        kept=kept,
        wrong=wrong,
        enrolled=bool(me.get("second_factor")),
        back=_back(desk),
    )


async def problem(desk: Desk, error: OstiaryError) -> Response:
    """What happened, what it means, what to do."""
    if isinstance(error, NotAuthenticated):
        return to_sign_in(desk)
    if isinstance(error, Elsewhere) and error.url:
        return await to_another(desk, error.url)
    meaning = "Nothing was changed." if desk.request.method != "GET" else "The page cannot be shown."
    if error.status >= 500 and desk.request.method != "GET":
        meaning = "It may or may not have been done: look before you send it again."
    if isinstance(error, NotFound):
        meaning = "It never existed, was removed, or belongs to another tenant."
    response = await desk.page(
        "problem.html", status=error.status, title=error.title(), detail=error.detail, faults=error.faults, meaning=meaning,
        remedy=words.REMEDIES.get(error.code, ""), code=error.code, back=_back(desk),
    )  # fmt: skip
    if error.retry_after_s is not None:
        response.headers["Retry-After"] = str(error.retry_after_s)
    return response


def _back(desk: Desk) -> str:
    """The page that the form was on, as far as its path says."""
    parts = desk.request.url.path.rstrip("/").split("/")
    return "/".join(parts[:-1]) if desk.request.method != "GET" and len(parts) > 2 else "/"

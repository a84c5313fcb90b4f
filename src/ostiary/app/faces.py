"""The faces of a process that has them: REST, MCP, the log for outsiders and the console, each with its part of the paths."""

from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

from starlette.routing import Router

from ostiary import config
from ostiary.app.dispatch import nowhere
from ostiary.app.probes import PATHS as PROBE_PATHS
from ostiary.app.probes import Probes
from ostiary.asgi.caller import Proxies
from ostiary.asgi.challenged import challenged
from ostiary.asgi.traced import traced
from ostiary.asgi.wire import App, Receive, Scope, Send
from ostiary.identity.standing import standing
from ostiary.mcp_server.face import McpFace
from ostiary.mcp_server.passthrough import PREFIX as PASSED_PREFIX
from ostiary.mcp_server.passthrough import Passthrough
from ostiary.mcp_server.passthrough_calls import Through
from ostiary.mcp_server.passthrough_streams import Streams
from ostiary.mcp_server.sealed_session import Sessions
from ostiary.oauth.scopes import LEAST
from ostiary.oauth_server.face import OAuthFace, takes
from ostiary.rest.face import RestFace
from ostiary.tlog.face import PREFIX as TLOG_PREFIX
from ostiary.tlog.face import TlogFace
from ostiary.web.console import routes
from ostiary.web.desk import Fittings

if TYPE_CHECKING:
    from ostiary.app.gateway import Gateway

REST_PREFIXES = ("/v1/", "/openapi.json", "/docs")


class Faces:
    """`asgi` answers every path; `running` has to be entered while it does."""

    def __init__(self, gateway: "Gateway", probes: Probes, proxies: Proxies) -> None:
        settings = gateway.settings
        rest = RestFace(
            gateway.door,
            gateway.registry,
            proxies,
            gateway.documents.intake,
            body_bytes_max=settings.body_bytes_max,
            public_url=settings.public_url,
        )
        self.mcp = McpFace(
            gateway.door, gateway.ledger, gateway.vault, gateway.clock, proxies, hosts=config.allowed_hosts(settings),
            wait_s=settings.mcp_wait_s, body_bytes_max=settings.body_bytes_max, public_url=settings.public_url,
        )  # fmt: skip
        through = Through(
            gateway.door, gateway.ledger, gateway.book, gateway.masker, gateway.vault, gateway.clock, wait_s=settings.mcp_wait_s
        )  # fmt: skip
        streams = Streams(
            gateway.door, through, gateway.upstreams, gateway.masker,
            standing(gateway.database, gateway.gate.keys, gateway.clock, gateway.authority.bearers.standing),
            stopping=lambda: gateway.stopping(), clock=gateway.clock,
        )  # fmt: skip
        passed = Passthrough(self.mcp, gateway.upstreams, through, streams, Sessions(gateway.vault))
        fittings = Fittings(
            gateway.door, gateway.ledger.watch, gateway.documents.watch, gateway.clock, proxies, intake=gateway.documents.intake, origins=frozenset({settings.public_url}),
            secure=settings.public_url.startswith("https://"), mailed=bool(settings.smtp_url), code_place=gateway.desk.place,
            stopping=lambda: gateway.stopping(),
        )  # fmt: skip
        pages = Router(routes=routes(fittings), redirect_slashes=False, default=nowhere)
        authority = gateway.authority
        where = authority.resources.metadata_of
        oauth = OAuthFace(
            gateway.door, authority.resources, authority.keys, authority.flows.document(), proxies
        )
        faces = _dispatch(
            challenged(rest, where, least=LEAST), challenged(self.mcp, where, least=LEAST), challenged(passed, where, least=LEAST),
            oauth, TlogFace(gateway.door, proxies), probes, pages,
        )  # fmt: skip
        self.asgi = traced(faces) if gateway.exporter else faces

    def running(self) -> AbstractAsyncContextManager[None]:
        return self.mcp.running()


def _dispatch(rest: App, mcp: App, passed: App, oauth: App, tlog: App, probes: App, pages: App) -> App:
    async def dispatch(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        path: str = scope["path"]
        if path.startswith(REST_PREFIXES):
            await rest(scope, receive, send)
        elif path in ("/mcp", PASSED_PREFIX):
            await mcp(scope, receive, send)
        elif path.startswith(PASSED_PREFIX):
            await passed(scope, receive, send)
        elif takes(path):
            await oauth(scope, receive, send)
        elif path.startswith(TLOG_PREFIX):
            await tlog(scope, receive, send)
        elif path in PROBE_PATHS:
            await probes(scope, receive, send)
        else:
            await pages(scope, receive, send)

    return dispatch

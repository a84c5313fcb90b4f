"""The first span of a request. Wrapped around the application only where traces are made; without, it is not there at all."""

from ostiary import traces
from ostiary.asgi.wire import App, Message, Receive, Scope, Send, text_header

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
QUIET = frozenset({"/livez", "/readyz", "/metrics"})


def traced(app: App) -> App:
    """A path is not kept, since it may hold ids: the span says the method and the face."""

    async def answering(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in QUIET:
            await app(scope, receive, send)
            return
        method = scope["method"] if scope["method"] in METHODS else "_OTHER"
        with traces.root(
            f"{method} {face_of(scope['path'])}", caller=text_header(scope, b"traceparent")
        ) as span:
            if span is None:
                await app(scope, receive, send)
                return
            span.attributes["http.request.method"] = method

            async def sending(message: Message) -> None:
                if message["type"] == "http.response.start":
                    span.attributes["http.response.status_code"] = message["status"]
                    if message["status"] >= 500:
                        span.code = str(message["status"])
                await send(message)

            await app(scope, receive, sending)

    return answering


def face_of(path: str) -> str:
    """Which face a path belongs to."""
    if path.startswith("/v1/"):
        return "rest"
    return "mcp" if path == "/mcp" or path.startswith("/mcp/") else "console"

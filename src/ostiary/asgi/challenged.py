"""Where tokens for this gateway come from, said wherever one is missing, refused or too narrow (RFC 9728 section 5.1, RFC 6750 section 3)."""

from collections.abc import Callable

from ostiary.asgi.wire import App, Message, Receive, Scope, Send


def challenged(app: App, metadata_of: Callable[[str], str], *, least: str) -> App:
    """`metadata_of(path)` is the address of the resource's metadata; `least` is the scope that is asked for first."""

    async def asked(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] in (401, 403):
                where = metadata_of(scope["path"])
                message["headers"] = [
                    (name, _completed(value, where, least)) if name == b"www-authenticate" else (name, value)
                    for name, value in message.get("headers", ())
                ]
            await send(message)

        await app(scope, receive, sending)

    return asked


def _completed(challenge: bytes, where: str, least: str) -> bytes:
    """The challenge with the address, and with a scope where it names none."""
    if not challenge.startswith(b"Bearer"):
        return challenge
    more = [f'resource_metadata="{where}"']
    if b"scope=" not in challenge:
        more.append(f'scope="{least}"')
    return challenge + (b", " if b"=" in challenge else b" ") + ", ".join(more).encode()

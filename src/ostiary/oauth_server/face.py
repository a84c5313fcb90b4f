"""`/.well-known/oauth-authorization-server`, `/.well-known/oauth-protected-resource...`, `/oauth/jwks.json`, `/oauth/client.json`: documents that are the
same for everybody, and no call. `/oauth/token` and `/oauth/revoke`: calls of `oauth.token` and `oauth.revoke` in the protocol's own form, with its own errors.

Nothing here is authorised by a cookie, so pages of other sites may ask too (CORS): an MCP client may live in a browser.
"""

from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

import orjson

from ostiary.actions import Face
from ostiary.asgi.caller import Proxies
from ostiary.asgi.wire import (
    JSON_TYPE,
    NO_STORE,
    Header,
    Receive,
    Scope,
    Send,
    answer,
    answer_problem,
    header,
    read_body,
    text_header,
)
from ostiary.door.door import Door
from ostiary.door.outcome import Done
from ostiary.errors import (
    MethodNotAllowed,
    NotFound,
    OAuthClientRefused,
    OAuthRequestInvalid,
    OstiaryError,
    UnsupportedMedia,
)
from ostiary.identity.presented import Presented
from ostiary.oauth._rfc7636 import METHOD
from ostiary.oauth.authorization import error_name
from ostiary.oauth.keys import SigningKeys
from ostiary.oauth.resources import METADATA, Resources
from ostiary.oauth.scopes import SUPPORTED
from ostiary.oauth.upstream.flow import DOCUMENT

SERVER = "/.well-known/oauth-authorization-server"
TOKEN, REVOKE, KEYS, AUTHORIZE = "/oauth/token", "/oauth/revoke", "/oauth/jwks.json", "/oauth/authorize"
PATHS = frozenset({SERVER, TOKEN, REVOKE, KEYS, DOCUMENT})
FORM_BYTES_MAX = 32 * 1024
FIELDS_MAX = 20
FORM_TYPE = b"application/x-www-form-urlencoded"
ANYBODY: Header = (b"access-control-allow-origin", b"*")
KEPT: Header = (b"cache-control", b"public, max-age=300")
_PREFLIGHT: tuple[Header, ...] = (
    ANYBODY,
    (b"access-control-allow-methods", b"GET, POST"),
    (b"access-control-allow-headers", b"authorization, content-type, mcp-protocol-version"),
    (b"access-control-max-age", b"600"),
)
_ASKED = (
    "grant_type", "client_id", "client_secret", "code", "code_verifier", "redirect_uri", "refresh_token", "scope", "resource",
)  # fmt: skip
_REVOKED: tuple[str, ...] = ("token", "client_id", "client_secret")


def takes(path: str) -> bool:
    """Whether the path is one of this face's."""
    return path in PATHS or path == METADATA or path.startswith(METADATA + "/")


class OAuthFace:
    """An ASGI application for the paths that it `takes`."""

    def __init__(
        self, door: Door, resources: Resources, keys: SigningKeys, client: Mapping[str, Any], proxies: Proxies
    ) -> None:
        """`client` is our own document, as a client of others."""
        self._door = door
        self._resources = resources
        self._keys = keys
        self._client = client
        self._proxies = proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path, method = scope["path"], scope["method"]
        try:
            if method == "OPTIONS":
                await answer(send, 204, b"", _PREFLIGHT)
            elif path in (TOKEN, REVOKE):
                if method != "POST":
                    raise MethodNotAllowed("POST")
                await self._posted(scope, receive, send, path)
            elif method not in ("GET", "HEAD"):
                raise MethodNotAllowed("GET, HEAD")
            else:
                await _document(send, await self._told(path), [KEPT])
        except MethodNotAllowed as error:
            await answer_problem(
                send, MethodNotAllowed(), headers=[(b"allow", error.detail.encode()), ANYBODY]
            )
        except OstiaryError as error:
            await answer_problem(send, error, headers=[ANYBODY])

    async def _told(self, path: str) -> Mapping[str, Any]:
        if path == SERVER:
            return self._server()
        if path == KEYS:
            return await self._keys.jwks()
        if path == DOCUMENT:
            return self._client
        resource = self._resources.described(path.removeprefix(METADATA))
        if resource is None:
            raise NotFound
        return {
            "resource": resource,
            "authorization_servers": [self._resources.base],
            "scopes_supported": list(SUPPORTED),
            "bearer_methods_supported": ["header"],
            "resource_name": "Ostiary",
        }

    def _server(self) -> Mapping[str, Any]:
        """RFC 8414 section 2. What is not in it is not offered: no implicit flow, no passwords, no plain PKCE."""
        base = self._resources.base
        return {
            "issuer": base,
            "authorization_endpoint": base + AUTHORIZE,
            "token_endpoint": base + TOKEN,
            "revocation_endpoint": base + REVOKE,
            "jwks_uri": base + KEYS,
            "scopes_supported": list(SUPPORTED),
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "token_endpoint_auth_methods_supported": ["none", "client_secret_basic", "client_secret_post"],
            "revocation_endpoint_auth_methods_supported": [
                "none",
                "client_secret_basic",
                "client_secret_post",
            ],
            "code_challenge_methods_supported": [METHOD],
            "authorization_response_iss_parameter_supported": True,
            "client_id_metadata_document_supported": True,
        }

    async def _posted(self, scope: Scope, receive: Receive, send: Send, path: str) -> None:
        try:
            fields = read_form(scope, await read_body(scope, receive, FORM_BYTES_MAX))
            asked = _proved(scope, fields)
            told = await self._called(scope, path, asked)
        except OstiaryError as error:
            await _refused(scope, send, error)
            return
        await _document(send, told, [NO_STORE, (b"pragma", b"no-cache")])

    async def _called(self, scope: Scope, path: str, asked: dict[str, str]) -> Mapping[str, Any]:
        entrance = await self._door.enter(
            Presented(Face.REST, method="POST", path=path, address=self._proxies.address(scope))
        )
        if path == REVOKE:
            wanted = {name: asked[name] for name in _REVOKED if name in asked}
            await self._door.call(entrance, "oauth.revoke", wanted, face=Face.REST)
            return {}
        wanted = {name: asked[name] for name in _ASKED if name in asked}
        outcome = await self._door.call(entrance, "oauth.token", wanted, face=Face.REST)
        result = outcome.result if isinstance(outcome, Done) else {}
        return {
            "access_token": result["access"]["secret"],
            "token_type": "Bearer",
            "expires_in": result["expires_in"],
            "refresh_token": result["refresh"]["secret"],
            "scope": result["scope"],
        }


def read_form(scope: Scope, body: bytes) -> dict[str, str]:
    """The fields of a form, each once (RFC 6749 section 3.2). Raises UnsupportedMedia, OAuthRequestInvalid."""
    if header(scope, b"content-type").split(b";", 1)[0].strip().lower() != FORM_TYPE:
        raise UnsupportedMedia("Send application/x-www-form-urlencoded.")
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, strict_parsing=bool(body), max_num_fields=FIELDS_MAX, errors="strict"
        )  # fmt: skip
    except ValueError:
        raise OAuthRequestInvalid("The form is not readable.") from None
    if len({name for name, _ in pairs}) != len(pairs):
        raise OAuthRequestInvalid("A field is given twice.")
    return {name: value for name, value in pairs if value}


def _proved(scope: Scope, fields: dict[str, str]) -> dict[str, str]:
    """The fields with the client's id and secret, wherever it put them; in one place only (RFC 6749 section 2.3). Raises OAuthClientRefused."""
    shown = text_header(scope, b"authorization")
    if not shown:
        return fields
    kind, _, rest = shown.partition(" ")
    if kind.lower() != "basic" or "client_secret" in fields:
        raise OAuthClientRefused("Prove the client in one way: by HTTP Basic, or in the form.")
    try:
        client_id, colon, secret = b64decode(rest.strip(), validate=True).decode("ascii").partition(":")
    except (NotBase64, ValueError):
        raise OAuthClientRefused from None
    found = unquote_plus(client_id)
    if not colon or fields.get("client_id", found) != found:
        raise OAuthClientRefused
    return {**fields, "client_id": found, "client_secret": unquote_plus(secret)}


async def _refused(scope: Scope, send: Send, error: OstiaryError) -> None:
    """RFC 6749 section 5.2."""
    name = error_name(error)
    status = 400 if error.status in (404, 422) else error.status
    told = {"error": name, "error_description": (error.detail or error.title()).replace('"', "'")}
    headers: list[Header] = [NO_STORE, (b"pragma", b"no-cache")]
    if status == 401:
        headers.append((b"www-authenticate", b'Basic realm="ostiary"'))
    if error.retry_after_s is not None:
        headers.append((b"retry-after", str(error.retry_after_s).encode()))
    await answer(send, status, orjson.dumps(told), [JSON_TYPE, ANYBODY, *headers])


async def _document(send: Send, told: Mapping[str, Any], headers: list[Header]) -> None:
    await answer(send, 200, orjson.dumps(told), [JSON_TYPE, ANYBODY, *headers])

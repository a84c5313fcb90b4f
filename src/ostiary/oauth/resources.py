"""What a token is good for: resource indicators (RFC 8707) of this gateway, and which of them a request needs.

The gateway itself, `/mcp`, and `/mcp/<upstream>`. A token for one is good there and below, and nowhere else: a token for one upstream does not open
another, and one for MCP does not open REST.
"""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from ostiary.actions import Face
from ostiary.errors import OAuthTargetRefused

RESOURCE_CHARACTERS_MAX = 500
_MCP = re.compile(r"/mcp(/[a-z][a-z0-9_-]{0,47})?")
METADATA = "/.well-known/oauth-protected-resource"


@dataclass(frozen=True, slots=True)
class Resources:
    """`base` is the gateway's public address without a slash at its end."""

    base: str

    @property
    def mcp(self) -> str:
        return self.base + "/mcp"

    def known(self, asked: str) -> str:
        """The resource as we write it. Who names none gets MCP's. Raises OAuthTargetRefused."""
        if not asked:
            return self.mcp
        plain = asked.rstrip("/")
        if len(asked) > RESOURCE_CHARACTERS_MAX or not (
            plain == self.base or (plain.startswith(self.base) and _MCP.fullmatch(plain[len(self.base) :]))
        ):
            raise OAuthTargetRefused("The resource is not one of this gateway's.")
        return plain

    def of(self, face: Face, path: str) -> str:
        """What a request to this path wants to reach. `path` is as on the request line."""
        plain = urlsplit("//gateway" + path).path.rstrip("/") if path.startswith("/") else ""
        return self.base + plain if face is Face.MCP and _MCP.fullmatch(plain) else self.base

    def covers(self, granted: str, wanted: str) -> bool:
        """Whether a token for `granted` is good at `wanted`: there, or below it by whole segments."""
        return wanted == granted or wanted.startswith(granted + "/")

    def metadata_of(self, path: str) -> str:
        """Where the metadata of the resource at this path stands (RFC 9728 section 3.1)."""
        plain = path.rstrip("/")
        return self.base + METADATA + (plain if _MCP.fullmatch(plain) else "")

    def described(self, path: str) -> str | None:
        """The resource that `METADATA + path` describes; None where there is none."""
        if path in ("", "/"):
            return self.base
        return self.base + path if _MCP.fullmatch(path) else None

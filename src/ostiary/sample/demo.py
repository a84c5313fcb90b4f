"""`ostiary demo`: the whole product on a throw-away folder, with the sample company, its back-end and the story.

The gateway is the real one: the command `ostiary serve` in a process of its own, set up over its public API as an operator would do it. Its root key is
made here and lives in memory only.
"""

import asyncio
import shutil
import signal
import tempfile
from pathlib import Path

from rich.console import Console

from ostiary.sample import company
from ostiary.sample.agent import Agent, Told, connected
from ostiary.sample.backend import application
from ostiary.sample.company import ATTACKER_POINT
from ostiary.sample.gateway import Process, free_port, started
from ostiary.sample.person import Person, StoryBroke, holds
from ostiary.sample.serving import served
from ostiary.sample.stage import Stage
from ostiary.sample.store import Books, write_company
from ostiary.sample.story import Cast, play
from ostiary.secret import Secret
from ostiary.vault.root import generate

PAUSE_S = 0.35
CODE_LOOK_EVERY_S = 0.5
INTERRUPTED = 130
OWNER = "nora.pellow@pellow-finch.example"
VISITOR = "you@pellow-finch.example"
CONTRACTS = Path(__file__).with_name("actions.yaml")


def run(*, headless: bool, port: int = 8080, home: Path | None = None) -> int:
    """Play the story; the exit code. Not headless: the gateway goes on afterwards, until Ctrl-C. `home`: a new folder that is kept."""
    stage = Stage(Console(highlight=False), pause_s=0 if headless else PAUSE_S)
    folder = home or Path(tempfile.mkdtemp(prefix="ostiary-demo-"))
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        return asyncio.run(_played(stage, folder.resolve(), port=port, headless=headless))
    except asyncio.CancelledError:
        stage.plain("\nStopped.", "dim")
        return INTERRUPTED if headless else 0
    finally:
        if home is None:
            shutil.rmtree(folder, ignore_errors=True)


async def _played(stage: Stage, folder: Path, *, port: int, headless: bool) -> int:
    playing = asyncio.current_task()
    for each in (signal.SIGINT, signal.SIGTERM):
        if playing is not None:
            asyncio.get_running_loop().add_signal_handler(each, playing.cancel)
    try:
        await _play(stage, folder, port=port, headless=headless)
    except StoryBroke as broke:
        stage.broke(str(broke))
        return 1
    except ExceptionGroup as several:  # what broke while the agent was connected
        broken = several.subgroup(StoryBroke)
        if broken is None:
            raise
        stage.broke(_sentence(broken))
        return 1
    return 0


def _sentence(broken: BaseException) -> str:
    """What the first of them says."""
    while isinstance(broken, BaseExceptionGroup):
        broken = broken.exceptions[0]
    return str(broken)


async def _play(stage: Stage, folder: Path, *, port: int, headless: bool) -> None:
    stage.title(
        "Ostiary", f"The gateway between AI and the data of {company.NAME}, importers of tea. Data: {folder}"
    )
    source = folder / "company"
    source.mkdir(exist_ok=True)
    write_company(company.make(), source / "company.db")
    signing = generate()
    backend = application(books=folder / "books.db", company=source / "company.db", secrets=[signing])
    listening = free_port(port)
    books = Books(folder / "books.db")
    with served(backend) as backend_url:
        settings = {
            "OSTIARY_PUBLIC_URL": f"http://localhost:{listening}",
            "OSTIARY_ENVIRONMENT": "test",
            "OSTIARY_EGRESS_ALLOW": backend_url.removeprefix("http://"),
            "OSTIARY_SOURCE_ROOTS": str(source),
            "OSTIARY_MCP_WAIT_S": "30",
        }
        with started(folder, generate(), settings, port=listening) as gateway:
            owner = Person(gateway.url)
            try:
                key = await prepared(owner, gateway, backend_url, signing)
                async with connected(f"{gateway.url}/mcp", key) as agent:
                    session = await play(Cast(stage, agent, owner, books, folder))
                    if not headless:
                        await _left_running(
                            stage, owner, agent, gateway, key=key, port=listening, session=session
                        )
                _summed_up(stage)
            finally:
                await owner.close()
                books.close()


async def prepared(owner: Person, gateway: Process, backend_url: str, signing: Secret) -> Secret:
    """Set the gateway up as its operator would: owner, connectors, contracts; the answer is the agent's API key."""
    await owner.set_up(gateway.setup_token(), email=OWNER, name="Nora Pellow", tenant=company.NAME)
    http = {"kind": "http", "base_url": backend_url}
    connectors = {
        "database": {"settings": {"kind": "sqlite", "path": "company.db"}},
        "backend": {"settings": http | {"honours_idempotency_key": True}, "signing_secret": signing.reveal()},
        "print_shop": {"settings": http, "signing_secret": signing.reveal()},
    }
    for name, content in connectors.items():
        await owner.ask("PUT", f"/v1/connectors/{name}", content)
        tested = await owner.ask("POST", f"/v1/connectors/{name}/test", {})
        holds(tested["ok"], f"The connector {name} does not work.")
    await owner.ask("PUT", "/v1/contracts", {"text": CONTRACTS.read_text(), "filename": CONTRACTS.name})
    asked = {"name": "Support agent", "kind": "agent", "roles": ["support"]}
    return Secret((await owner.ask("POST", "/v1/keys", asked))["secret"])


async def _left_running(
    stage: Stage, owner: Person, agent: Agent, gateway: Process, *, key: Secret, port: int, session: str
) -> None:
    """Leave something to decide in the browser, say how to get there, and show sign-in codes until Ctrl-C."""
    member = {"email": VISITOR, "name": "You", "role": "owner"}
    await owner.ask("POST", "/v1/members", member)
    letter = {
        "customer_id": "C-1001",
        "subject": "Your teapot",
        "text": "We are sorry about the lid. Your money is on its way.",
    }
    steered = {"customer_id": "C-1001", "pickup_point": ATTACKER_POINT}
    elsewhere: asyncio.Task[Told] | None = asyncio.create_task(
        agent.call("replacement_send", steered, session=session)
    )
    await owner.card("replacement.send")
    waiting: asyncio.Task[Told] | None = asyncio.create_task(agent.call("letter_send", letter))
    await owner.card("letter.send")
    shown = len(gateway.codes())
    stage.plain()
    stage.plain("The gateway goes on running, and the agent has just asked to post a letter.", "bold")
    stage.plain(
        "Beside it waits a replacement that a ticket wants elsewhere: its card shows the ticket's words."
    )
    stage.plain(f"  Look at it:   http://localhost:{port}")
    stage.plain(f"  Sign in as:   {VISITOR}   (the code appears here)")
    stage.plain(
        "  Look around:  Sessions; Jobs; checkpoints under Audit; policy, intent keys, trusted issuers under Settings"
    )
    stage.plain(f"  REST and MCP: http://localhost:{port}/docs and http://localhost:{port}/mcp")
    stage.plain(f"  Agent's key:  {key.reveal()}")
    stage.plain("  Stop with Ctrl-C; everything that was written goes away.", "dim")
    while gateway.child.poll() is None:
        codes = gateway.codes()
        for line in codes[shown:]:
            stage.plain(f"  {line.split(' ', 1)[1]}", "bold green")
        shown = len(codes)
        if waiting is not None and waiting.done():
            told = waiting.result()
            stage.says(
                "gateway", f"To the agent about its letter: {told.code or told.content.get('status', 'done')}"
            )
            waiting = None
        if elsewhere is not None and elsewhere.done():
            told = elsewhere.result()
            stage.says(
                "gateway",
                f"To the agent about its replacement: {told.code or told.content.get('status', 'done')}",
            )
            elsewhere = None
        await asyncio.sleep(CODE_LOOK_EVERY_S)
    raise StoryBroke("The gateway ended.")


def _summed_up(stage: Stage) -> None:
    stage.plain()
    stage.plain("Every step holds.", "bold green")

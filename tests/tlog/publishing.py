"""Publishing in tests: the actions and steps as the door would run them, and witnesses that listen on this machine."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from ostiary.actions import Action, Actor, ActorKind, Call, Face
from ostiary.audit.publishing.actions import actions
from ostiary.audit.publishing.jobs import steps
from ostiary.audit.publishing.publisher import STEP, Publisher
from ostiary.ids import CallId, TenantId
from ostiary.witness.state import State, create, identity
from ostiary.witness.witness import add_checkpoint
from tests.audit.events import ACME
from tests.net.peer import Peer, Seen, answer, listening


async def act(publisher: Publisher, name: str, tenant: TenantId = ACME, **params: Any) -> Any:
    """One action or step with its rows committed; the answer as JSON."""
    action: Action = next(each for each in [*actions(publisher), *steps(publisher)] if each.name == name)
    at_us = publisher._clock.now_us()
    call = Call(CallId("cal_x"), Actor(tenant, ActorKind.PERSON, "per_1"), action, Face.REST, at_us, "")
    result = await action.run(call, action.params.parse(params))
    for write in call.writes:
        await publisher.audit.database.change(write)
    return result.model_dump(mode="json")


async def publish(publisher: Publisher, tenant: TenantId = ACME) -> list[dict[str, Any]]:
    """The whole job, as the worker does it; what each step said."""
    said: list[dict[str, Any]] = []
    cursor = ""
    while not (said and said[-1]["done"]):
        said.append(await act(publisher, STEP, tenant, job="job_1", cursor=cursor, params={}))
        cursor = said[-1]["cursor"]
    return said


class Watch:
    """A witness of a folder, and what it was asked."""

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.identity = create(folder / "w", name) if not (folder / "w").exists() else identity(folder / "w")
        self.state = State(folder / "w")
        self.peer: Peer | None = None
        self.now_s = 1_760_000_000

    @property
    def setting(self) -> dict[str, str]:
        assert self.peer
        return {"url": self.peer.url + "/w", "key": self.identity.verifier.text()}


@asynccontextmanager
async def watching(folder: Path, publisher: Publisher, name: str = "witness.example/w1", tenant: TenantId = ACME) -> AsyncIterator[Watch]:  # fmt: skip
    watch = Watch(folder, name)
    watch.state.trust(publisher.audit.verifier(tenant).text())

    async def script(seen: Seen, writer: Any) -> None:
        assert (seen.method, seen.target) == ("POST", "/w/add-checkpoint")
        reply = add_checkpoint(watch.state, watch.identity, seen.body, watch.now_s)
        await answer(reply.status, reply.body.encode(), content_type=reply.kind)(seen, writer)

    async with listening(script) as peer:
        watch.peer = peer
        yield watch
    watch.state.close()

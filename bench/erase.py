"""How long an erasure takes in a log of many events: from the wish to the certificate, and the shredding alone.

.venv/bin/python bench/erase.py [events] [of the subject]      OSTIARY_TEST_DATABASE=postgresql for that one
"""

import asyncio
import sys
import tempfile
import time
from pathlib import Path

sys.path.pop(0)  # this folder: a file in it is called as the MCP SDK is
sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.house import House, play

from ostiary.audit.event import Decision, Entry, Event, Part
from ostiary.ids import SubjectId, TenantId
from ostiary.retention import erasing

SUBJECT = "C-48213"
NOW_US = time.time_ns() // 1000


async def fill(house: House, events: int, theirs: int) -> None:
    audit, tenant, every = house.gateway.audit, TenantId(house.tenant), events // theirs
    for begin in range(0, events, 2000):
        made = [
            audit.record(
                Entry((event(tenant, number, SUBJECT if number % every == 0 else f"C-{number % 5000}"),))
            )
            for number in range(begin, min(begin + 2000, events))
        ]
        await asyncio.gather(*made)


def event(tenant: TenantId, number: int, subject: str) -> Event:
    part = Part(SubjectId(subject), {"note": f"note {number}"})
    return Event(
        tenant,
        "note.keep",
        Decision.RAN,
        "agent",
        "key_1",
        "rest",
        f"cal_{number}",
        1_760_000_000_000_000 + number,
        parts=(part,),
    )


async def story(house: House) -> None:
    events, theirs = (int(each) for each in (*sys.argv[1:], "100000", "1000")[:2])
    begun = time.perf_counter()
    await fill(house, events, theirs)
    sys.stdout.write(
        f"{events} events in {time.perf_counter() - begun:.1f} s, {theirs} of them about the subject\n"
    )
    shredded: list[float] = []
    shred = erasing.shred

    def timed(*args):  # type: ignore[no-untyped-def]
        begun = time.perf_counter()
        made = shred(*args)
        shredded.append(time.perf_counter() - begun)
        return made

    erasing.shred = timed
    await house.work()  # what is due besides
    begun = time.perf_counter()
    asked = await house.good("POST", "/v1/erasures", json={"subject": SUBJECT, "confirm": SUBJECT})
    await house.work()
    took = time.perf_counter() - begun
    assert (await house.good("GET", f"/v1/erasures/{asked['id']}"))["state"] == "done"
    sys.stdout.write(
        f"asked to certified {took * 1000:.0f} ms, of which the keys {shredded[0] * 1000:.0f} ms\n"
    )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as home:
        play(Path(home), story)

"""What a starting process tells of the installation: that another release runs, or that another root key wraps its keys."""

from functools import partial
from typing import Annotated

from pydantic import Field

from ostiary.actions import Action, Call, Effect, Masking, Risk
from ostiary.ids import INSTALL
from ostiary.shapes import ModelShape, Nothing, Params
from ostiary.upkeep import store

PERMISSION = "install.manage"
ACTOR = "upkeep"
NAMES = {"release": "install.upgraded", "root_key": "install.root_changed"}
"""What is looked at, and the action that tells of its change."""


class Moved(Params):
    """From one release, or fingerprint of a root key, to another."""

    before: Annotated[str, Field(max_length=64, pattern=r"^[!-~]+$")]
    after: Annotated[str, Field(max_length=64, pattern=r"^[!-~]+$")]


def actions() -> list[Action]:
    return [
        Action(
            NAMES[name], title, description, PERMISSION, Risk.LOW, Effect.LOCAL, ModelShape(Moved), ModelShape(Nothing),
            partial(_note, name), masking=Masking.OWN, step=True,
        )
        for name, title, description in (
            ("release", "Another release runs", "A process of another release than before has started on this database."),
            ("root_key", "Another root key", "The keys of this installation are wrapped by another root key than before."),
        )
    ]  # fmt: skip


async def _note(name: str, call: Call, params: Moved) -> Nothing:
    call.write(
        lambda connection: store.note(
            connection, INSTALL, name, before=params.before, after=params.after, at_us=call.at_us
        )
    )
    return Nothing()

"""What a model is told of an outcome: the same words in every framework."""

import json
from typing import Any

from ostiary.client.clients import AsyncClient
from ostiary.client.errors import Problem
from ostiary.client.shapes import Held


async def told(client: AsyncClient, name: str, params: dict[str, Any], *, timeout_s: float) -> str:
    """Do it, wait for a person for `timeout_s` at most, and say in JSON what came of it. A refusal is an answer, not a crash: the model may go on."""
    try:
        outcome = await client.do(name, params, timeout_s=timeout_s)
    except Problem as problem:
        wrong = [{"pointer": pointer, "detail": detail} for pointer, detail in problem.faults]
        return json.dumps(
            {"error": problem.code, "title": problem.title, "detail": problem.detail, "errors": wrong}
        )
    if isinstance(outcome, Held):
        return json.dumps(
            {
                "held": outcome.call_id,
                "until": outcome.expires_at,
                "note": "Nothing was done. A person has to approve it first. Do not repeat it.",
            }
        )
    return json.dumps(outcome.result)

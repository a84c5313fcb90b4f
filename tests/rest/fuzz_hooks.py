"""Loaded by schemathesis, beside the requests it makes up.

An idempotency key that was used with other content is refused by design (422): each well-formed request gets a key of its own.
"""

from itertools import count

import schemathesis

_numbers = count()


@schemathesis.hook
def before_call(context, case, kwargs):  # type: ignore[no-untyped-def]
    mode = case.meta.generation.mode.value if case.meta else "positive"
    headers = case.headers or {}
    if mode == "positive" and "Idempotency-Key" in headers:
        headers["Idempotency-Key"] = f"fuzz-{next(_numbers)}"

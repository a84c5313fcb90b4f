"""What a child process is made to do in tests; it imports next to nothing, so that it starts at once."""

import time

from ostiary.documents import confined
from ostiary.documents.document import Limits


def nonsense(_: Limits, what: str) -> confined.Answer:
    if what == "sleep":
        time.sleep(600)
    if what == "die":
        raise SystemExit(3)
    return ({"number": float("nan")} if what == "nan" else {"said": what}), b"bytes"

"""Where one-time codes and the set-up token go when there is no mail server: the operator's terminal, else a file that only the operator reads.

Never a log: what is there can never be taken back.
"""

import fcntl
import os
import sys
from pathlib import Path

from ostiary import log
from ostiary.clock import Clock, rfc3339
from ostiary.net.mail import Letter

_LOG = log.get("codes")
LINES_MAX = 50
FILE_NAME = "login-codes"


class OperatorDesk:
    """Shows a line to the operator. `interactive` is decided once: whether standard error is a terminal."""

    def __init__(self, home: Path, clock: Clock, *, interactive: bool | None = None) -> None:
        self._path = home / FILE_NAME
        self._clock = clock
        self._interactive = sys.stderr.isatty() if interactive is None else interactive

    @property
    def place(self) -> str:
        """Where a person finds a code, in words."""
        return (
            "shown on the gateway's terminal"
            if self._interactive
            else "printed by the command `ostiary login-code`"
        )

    async def send_code(self, email: str, code: str) -> None:
        """A sign-in code for a person."""
        self.show(f"Sign-in code for {email}: {code}")

    def show(self, line: str) -> None:
        """On the terminal if there is one, else appended to the file (mode 0600), which keeps the last LINES_MAX lines."""
        if self._interactive:
            sys.stderr.write(f"\n  {line}\n\n")
            sys.stderr.flush()
            return
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        with os.fdopen(handle, "r+") as file:
            os.fchmod(handle, 0o600)
            fcntl.flock(file, fcntl.LOCK_EX)  # processes of one home share the file
            lines = [*file.read().splitlines(), f"{rfc3339(self._clock.now_us())} {line}"][-LINES_MAX:]
            file.seek(0)
            file.truncate()
            file.write("\n".join(lines) + "\n")
        _LOG.info("operator.line_written")


def last_lines(home: Path, count: int) -> list[str]:
    """What the file holds, newest last; empty if there is none. For `ostiary login-code`."""
    path = home / FILE_NAME
    return path.read_text().splitlines()[-count:] if path.exists() else []


def code_letter(email: str, code: str, public_url: str) -> Letter:
    """The mail that carries a sign-in code. It holds no link that signs in: a code that is typed cannot be clicked by a mail scanner."""
    text = (
        f"Your code to sign in to Ostiary at {public_url} is\n\n    {code}\n\n"
        "It is valid for ten minutes and works once. If you did not ask for it, nobody has signed in; you may ignore this mail.\n"
    )
    return Letter(email, f"{code} is your sign-in code", text)

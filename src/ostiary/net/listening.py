"""The one socket on which several processes take connections: made by their parent, inherited by each."""

import socket

BACKLOG = 2048


def listen(host: str, port: int) -> socket.socket:
    """A listening socket that children inherit. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.create_server((host, port), family=family, backlog=BACKLOG)
    made.set_inheritable(True)
    return made


def inherited(handle: int) -> socket.socket:
    """The socket that the parent left open under this file descriptor. Raises OSError."""
    return socket.socket(fileno=handle)

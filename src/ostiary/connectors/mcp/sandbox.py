"""Starts an upstream's program with as little as it needs: run by path, with nothing of ours imported, in front of the program itself.

`python -I -S sandbox.py MEMORY_BYTES FILES PROCESSES -- program argument...`. The environment it is started with is the program's whole environment.
It gives up privileges for good (Linux: no_new_privs), dies with the gateway, writes no core and opens a bounded number of files. It is no container: the
program still sees the network and the files that the gateway's own account sees.
"""

import os
import resource
import sys

_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS, _SIGKILL = 1, 38, 9


def _limited(memory_bytes: int, files: int, processes: int) -> None:
    wanted = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: files,
        resource.RLIMIT_AS: memory_bytes,
        resource.RLIMIT_NPROC: processes,
    }
    for kind, most in wanted.items():
        _soft, hard = resource.getrlimit(kind)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (most, most))


def _unprivileged() -> None:
    import ctypes  # noqa: PLC0415 - only Linux has what it is for

    call = ctypes.CDLL(None, use_errno=True).prctl
    for option, value in ((_PR_SET_NO_NEW_PRIVS, 1), (_PR_SET_PDEATHSIG, _SIGKILL)):
        if call(option, value, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl")


def main() -> None:
    """Never returns: it becomes the program, or ends with status 126."""
    try:
        memory_bytes, files, processes = map(int, sys.argv[1:4])
        command = sys.argv[5:]
        os.umask(0o077)
        _limited(memory_bytes, files, processes)
        if sys.platform == "linux":
            _unprivileged()
        os.closerange(3, 256)
        os.execve(command[0], command, dict(os.environ))  # noqa: S606 - this is its purpose, and the command is the operator's
    except (OSError, ValueError, IndexError):
        os._exit(126)


if __name__ == "__main__":
    main()

"""Run a command as another user who may nevertheless walk to where the files are.

PostgreSQL refuses to run as root. When root's data directory, or the program itself, lies below a
directory that the other user may not enter (`/root`, say), that user gets one capability for this
command: to read and search directories. Linux only; run by path as a script of its own, because
capabilities are a process's, and because nothing else may happen between fork and exec.

Usage: demote.py UID GID SEARCH COMMAND..., where SEARCH is 1 when it needs the capability, else 0.
"""

from __future__ import annotations

import ctypes
import os
import sys
from typing import Final

PR_SET_KEEPCAPS: Final = 8
PR_CAP_AMBIENT: Final = 47
PR_CAP_AMBIENT_RAISE: Final = 2
CAP_DAC_OVERRIDE: Final = 1
CAP_DAC_READ_SEARCH: Final = 2
_SEARCHING: Final = (CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE)
_VERSION_3: Final = 0x20080522


def main(uid: int, gid: int, search: bool, command: list[str]) -> None:
    """Become that user, keep the capability if asked to, and turn into the command.

    Raises:
        PermissionError: this process may not give the capability.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)
    if search and not any(_keep(libc, capability) for capability in _SEARCHING):
        raise PermissionError("this process may not give the right to search directories")
    os.execv(command[0], command)  # noqa: S606


def _keep(libc: ctypes.CDLL, capability: int) -> bool:
    header = (ctypes.c_uint32 * 2)(_VERSION_3, 0)
    bit = 1 << capability
    effective_permitted_inheritable = (ctypes.c_uint32 * 6)(bit, bit, bit, 0, 0, 0)
    if libc.capset(header, effective_permitted_inheritable) != 0:
        return False
    raised = libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0)
    return bool(raised == 0)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "1", sys.argv[4:])

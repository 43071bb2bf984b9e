"""Who the embedded PostgreSQL runs as when the server runs as root, which it refuses to."""

from __future__ import annotations

import os
import pwd
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from persistence.errors import EmbeddedPostgresFailed

_CANDIDATES: Final = ("cocut", "postgres", "nobody")


@dataclass(frozen=True, slots=True)
class Account:
    """An account of this machine other than root."""

    name: str
    uid: int
    gid: int

    def command(self, command: Sequence[str], *, reaching: Sequence[Path]) -> list[str]:
        """The command, run as this account, with the right to get to these paths."""
        demote = Path(__file__).with_name("demote.py")
        searching = "0" if all(self._reaches(path) for path in reaching) else "1"
        return [
            *(sys.executable, "-I", "-S", str(demote), str(self.uid), str(self.gid), searching),
            *command,
        ]

    def _reaches(self, path: Path) -> bool:
        return all(self._enters(parent.stat()) for parent in path.resolve().parents)

    def _enters(self, directory: os.stat_result) -> bool:
        if directory.st_uid == self.uid:
            return bool(directory.st_mode & 0o100)
        if directory.st_gid == self.gid:
            return bool(directory.st_mode & 0o010)
        return bool(directory.st_mode & 0o001)


def account_for(cluster: Path | None) -> Account | None:
    """The account to run PostgreSQL as; None when it is the one that runs this process.

    Args:
        cluster: PostgreSQL's directory when it is there: it runs as its owner.

    Raises:
        EmbeddedPostgresFailed: there is no account that it could run as.
    """
    if os.geteuid() != 0:
        return None
    try:
        if cluster is not None and (owner := cluster.stat().st_uid) != 0:
            return _account(pwd.getpwuid(owner))
        for name in _CANDIDATES:
            try:
                return _account(pwd.getpwnam(name))
            except KeyError:
                continue
    except KeyError:
        raise EmbeddedPostgresFailed(
            f"{cluster} belongs to an account that this machine does not know."
        ) from None
    raise EmbeddedPostgresFailed(
        "PostgreSQL does not run as root, and none of the accounts"
        f" {', '.join(_CANDIDATES)} exists: run as an ordinary user."
    )


def _account(entry: pwd.struct_passwd) -> Account:
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)

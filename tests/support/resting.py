"""`cocut`, whose documents rest as soon as nobody needs them:

python -m tests.support.resting serve ...
"""

from __future__ import annotations

import sys


def main() -> None:
    from collab import room

    room.REST_SECONDS = 0.2  # type: ignore[misc]
    from server.cli import main as cocut

    sys.argv[0] = "cocut"
    cocut()


if __name__ == "__main__":
    main()

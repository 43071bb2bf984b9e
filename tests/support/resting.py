"""`cocut`, whose documents rest as soon as nobody needs them: `RESTING serve ...`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

TOP: Final = Path(__file__).parents[2]
RESTING: Final = (sys.executable, __file__)
REST_SECONDS: Final = 0.2


def main() -> None:
    sys.path[0] = str(TOP)
    from collab import room

    room.REST_SECONDS = REST_SECONDS  # type: ignore[misc]
    from server import cli

    cli.main()


if __name__ == "__main__":
    main()

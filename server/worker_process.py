"""One of the server processes of `cocut serve --workers N`; it is started by the supervisor."""

from __future__ import annotations

import asyncio
import json
import sys

import uvloop

from collab.errors import CocutError
from server.app import Place
from server.homes import Home
from server.observe import configure_logging
from server.settings import Settings
from server.supervisor import work


def main() -> int:
    """Read what to do from the first line of standard input, and do it."""
    told = json.loads(sys.stdin.readline())
    settings = Settings(**told["settings"])
    configure_logging(settings.log_level, settings.log_format)
    home = Home(told["index"], told["inherited"])
    place = Place(told["index"], False, told["address"], home)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(work(settings, place, told["port"]))
    except (CocutError, OSError) as error:
        print(f"cocut: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())

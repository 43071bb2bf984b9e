"""The process that `server.foreman` starts: its settings come over standard input, and with the
end of that it ends."""

from __future__ import annotations

import asyncio
import json
import sys

import uvloop

from collab.errors import CocutError
from server.handlers import work
from server.observe import configure_logging
from server.settings import Settings
from server.signals import StopSignal


async def run() -> int:
    """Read the settings, and work until the parent has gone."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    line = await reader.readline()
    if not line:
        return 0
    settings = Settings(**json.loads(line))
    configure_logging(settings.log_level, settings.log_format)
    stop = StopSignal()

    async def watch() -> None:
        await reader.read()
        stop.ask()

    watching = loop.create_task(watch())
    try:
        return await work(settings, stop)
    finally:
        watching.cancel()
        await asyncio.wait({watching})


def main() -> int:
    """Run the worker; returns the exit code."""
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(run())
    except (CocutError, OSError) as error:
        print(f"cocut: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())

"""A real worker that kills itself the moment its render reaches a stage.

    python -m tests.support.deadly_worker DATABASE_URL DATA_DIR FILES_URL STAGE

STAGE is one of `preparing`, `drawing`, `joining`, `storing`, or `committing`: when all files are
stored and the transaction that names them has not been committed.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from persistence.blobs import Blobs
from persistence.database import Database
from persistence.filestore import FileStore
from server.handlers import make_handlers
from server.settings import Settings
from server.worker import JobHandler, Running, Worker

if TYPE_CHECKING:
    from persistence.database import Connection


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Doomed(Running):
    """One attempt that does not get past a stage: it ends as that begins, or in its middle where
    there is more than one report of it."""

    def __init__(self, running: Running, stage: str) -> None:
        super().__init__(running.job, running._attempts)
        self._running, self._stage, self._seen = running, stage, 0

    def progress(self, percent: float, **state: Any) -> None:
        self._running.progress(percent, **state)
        if state.get("stage") == self._stage:
            self._seen += 1
            if self._seen == (5 if self._stage == "drawing" else 1):
                die()

    async def complete(self, connection: Connection, result: Mapping[str, Any]) -> None:
        if self._stage == "committing":
            die()
        await self._running.complete(connection, result)


async def main(dsn: str, data_dir: Path, files_url: str, stage: str) -> None:
    database = await Database.connect(dsn, retry_seconds=30)
    blobs = Blobs(database, FileStore.open(files_url))
    async with make_handlers(Settings(data_dir=data_dir), database, blobs) as handlers:
        render: JobHandler = handlers["render"]

        async def doomed(running: Running) -> Mapping[str, Any] | None:
            return await render(Doomed(running, stage))

        await Worker(database, {"render": doomed}).run()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), sys.argv[3], sys.argv[4]))

"""The libraries' tables as `cocut seed` and `cocut library add` fill them: for everybody."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from persistence.audio import AudioLibrary
from persistence.avatars import Avatars
from persistence.blobs import Blob, Blobs
from persistence.database import Database
from persistence.filestore import FileStore
from persistence.library import Library, RowT
from persistence.media import MediaLibrary
from persistence.migrations import migrate
from server.scratch import scratch
from server.settings import Settings
from server.storage import open_database


@dataclass(frozen=True, slots=True)
class Shelves:
    """What is needed to add to the libraries.

    Attributes:
        audio, media, avatars: the tables.
        scratch: a directory for files on their way; it goes with what is in it.
    """

    database: Database
    blobs: Blobs
    audio: AudioLibrary
    media: MediaLibrary
    avatars: Avatars
    scratch: Path

    async def store(self, files: Sequence[tuple[Path, str]]) -> list[Blob]:
        """Store files of these content types; they are moved."""
        return [await self.blobs.store_file(path, kind) for path, kind in files]

    async def put(self, library: Library[RowT], row: RowT, files: Sequence[Blob]) -> None:
        """Put a row and its files on a shelf."""
        async with self.database.transaction() as connection:
            await library.put(connection, row, files)


@asynccontextmanager
async def shelves(settings: Settings) -> AsyncIterator[Shelves]:
    """The libraries that the settings lead to.

    Raises:
        CocutError, OSError: they cannot be opened; the message says why and what to do.
    """
    async with open_database(settings) as database:
        await migrate(database)
        blobs = Blobs(database, FileStore.open(settings.files_url()))
        async with scratch(settings.data_dir) as directory:
            yield Shelves(
                database,
                blobs,
                AudioLibrary(database, blobs),
                MediaLibrary(database, blobs),
                Avatars(database, blobs),
                directory,
            )

"""Jobs of the kind `image`: a prompt becomes a picture in its owner's media library."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid5

from api.tiers import allowance
from collab.errors import StorageQuotaExceeded
from persistence.blobs import Blob, Blobs, require_room
from persistence.database import Database
from persistence.jobs import Job
from persistence.media import Media, MediaLibrary
from persistence.texts import shortened
from server.media.images.model import ImageProvider, Made, Wanted
from server.worker import JobCancelled, Running

CATEGORY: Final = "AI"
MAX_TITLE: Final = 120


@dataclass(frozen=True, slots=True)
class ImageJob:
    """Runs them; see `JobHandler`.

    Attributes:
        database, blobs, library: where everything is.
        provider: makes the pictures.
        directory: for what is being made.
    """

    database: Database
    blobs: Blobs
    library: MediaLibrary
    provider: ImageProvider
    directory: Path

    async def __call__(self, running: Running) -> None:
        """Make the picture, store it, and end the job in the transaction that lists it."""
        given = running.job.input
        wanted = Wanted(given["prompt"], given["style"], given["aspect_ratio"], given["quality"])
        with tempfile.TemporaryDirectory(dir=self.directory) as directory:
            made = await self.provider.make(wanted, Path(directory))
            running.progress(95)
            await self._store(running, made)

    async def _store(self, running: Running, made: Made) -> None:
        job = running.job
        stored: list[Blob] = []
        for path, content_type in (
            (made.path, made.content_type),
            (made.thumbnail, made.thumbnail_type),
        ):
            stored.append(await self.blobs.store_file(path, content_type, owner=job.user_id))
        media = self._row(job, made, stored)
        try:
            async with self.database.transaction() as connection:
                room = allowance(job.tier).storage_bytes
                size = sum(blob.size for blob in stored)
                await require_room(connection, job.user_id, size, room)
                await self.library.put(connection, media, stored)
                await running.complete(connection, self._result(media))
        except (StorageQuotaExceeded, JobCancelled):
            # After any other failure the rows may be there all the same; the collector will know.
            await self.blobs.store.delete([blob.key for blob in stored])
            raise

    def _row(self, job: Job, made: Made, stored: list[Blob]) -> Media:
        url, thumbnail_url = (blob.path for blob in stored)
        return Media(
            id=media_id(job.id),
            type="image",
            title=shortened(job.input["prompt"], MAX_TITLE),
            url=url,
            thumbnail_url=thumbnail_url,
            source="ai",
            category=CATEGORY,
            tags=[job.input["style"]],
            dimensions={"width": made.width, "height": made.height},
            duration=None,
            is_premium=False,
            user_id=job.user_id,
            ai_prompt=job.input["prompt"],
            generator=self.provider.name,
        )

    def _result(self, media: Media) -> Mapping[str, Any]:
        return {"media_id": str(media.id), "generator": media.generator}


def media_id(job_id: UUID) -> UUID:
    """The id of the picture that a job makes, whichever attempt does."""
    return uuid5(job_id, "media")

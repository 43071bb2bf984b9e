"""What was spoken once is not spoken again: a cache of audio files and their words."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from persistence.blobs import PATH, Blobs
from persistence.database import Database
from persistence.voices import Voice

MAX_SPOKEN: Final = 20_000
"""Characters of one utterance."""
KEEP: Final = timedelta(days=365)
"""How long a file stays after its last use."""

_FIND: Final = """
UPDATE blobs b SET expires_at = now() + $2::interval FROM speech s
WHERE s.name = $1 AND b.key = s.key RETURNING s.key, s.duration, s.words
"""


@dataclass(frozen=True, slots=True)
class Manner:
    """How something is spoken: factors around 1."""

    speed: float = 1.0
    pitch: float = 1.0
    volume: float = 1.0


@dataclass(frozen=True, slots=True)
class Recording:
    """A stored MP3.

    Attributes:
        key: of the file.
        duration: seconds.
        words: `text`, `start` and `end` (seconds) of each, where the provider tells them.
    """

    key: str
    duration: float
    words: Sequence[Mapping[str, Any]]

    @property
    def path(self) -> str:
        """The path of its link, as tables and documents keep it."""
        return PATH + self.key

    def shown(self) -> dict[str, Any]:
        """What a job's result says of it."""
        return {"path": self.path, "duration": self.duration, "words": list(self.words)}


class Recordings:
    """The recordings of the whole installation."""

    def __init__(self, database: Database, blobs: Blobs) -> None:
        self._database = database
        self._blobs = blobs

    async def find(self, voice: Voice, text: str, manner: Manner) -> Recording | None:
        """What was spoken so before; it stays for another while."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(_FIND, _name(voice, text, manner), KEEP)
        if row is None:
            return None
        return Recording(row["key"], row["duration"], json.loads(row["words"]))

    async def put(
        self,
        voice: Voice,
        text: str,
        manner: Manner,
        source: Path,
        duration: float,
        words: Sequence[Mapping[str, Any]],
    ) -> Recording:
        """Keep what was spoken; when two do it at once, one stays and both get it.

        Args:
            voice: whose.
            text: what.
            manner: how.
            source: an MP3, which is moved.
            duration: seconds.
            words: as `Recording.words`.

        Raises:
            BlobStoreFailed: it could not be stored.
        """
        name = _name(voice, text, manner)
        blob = await self._blobs.store_file(source, "audio/mpeg")
        async with self._database.transaction() as connection:
            await self._blobs.add(connection, blob, keep=KEEP)
            made = await connection.fetchval(
                "INSERT INTO speech (name, key, duration, words) VALUES ($1, $2, $3, $4::jsonb)"
                " ON CONFLICT (name) DO NOTHING RETURNING key",
                *(name, blob.key, duration, json.dumps([dict(word) for word in words])),
            )
            if made is None:
                await self._blobs.remove(connection, [blob.key])
        if made is None:
            await self._blobs.store.delete([blob.key])
            there = await self.find(voice, text, manner)
            if there is not None:
                return there
        return Recording(blob.key, duration, words)


def _name(voice: Voice, text: str, manner: Manner) -> str:
    depends = [
        *(voice.provider, voice.revision, voice.provider_voice, text),
        *(round(factor, 4) for factor in (manner.speed, manner.pitch, manner.volume)),
    ]
    return hashlib.sha256(json.dumps(depends).encode()).hexdigest()

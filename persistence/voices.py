"""The voices that the installed providers offer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from collab.errors import VoiceNotFound
from persistence.database import Database
from persistence.shelf import Condition, Counts, searching

_FIELDS: Final = (
    "id",
    "name",
    "language",
    "language_code",
    "dialect",
    "gender",
    "style",
    "category",
    "is_premium",
    "provider",
    "provider_voice",
    "revision",
)
_COLUMNS: Final = ", ".join(_FIELDS)
_PUT: Final = (
    f"INSERT INTO voices ({_COLUMNS})"  # noqa: S608
    f" VALUES ({', '.join(f'${place}' for place in range(1, len(_FIELDS) + 1))})"
    " ON CONFLICT (id) DO UPDATE SET updated_at = now(), "
    + ", ".join(f"{name} = EXCLUDED.{name}" for name in _FIELDS[1:])
)
MOST: Final = 1_000
"""Voices on one page that nobody asked to be smaller; those of all built-in languages fit."""
FEW: Final = 100
_LOCK: Final = 0x766F6963
_ORDER: Final = 'language_code COLLATE "C", id'
_CODE: Final = 'lower(language_code) COLLATE "C"'
_DIALECT: Final = f"{_CODE} = {{0}}"
_LANGUAGE: Final = f"({_CODE} = {{0}} OR {_CODE} >= {{0}} || '-' AND {_CODE} < {{0}} || '.')"
"""Of this code, or of one that begins with it: what follows is a hyphen, and then a dot would."""


@dataclass(frozen=True, slots=True)
class Voice:
    """A voice.

    Attributes:
        id: in every interface; unique over all providers.
        name: a person's.
        language: in English, without the dialect.
        language_code: BCP 47, such as `en-US`.
        dialect: a place or a kind, where the language has several.
        gender: as it sounds: `male`, `female` or `child`.
        style: such as `conversational`.
        category: `standard`, `ultra` or `studio`; standard voices are built in.
        is_premium: takes a larger tier.
        provider: whose it is.
        provider_voice: what the provider calls it.
        revision: changes when the same words would sound different.
    """

    id: str
    name: str
    language: str
    language_code: str
    dialect: str | None
    gender: str
    style: str
    category: str
    is_premium: bool
    provider: str
    provider_voice: str
    revision: str = ""


class Voices:
    """The table of voices."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._counts = Counts()

    async def get(self, voice_id: str) -> Voice:
        """A voice.

        Raises:
            VoiceNotFound: no provider has it.
        """
        async with self._database.connection() as connection:
            row = await connection.fetchrow(
                f"SELECT {_COLUMNS} FROM voices WHERE id = $1",  # noqa: S608
                voice_id,
            )
        if row is None:
            raise VoiceNotFound
        return Voice(**row)

    async def page(
        self,
        *,
        language: str = "",
        gender: str | None = None,
        category: str | None = None,
        search: str = "",
        page: int = 1,
        limit: int | None = None,
    ) -> tuple[list[Voice], int, int]:
        """One page, by language and id, how many it has at most, and how many there are in all.

        Args:
            language: a code such as `en-US`, or `en` for all that begin so.
            gender: the only one wanted.
            category: the only one wanted.
            search: words, or how they begin.
            page: from 1.
            limit: voices a page; None for all on one, unless they are more than `MOST`.
        """
        conditions = searching(search)
        if language:
            exact = "-" in language
            conditions.append(Condition(_DIALECT if exact else _LANGUAGE, language.lower()))
        if gender is not None:
            conditions.append(Condition("gender = {}", gender))
        if category is not None:
            conditions.append(Condition("category = {}", category))
        where = " AND ".join(
            ["true", *(one.sql.format(f"${place}") for place, one in enumerate(conditions, 1))]
        )
        bound: list[Any] = [one.value for one in conditions]
        async with self._database.connection() as connection:
            total = await self._counts.of(
                (where, *bound),
                lambda: connection.fetchval(
                    f"SELECT count(*) FROM voices WHERE {where}",  # noqa: S608
                    *bound,
                ),
            )
            if limit is None:
                limit = max(total, 1) if total <= MOST else FEW
            rows = await connection.fetch(
                f"SELECT {_COLUMNS} FROM (SELECT id FROM voices WHERE {where}"  # noqa: S608
                f" ORDER BY {_ORDER} LIMIT ${len(bound) + 1} OFFSET ${len(bound) + 2}) page"
                f" JOIN voices USING (id) ORDER BY {_ORDER}",
                *(*bound, limit, (page - 1) * limit),
            )
        return [Voice(**row) for row in rows], limit, total

    async def revisions(self) -> dict[str, str]:
        """Provider -> the revision of its voices here."""
        async with self._database.connection() as connection:
            rows = await connection.fetch("SELECT DISTINCT provider, revision FROM voices")
        return {row["provider"]: row["revision"] for row in rows}

    async def replace(self, provider: str, voices: Sequence[Voice]) -> None:
        """Have exactly these voices of a provider."""
        async with self._database.transaction() as connection:
            await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
            await connection.execute(
                "DELETE FROM voices WHERE provider = $1 AND id <> ALL($2::text[])",
                *(provider, [voice.id for voice in voices]),
            )
            await connection.executemany(
                _PUT, [tuple(getattr(voice, name) for name in _FIELDS) for voice in voices]
            )

    async def keep_only(self, providers: Sequence[str]) -> None:
        """Forget the voices of providers that are not installed any more."""
        async with self._database.connection() as connection:
            await connection.execute(
                "DELETE FROM voices WHERE provider <> ALL($1::text[])", list(providers)
            )

"""`cocut library add`: an operator's own files, for everybody."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Final, get_args
from uuid import UUID, uuid5

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from api.errors import UnreadableFile, UnsupportedType
from api.mediatypes import HEAD, TYPES, Examined, MediaType, check_claims, sniff
from api.uploads import stored, title_of
from collab.errors import CocutError
from persistence.audio import Audio, Category
from persistence.library import Library
from persistence.media import Media
from server.command_settings import LibrarySettings
from server.media.examine import Examiner
from server.settings import Settings
from server.stock.shelves import Shelves, shelves

NAMESPACE: Final = UUID("2f0d7a52-61ba-4f0e-93a3-53a3f7f5a0d4")
"""A file's id follows from it and from what is in the file: adding it again changes the row."""
SIDECAR: Final = ".json"
NOBODY: Final = UUID(int=0)
"""A user who sees what is there for everybody."""


class WrongSidecar(CocutError):
    """The JSON beside a file does not describe it."""


class Description(BaseModel):
    """What is said of a file: by options, or in a JSON file beside it (`song.mp3.json`).

    What the JSON says wins over the options, for its file.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: Annotated[str, Field(max_length=255)] = ""
    artist: Annotated[str, Field(max_length=255)] = ""
    category: Annotated[str, Field(max_length=100)] = ""
    tags: tuple[Annotated[str, Field(min_length=1, max_length=100)], ...] = ()
    is_premium: bool = False


async def add(settings: Settings, wanted: LibrarySettings) -> int:
    """Add files, and those in directories; returns the exit code: 1 if any could not be added.

    Raises:
        CocutError, OSError: the libraries cannot be opened or written.
    """
    failed = 0
    said = Description(
        title=wanted.title,
        artist=wanted.artist,
        category=wanted.category,
        tags=wanted.tags,
        is_premium=wanted.premium,
    )
    async with shelves(settings) as shelf:
        examine = Examiner()
        for path in _files(wanted.paths):
            try:
                print(f"{path}: {await _add(shelf, examine, path, said)}")
            except UnreadableFile as error:
                failed += _refused(path, str(error.details[0]["message"]))
            except (UnsupportedType, WrongSidecar, OSError) as error:
                failed += _refused(path, str(error))
    return int(failed > 0)


def _refused(path: Path, reason: str) -> int:
    print(f"{path}: not added: {reason}", file=sys.stderr)
    return 1


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    endings = {f".{ending}" for one in TYPES.values() for ending in one.endings}
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        for found in sorted(path.rglob("*")):
            if found.suffix.lower() in endings and found.is_file() and found.name[0] != ".":
                yield found


async def _add(shelf: Shelves, examine: Examiner, path: Path, said: Description) -> str:
    described = await asyncio.to_thread(describe, path, said)
    kind, digest = await asyncio.to_thread(_known, path)
    library: Library[Any] = shelf.audio if kind.kind == "audio" else shelf.media
    row_id, changes = uuid5(NAMESPACE, digest), _columns(path, kind, described)
    if await library.among([row_id]):
        known = await library.get(row_id, NOBODY)
        await shelf.put(library, replace(known, **changes), ())
        return f"“{changes['title']}” was there already; what is said of it is renewed"
    with tempfile.TemporaryDirectory(dir=shelf.scratch) as name:
        directory = Path(name)
        copy = directory / "upload"
        await asyncio.to_thread(shutil.copyfile, path, copy)
        found = await examine(copy, kind, directory)
        files = await shelf.store(stored(found))
    links = [file.path for file in files]
    row = _audio if kind.kind == "audio" else _media
    await shelf.put(library, row(row_id, kind, found, links, changes), files)
    return f"added as “{changes['title']}”"


def _columns(path: Path, kind: MediaType, described: Description) -> dict[str, Any]:
    """The columns that come from the description.

    Raises:
        WrongSidecar: audio of another category than there are.
    """
    columns = {
        "title": described.title.strip() or title_of(path.name),
        "tags": list(described.tags),
        "is_premium": described.is_premium,
    }
    if kind.kind != "audio":
        return {**columns, "category": described.category or None}
    if described.category not in ("", *get_args(Category)):
        known = " or ".join(get_args(Category))
        raise WrongSidecar(f"audio is of the category {known}, not {described.category!r}")
    category = described.category or "music"
    return {**columns, "artist": described.artist or None, "category": category}


def _audio(
    row_id: UUID, _: MediaType, found: Examined, links: list[str], columns: dict[str, Any]
) -> Audio:
    return Audio(
        id=row_id,
        duration=found.duration or 0.0,
        url=links[0],
        thumbnail_url=links[1],
        waveform_url=links[2],
        source="stock",
        user_id=None,
        **columns,
    )


def _media(
    row_id: UUID, kind: MediaType, found: Examined, links: list[str], columns: dict[str, Any]
) -> Media:
    return Media(
        id=row_id,
        type=kind.kind,
        url=links[0],
        thumbnail_url=links[1],
        source="stock",
        dimensions={"width": found.width, "height": found.height},
        duration=found.duration,
        user_id=None,
        ai_prompt=None,
        **columns,
    )


def describe(path: Path, said: Description) -> Description:
    """What is said of a file.

    Raises:
        WrongSidecar: the JSON beside it is not a `Description`.
    """
    beside = path.with_name(path.name + SIDECAR)
    if not beside.is_file():
        return said
    try:
        more = Description.model_validate_json(beside.read_bytes())
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "it"
        raise WrongSidecar(f"{beside.name}: {place}: {first['msg']}") from None
    return said.model_copy(update={name: getattr(more, name) for name in more.model_fields_set})


def _known(path: Path) -> tuple[MediaType, str]:
    with path.open("rb") as file:
        name = sniff(file.read(HEAD))
        if name is None or name == "webp":
            known = ", ".join(name for name in TYPES if name != "webp")
            raise UnsupportedType(f"This is none of the types that are known: {known}.")
        ending = path.suffix.lower().lstrip(".")
        kind = TYPES["m4a" if name == "mp4" and ending == "m4a" else name]
        check_claims(kind, path.name, None)
        file.seek(0)
        return kind, hashlib.file_digest(file, "sha256").hexdigest()

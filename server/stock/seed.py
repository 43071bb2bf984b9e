"""`cocut seed`: makes the stock library and puts it on the shelves; what is there stays."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Final
from uuid import UUID, uuid5

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from persistence.audio import Audio
from persistence.avatars import Avatar
from persistence.media import Media
from server.settings import Settings
from server.stock.catalogue import ARTIST, CATALOGUE, Drawing, Person, Sound
from server.stock.making import Made, make
from server.stock.shelves import Shelves, shelves

NAMESPACE: Final = UUID("6d1f6c1e-52a4-4c55-9c0a-7f0f5d0c2b11")
"""Ids follow from it and from names, so that a thing has the same id on every installation."""
AT_ONCE: Final = 4


def stock_id(slug: str) -> UUID:
    """The id of a thing of the catalogue."""
    return uuid5(NAMESPACE, slug)


async def seed(settings: Settings) -> int:
    """Add what is missing of the stock library; returns the exit code.

    Raises:
        CocutError, OSError: the libraries cannot be opened or written.
    """
    async with shelves(settings) as shelf:
        added = await add_missing(shelf, CATALOGUE)
    what = f"{added} of {len(CATALOGUE)} things added" if added else "everything was there already"
    print(f"the stock library: {what}")
    return 0


async def add_missing(shelf: Shelves, slugs: Iterable[str]) -> int:
    """Make and add those that are not there; returns how many that were."""
    there = await _there(shelf)
    wanted = [slug for slug in slugs if stock_id(slug) not in there]
    if not wanted:
        return 0
    # Lists show the newest first, and avatars must be there before their variations.
    wanted.reverse()
    wanted.sort(key=_is_variation)
    workers = min(AT_ONCE, os.cpu_count() or 1)
    context = multiprocessing.get_context("spawn")
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    console = Console(stderr=True)
    with (
        ProcessPoolExecutor(workers, mp_context=context) as pool,
        Progress(*columns, TimeElapsedColumn(), console=console) as bar,
    ):
        task = bar.add_task("making the stock library", total=len(wanted))
        loop = asyncio.get_running_loop()
        making = {slug: loop.run_in_executor(pool, _make, slug, shelf.scratch) for slug in wanted}
        try:
            for slug, future in making.items():
                await _put(shelf, slug, await future)
                bar.update(task, advance=1, description=CATALOGUE[slug].title)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            await asyncio.gather(*making.values(), return_exceptions=True)
        bar.update(task, description="the stock library")
    return len(wanted)


def _make(slug: str, scratch: Path) -> Made:
    directory = scratch / slug
    directory.mkdir()
    return make(slug, directory)


def _is_variation(slug: str) -> bool:
    item = CATALOGUE[slug]
    return isinstance(item, Person) and item.of is not None


async def _there(shelf: Shelves) -> set[UUID]:
    ids = [stock_id(slug) for slug in CATALOGUE]
    found: set[UUID] = set()
    for library in (shelf.audio, shelf.media, shelf.avatars):
        found |= await library.among(ids)
    return found


async def _put(shelf: Shelves, slug: str, made: Made) -> None:
    item, files = CATALOGUE[slug], await shelf.store(made.files)
    links = [file.path for file in files]
    if isinstance(item, Sound):
        audio = Audio(
            id=stock_id(slug),
            title=item.title,
            artist=ARTIST,
            duration=made.duration or 0.0,
            category=item.category,
            tags=[*item.tags.split(), "cc0"],
            url=links[0],
            waveform_url=links[2],
            thumbnail_url=links[1],
            source="stock",
            is_premium=item.is_premium,
            user_id=None,
        )
        await shelf.put(shelf.audio, audio, files)
    elif isinstance(item, Drawing):
        media = Media(
            id=stock_id(slug),
            type="image",
            title=item.title,
            url=links[0],
            thumbnail_url=links[1],
            source="stock",
            category=item.category,
            tags=[*item.tags.split(), "cc0"],
            dimensions={"width": made.width, "height": made.height},
            duration=None,
            is_premium=item.is_premium,
            user_id=None,
            ai_prompt=None,
        )
        await shelf.put(shelf.media, media, files)
    else:
        avatar = Avatar(
            id=stock_id(slug),
            name=item.title,
            gender=item.gender,
            style=item.style,
            thumbnail_url=links[1],
            preview_url=links[0],
            video_url=None,
            source="stock",
            is_premium=item.is_premium,
            user_id=None,
            parent_avatar_id=stock_id(item.of) if item.of else None,
        )
        await shelf.put(shelf.avatars, avatar, files)

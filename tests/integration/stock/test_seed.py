"""`cocut seed`: what it adds, and that it adds it once."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import uuid4

import av
import pytest
from PIL import Image

from server.settings import Settings
from server.stock.catalogue import CATALOGUE
from server.stock.making import make
from server.stock.seed import add_missing, seed, stock_id
from server.stock.shelves import Shelves, shelves
from tests.integration.api.conftest import fresh_database
from tests.integration.stock.stored import file_of

SLUGS = ("effect-pop", "picture-bokeh", "avatar-noah", "avatar-noah-creative")
SOMEBODY = uuid4()


def size_of(path: Path) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.width, image.height


async def test_what_is_missing_is_added_once_with_its_files(settings: Settings) -> None:
    async with shelves(settings) as shelf:
        assert await add_missing(shelf, SLUGS) == 4
        [sound], total = await shelf.audio.page(SOMEBODY)
        assert (sound.id, sound.title, sound.category, total) == (
            stock_id("effect-pop"), "Pop", "sound_effects", 1,
        )  # fmt: skip
        assert (sound.source, sound.user_id, sound.is_premium) == ("stock", None, False)
        assert "cc0" in sound.tags
        with av.open(str(file_of(shelf, sound.url))) as file:
            assert file.metadata["copyright"].startswith("CC0")
            assert file.streams.audio[0].sample_rate == 44_100
        assert sound.waveform_url is not None
        assert json.loads(file_of(shelf, sound.waveform_url).read_bytes())["version"] == 2
        [picture], _ = await shelf.media.page(SOMEBODY, category="background")
        assert picture.dimensions == {"width": 1920, "height": 1080}
        assert size_of(file_of(shelf, picture.url)) == (1920, 1080)
        assert max(size_of(file_of(shelf, picture.thumbnail_url))) == 480
        [noah], total = await shelf.avatars.page(SOMEBODY)
        assert (noah.name, noah.is_premium, total) == ("Noah", True, 1)
        assert [one.name for one in noah.variations] == ["Noah (Creative)"]
        assert size_of(file_of(shelf, noah.preview_url)) == (800, 1000)
    async with shelves(settings) as shelf:
        assert await add_missing(shelf, SLUGS) == 0
        async with shelf.database.connection() as connection:
            assert await connection.fetchval("SELECT count(*) FROM blobs") == 9
    assert not list((settings.data_dir / "incoming").iterdir())


def test_a_thing_is_made_of_the_same_bytes_each_time(tmp_path: Path) -> None:
    made = []
    for name in ("first", "again"):
        (tmp_path / name).mkdir()
        found = make("effect-chime", tmp_path / name)
        made.append([path.read_bytes() for path, _ in found.files])
    assert made[0] == made[1]


async def everything(shelf: Shelves) -> dict[str, Any]:
    """All that lists show of the libraries, with the bytes of the files instead of the links."""
    found: dict[str, Any] = {}
    async with shelf.database.connection() as connection:
        for table in ("audio_library", "media_library", "avatars"):
            rows = await connection.fetch(f"SELECT * FROM {table} ORDER BY created_at, id")
            found[f"order of {table}"] = [str(row["id"]) for row in rows]
            for row in rows:
                found[str(row["id"])] = {
                    name: sha256(file_of(shelf, value).read_bytes()).hexdigest()
                    if value is not None and name.endswith("url")
                    else value
                    for name, value in row.items()
                    if name not in ("created_at", "updated_at")
                }
    return found


@pytest.mark.slow
@pytest.mark.timeout(0)
async def test_the_whole_library_is_the_same_on_every_installation(
    settings: Settings, tmp_path: Path, postgres_dsn: str
) -> None:
    made = []
    other = Settings(data_dir=tmp_path / "other", database_url=await fresh_database(postgres_dsn))
    for one in (settings, other):
        assert await seed(one) == 0
        async with shelves(one) as shelf:
            made.append(await everything(shelf))
    assert made[0] == made[1]
    assert len(made[0]) == len(CATALOGUE) + 3


def test_ids_never_change() -> None:
    assert str(stock_id("effect-pop")) == "3e56d674-5e57-54e1-8d20-8419891e6705"
    assert str(stock_id("avatar-noah")) == "6c09737d-1fb9-56a4-b5eb-a54c9535482b"

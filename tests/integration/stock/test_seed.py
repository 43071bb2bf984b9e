"""`cocut seed`: what it adds, and that it adds it once."""

from __future__ import annotations

import json
from pathlib import Path
from uuid import uuid4

import av
from PIL import Image

from server.settings import Settings
from server.stock.making import make
from server.stock.seed import add_missing, stock_id
from server.stock.shelves import shelves
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


def test_ids_never_change() -> None:
    assert str(stock_id("effect-pop")) == "3e56d674-5e57-54e1-8d20-8419891e6705"
    assert str(stock_id("avatar-noah")) == "6c09737d-1fb9-56a4-b5eb-a54c9535482b"

"""`cocut library add`: an operator's own files."""

from __future__ import annotations

import json
from pathlib import Path
from uuid import uuid4

import pytest

from server.command_settings import LibrarySettings
from server.settings import Settings
from server.stock.imports import add
from server.stock.shelves import shelves
from tests.integration.stock.stored import file_of
from tests.support import files

SOMEBODY = uuid4()


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A directory with a sound, a picture that is described, and what is neither."""
    directory = tmp_path / "own"
    (directory / "deep").mkdir(parents=True)
    (directory / "deep" / "rising tone.wav").write_bytes(files.wav())
    (directory / "red.png").write_bytes(files.picture())
    said = {"title": "Red and blue", "category": "Tests", "tags": ["red"], "is_premium": True}
    (directory / "red.png.json").write_text(json.dumps(said))
    (directory / "notes.txt").write_text("not for the library")
    return directory


async def test_a_directory_with_descriptions(settings: Settings, own: Path) -> None:
    wanted = LibrarySettings(paths=(own,), artist="Ann", tags=("ours",), category="sound_effects")
    assert await add(settings, wanted) == 0
    async with shelves(settings) as shelf:
        [sound], _ = await shelf.audio.page(SOMEBODY, which="stock")
        assert (sound.title, sound.artist, sound.category) == (
            "rising tone", "Ann", "sound_effects",
        )  # fmt: skip
        assert (sound.tags, sound.is_premium, sound.duration) == (["ours"], False, 1.0)
        assert file_of(shelf, sound.url).read_bytes() == files.wav()
        [picture], _ = await shelf.media.page(SOMEBODY)
        assert (picture.title, picture.category, picture.tags, picture.is_premium) == (
            "Red and blue", "Tests", ["red"], True,
        )  # fmt: skip
    assert (own / "red.png").read_bytes() == files.picture(), "the operator's file stays"


async def test_again_what_is_said_changes_and_nothing_is_there_twice(
    settings: Settings, own: Path
) -> None:
    path = own / "deep" / "rising tone.wav"
    await add(settings, LibrarySettings(paths=(path,)))
    await add(settings, LibrarySettings(paths=(path,), title="New name", premium=True))
    async with shelves(settings) as shelf:
        [sound], total = await shelf.audio.page(SOMEBODY)
        assert (sound.title, sound.is_premium, total) == ("New name", True, 1)
        async with shelf.database.connection() as connection:
            assert await connection.fetchval("SELECT count(*) FROM blobs") == 3


@pytest.mark.parametrize(
    ("name", "content", "beside", "says"),
    [
        ("a.png", b"<svg/>", None, "none of the types"),
        ("a.mp3", files.wav(), None, "it is wav"),
        ("a.png", files.picture()[:90], None, "damaged"),
        ("a.wav", files.wav(), '{"colour": "red"}', "colour"),
        ("a.wav", files.wav(), "no JSON", "a.wav.json"),
        ("a.wav", files.wav(), '{"category": "noise"}', "music or sound_effects"),
        ("missing.wav", None, None, "No such file"),
    ],
)
async def test_what_cannot_be_added_is_named_and_the_rest_is_added(
    settings: Settings,
    own: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
    content: bytes | None,
    beside: str | None,
    says: str,
) -> None:
    bad = own / name
    if content is not None:
        bad.write_bytes(content)
    if beside is not None:
        (own / f"{name}.json").write_text(beside)
    assert await add(settings, LibrarySettings(paths=(bad, own / "red.png"))) == 1
    printed = capsys.readouterr()
    assert says in printed.err
    assert f"{bad}: not added" in printed.err
    assert "Red and blue" in printed.out
    async with shelves(settings) as shelf:
        assert (await shelf.audio.page(SOMEBODY))[1] == 0
        assert not [path for path in shelf.scratch.rglob("*") if path.is_file()]

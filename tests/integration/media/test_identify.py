"""What files are, decided by their bytes."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image

from api.mediatypes import sniff
from server.media.errors import AssetBroken
from server.media.ffmpeg import Processes
from server.media.identify import identify
from tests.integration.media.stage import DirectoryAssets


@pytest.mark.parametrize(
    ("name", "kind", "form", "size", "seconds", "audible"),
    [
        ("photo.jpg", "image", "jpg", (1280, 720), None, False),
        ("logo.png", "image", "png", (200, 200), None, False),
        ("spin.gif", "gif", "gif", (120, 120), 1.0, False),
        ("clip.mp4", "video", "mp4", (320, 240), 2.0, True),
        ("music.wav", "audio", "wav", (0, 0), 6.0, True),
    ],
)
async def test_what_a_file_is(
    assets: DirectoryAssets,
    name: str,
    kind: str,
    form: str,
    size: tuple[int, int],
    seconds: float | None,
    audible: bool,
) -> None:
    info = await identify(assets.directory / name)
    assert (info.kind, info.format, info.has_audio) == (kind, form, audible)
    assert (info.width, info.height) == size
    assert info.duration == (None if seconds is None else pytest.approx(seconds, abs=0.05))


@pytest.mark.parametrize(("name", "form"), [("a.mp3", "mp3"), ("a.m4a", "m4a"), ("a.mov", "mov")])
async def test_formats_that_ffmpeg_writes(
    assets: DirectoryAssets, tmp_path: Path, name: str, form: str
) -> None:
    picture = [] if form == "mov" else ["-vn"]
    Processes().run(["-i", assets.directory / "clip.mp4", *picture, "-y", tmp_path / name])
    info = await identify(tmp_path / name)
    assert (info.format, info.kind) == (form, "video" if form == "mov" else "audio")
    assert info.duration == pytest.approx(2.0, abs=0.1)


async def test_a_picture_that_says_it_lies_on_its_side(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (60, 40)).save(tmp_path / "a.jpg", exif=exif)
    info = await identify(tmp_path / "a.jpg")
    assert (info.width, info.height) == (40, 60)


@pytest.mark.parametrize("name", ["broken.png", "broken.mp4", "broken.mp3"])
async def test_damaged_files(assets: DirectoryAssets, name: str) -> None:
    with pytest.raises(AssetBroken, match="damaged"):
        await identify(assets.directory / name)


async def test_a_truncated_picture(assets: DirectoryAssets, tmp_path: Path) -> None:
    data = (assets.directory / "photo.jpg").read_bytes()
    (tmp_path / "half.jpg").write_bytes(data[: len(data) // 2])
    with pytest.raises(AssetBroken, match="damaged"):
        await identify(tmp_path / "half.jpg")


@pytest.mark.parametrize("size", [(30_000, 30_000), (65_000, 20)])
async def test_a_decompression_bomb(tmp_path: Path, size: tuple[int, int]) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", *size, 8, 2, 0, 0, 0)
    (tmp_path / "bomb.png").write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")
    )
    with pytest.raises(AssetBroken, match="too large"):
        await identify(tmp_path / "bomb.png")


@pytest.mark.parametrize(
    "data", [b"", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"#EXTM3U\nhttp://x/", b"MZ\x90"]
)
async def test_what_is_not_accepted_is_not_opened(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.png").write_bytes(data)
    assert sniff(data) is None
    with pytest.raises(AssetBroken, match="no format"):
        await identify(tmp_path / "a.png")

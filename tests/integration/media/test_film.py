"""A finished film: structure, pictures, sound."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from api.schemas.renders import QUALITIES
from server.media.model import RenderOptions, Watermark
from tests.integration.media.reading import (
    find,
    frames,
    level,
    loudness,
    movie_seconds,
    sound,
    times,
)
from tests.integration.media.stage import Script, Stage, layer

SMALL = RenderOptions(quality="360p")


def scenes(*durations: float) -> Script:
    script = Script()
    for number, duration in enumerate(durations):
        script.scene(
            duration,
            layer("media", 0, duration, media_id="photo.jpg"),
            layer("text", 0, duration, text=f"Scene {number}", animation="fadeIn", font_size=90),
            layer("audio", 0, duration, audio_id="music.wav"),
        )
    return script


async def test_frames_have_a_constant_rate_and_the_exact_length(stage: Stage) -> None:
    result = await stage.render(scenes(1.5, 0.04, 2.37))
    rows = times(result.path)
    assert len(rows) == round((1.5 + 0.04 + 2.37) * 30)
    for number, (start, length) in enumerate(rows):
        assert start == pytest.approx(number / 30, abs=1e-9)
        assert length == pytest.approx(1 / 30, abs=1e-9)
    assert result.duration == len(rows) / 30
    assert movie_seconds(result.path) == pytest.approx(result.duration, abs=0.001)
    assert len(frames(result.path, 640, 360)) == len(rows)
    assert abs(len(sound(result.path)) / 48_000 - result.duration) < 1 / 30


async def test_the_file_begins_with_its_index_and_says_its_colours(stage: Stage) -> None:
    data = (await stage.render(scenes(1))).path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    entries = find(data, "moov/trak/mdia/minf/stbl/stsd")
    video = next(box for box in entries if b"avc1" in box.data)
    at = video.data.index(b"colr")
    assert video.data[at + 4 : at + 8] == b"nclx"
    # Primaries, transfer and matrix are 1 (BT.709), the range is limited.
    assert video.data[at + 8 : at + 15] == bytes([0, 1, 0, 1, 0, 1, 0])


@pytest.mark.parametrize("colour", ["#C81E1E", "#1EC81E", "#1E1EC8", "#808080", "#FFFFFF"])
async def test_colours_come_back_as_they_were_given(stage: Stage, colour: str) -> None:
    result = await stage.render(Script(background=colour).scene(0.1))
    middle = frames(result.path, 640, 360)[1, 180, 320].astype(int)
    wanted = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    assert np.abs(middle - wanted).max() <= 3
    with Image.open(result.poster) as poster:
        assert np.abs(np.array(poster)[180, 320].astype(int) - wanted).max() <= 4


async def test_sound_is_where_it_belongs(stage: Stage) -> None:
    script = Script().scene(
        8,
        layer("audio", 0, 8, audio_id="music.wav", fade_in=1, fade_out=1),
        layer("voiceover", 3, 3, text="one two three four five"),
    )
    result = await stage.render(script)
    heard = sound(result.path)
    music = {t: level(heard, 220, t, t + 0.2) for t in (0.1, 1.8, 3.5, 4.5, 6.2, 7.8)}
    assert music[0.1] < 0.3 * music[1.8]
    assert music[7.8] < 0.3 * music[6.2]
    # Ducked while somebody speaks, and back after it.
    assert music[3.5] < 0.35 * music[1.8]
    assert music[4.5] < 0.35 * music[1.8]
    assert music[6.2] == pytest.approx(music[1.8], rel=0.1)
    # Words of 0.3 s with 0.1 s between them, from the third second on.
    speech = [level(heard, 600, 3 + 0.4 * i + 0.05, 3 + 0.4 * i + 0.25) for i in range(5)]
    pauses = [level(heard, 600, 3 + 0.4 * i + 0.32, 3 + 0.4 * i + 0.38) for i in range(5)]
    assert min(speech) > 10 * max(pauses)
    assert level(heard, 600, 2.5, 2.9) < 0.02 * min(speech)
    assert "00:00:03.000 --> 00:00:04.900\none two three four five" in (
        result.captions_vtt.read_text()
    )


async def test_loudness_is_the_same_for_loud_and_quiet_music(stage: Stage) -> None:
    for volume in (0.2, 2.0):
        script = Script().scene(6, layer("audio", 0, 6, audio_id="music.wav", volume=volume))
        result = await stage.render(script)
        assert loudness(result.path) == pytest.approx(-16, abs=1)
        assert np.abs(sound(result.path)).max() < 10 ** (-1 / 20)


async def test_music_begins_again_and_effects_do_not(stage: Stage) -> None:
    script = Script().scene(
        10,
        layer("audio", 0, 10, audio_id="music.wav"),
        layer("audio", 2, 6, audio_id="ding.wav", category="sound_effects"),
    )
    heard = sound((await stage.render(script)).path)
    assert level(heard, 220, 8, 9) > 0.05
    assert level(heard, 1200, 2.05, 2.3) > 0.05
    assert level(heard, 1200, 3, 6) < 0.005


async def test_the_sound_of_a_video_is_heard_when_asked(stage: Stage) -> None:
    for volume, heard in ((0, False), (1, True)):
        script = Script().scene(2, layer("media", media_id="clip.mp4", volume=volume))
        result = await stage.render(script)
        assert (b"mp4a" in result.path.read_bytes()) is heard
        if heard:
            assert level(sound(result.path), 300, 0.5, 1.5) > 0.05


@pytest.mark.parametrize("form", ["mp4", "webm", "gif", "mov", "mp3"])
async def test_every_format(stage: Stage, form: str) -> None:
    result = await stage.render(scenes(1), RenderOptions(quality="360p", format=form))
    assert result.path.name == f"film.{form}"
    data = result.path.read_bytes()
    start = {"mp4": b"ftyp", "mov": b"ftypqt", "webm": b"\x1aE\xdf\xa3", "gif": b"GIF89a"}
    assert start.get(form, b"")[:6] in data[:12]
    if form in ("mp4", "webm", "mov"):
        assert len(frames(result.path, 640, 360)) == 30
    if form in ("mp4", "webm", "mov", "mp3"):
        assert level(sound(result.path), 220, 0.2, 0.8) > 0.05
    if form == "gif":
        assert len(frames(result.path, 480, 270)) == 15
    assert result.poster.stat().st_size > 1000


@pytest.mark.parametrize("ratio", ["16:9", "9:16", "1:1", "4:5"])
async def test_every_ratio(stage: Stage, ratio: str) -> None:
    result = await stage.render(scenes(0.2), RenderOptions(quality="360p", aspect_ratio=ratio))
    wide, high = map(int, ratio.split(":"))
    size = 2 * round(180 * wide / min(wide, high)), 2 * round(180 * high / min(wide, high))
    with Image.open(result.poster) as poster:
        assert poster.size == size
    assert len(frames(result.path, *size)) == 6


@pytest.mark.parametrize("quality", QUALITIES)
async def test_every_quality(stage: Stage, quality: str) -> None:
    result = await stage.render(scenes(0.1), RenderOptions(quality=quality))
    short = int(quality.removesuffix("p"))
    size = 2 * round(short * 8 / 9), short
    film = frames(result.path, *size)
    assert film.shape == (3, short, size[0], 3)
    with Image.open(result.poster) as poster:
        assert poster.size == size


@pytest.mark.parametrize("position", ["top-left", "bottom-right", "center"])
async def test_a_watermark_is_on_every_frame_also_in_transitions(
    stage: Stage, position: str
) -> None:
    script = (
        Script(background="#000000")
        .scene(0.4)
        .scene(
            0.4, layer("effect", 0, 0.4, effect="fade"), layer("effect", 0, 0.2, effect="crossfade")
        )
    )
    mark = Watermark(position=position, opacity=1)
    film = frames(
        (await stage.render(script, RenderOptions(quality="360p", watermark=mark))).path, 640, 360
    )
    assert len(film) == 24
    bright = [np.argwhere(frame.max(2) > 200) for frame in film]
    assert min(len(spots) for spots in bright) > 50
    y, x = np.mean(bright[0], axis=0)
    wanted = {"top-left": (60, 20), "bottom-right": (580, 340), "center": (320, 180)}[position]
    assert abs(x - wanted[0]) < 20
    assert abs(y - wanted[1]) < 12


async def test_a_watermark_picture(stage: Stage, assets_logo: Watermark) -> None:
    options = RenderOptions(quality="360p", watermark=assets_logo)
    film = frames((await stage.render(Script().scene(0.1), options)).path, 640, 360)
    green = np.argwhere((film[0][:, :, 1] > 150) & (film[0][:, :, 0] < 90))
    width = green[:, 1].max() - green[:, 1].min()
    assert width == pytest.approx(0.2 * 640 * 0.9, abs=4)


@pytest.fixture
def assets_logo(stage: Stage) -> Watermark:
    logo = stage.assets.directory / "logo.png"
    return Watermark(image=logo, position="top-right", scale=0.2, opacity=1)

"""A video with something in every place, to look at and to test with."""

from __future__ import annotations

import io
import math
import struct
import wave
from typing import Any

import aiohttp
from PIL import Image, ImageDraw, ImageFilter

from tests.support.server import Api

SCENES = (
    ("Meet Tern, the light that follows your day.", 6.0),
    ("It wakes you gently, and it dims when you wind down.", 8.5),
    ("Plug it in. That is all the set-up there is.", 5.0),
    ("Tern. From the first of May.", 4.0),
)


def picture(width: int = 960, height: int = 540) -> bytes:
    """A dusk over hills, as a JPEG."""
    image = Image.new("RGB", (width, height))
    draw = ImageDraw.Draw(image)
    for y in range(height):
        part = y / height
        colour = (int(38 + 205 * part), int(44 + 96 * part), int(98 + 22 * part))
        draw.line([(0, y), (width, y)], fill=colour)
    draw.ellipse([width * 0.66, height * 0.3, width * 0.8, height * 0.55], fill=(255, 232, 190))
    image = image.filter(ImageFilter.GaussianBlur(6))
    draw = ImageDraw.Draw(image)
    for row, colour in enumerate([(70, 52, 92), (46, 36, 72), (26, 22, 48)]):
        base = height * (0.62 + 0.13 * row)
        hills = [
            (x, base + math.sin(x / (90 - 17 * row) + 2 * row) * height * 0.05)
            for x in range(0, width + 8, 8)
        ]
        draw.polygon([*hills, (width, height), (0, height)], fill=colour)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=88)
    return out.getvalue()


def tune(seconds: float = 8.0, rate: int = 16_000) -> bytes:
    """A few soft chords, as a WAV."""
    frames = bytearray()
    chords = ([220.0, 277.2, 329.6], [196.0, 246.9, 293.7], [174.6, 220.0, 261.6])
    for at in range(int(seconds * rate)):
        t = at / rate
        chord = chords[int(t / 2) % len(chords)]
        swell = math.exp(-(t % 2) * 1.2)
        value = sum(math.sin(2 * math.pi * note * t) for note in chord) / 3
        frames += struct.pack("<h", int(12_000 * swell * value))
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(bytes(frames))
    return out.getvalue()


async def upload(
    api: Api, kind: str, name: str, content: bytes, *, user: str = "alice"
) -> dict[str, Any]:
    """Put a file into a library (`media` or `audio`); returns it as the API shows it."""
    form = aiohttp.FormData()
    form.add_field("title", name.rpartition(".")[0])
    form.add_field("category", "music" if kind == "audio" else "Uploads")
    form.add_field("file", content, filename=name)
    url = f"{api.server.address}/api/v1/{kind}/upload"
    headers = {"Authorization": f"Bearer {api.server.token(user)}"}
    async with api.session.post(url, data=form, headers=headers) as response:
        answer = await response.json()
        assert response.status == 201, answer
        return dict(answer["data"][kind])


async def make_showpiece(api: Api, *, user: str = "alice") -> str:
    """A short film about a lamp; returns the video's id."""
    reply = await api.call("POST", "/videos", {"title": "Tern launch film"}, user=user)
    assert reply.status == 201, reply.content
    video = str(reply.data["video"]["id"])
    dusk = await upload(api, "media", "Dusk over hills.jpg", picture(), user=user)
    music = await upload(api, "audio", "Soft chords.wav", tune(), user=user)
    scenes = [await _scene(api, video, text, seconds, user) for text, seconds in SCENES]
    first, second = scenes[:2]
    plain = {name: dusk["url"].partition("?")[0] for name in ["media_url"]}
    await _layer(
        api, first, "media", "Dusk over hills", 0, 6, user,
        media_id=dusk["id"], media_type="image", animation="kenBurns", **plain,
    )  # fmt: skip
    await _layer(
        api, first, "shape", "Band", 0.4, 5.6, user,
        shape="rectangle", fill="#1B1730", width=62, height=26, radius=36, opacity=0.72,
        position={"x": 50, "y": 62},
    )  # fmt: skip
    await _layer(
        api, first, "text", "Title", 0.6, 5.2, user,
        text="Meet Tern", font_size=132, font_weight="bold", color="#FFE9C7",
        position={"x": 50, "y": 57}, animation="fadeIn",
    )  # fmt: skip
    await _layer(
        api, first, "text", "Subtitle", 1.4, 4.4, user,
        text="the light that follows your day", font_size=48, color="#FFFFFF",
        position={"x": 50, "y": 69}, animation="slideUp",
    )  # fmt: skip
    await _layer(
        api, first, "audio", "Soft chords", 0, 6, user, volume=0.5, fade_in=1,
        audio_id=music["id"], audio_url=music["url"].partition("?")[0],
    )  # fmt: skip
    await _layer(api, first, "voiceover", "Voiceover", 0.8, 4.0, user, text="", speed=1)
    await _layer(api, first, "effect", "Vignette", 0, 6, user, effect="vignette")
    await _layer(
        api, second, "text", "Wakes you gently", 0, 8.5, user,
        text="It wakes you gently", font_size=96, color="#FFFFFF", position={"x": 50, "y": 50},
    )  # fmt: skip
    return video


async def _scene(api: Api, video: str, text: str, seconds: float, user: str) -> str:
    fields = {"text": text, "duration": seconds}
    reply = await api.call("POST", f"/videos/{video}/scenes", fields, user=user)
    assert reply.status == 201, reply.content
    return str(reply.data["scene"]["id"])


async def _layer(
    api: Api, scene: str, kind: str, name: str, start: float, seconds: float, user: str,
    **properties: Any,
) -> str:  # fmt: skip
    fields = {
        "type": kind,
        "name": name,
        "start_time": start,
        "duration": seconds,
        "properties": properties,
    }
    reply = await api.call("POST", f"/scenes/{scene}/layers", fields, user=user)
    assert reply.status == 201, reply.content
    return str(reply.data["layer"]["id"])

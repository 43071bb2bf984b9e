"""A look into a file: what it is, how large and how long; in the child of `server.media.probe`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from server.media.opening import (
    PICTURES,
    Refused,
    length,
    opened,
    opened_picture,
    require_size,
)

MAX_FRAMES: Final = 2_000


def look(form: str, source: Path) -> dict[str, Any]:
    """What a file of a format is, as the fields of `MediaInfo`."""
    return _picture(form, source) if form in PICTURES else _film(form, source)


def _picture(form: str, source: Path) -> dict[str, Any]:
    from PIL import ImageOps

    with opened_picture(source, form) as image:
        image.load()
        width, height = ImageOps.exif_transpose(image).size
        frames = getattr(image, "n_frames", 1)
        seconds = 0.0
        for number in range(min(frames, MAX_FRAMES) if form == "gif" else 0):
            image.seek(number)
            seconds += max(image.info.get("duration", 100), 20) / 1000
    moving = form == "gif" and frames > 1
    kind = "gif" if moving else "image"
    return _said(kind, form, width, height, seconds if moving else None, has_audio=False)


def _film(form: str, source: Path) -> dict[str, Any]:
    with opened(source, form) as file:
        video = next(iter(file.streams.video), None)
        sound = next(iter(file.streams.audio), None)
        if video is None or form == "mp3":
            # A cover picture in a sound file is no video.
            if sound is None:
                raise Refused("The file has neither picture nor sound.")
            next(iter(file.decode(sound)))
            form = "m4a" if form in ("mp4", "mov") else form
            return _said("audio", form, 0, 0, length(file, sound) or None, has_audio=True)
        require_size(video.width, video.height)
        frame = next(iter(file.decode(video)))
        width, height = frame.width, frame.height
        if getattr(frame, "rotation", 0) % 180:
            width, height = height, width
        seconds = length(file, video) or None
        return _said("video", form, width, height, seconds, has_audio=sound is not None)


def _said(
    kind: str, form: str, width: int, height: int, duration: float | None, *, has_audio: bool
) -> dict[str, Any]:
    return {
        "kind": kind,
        "format": form,
        "width": width,
        "height": height,
        "duration": duration,
        "has_audio": has_audio,
    }

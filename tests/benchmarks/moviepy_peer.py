"""The peer of the rendering benchmark, in a process and an environment of its own: one scene of
the typical film, made with MoviePy.

    python moviepy_peer.py ASSETS TARGET SECONDS
"""

from __future__ import annotations

import sys
from pathlib import Path

from moviepy import (
    AudioFileClip,
    CompositeAudioClip,
    CompositeVideoClip,
    ImageClip,
    TextClip,
    afx,
    vfx,
)


def main(assets: Path, target: Path, seconds: float) -> None:
    """Draw and encode the scene, 1080p at 30 frames a second."""
    size = (1920, 1080)
    picture = ImageClip(assets / "wide0.jpg").resized(size).with_duration(seconds)
    avatar = (
        ImageClip(assets / "avatar.png")
        .resized(height=round(0.7 * 1080))
        .with_duration(seconds)
        .with_position((1300, 250))
    )
    text = (
        TextClip(text="Welcome", font=assets / "font.ttf", font_size=80, color="#FFFFFF")
        .with_duration(4)
        .with_position(("center", 820))
        .with_effects([vfx.CrossFadeIn(0.5), vfx.CrossFadeOut(0.5)])
    )
    music = AudioFileClip(assets / "music.wav").with_effects(
        [
            afx.AudioLoop(duration=seconds),
            afx.MultiplyVolume(0.5),
            afx.AudioFadeIn(0.5),
            afx.AudioFadeOut(0.5),
        ]
    )
    voice = AudioFileClip(assets / "voice.wav").with_start(0.5)
    film = CompositeVideoClip([picture, avatar, text], size=size).with_duration(seconds)
    film = film.with_audio(CompositeAudioClip([music, voice]).with_duration(seconds))
    film.write_videofile(target, fps=30, codec="libx264", preset="superfast", logger=None)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3]))

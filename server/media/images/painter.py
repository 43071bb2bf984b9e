"""One picture by the built-in painter, in a process of its own.

    python -m server.media.images.painter

Standard input: JSON, `prompt`, `style`, `width`, `height` and `directory`. The directory gets
`picture.jpg` and `thumbnail.jpg`. Exit code 0 when they are there.
"""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path
from typing import Any

from server.media.images.drawing.paint import paint

CPU_SECONDS = 30
MEMORY_BYTES = 2 << 30
OUTPUT_BYTES = 64 << 20
THUMBNAIL = (480, 480)
COMMENT = b"Composed from a prompt by rule (procedural), by Cocut"


def main(given: dict[str, Any]) -> None:
    """Paint, and write the files."""
    directory = Path(given["directory"])
    image = paint(given["prompt"], given["style"], given["width"], given["height"])
    image.save(directory / "picture.jpg", quality=90, comment=COMMENT)
    image.thumbnail(THUMBNAIL)
    image.save(directory / "thumbnail.jpg", quality=85, comment=COMMENT)


if __name__ == "__main__":
    for kind, most in (
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_FSIZE, OUTPUT_BYTES),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (most, most))
    main(json.load(sys.stdin))

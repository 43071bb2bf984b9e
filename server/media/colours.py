"""Pictures of other colour spaces and depths as those of screens: sRGB, eight bits a channel."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageCms


def in_srgb(image: Image.Image) -> Image.Image:
    """The picture as RGB, or RGBA if parts of it may be transparent; by its colour profile, if it
    has one that can be read."""
    if image.mode.startswith("I"):
        # Grey of 16 bits, which Pillow would not scale but cut off.
        grey = np.asarray(image).astype(np.int64).clip(0, 65_535) // 257
        return Image.fromarray(grey.astype(np.uint8)).convert("RGB")
    clear = "A" in image.mode or "transparency" in image.info
    plain = image.convert("RGBA" if clear else "RGB")
    profile = image.info.get("icc_profile")
    if not profile:
        return plain
    try:
        given = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        space = given.profile.xcolor_space.strip()
        if space not in ("RGB", "CMYK") or (space == "CMYK") != (image.mode == "CMYK"):
            return plain
        if "sRGB" in ImageCms.getProfileDescription(given):
            return plain
        found = ImageCms.profileToProfile(
            image if space == "CMYK" else plain.convert("RGB"),
            given,
            ImageCms.createProfile("sRGB"),
            outputMode="RGB",
        )
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return plain
    assert found is not None
    if clear:
        found.putalpha(plain.getchannel("A"))
    return found

"""Pictures of other colour spaces and depths."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from PIL import Image, ImageCms

from server.media.colours import in_srgb


def _stored(image: Image.Image, **options: object) -> Image.Image:
    file = io.BytesIO()
    image.save(file, "PNG", **options)
    return Image.open(io.BytesIO(file.getvalue()))


def _display_p3() -> bytes:
    """The profile of a telephone's camera: Display P3, with a plain curve."""

    def xyz(*values: float) -> bytes:
        return b"XYZ " + bytes(4) + struct.pack(">3i", *(round(v * 65_536) for v in values))

    curve = b"curv" + bytes(4) + struct.pack(">IH", 1, round(2.2 * 256)) + bytes(2)
    name = b"Wide\0"
    tags = {
        b"desc": b"desc" + bytes(4) + struct.pack(">I", len(name)) + name + bytes(78),
        b"wtpt": xyz(0.9642, 1.0, 0.8249),
        b"rXYZ": xyz(0.51512, 0.24120, -0.00105),
        b"gXYZ": xyz(0.29198, 0.69225, 0.04189),
        b"bXYZ": xyz(0.15710, 0.06657, 0.78407),
        **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve),
    }
    at = 128 + 4 + 12 * len(tags)
    table, body = struct.pack(">I", len(tags)), b""
    for name, data in tags.items():
        table += name + struct.pack(">II", at + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    head = struct.pack(">I4xI4s4s4s", at + len(body), 0x02100000, b"mntr", b"RGB ", b"XYZ ")
    white = struct.pack(">3i", 63_190, 65_536, 54_061)
    return head + bytes(12) + b"acsp" + bytes(28) + white + bytes(48) + table + body


def test_a_wide_space_comes_out_as_the_colours_that_were_seen() -> None:
    """What this space calls (234, 51, 35) is the reddest red of screens."""
    options = {"icc_profile": _display_p3()}
    red = in_srgb(_stored(Image.new("RGB", (4, 4), (234, 51, 35)), **options)).getpixel((1, 1))
    assert np.abs(np.array(red) - (255, 0, 0)).max() <= 12
    grey = in_srgb(_stored(Image.new("RGB", (4, 4), (128, 128, 128)), **options)).getpixel((1, 1))
    assert np.abs(np.array(grey) - 128).max() <= 3
    clear = _stored(Image.new("RGBA", (4, 4), (234, 51, 35, 90)), **options)
    assert in_srgb(clear).mode == "RGBA"
    assert in_srgb(clear).getchannel("A").getpixel((1, 1)) == 90


def test_grey_of_sixteen_bits_keeps_its_shades() -> None:
    shades = np.linspace(0, 65_535, 64).astype(np.uint16)[np.newaxis].repeat(4, 0)
    seen = np.asarray(in_srgb(_stored(Image.fromarray(shades))))
    assert seen.shape == (4, 64, 3)
    assert np.abs(seen[0, :, 0] - np.linspace(0, 255, 64)).max() <= 1


@pytest.mark.parametrize("profile", [b"", b"no profile at all", None])
def test_without_a_profile_that_can_be_read_colours_stay(profile: bytes | None) -> None:
    options = {} if profile is None else {"icc_profile": profile}
    image = _stored(Image.new("RGB", (4, 4), (200, 30, 60)), **options)
    assert in_srgb(image).getpixel((1, 1)) == (200, 30, 60)
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    image = _stored(Image.new("RGB", (4, 4), (200, 30, 60)), icc_profile=srgb)
    assert in_srgb(image).getpixel((1, 1)) == (200, 30, 60)
    other = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB", 5000)).tobytes()
    image = _stored(Image.new("RGB", (4, 4), (200, 30, 60)), icc_profile=other)
    assert in_srgb(image).getpixel((1, 1)) == (200, 30, 60)

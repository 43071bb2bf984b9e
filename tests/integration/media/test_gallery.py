"""Each feature looks as it did: strips of frames against the committed ones."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from tests.gallery.features import FEATURES
from tests.gallery.show import GOLDEN, strip
from tests.integration.media.reading import similarity
from tests.integration.media.stage import Stage


@pytest.mark.parametrize("name", FEATURES)
async def test_a_feature_looks_like_its_committed_strip(stage: Stage, name: str) -> None:
    image, _ = await strip(stage, name)
    with Image.open(GOLDEN / f"{name}.png") as stored:
        golden = stored.convert("RGB")
    now, then = np.asarray(image), np.asarray(golden)
    assert similarity(now, then) > 0.96
    assert np.abs(now.astype(int) - then).mean() < 4


def test_every_strip_belongs_to_a_feature() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == set(FEATURES)

"""The system's Chromium; the test is skipped without it, or fails if it must not be."""

from __future__ import annotations

import os
import shutil
from typing import Final

import pytest

PROGRAMS: Final = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
OPTIONS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
)


def chromium() -> str:
    """Where the browser is."""
    found = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if found is None:
        missing = "Chromium is not installed"
        if os.environ.get("REQUIRE_BROWSER"):
            pytest.fail(f"{missing}, and REQUIRE_BROWSER is set", pytrace=False)
        pytest.skip(missing)
    return found

"""Finding the file behind a row's link."""

from __future__ import annotations

from pathlib import Path

from persistence.blobs import key_of
from server.stock.shelves import Shelves


def file_of(shelf: Shelves, link: str) -> Path:
    key = key_of(link)
    assert key is not None
    return shelf.blobs.store.path_of(key)

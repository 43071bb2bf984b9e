"""Pages of lists, in the shape that the requirements give them."""

from __future__ import annotations

from typing import Any


def pagination(page: int, limit: int, total: int) -> dict[str, Any]:
    """The `pagination` object of a list's answer."""
    return {
        "current_page": page,
        "total_pages": -(-total // limit),
        "total_items": total,
        "items_per_page": limit,
    }

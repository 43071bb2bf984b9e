"""The model of the health routes."""

from __future__ import annotations

from typing import Literal

from api.schemas.base import Shown


class Health(Shown):
    """That the process answers."""

    status: Literal["ok"]

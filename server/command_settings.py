"""What single commands are told beside the settings of the server: `token`, `doctor`, `library`.

To be read by `server.settings.load` like those.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, Literal
from uuid import UUID

from pydantic import BeforeValidator, Field, field_validator

from server.setting_fields import SettingsModel, Shown
from server.setting_values import Seconds, split_items

MAX_TOKEN_SECONDS: Final = 24 * 3600


class TokenSettings(SettingsModel):
    """What `cocut token` puts into a token; the values that `api.identity` checks as well."""

    user: Annotated[str, Field(min_length=1, max_length=255), Shown("Token", "ID")] = Field(
        default=..., description="The user's id, the token's `sub`."
    )
    tier: Annotated[Literal["free", "pro", "business"], Shown("Token", "free|pro|business")] = (
        Field(default="free", description="The user's tier.")
    )
    name: Annotated[str | None, Field(max_length=255), Shown("Token", "NAME", "none")] = Field(
        default=None, description="The name that other editors see."
    )
    ttl: Annotated[Seconds, Field(ge=1, le=MAX_TOKEN_SECONDS), Shown("Token", "TIME", "24h")] = (
        Field(default=MAX_TOKEN_SECONDS, description="How long it is valid: 24h at most, 30m, 90s.")
    )

    @field_validator("user", mode="after")
    @classmethod
    def _printable(cls, value: str) -> str:
        if not value.isprintable():
            raise ValueError("a user id has printable characters only")
        return value


class DoctorSettings(SettingsModel):
    """What `cocut doctor` is to look at and to do."""

    video: Annotated[UUID | None, Shown("Check", "ID", "all videos")] = Field(
        default=None, description="The video to look at; journals and files are left out then."
    )
    repair: Annotated[bool, Shown("Check")] = Field(
        default=False,
        description="Mend what can be mended; what cannot be read is exported and quarantined.",
    )


class LibrarySettings(SettingsModel):
    """What `cocut library add` adds, and what is said of it."""

    paths: Annotated[tuple[Path, ...], Shown("Add", "PATH", argument=True)] = Field(
        description="Files, and directories of files: mp3, wav, m4a, jpg, png, gif, mp4, mov."
    )
    title: Annotated[str, Shown("Add", "TEXT", "each file's name")] = Field(
        default="", max_length=255, description="Their title."
    )
    artist: Annotated[str, Shown("Add", "NAME", "none")] = Field(
        default="", max_length=255, description="Who made it, for audio."
    )
    category: Annotated[str, Shown("Add", "NAME", "music for audio, else none")] = Field(
        default="",
        max_length=100,
        description="music or sound_effects for audio; any word for pictures and videos.",
    )
    tags: Annotated[
        tuple[str, ...], BeforeValidator(split_items), Shown("Add", "WORDS", "none")
    ] = Field(default=(), description="Words to find them by, with commas; may be repeated.")
    premium: Annotated[bool, Shown("Add")] = Field(
        default=False, description="For the tiers pro and business only."
    )

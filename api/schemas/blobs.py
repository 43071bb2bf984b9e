"""The models of blobs."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.base import Given, Shown


class BlobSignature(BaseModel):
    """What makes a link to a stored file valid."""

    model_config = ConfigDict(frozen=True)

    exp: Annotated[int, Field(ge=0, le=2**53, description="seconds since the epoch")] = 0
    sig: str = ""


class BlobSign(Given):
    """Links to stored files, with or without a signature."""

    urls: Annotated[
        list[Annotated[str, Field(max_length=2048)]], Field(min_length=1, max_length=100)
    ]


class SignedUrl(Shown):
    """A link, and the same with a fresh signature; null for what the caller may not see."""

    url: str
    signed_url: str | None


class SignedUrls(Shown):
    """Fresh signatures; `expires_at` in seconds since the epoch."""

    urls: list[SignedUrl]
    expires_at: int

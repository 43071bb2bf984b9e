"""What the models of the API share: field types, bodies, answers, pages.

Limits that are settings (lengths of texts, counts) are checked by the edits, not here.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from collab.schema import MAX_NAME, MAX_SECONDS, MIN_SECONDS

AspectRatio = Literal["16:9", "9:16", "1:1", "4:5"]


LayerType = Literal["audio", "voiceover", "text", "media", "shape", "avatar", "effect"]


Title = Annotated[str, Field(min_length=1, max_length=MAX_NAME)]


Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME)]


Duration = Annotated[float, Field(ge=MIN_SECONDS, le=MAX_SECONDS, description="seconds")]


Moment = Annotated[float, Field(ge=0, le=MAX_SECONDS, description="seconds")]


Position = Annotated[int, Field(ge=1, le=1_000_000)]


Id = Annotated[str, Field(json_schema_extra={"format": "uuid"})]


GivenId = Annotated[Id, AfterValidator(str.lower)]


Time = Annotated[str, Field(json_schema_extra={"format": "date-time"})]


def without_defaults(schema: dict[str, Any]) -> None:
    """Show no defaults in OpenAPI: what is not given is left as it is, or chosen by the server."""
    for shown in schema.get("properties", {}).values():
        shown.pop("default", None)


class Given(BaseModel):
    """A body. Fields that are not given stay as they are; unknown ones are refused."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, json_schema_extra=without_defaults
    )

    def given(self) -> dict[str, Any]:
        """The fields that were sent."""
        return {name: getattr(self, name) for name in sorted(self.model_fields_set)}


class Shown(BaseModel):
    """A part of an answer."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Page(BaseModel):
    """Which page of a list."""

    model_config = ConfigDict(frozen=True)

    page: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    limit: Annotated[int, Field(ge=1, le=100)] = 20


class SearchPage(Page):
    """Which page of what a search finds."""

    search: Annotated[str, Field(max_length=200, pattern=r"^[^\x00]*$")] = ""


class MinSeq(BaseModel):
    """How new the answer must be."""

    model_config = ConfigDict(frozen=True)

    min_seq: Annotated[
        int,
        Field(
            ge=0,
            le=2**53,
            description="waits up to two seconds until the answer shows at least this much",
        ),
    ] = 0


FormTitle = Annotated[str, Field(max_length=MAX_NAME)]


class Pagination(Shown):
    """Where a page stands in its list."""

    current_page: int
    total_pages: int
    total_items: int
    items_per_page: int

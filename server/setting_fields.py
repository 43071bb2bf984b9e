"""A field of the settings: how it is shown, and what its option and its variable are called."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pydantic import BaseModel, ConfigDict
from pydantic.fields import FieldInfo

PREFIX: Final = "COCUT_"


@dataclass(frozen=True, slots=True)
class Shown:
    """How a field is shown in the help and in the documentation.

    Attributes:
        group: the heading it stands under.
        metavar: what stands for the value; empty for a flag.
        default: what stands for the default where the value itself says too little.
        argument: it is no option, but what stands after the options.
    """

    group: str
    metavar: str = ""
    default: str | None = None
    argument: bool = False


class SettingsModel(BaseModel):
    """Settings that are valid once they exist, and frozen."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, validate_default=True
    )


def shown(field: FieldInfo) -> Shown:
    """How a field of a settings model is shown."""
    return next(part for part in field.metadata if isinstance(part, Shown))


def option_name(field_name: str) -> str:
    """The command-line option of a field: `--data-dir` of `data_dir`."""
    return "--" + field_name.replace("_", "-")


def variable_name(field_name: str) -> str:
    """The environment variable of a field: `COCUT_DATA_DIR` of `data_dir`."""
    return PREFIX + field_name.upper()

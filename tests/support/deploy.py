"""What the compose file and the Dockerfile say."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

TOP: Final = Path(__file__).parents[2]
_VARIABLE: Final = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}")


def compose(variables: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The compose file; with `variables`, which stand for `.env`, they are filled in as Compose
    does it.

    Raises:
        KeyError: one is missing that has no default.
    """
    text = (TOP / "docker-compose.yml").read_text()
    found: dict[str, Any] = yaml.safe_load(text)
    return found if variables is None else _filled(found, variables)


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions, each with what follows it."""
    text = re.sub(r"\\\n", " ", (TOP / "server/deploy/Dockerfile").read_text())
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in lines)]


def image_command() -> list[str]:
    """What the image runs."""
    return [*json.loads(_last("ENTRYPOINT")), *json.loads(_last("CMD"))]


def image_environment() -> dict[str, str]:
    """The variables that the image sets."""
    return dict(pair.split("=", 1) for pair in _last("ENV").split())


def image_check() -> list[str]:
    """The command that says whether a container of the image is well."""
    command: list[str] = json.loads(_last("HEALTHCHECK").partition("CMD ")[2])
    return command


def _last(wanted: str) -> str:
    return [rest for word, rest in instructions() if word == wanted][-1]


def _filled(value: Any, variables: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _filled(inner, variables) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, variables) for inner in value]
    if not isinstance(value, str):
        return value

    def fill(match: re.Match[str]) -> str:
        name, kind, default = match.groups()
        return variables.get(name) or default if kind == "-" else variables[name]

    return _VARIABLE.sub(fill, value)

"""The values of settings as they are written: durations, addresses, URLs, secrets."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

MIN_SECRET_BYTES: Final = 32

_DURATION: Final = re.compile(r"(\d{1,9})\s*([smhd]?)")
_UNIT_SECONDS: Final = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}

VOICE: Final = re.compile(
    r"(?P<name>[\w.-]{1,60})(:(?P<gender>male|female|child)(:(?P<code>[A-Za-z]{2,3}(-\w+)*))?)?",
    re.ASCII,
)
"""A voice of a provider of speech: its name, and perhaps its gender and language."""
DEFAULT_VOICES: Final = (
    *("alloy:female", "ash:male", "ballad:male", "cedar:male", "coral:female", "echo:male"),
    *("fable:male", "marin:female", "nova:female", "onyx:male", "sage:female", "shimmer:female"),
    "verse:male",
)

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def parse_seconds(value: object) -> object:
    """Seconds of `90`, `90s`, `30m`, `24h` or `1d`; what is no text is left as it is."""
    if not isinstance(value, str):
        return value
    match = _DURATION.fullmatch(value.strip().lower())
    if match is None:
        raise ValueError("write a duration like 24h, 30m or 90s")
    return int(match[1]) * _UNIT_SECONDS[match[2]]


def is_loopback(host: str) -> bool:
    """Whether a host to listen on can be reached from this machine only."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def split_items(value: object) -> object:
    """The items of a text with commas, or of several such texts."""
    if isinstance(value, str):
        value = [value]
    if isinstance(value, list) and all(isinstance(text, str) for text in value):
        return tuple(item for text in value for part in text.split(",") if (item := part.strip()))
    return value


def url_of(*schemes: str, host: bool = True) -> AfterValidator:
    """A check for URLs of the given schemes; `host` asks for one after the scheme."""

    def check(value: str) -> str:
        forms = " or ".join(f"{scheme}:" + ("//..." if host else "") for scheme in schemes)
        try:
            parts = urlsplit(value)
            usable = parts.scheme in schemes and (not host or bool(parts.hostname or parts.path))
            _ = parts.port
        except ValueError:
            usable = False
        if not usable:
            raise ValueError(f"write a URL of the form {forms}")
        return value.rstrip("/")

    return AfterValidator(check)


def _origin(value: str) -> str:
    if value == "*":
        raise ValueError("name the origins, like https://app.example.com; * is not supported")
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.path.strip("/"):
        raise ValueError("write an origin like https://app.example.com, without a path")
    return f"{parts.scheme}://{parts.netloc}".lower()


def _network(value: object) -> object:
    if isinstance(value, str):
        try:
            return ipaddress.ip_network(value, strict=False)
        except ValueError:
            raise ValueError("write addresses or networks like 10.0.0.0/8, with commas") from None
    return value


def long_enough(value: SecretStr) -> SecretStr:
    """The secret, when it has the bytes that HS256 needs."""
    size = len(value.get_secret_value().encode())
    if size < MIN_SECRET_BYTES:
        raise ValueError(f"needs at least {MIN_SECRET_BYTES} bytes, has {size}")
    return value


def _voice(value: str) -> str:
    if VOICE.fullmatch(value) is None:
        raise ValueError("write voices like alloy:female:en-US, with commas between them")
    return value


Seconds = Annotated[int, BeforeValidator(parse_seconds)]
HttpUrl = Annotated[str, url_of("http", "https")]
Secret = Annotated[SecretStr, AfterValidator(long_enough)]
Count = Annotated[int, Field(ge=1)]
Origins = tuple[Annotated[str, AfterValidator(_origin)], ...]
NamedVoices = tuple[Annotated[str, AfterValidator(_voice)], ...]
Networks = tuple[Annotated[Network, BeforeValidator(_network)], ...]

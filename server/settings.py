"""The settings: one field each, from which the variable, the option and the documentation follow.

A value comes from the command line, else from `COCUT_<NAME>` in the environment, else from `.env`
in the working directory, else from the default here.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self, TypeVar
from urllib.parse import quote

from dotenv import dotenv_values
from pydantic import (
    BaseModel,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails, to_jsonable_python

from api.wording import said
from collab.schema import DocumentLimits
from server.command_settings import DoctorSettings, LibrarySettings, TokenSettings
from server.setting_fields import PREFIX, SettingsModel, Shown, option_name, variable_name
from server.setting_values import (
    DEFAULT_VOICES,
    Count,
    HttpUrl,
    NamedVoices,
    Networks,
    Origins,
    Secret,
    is_loopback,
    split_items,
    url_of,
)

LOAD_PREFIX: Final = "COCUT_LOAD_"
"""What the variables of `cocut load` begin with, which are no settings of a server."""
ENV_FILE: Final = ".env"

M = TypeVar("M", bound=BaseModel)


class SettingsError(Exception):
    """A setting that cannot be used; the message is one line that says why and what to do.

    Attributes:
        usage: the value stands on the command line, so that the call itself is wrong.
    """

    def __init__(self, message: str, *, usage: bool = False) -> None:
        super().__init__(message)
        self.usage = usage


class Settings(SettingsModel):
    """Everything that can be set about a server; valid once it exists, and frozen.

    `Settings(port=0, data_dir=...)` takes what is given and the defaults; `load` reads the
    environment and `.env` as well.
    """

    host: Annotated[str, Field(min_length=1), Shown("Network", "ADDRESS")] = Field(
        default="127.0.0.1", description="The address to listen on."
    )
    port: Annotated[int, Field(ge=0, le=65_535), Shown("Network", "PORT")] = Field(
        default=8080,
        description="The port to listen on; 0 takes a free one, which the ready line names.",
    )
    public_url: Annotated[HttpUrl | None, Shown("Network", "URL", "the address listened on")] = (
        Field(default=None, description="What links in answers begin with.")
    )
    cors_origin: Annotated[Origins, Shown("Network", "ORIGIN", "none")] = Field(
        default=(), description="An origin whose pages may call the API; may be repeated."
    )
    trusted_proxies: Annotated[Networks, Shown("Network", "NETWORKS", "none")] = Field(
        default=(), description="Proxies whose X-Forwarded-* headers are believed; may be repeated."
    )
    tls_cert: Annotated[Path | None, Shown("Network", "FILE", "none")] = Field(
        default=None, description="The TLS certificate chain (PEM); with --tls-key."
    )
    tls_key: Annotated[Path | None, Shown("Network", "FILE", "none")] = Field(
        default=None, description="The TLS private key (PEM); with --tls-cert."
    )
    workers: Annotated[Count, Shown("Network", "N")] = Field(
        default=1, description="Processes that share the port; more than one needs --redis-url."
    )

    data_dir: Annotated[Path, Shown("Storage", "DIR", "./cocut-data")] = Field(
        default=Path("cocut-data"),
        description="Where the embedded database, blobs, journal and generated secret are kept.",
    )
    database_url: Annotated[
        Annotated[str, url_of("postgresql", "postgres")] | None, Shown("Storage", "URL", "embedded")
    ] = Field(default=None, description="A PostgreSQL of your own: postgresql://...", repr=False)
    redis_url: Annotated[
        Annotated[str, url_of("redis", "rediss", "unix")] | None, Shown("Storage", "URL", "none")
    ] = Field(
        default=None,
        description="Redis between nodes; needed for several of them: redis://...",
        repr=False,
    )
    blob_url: Annotated[
        Annotated[str, url_of("file", "s3", host=False)] | None,
        Shown("Storage", "URL", "file: in the data directory"),
    ] = Field(
        default=None,
        description="Where files are stored: file:/path or s3://bucket/prefix.",
        repr=False,
    )
    max_journal_bytes: Annotated[Count, Shown("Storage", "BYTES")] = Field(
        default=1024**3, description="The most that is kept on disk while the database is away."
    )

    jwt_secret: Annotated[
        Secret | None,
        Shown("Identity", "SECRET", "generated in the data directory, on loopback only"),
    ] = Field(default=None, description="The HS256 secret of the tokens, at least 32 bytes.")
    jwks_url: Annotated[HttpUrl | None, Shown("Identity", "URL", "none")] = Field(
        default=None,
        description="An identity provider's keys (RS256, ES256, EdDSA), instead of a secret.",
    )
    guest: Annotated[bool, Shown("Identity")] = Field(
        default=False,
        description="Give the editor page a token by itself; on a loopback address only.",
    )
    metrics_token: Annotated[SecretStr | None, Shown("Identity", "TOKEN", "none")] = Field(
        default=None,
        description="The bearer token that /metrics asks for; without it /metrics is open.",
    )

    rate_limits: Annotated[bool, Shown("Limits", "on|off", "on")] = Field(
        default=True, description="The limits on requests and frames a user; off for load tests."
    )
    max_connections_per_video: Annotated[Count, Shown("Limits", "N")] = Field(
        default=20_000, description="Open connections to one video."
    )
    max_connections_per_user: Annotated[Count, Shown("Limits", "N")] = Field(
        default=50, description="Open connections of one user."
    )
    max_message_bytes: Annotated[Count, Shown("Limits", "BYTES")] = Field(
        default=8 * 1024**2, description="The largest message of an editor."
    )
    max_document_bytes: Annotated[Count, Shown("Limits", "BYTES")] = Field(
        default=64 * 1024**2, description="The largest document of a video."
    )
    max_scenes_per_video: Annotated[Count, Shown("Limits", "N")] = Field(
        default=500, description="Scenes of a video that the API shows and renders."
    )
    max_layers_per_scene: Annotated[Count, Shown("Limits", "N")] = Field(
        default=100, description="Layers of a scene that the API shows and renders."
    )
    max_text_length: Annotated[Count, Shown("Limits", "N")] = Field(
        default=20_000, description="Characters of one text."
    )
    max_properties_bytes: Annotated[Count, Shown("Limits", "BYTES")] = Field(
        default=64 * 1024, description="One layer's properties, as JSON."
    )

    no_worker: Annotated[bool, Shown("Media")] = Field(
        default=False, description="Run no worker for jobs beside the server."
    )
    speech_url: Annotated[HttpUrl | None, Shown("Media", "URL", "the built-in voices")] = Field(
        default=None, description="An OpenAI-compatible provider of speech."
    )
    speech_key: Annotated[SecretStr | None, Shown("Media", "KEY", "none")] = Field(
        default=None, description="The key for --speech-url."
    )
    speech_model: Annotated[str, Field(min_length=1, max_length=100), Shown("Media", "NAME")] = (
        Field(default="gpt-4o-mini-tts", description="The model that --speech-url is asked for.")
    )
    speech_voices: Annotated[NamedVoices, Shown("Media", "VOICES", "the API's standard ones")] = (
        Field(
            default=DEFAULT_VOICES,
            description="Voices of --speech-url, like alloy:female:en-US; may be repeated.",
        )
    )
    image_url: Annotated[HttpUrl | None, Shown("Media", "URL", "the built-in images")] = Field(
        default=None, description="An OpenAI-compatible provider of images."
    )
    image_key: Annotated[SecretStr | None, Shown("Media", "KEY", "none")] = Field(
        default=None, description="The key for --image-url."
    )
    image_model: Annotated[str, Field(min_length=1, max_length=100), Shown("Media", "NAME")] = (
        Field(default="gpt-image-1", description="The model that --image-url is asked for.")
    )

    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Shown("Logging", "debug|info|warning|error")
    ] = Field(default="info", description="The least important lines that are logged.")
    log_format: Annotated[
        Literal["console", "json"] | None,
        Shown("Logging", "console|json", "console on a terminal, else json"),
    ] = Field(default=None, description="How log lines are written, on standard error.")

    _comma_separated = field_validator(
        "cors_origin", "trusted_proxies", "speech_voices", mode="before"
    )(split_items)

    @field_validator("data_dir", mode="after")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @field_validator("tls_cert", "tls_key", mode="after")
    @classmethod
    def _readable(cls, value: Path | None) -> Path | None:
        if value is not None and not value.is_file():
            raise ValueError(f"there is no file {value}")
        return value

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        if self.jwt_secret is not None and self.jwks_url is not None:
            raise ValueError("--jwt-secret and --jwks-url exclude each other; keep one of them")
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("--tls-cert and --tls-key go together; set both or none")
        if self.workers > 1 and self.redis_url is None:
            raise ValueError("--workers above 1 needs --redis-url, through which they stay in step")
        if self.max_message_bytes > self.max_document_bytes:
            raise ValueError("--max-message-bytes is above --max-document-bytes; lower it")
        return self

    @property
    def on_loopback(self) -> bool:
        """Whether the server listens for this machine only."""
        return is_loopback(self.host)

    @property
    def has_own_keys(self) -> bool:
        """Whether tokens are checked by configured keys, not by the generated secret."""
        return self.jwt_secret is not None or self.jwks_url is not None

    def revealed(self) -> dict[str, Any]:
        """All values as JSON, secrets too: for a child process of one's own."""
        return {
            name: value.get_secret_value()
            if isinstance(value, SecretStr)
            else to_jsonable_python(value)
            for name in type(self).model_fields
            if (value := getattr(self, name)) is not None
        }

    def files_url(self) -> str:
        """Where stored files are: `--blob-url`, or a directory below the data directory."""
        return self.blob_url or f"file:{quote(str(self.data_dir / 'blobs'))}"

    def limits(self) -> DocumentLimits:
        """The limits of documents and of their projection."""
        return DocumentLimits(
            message_bytes=self.max_message_bytes,
            document_bytes=self.max_document_bytes,
            scenes=self.max_scenes_per_video,
            layers=self.max_layers_per_scene,
            text=self.max_text_length,
            properties_bytes=self.max_properties_bytes,
        )

    def require_servable(self) -> None:
        """Check what only a server has to keep.

        Raises:
            SettingsError: a public address without keys, or a guest where strangers could be one.
        """
        if not self.on_loopback and not self.has_own_keys:
            raise SettingsError(
                f"{self.host} is a public address, which needs --jwt-secret (32 bytes or more) or "
                "--jwks-url; or listen on 127.0.0.1"
            )
        if self.guest and not self.on_loopback:
            raise SettingsError(
                f"--guest lets anybody in, so it needs a loopback address; drop it, or listen on "
                f"127.0.0.1 instead of {self.host}"
            )
        if self.guest and self.jwks_url is not None:
            raise SettingsError(
                "--guest needs tokens that the server can make; drop it or --jwks-url"
            )


def known_variables() -> set[str]:
    """Every environment variable that is a setting."""
    return {
        variable_name(name)
        for model in (Settings, TokenSettings, DoctorSettings, LibrarySettings)
        for name in model.model_fields
    }


def load(model: type[M], options: Mapping[str, Any]) -> M:
    """Read a settings model from options, the environment, `.env` and its defaults.

    An empty variable counts as none.

    Args:
        model: `Settings`, or that of a command's own options.
        options: the values that stand on the command line, by field name.

    Raises:
        SettingsError: a value that cannot be used, or a variable that nobody knows.
    """
    variables = read_variables()
    values: dict[str, Any] = {
        name: value for name in model.model_fields if (value := variables.get(variable_name(name)))
    }
    try:
        return model(**{**values, **options})
    except ValidationError as error:
        problems = error.errors()
        sentences = dict.fromkeys(_sentence(problem, options) for problem in problems)
        usage = any(
            problem["type"] == "missing" or set(problem["loc"][:1]) & options.keys()
            for problem in problems
        )
        raise SettingsError("; ".join(sentences), usage=usage) from None


def read_variables(others: Collection[str] = ()) -> dict[str, str | None]:
    """The environment over `.env`.

    Args:
        others: variables that are no settings, but known to the command that asks.

    Raises:
        SettingsError: `.env` cannot be read, or there is a `COCUT_*` variable that nobody knows.
    """
    try:
        written = dotenv_values(ENV_FILE) if Path(ENV_FILE).is_file() else {}
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{ENV_FILE} cannot be read ({error}); mend or remove it") from error
    known = known_variables() | set(others)
    for name in sorted({*written, *os.environ} - known):
        if not name.startswith(PREFIX) or (name.startswith(LOAD_PREFIX) and not others):
            continue
        [near] = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0)
        place = "" if name in os.environ else f" in {ENV_FILE}"
        raise SettingsError(f"unknown setting {name}{place}; the nearest known one is {near}")
    return {**written, **os.environ}


def without_backtraces() -> None:
    """Keep pycrdt from looking up where it panics; to be called before it first does.

    What an editor sends may make it panic, which is caught. With RUST_BACKTRACE set, as containers
    often have it, the first of them reads debug symbols for up to 0.3 s, and all wait. Rust looks
    at the variable at the first panic, so that children inherit it and this process heeds it.
    """
    os.environ["RUST_BACKTRACE"] = "0"


def _sentence(problem: ErrorDetails, options: Mapping[str, Any]) -> str:
    message = said(problem)
    if not problem["loc"]:
        return message
    name = str(problem["loc"][0])
    title = option_name(name) if name in options else variable_name(name)
    if problem["type"] == "missing":
        return f"{option_name(name)} is missing; give it, or set {variable_name(name)}"
    return f"{title}: {message[0].lower()}{message[1:]}"

"""The secret that signs tokens when none is configured; made once, in the data directory."""

from __future__ import annotations

import os
import secrets
import tempfile
from pathlib import Path

from server.setting_values import MIN_SECRET_BYTES
from server.settings import Settings, SettingsError


def signing_secret(settings: Settings) -> bytes:
    """The HS256 secret of a server with these settings.

    Raises:
        SettingsError: tokens come from an identity provider, or the file cannot be used.
    """
    if settings.jwks_url is not None:
        raise SettingsError(
            "tokens come from the provider of --jwks-url; this server has no secret to sign with"
        )
    if settings.jwt_secret is not None:
        return settings.jwt_secret.get_secret_value().encode()
    return stored_secret(settings.data_dir)


def stored_secret(data_dir: Path) -> bytes:
    """The secret in `<data_dir>/secret`, made there if there is none.

    Whoever comes first makes it: it appears whole under its name or not at all, readable by its
    owner only, and two processes that start together get the same one.

    Raises:
        SettingsError: the file cannot be read or written, or is too short to be a secret.
    """
    path = data_dir / "secret"
    try:
        if not path.exists():
            _make(path)
        secret = path.read_bytes().strip()
    except OSError as error:
        raise SettingsError(
            f"the secret {path} cannot be used ({error.strerror}); "
            "mend its permissions, or set --jwt-secret"
        ) from error
    if len(secret) < MIN_SECRET_BYTES:
        raise SettingsError(
            f"the secret {path} is shorter than {MIN_SECRET_BYTES} bytes; "
            "remove the file to get a new one (tokens made before end), or set --jwt-secret"
        )
    return secret


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(prefix=".secret-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_urlsafe(48).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            return
    finally:
        Path(draft).unlink()

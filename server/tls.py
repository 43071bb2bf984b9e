"""The certificate that a server speaks TLS with."""

from __future__ import annotations

import ssl
from pathlib import Path

from collab.errors import CocutError
from server.settings import Settings


class UnusableCertificate(CocutError):
    """The certificate or its key cannot be used; the message says why and what to do."""


def server_context(settings: Settings) -> ssl.SSLContext | None:
    """TLS as the settings want it; None for none.

    Raises:
        UnusableCertificate: they name files that cannot be used.
    """
    cert, key = settings.tls_cert, settings.tls_key
    if cert is None or key is None:
        return None
    _require("--tls-cert", cert, "CERTIFICATE")
    _require("--tls-key", key, "PRIVATE KEY")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        # Without a passphrase given, OpenSSL asks for it on the terminal.
        context.load_cert_chain(cert, key, password=lambda: _locked(key))
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise UnusableCertificate(
                f"--tls-key {key} is not the key of --tls-cert {cert}; give the two that were"
                " made together, and let the server's own certificate be the file's first"
            ) from error
        raise UnusableCertificate(
            f"--tls-cert {cert} or --tls-key {key} is damaged; get them anew from where they"
            " were made"
        ) from error
    return context


def _require(option: str, path: Path, kind: str) -> None:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UnusableCertificate(
            f"{option} {path} cannot be read ({error.strerror}); let the server's user read it"
        ) from error
    if f"{kind}-----".encode() not in data:
        raise UnusableCertificate(
            f"{option} {path} is no PEM file with a {kind}; name the one that has it"
        )


def _locked(key: Path) -> str:
    raise UnusableCertificate(
        f"--tls-key {key} is locked with a passphrase; give one without:"
        f" `openssl pkey -in {key} -out FILE`"
    )

"""Certificates that a server can use, and what is said about others."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path

import pytest

from server.settings import Settings
from server.tls import UnusableCertificate, server_context
from tests.support.tls import Certificate, make_certificate


def context(pair: Certificate) -> ssl.SSLContext | None:
    return server_context(Settings(tls_cert=pair.cert, tls_key=pair.key))


def test_a_pair_is_used(tmp_path: Path) -> None:
    assert isinstance(context(make_certificate(tmp_path)), ssl.SSLContext)
    assert server_context(Settings()) is None


def _of_two(directory: Path) -> Certificate:
    one, other = make_certificate(directory / "one"), make_certificate(directory / "other")
    return Certificate(one.cert, other.key)


def _exchanged(directory: Path) -> Certificate:
    pair = make_certificate(directory)
    return Certificate(pair.key, pair.cert)


def _without_key(directory: Path) -> Certificate:
    pair = make_certificate(directory)
    return Certificate(pair.cert, pair.cert)


def _cut(directory: Path) -> Certificate:
    pair = make_certificate(directory)
    pair.cert.write_bytes(pair.cert.read_bytes()[:200])
    return pair


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (_of_two, "key.pem is not the key of --tls-cert"),
        (_exchanged, "--tls-cert .*key.pem is no PEM file with a CERTIFICATE"),
        (_without_key, "--tls-key .*cert.pem is no PEM file with a PRIVATE KEY"),
        (_cut, "is damaged"),
        (lambda directory: make_certificate(directory, b"secret"), "openssl pkey"),
    ],
)
def test_what_cannot_be_used_is_named(
    tmp_path: Path, make: Callable[[Path], Certificate], says: str
) -> None:
    with pytest.raises(UnusableCertificate, match=says):
        context(make(tmp_path))

"""Caddy with the compose file's configuration, in front of nodes on loopback."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from tests.support.processes import await_words

TOP: Final = Path(__file__).parents[2]
START_SECONDS: Final = 30.0
STOP_SECONDS: Final = 10.0
CERTIFIED: Final = "certificate obtained successfully"


@dataclass(frozen=True, slots=True)
class Caddy:
    """A running Caddy.

    Attributes:
        address: `https://DOMAIN:PORT`.
        authority: the certificate of who vouches for it; a PEM file.
    """

    address: str
    authority: Path

    def session(self) -> aiohttp.ClientSession:
        """A client for which every name is this machine's, and which trusts it."""
        trusted = ssl.create_default_context(cafile=self.authority)
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=trusted, resolver=_Loopback())
        )


class _Loopback(AbstractResolver):
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host, host="127.0.0.1", port=port, family=socket.AF_INET, proto=0, flags=0
            )
        ]

    async def close(self) -> None:
        """There is nothing to close."""


@contextmanager
def caddy_running(home: Path, domain: str, upstreams: Mapping[str, str]) -> Iterator[Caddy]:
    """Caddy on free ports, with certificates of its own instead of a public authority's.

    Args:
        home: an empty directory for what it keeps.
        domain: the variable `DOMAIN`.
        upstreams: for each address in the configuration the one it stands for here.
    """
    program = shutil.which("caddy")
    if program is None:
        pytest.skip("caddy is not installed")
    text = (TOP / "server/deploy/Caddyfile").read_text()
    for name, address in upstreams.items():
        assert name in text
        text = text.replace(name, address)
    with ExitStack() as free:
        taken = [free.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(2)]
        http, https = (one.getsockname()[1] for one in taken)
    options = (
        "admin off",
        "skip_install_trust",
        "local_certs",
        "default_bind 127.0.0.1",
        f"http_port {http}",
        f"https_port {https}",
    )
    home.mkdir()
    config = home / "Caddyfile"
    config.write_text("{\n\t" + "\n\t".join(options) + "\n}\n" + text)
    log = home / "log"
    with log.open("wb") as written:
        process = subprocess.Popen(
            [program, "run", "--config", str(config), "--adapter", "caddyfile"],
            env={**os.environ, "DOMAIN": domain, "HOME": str(home), "XDG_DATA_HOME": str(home)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=written,
        )
    try:
        await_words(CERTIFIED, log, process, START_SECONDS)
        authority = home / "caddy/pki/authorities/local/root.crt"
        yield Caddy(f"https://{domain}:{https}", authority)
    finally:
        process.terminate()
        process.wait(STOP_SECONDS)

"""Which address a request comes from."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from aiohttp import web

from api.keys import Network


def client_address(request: web.Request, trusted: Sequence[Network]) -> str:
    """The client's address: the connection's, or what trusted proxies say about it.

    `X-Forwarded-For` is read from its end, and only as far as each sender is trusted: whatever a
    client wrote into it itself counts for nothing.
    """
    address = request.remote or "unknown"
    if not trusted:
        return address
    for said in reversed(",".join(request.headers.getall("X-Forwarded-For", [])).split(",")):
        if not _within(address, trusted):
            return address
        hop = said.strip()
        if _parse(hop) is None:
            return address
        address = hop
    return address


def _parse(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _within(text: str, networks: Sequence[Network]) -> bool:
    address = _parse(text)
    return address is not None and any(address in network for network in networks)

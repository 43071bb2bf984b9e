"""The servers behind a Redis address: one, or the primaries of a Redis Cluster.

In a cluster a key lives where its slot does. So does a channel, as a sharded one (Redis 7): a
message on it goes through that one server, where a plain channel's would go through all of them.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.crc import key_slot
from redis.exceptions import RedisError

SLOTS: Final = 16_384
ANSWER_SECONDS: Final = 2.0


class Shards:
    """Which server carries which channels and keys.

    Args:
        url: of Redis, or of one server of a cluster.
        answer_seconds: how long a server may take to answer.

    Attributes:
        sharded: whether it is a cluster.
        known: whether `look` has found out; not any more after `forget`.
    """

    def __init__(self, url: str, answer_seconds: float = ANSWER_SECONDS) -> None:
        self.sharded = False
        self.known = False
        self._url = url
        self._answer_seconds = answer_seconds
        self._ranges: list[tuple[int, int, str]] = []
        self._clients: dict[str, Redis] = {}

    async def look(self) -> None:
        """Find out who carries what, from the address given or whoever is known beside it.

        Raises:
            RedisError, OSError: nobody answers, or not all slots are carried by anybody.
        """
        failure: Exception | None = None
        for url in dict.fromkeys((self._url, *self.servers())):
            client = self.client(url)
            try:
                info: dict[str, Any] = await client.info("cluster")
                self.sharded = bool(info.get("cluster_enabled"))
                slots = await self._slots(client) if self.sharded else []
            except (RedisError, OSError) as error:
                failure = error
                continue
            self._ranges = [
                (first, last, self._address(primary[0], primary[1]))
                for first, last, primary, *_ in slots
            ]
            if self.sharded and sum(last - first + 1 for first, last, _ in self._ranges) < SLOTS:
                failure = RedisError("the cluster does not carry all slots")
                continue
            self.known = True
            return
        raise failure or RedisError("no Redis is known")

    def forget(self) -> None:
        """What is known is not true any more: look again."""
        self.known = False

    def servers(self) -> list[str]:
        """The servers that carry anything."""
        return list(dict.fromkeys(url for _, _, url in self._ranges)) or [self._url]

    def of(self, key: str) -> str:
        """The server that carries a channel or a key."""
        if self._ranges:
            slot = key_slot(key.encode())
            for first, last, url in self._ranges:
                if first <= slot <= last:
                    return url
        return self._url

    def client(self, url: str) -> Redis:
        """A client of one of the servers."""
        client = self._clients.get(url)
        if client is None:
            client = self._clients[url] = Redis.from_url(
                url,
                socket_timeout=self._answer_seconds,
                socket_connect_timeout=self._answer_seconds,
                retry=Retry(NoBackoff(), 0),
            )
        return client

    async def close(self) -> None:
        """Close all connections."""
        for client in self._clients.values():
            await client.aclose()

    async def _slots(self, client: Redis) -> list[Any]:
        found: list[Any] = await client.execute_command("CLUSTER", "SLOTS")  # type: ignore[no-untyped-call]
        return found

    def _address(self, host: bytes | str | None, port: int) -> str:
        """The given address, with another server in it."""
        parts = urlsplit(self._url)
        name = host.decode() if isinstance(host, bytes) else host
        name = name or parts.hostname or "127.0.0.1"
        credentials, at, _ = parts.netloc.rpartition("@")
        place = f"[{name}]:{port}" if ":" in name else f"{name}:{port}"
        return parts._replace(netloc=f"{credentials}{at}{place}", path="").geturl()

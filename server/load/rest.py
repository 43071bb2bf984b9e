"""What a load run needs from the REST API: videos, members, documents; and tokens."""

from __future__ import annotations

import asyncio
import time
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urlsplit

import aiohttp

from api.identity import mint
from api.tiers import Tier
from server.load.plan import Credentials

_EDITORS_A_USER: Final = 50
_AT_ONCE: Final = 16


class RestError(Exception):
    """The server did not do what a load run needs."""


class People:
    """The simulated users and their tokens.

    Args:
        credentials: as asked for.
        editors: how many editors they serve, 50 a user unless told otherwise.
    """

    def __init__(self, credentials: Credentials, editors: int) -> None:
        self._tokens: list[str] = []
        self.users: list[str] = []
        if credentials.secret:
            count = credentials.users or -(-editors // _EDITORS_A_USER)
            now = time.time()
            self.users = [f"load-{number + 1}" for number in range(count)]
            self._tokens = [
                mint(credentials.secret.encode(), user, Tier.BUSINESS, now=now)
                for user in self.users
            ]
        elif credentials.token:
            self._tokens = [credentials.token]

    def token(self, editor: int) -> str:
        """The token of one editor; the first is the videos' owner's; empty without identity."""
        return self._tokens[editor % len(self._tokens)] if self._tokens else ""


class Rest:
    """A client of the REST API, as the owner of the videos.

    Args:
        url: the WebSocket address; the API is on the same host.
        token: the owner's.
    """

    def __init__(self, url: str, token: str) -> None:
        parts = urlsplit(url)
        scheme = "https" if parts.scheme in ("wss", "https") else "http"
        self._root = f"{scheme}://{parts.netloc}/api/v1"
        self._session = aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"})

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._session.close()

    async def make_video(self, title: str) -> str:
        """Make a video; returns its id."""
        answer = await self.call("POST", "/videos", {"title": title})
        return str(answer["data"]["video"]["id"])

    async def add_editors(self, video: str, users: list[str]) -> None:
        """Make these users editors of a video."""
        gate = asyncio.Semaphore(_AT_ONCE)

        async def add(user: str) -> None:
            async with gate:
                await self.call("PUT", f"/videos/{video}/members/{user}", {"role": "editor"})

        async with asyncio.TaskGroup() as group:
            for user in users:
                group.create_task(add(user))

    async def document(self, video: str) -> bytes:
        """The stored document as one update."""
        async with self._session.get(f"{self._root}/videos/{video}/document") as response:
            body = await response.read()
            if response.status != 200:
                raise RestError(f"GET document answered {response.status}: {body[:300]!r}")
            return body

    async def scenes(self, video: str) -> list[dict[str, Any]]:
        """The projected scenes with their layers."""
        answer = await self.call("GET", f"/videos/{video}/scenes")
        scenes: list[dict[str, Any]] = answer["data"]["scenes"]
        return scenes

    async def call(self, method: str, path: str, body: object = None) -> Any:
        """Send a request with a JSON body, if any; the answer's JSON.

        Raises:
            RestError: it was refused.
        """
        return await self._answer(method, path, json=body)

    async def send(self, method: str, path: str, form: aiohttp.FormData) -> Any:
        """Send a form; the answer's JSON.

        Raises:
            RestError: it was refused.
        """
        return await self._answer(method, path, data=form)

    async def _answer(self, method: str, path: str, **body: Any) -> Any:
        async with self._session.request(method, self._root + path, **body) as response:
            text = await response.text()
            if response.status >= 300:
                raise RestError(f"{method} {path} answered {response.status}: {text[:300]}")
            return await response.json()

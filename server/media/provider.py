"""Calls to the APIs of other servers' models: asked again with patience, read with suspicion."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from server.media.errors import FetchFailed, FetchRefused
from server.media.fetch import Answered, Fetcher

FIRST_PAUSE: Final = 0.25
_AGAIN: Final = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
_REFUSALS: Final = frozenset({400, 413, 422})
"""Statuses that speak of what was asked for; the others, of the key, the model or the address."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An OpenAI-compatible API that an operator configured.

    Attributes:
        base: its URL, with or without the `/v1` at the end.
        key: sent as a bearer token.
        model: what the provider calls the one to use.
        seconds: for one answer.
        patience: seconds for all attempts together.
        attempts: how often to ask; the pauses between double, from a quarter of a second.
    """

    base: str
    key: str | None
    model: str
    seconds: float
    patience: float
    attempts: int = 4

    @property
    def origin(self) -> str:
        """What the operator trusts by having configured it."""
        parts = urlsplit(self.base)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"

    def url(self, path: str) -> str:
        """Where a path such as `audio/speech` is."""
        base = self.base.rstrip("/")
        return f"{base if base.endswith('/v1') else base + '/v1'}/{path}"


class Refused(Exception):
    """The provider understood, and does not want to: asking again would not help."""


class GaveUp(Exception):
    """No attempt went well, or none can; the message says what the last one met."""


async def ask(
    fetch: Fetcher,
    endpoint: Endpoint,
    path: str,
    given: Mapping[str, Any],
    check: Callable[[Answered], str | None],
    *,
    max_bytes: int,
) -> Answered:
    """Send a request until a good answer comes.

    What may pass (no connection, no answer in time, 429, 5xx, an answer that `check` refuses) is
    tried again after a pause: the provider's `Retry-After`, or one that doubles each time.

    Args:
        fetch: that trusts the endpoint's origin.
        endpoint: whom to ask.
        path: such as `audio/speech`.
        given: the JSON to send.
        check: what is wrong with an answer of status 200, or None.
        max_bytes: of an answer.

    Raises:
        Refused: it does not want to.
        GaveUp: all attempts failed, or there was no time for another, or it does not take this
            server's key, model or address; what it says then is not repeated, since it may hold
            parts of the key.
    """
    clock = asyncio.get_running_loop().time
    deadline = clock() + endpoint.patience
    headers = {"Content-Type": "application/json"}
    if endpoint.key is not None:
        headers["Authorization"] = f"Bearer {endpoint.key}"
    body = json.dumps(given).encode()
    met = "it does not answer"
    for attempt in range(endpoint.attempts):
        pause = FIRST_PAUSE * 2**attempt
        try:
            answer = await fetch.post(
                endpoint.url(path),
                body,
                headers=headers,
                max_bytes=max_bytes,
                seconds=max(0.1, min(endpoint.seconds, deadline - clock())),
            )
        except FetchRefused as error:
            raise GaveUp(str(error)) from error
        except FetchFailed as error:
            met = str(error)
        else:
            if answer.status == 200:
                wrong = check(answer)
                if wrong is None:
                    return answer
                met = wrong
            elif answer.status in _AGAIN:
                met = f"it answers with status {answer.status}"
                pause = max(pause, _seconds(answer.headers.get("retry-after", "")))
            elif answer.status in _REFUSALS:
                raise Refused(_reason(answer))
            else:
                raise GaveUp(
                    f"it refuses this server with status {answer.status}; its operator must check"
                    " the address, the key and the model"
                )
        if attempt + 1 == endpoint.attempts or clock() + pause >= deadline:
            break
        await asyncio.sleep(pause)
    raise GaveUp(met)


def _seconds(text: str) -> float:
    try:
        return min(max(float(text), 0.0), 3600.0)
    except ValueError:
        return 0.0


def _reason(answer: Answered) -> str:
    """What the provider says, as its API says it; else its status."""
    try:
        said = json.loads(answer.body)["error"]["message"]
    except (ValueError, KeyError, TypeError):
        said = None
    if not isinstance(said, str) or not said.strip():
        return f"status {answer.status}"
    return " ".join("".join(c if c.isprintable() else " " for c in said).split())[:300]

"""Links to stored files: absolute, signed, valid for a day.

Tables keep the path, documents the absolute link without its signature; answers carry a fresh one.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import quote
from uuid import UUID

from collab.errors import Forbidden
from persistence.blobs import PATH, key_of

HOUR: Final = 3600
VALID_HOURS: Final = 24
VTT: Final = ".vtt"
SRT: Final = ".srt"


class Links:
    """Makes and checks links.

    Args:
        base: what absolute links begin with, without a slash at the end.
        secret: shared by all nodes.
        wall: seconds since the epoch.
    """

    def __init__(self, base: str, secret: bytes, wall: Callable[[], float]) -> None:
        self._base = base
        self._secret = secret
        self._wall = wall

    @property
    def prefix(self) -> str:
        """What absolute links begin with."""
        return self._base + PATH

    @property
    def base(self) -> str:
        """What absolute links begin with, without a slash at the end."""
        return self._base

    def webhook_secret(self, job_id: UUID) -> str:
        """What the message that a job has ended is signed with; known to who started it."""
        said = b"webhook\0" + job_id.bytes
        return hmac.new(self._secret, said, hashlib.sha256).hexdigest()

    def api_key_secret(self, owner: UUID, idempotency_key: str) -> bytes:
        """What the API key consists of that an owner asks for under an idempotency key, which
        nobody keeps: the same each time."""
        said = b"api-key\0" + owner.bytes + idempotency_key.encode()
        return hmac.new(self._secret, said, hashlib.sha256).digest()

    def own(self, link: str) -> str | None:
        """The key, if a link leads to a file of this server: a path, or absolute."""
        if link.startswith((PATH, self._base + PATH)):
            return key_of(link)
        return None

    def expiry(self) -> int:
        """Until when a link signed now is valid, in seconds since the epoch.

        A whole hour, a day away or a little more: answers made within an hour are the same bytes.
        """
        return (int(self._wall()) // HOUR + VALID_HOURS + 1) * HOUR

    def bare(self, link: str) -> str:
        """The absolute link without a signature; other links as they are."""
        key = self.own(link)
        return link if key is None else self._base + PATH + key

    def sign(self, link: str | None) -> str | None:
        """The absolute link with a fresh signature; other links, and None, as they are."""
        key = self.own(link) if link is not None else None
        if key is None:
            return link
        until = self.expiry()
        return f"{self._base}{PATH}{key}?exp={until}&sig={self._signature(key, until)}"

    def sample(self, voice_id: str) -> str:
        """The absolute link to what a voice sounds like, signed; for `check` it is `voice:ID`."""
        until = self.expiry()
        place = f"{self._base}/api/v1/voices/{quote(voice_id, safe='')}/sample"
        return f"{place}?exp={until}&sig={self._signature(f'voice:{voice_id}', until)}"

    def sign_all(self, value: Any, allowed: frozenset[str] | set[str]) -> Any:
        """A JSON value in which every link to an allowed file is signed anew.

        Args:
            value: objects, lists, strings...
            allowed: keys; links to other files lose their signature.
        """
        if isinstance(value, str):
            key = self.own(value)
            if key is None:
                return value
            return self.sign(value) if key in allowed else self.bare(value)
        if isinstance(value, Mapping):
            return {name: self.sign_all(item, allowed) for name, item in value.items()}
        if isinstance(value, list):
            return [self.sign_all(item, allowed) for item in value]
        return value

    def keys_in(self, value: Any) -> set[str]:
        """The keys of all stored files that a JSON value links to."""
        if isinstance(value, str):
            key = self.own(value)
            return set() if key is None else {key}
        items = value.values() if isinstance(value, Mapping) else value
        if isinstance(value, Mapping | list):
            return set().union(*(self.keys_in(item) for item in items))
        return set()

    def check(self, key: str, until: int, signature: str) -> float:
        """Check a link that somebody follows; returns for how many seconds it is still valid.

        Raises:
            Forbidden: it is not signed by this server, or has expired.
        """
        made = self._signature(key, until).encode()
        if not hmac.compare_digest(made, signature.encode(errors="replace")):
            raise Forbidden("This link carries no valid signature.")
        left = until - self._wall()
        if left <= 0:
            raise Forbidden("This link has expired; ask for a fresh one.")
        return left

    def _signature(self, key: str, until: int) -> str:
        if key.endswith(SRT):
            # The two forms of a film's captions open with one signature.
            key = key.removesuffix(SRT) + VTT
        said = f"{key}\n{until}".encode()
        return hmac.new(self._secret, said, hashlib.sha256).hexdigest()[:40]

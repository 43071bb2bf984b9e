"""A file of this machine as an answer, with ranges."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.web_request import BaseRequest

from api.errors import RangeNotSatisfiable
from collab.errors import BlobNotFound


class LocalFile(web.FileResponse):
    """A file, or a range of it.

    aiohttp takes any entity tag in `If-Range` for the right one (RFC 9110, 13.1.5): it would
    answer with a part of one file for the rest of another. A `Range` that is none it refuses.
    """

    _whole = False

    @classmethod
    async def of(cls, request: web.Request, path: Path, headers: Mapping[str, str]) -> LocalFile:
        """The answer to a request for a file.

        Raises:
            BlobNotFound: it is not there.
            RangeNotSatisfiable: the range begins behind its end.
        """
        try:
            found = await asyncio.to_thread(path.stat)
        except FileNotFoundError:
            raise BlobNotFound from None
        answer = cls(path, headers=dict(headers))
        if "Range" in request.headers:
            answer._whole = not _in_range(request, found)
        return answer

    async def prepare(self, request: BaseRequest) -> AbstractStreamWriter | None:
        """Begin the answer."""
        if self._whole:
            headers = request.headers.copy()
            headers.popall("Range")
            request = request.clone(headers=headers)
        return await super().prepare(request)


def _in_range(request: web.Request, found: os.stat_result) -> bool:
    """Whether a range is wanted, of this very file."""
    given = request.headers.get("If-Range")
    if given is not None and request.if_range is None and given != f'"{_tag(found)}"':
        return False
    try:
        start = request.http_range.start
    except ValueError:
        return False
    if start is not None and start >= found.st_size:
        raise RangeNotSatisfiable(found.st_size)
    return True


def _tag(found: os.stat_result) -> str:
    """The entity tag that aiohttp gives to files."""
    return f"{found.st_mtime_ns:x}-{found.st_size:x}"

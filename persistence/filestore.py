"""Where the bytes of stored files are: a directory, or a bucket of S3 or what is compatible."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, S3Store

from collab.errors import BlobNotFound
from persistence.errors import BlobStoreFailed
from persistence.finishing import finish

CHUNK: Final = 1 << 20
_CLIENT: Final[Any] = {"allow_http": True, "connect_timeout": "5s"}
_RETRY: Final[Any] = {"max_retries": 3, "retry_timeout": timedelta(seconds=20)}
"""By itself obstore tries for three minutes; whoever uploads is told sooner."""


class FileStore:
    """Files by key; a key is two characters or more of `a-z0-9.`.

    Args:
        store: obstore's.
        root: the directory, where it is one.
    """

    def __init__(self, store: LocalStore | S3Store, root: Path | None) -> None:
        self._store = store
        self._root = root

    @classmethod
    def open(cls, url: str) -> FileStore:
        """The store at `file:/path` or `s3://bucket/prefix`.

        A bucket's credentials, region and endpoint come from the usual AWS variables, which
        obstore reads.

        Raises:
            BlobStoreFailed: the directory cannot be made, or the bucket's settings do not fit.
        """
        parts = urlsplit(url)
        try:
            if parts.scheme == "file":
                root = Path(unquote(parts.path))
                root.mkdir(mode=0o700, parents=True, exist_ok=True)
                return cls(LocalStore(root), root)
            return cls(S3Store.from_url(url, client_options=_CLIENT, retry_config=_RETRY), None)
        except (OSError, BaseError, ValueError) as error:
            raise BlobStoreFailed(f"--blob-url {url} cannot be used: {_sentence(error)}") from error

    async def put_file(self, key: str, source: Path, content_type: str) -> None:
        """Store the file `source` and take it away from where it is.

        Once this returns, it is on the disk, or in the bucket, for good.

        Raises:
            BlobStoreFailed: it could not be stored; nothing is kept then.
        """
        try:
            if self._root is not None:
                await asyncio.to_thread(_move, source, self.path_of(key))
                return
            said = {
                "Content-Type": content_type,
                "Content-Disposition": f'inline; filename="{key}"',
            }
            await obstore.put_async(self._store, _place(key), source, attributes=said)
            await asyncio.to_thread(source.unlink, missing_ok=True)
        except (OSError, BaseError) as error:
            raise BlobStoreFailed(f"A file could not be stored: {_sentence(error)}") from error

    async def read(self, key: str) -> AsyncIterator[bytes]:
        """The file's bytes, in pieces.

        Raises:
            BlobNotFound: it is not there.
            BlobStoreFailed: it cannot be read.
        """
        try:
            result = await obstore.get_async(self._store, _place(key))
            async for chunk in result.stream(CHUNK):
                yield bytes(chunk)
        except FileNotFoundError as error:
            raise BlobNotFound from error
        except (OSError, BaseError) as error:
            raise BlobStoreFailed(f"A file could not be read: {_sentence(error)}") from error

    async def fetch(self, key: str, target: Path) -> None:
        """Write a copy of the file to `target`; raises as `read`, and leaves nothing then."""
        if self._root is not None:
            try:
                await asyncio.to_thread(shutil.copyfile, self.path_of(key), target)
            except FileNotFoundError as error:
                raise BlobNotFound from error
            return
        try:
            with target.open("wb") as file:
                async for chunk in self.read(key):
                    await asyncio.to_thread(file.write, chunk)
        except BaseException:
            await finish(asyncio.to_thread(target.unlink, missing_ok=True))
            raise

    async def delete(self, keys: Iterable[str]) -> None:
        """Remove files; those that are not there are no error.

        Raises:
            BlobStoreFailed: some could not be removed.
        """
        places = [_place(key) for key in keys]
        try:
            if self._root is None:
                await obstore.delete_async(self._store, places)
            else:
                for place in places:
                    with suppress(FileNotFoundError):
                        await obstore.delete_async(self._store, place)
        except (OSError, BaseError) as error:
            raise BlobStoreFailed(f"A file could not be removed: {_sentence(error)}") from error

    async def keys(self, before: datetime) -> AsyncIterator[list[str]]:
        """The keys of all files that were stored before a moment, some at a time.

        Raises:
            BlobStoreFailed: the store does not answer.
        """
        try:
            async for batch in obstore.list(self._store, chunk_size=500):
                found = [entry["path"] for entry in batch if entry["last_modified"] < before]
                if found:
                    yield [path.rsplit("/", 1)[-1] for path in found]
        except (OSError, BaseError) as error:
            raise BlobStoreFailed(f"The files cannot be listed: {_sentence(error)}") from error

    @property
    def local(self) -> bool:
        """Whether files are in a directory of this machine."""
        return self._root is not None

    def path_of(self, key: str) -> Path:
        """Where the file is, on a store that is `local`; not to be written to."""
        assert self._root is not None
        return self._root / _place(key)

    async def link(self, key: str, seconds: int) -> str:
        """A URL that reads the file from its bucket, on a store that is not `local`."""
        assert isinstance(self._store, S3Store)
        return await obstore.sign_async(self._store, "GET", _place(key), timedelta(seconds=seconds))


def _place(key: str) -> str:
    return f"{key[:2]}/{key}"


def _move(source: Path, target: Path) -> None:
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Named as a key is, so that what a killed process leaves is found among the orphans.
    part = target.with_name(f"{target.name}.part")
    try:
        try:
            source.replace(part)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            shutil.copyfile(source, part)
            source.unlink()
        _flush(part)
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    _flush(target.parent)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sentence(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0]

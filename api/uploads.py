"""Reading an upload: streamed to disk, cut off at its limit, known by its bytes."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import json
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final
from uuid import UUID

from aiohttp import BodyPartReader, web
from pydantic import BaseModel

from api.body import unstorable, validate
from api.errors import BodyTooBig, Detail, InvalidFields, MalformedBody, UnsupportedType
from api.keys import FINGERPRINT
from api.mediatypes import (
    FAMILIES,
    HEAD,
    TYPES,
    Examined,
    Family,
    MediaType,
    check_claims,
    upload_type,
)
from api.routes import Call
from api.tiers import allowance
from collab.errors import NotFound, StorageQuotaExceeded
from persistence.blobs import Blob, Blobs
from persistence.errors import BlobStoreFailed
from persistence.finishing import finish
from persistence.library import Library, RowT

CHUNK: Final = 1 << 18
MAX_FIELD: Final = 64 * 1024
MAX_PARTS: Final = 20
IDLE_SECONDS: Final = 60.0
TOTAL_SECONDS: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Received:
    """An upload on this machine's disk, its fields as they were sent."""

    path: Path
    size: int
    type: MediaType
    filename: str
    fields: dict[str, str]


@dataclass(frozen=True, slots=True)
class Upload:
    """An upload whose files are stored, but not yet named by any row.

    Attributes:
        id: for its row.
        owner: who uploaded it.
        form: its fields, as the model that was asked for.
        type: what it is.
        title: its name; the file's, if it came without one.
        examined: what was found in it.
        links: to the file itself, its thumbnail and, for audio, its waveform, as tables keep them.
    """

    id: UUID
    owner: UUID
    form: Any
    type: MediaType
    title: str
    examined: Examined
    links: list[str]


async def take(
    call: Call[Any, Any],
    library: Library[RowT],
    family: Family,
    form: type[BaseModel],
    row: Callable[[Upload], RowT],
) -> RowT:
    """Take the upload that a call brings into a library; returns what is then there.

    A call with the idempotency key of an earlier one gets what that made.

    Args:
        call: with the body.
        library: where it goes.
        family: what kind of file is wanted.
        form: model of the fields beside the file, one of which is `title`.
        row: makes the row.

    Raises:
        BadInput: it is not what it should be.
        StorageQuotaExceeded: the caller has no room for it.
        BlobStoreFailed: it could not be stored.
    """
    row_id, media, owner = call.make_id(), call.parts.media, call.caller.id
    if call.idempotency_key is not None:
        with suppress(NotFound):
            return await library.get(row_id, owner)
    room = allowance(call.caller.tier).storage_bytes
    if await media.blobs.used(owner) + (call.request.content_length or 0) > room:
        raise StorageQuotaExceeded(f"Your tier has room for {room:,} bytes, and this is too much.")
    async with _scratch(media.scratch) as directory, _room_on_disk():
        received = await receive(call.request, family, directory)
        fields = _valid(form, received.fields)
        examined = await media.examine(received.path, received.type, directory)
        files = await _store(media.blobs, examined, owner)
    title = fields.title.strip() or title_of(received.filename)
    links = [file.path for file in files]
    made = row(Upload(row_id, owner, fields, received.type, title, examined, links))
    try:
        await library.upload(made, files, room=room)
    except StorageQuotaExceeded:
        # After any other failure the row may be there all the same; the collector will know.
        await media.blobs.store.delete([file.key for file in files])
        raise
    return made


def stored(examined: Examined) -> list[tuple[Path, str]]:
    """The files to store, with their types: itself, its thumbnail and, for audio, its waveform."""
    picture = "image/png" if examined.thumbnail.suffix == ".png" else "image/jpeg"
    made = [(examined.path, examined.content_type), (examined.thumbnail, picture)]
    if examined.waveform is not None:
        made.append((examined.waveform, "application/json"))
    return made


def fingerprint_of(family: Family) -> Callable[[Call[Any, Any]], Awaitable[bytes]]:
    """What tells two uploads apart, for routes that take files of this kind.

    It is the same when the same is sent again, however it is put into parts then. A body that was
    not read yet is read to its end, and nothing of it is kept.
    """

    async def fingerprint(call: Call[Any, Any]) -> bytes:
        if FINGERPRINT not in call.request:
            async with _scratch(call.parts.media.scratch) as directory, _room_on_disk():
                await receive(call.request, family, directory)
        return call.request[FINGERPRINT]

    return fingerprint


async def _store(blobs: Blobs, examined: Examined, owner: UUID) -> list[Blob]:
    files: list[Blob] = []
    try:
        for path, content_type in stored(examined):
            files.append(await blobs.store_file(path, content_type, owner=owner))
    except BaseException:
        if files:
            await finish(blobs.store.delete([file.key for file in files]))
        raise
    return files


@asynccontextmanager
async def _room_on_disk() -> AsyncIterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise BlobStoreFailed(f"An upload could not be written: {error}") from error


@asynccontextmanager
async def _scratch(directory: Path) -> AsyncIterator[Path]:
    """A directory for one upload; nothing of it is left behind."""
    path = Path(await asyncio.to_thread(tempfile.mkdtemp, dir=directory))
    try:
        yield path
    finally:
        await finish(asyncio.to_thread(shutil.rmtree, path, ignore_errors=True))


async def receive(request: web.Request, family: Family, directory: Path) -> Received:
    """Read a `multipart/form-data` body with one file in the field `file`; the request then has
    its fingerprint.

    Args:
        request: whose body it is.
        family: what kind of file is wanted.
        directory: where to write it.

    Raises:
        UnsupportedType: another kind of body, or of file.
        BodyTooBig: the file is larger than its type may be.
        MalformedBody: the body ends too early, or is not of that form.
        InvalidFields: there is no file.
    """
    if request.content_type != "multipart/form-data":
        raise UnsupportedType("The body must be of the type multipart/form-data.")
    most = max(TYPES[name].limit for name in FAMILIES[family])
    if (request.content_length or 0) > most + MAX_PARTS * MAX_FIELD:
        raise BodyTooBig(f"Files here may have {most} bytes at the most.")
    fields: dict[str, str] = {}
    content = hashlib.sha256()
    found: tuple[Path, int, MediaType, str] | None = None
    try:
        async with asyncio.timeout(TOTAL_SECONDS):
            reader = await request.multipart()
            count = 0
            while (part := await _soon(reader.next())) is not None:
                count += 1
                if count > MAX_PARTS or not isinstance(part, BodyPartReader):
                    raise MalformedBody("The body has parts that are not expected here.")
                if part.name == "file":
                    if found is not None:
                        raise InvalidFields([{"field": "file", "message": "is there twice"}])
                    found = await _file(part, family, directory / "upload", content)
                elif part.filename is not None:
                    message = "is a file; that belongs in the field `file`"
                    raise InvalidFields([{"field": part.name or "", "message": message}])
                else:
                    fields[part.name or ""] = await _text(part)
    except TimeoutError:
        raise MalformedBody("The body did not come in time.") from None
    except (ValueError, AssertionError) as error:
        raise MalformedBody(f"The body is not a good multipart/form-data: {error}.") from None
    if found is None:
        raise InvalidFields([{"field": "file", "message": "is missing"}])
    path, size, kind, filename = found
    said = [sorted(fields.items()), filename, content.hexdigest()]
    request[FINGERPRINT] = hashlib.sha256(json.dumps(said).encode()).digest()
    return Received(path, size, kind, filename, fields)


def _valid(model: type[BaseModel], fields: dict[str, str]) -> Any:
    details: list[Detail] = [
        {"field": name, "message": "holds characters that cannot be stored"}
        for name, value in fields.items()
        if unstorable(value) or any(ord(c) < 32 or ord(c) == 127 for c in value)
    ]
    if details:
        raise InvalidFields(details)
    return validate(model, fields, strict=False)


def title_of(filename: str) -> str:
    """A title for an upload that came without one: its file's name, without path and ending."""
    name = filename.replace("\\", "/").rsplit("/", 1)[-1]
    stem = name.rsplit(".", 1)[0] or name
    cleaned = "".join(c for c in stem if c.isprintable()).strip(" .")
    return cleaned[:255] or "Untitled"


async def _file(
    part: BodyPartReader, family: Family, path: Path, content: hashlib._Hash
) -> tuple[Path, int, MediaType, str]:
    head = b""
    while len(head) < HEAD and (chunk := await _soon(part.read_chunk(CHUNK))):
        head += chunk
    if not head:
        raise InvalidFields([{"field": "file", "message": "is empty"}])
    kind = upload_type(head, family)
    check_claims(kind, part.filename, part.headers.get("Content-Type"))
    size = len(head)
    with await asyncio.to_thread(path.open, "xb") as file:
        await _write(file, head, content)
        while chunk := await _soon(part.read_chunk(CHUNK)):
            size += len(chunk)
            if size > kind.limit:
                raise BodyTooBig(f"A file of type {kind.name} may have {kind.limit} bytes.")
            await _write(file, chunk, content)
    return path, size, kind, part.filename or ""


async def _text(part: BodyPartReader) -> str:
    content = bytearray()
    while chunk := await _soon(part.read_chunk(8192)):
        content += chunk
        if len(content) > MAX_FIELD:
            raise BodyTooBig(f"A field may have {MAX_FIELD} bytes.")
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise InvalidFields(
            [{"field": part.name or "", "message": "must be text in UTF-8"}]
        ) from None


async def _write(file: IO[bytes], chunk: bytes, content: hashlib._Hash) -> None:
    def write() -> None:
        file.write(chunk)
        content.update(chunk)

    await asyncio.to_thread(write)


async def _soon(reading: Awaitable[Any]) -> Any:
    return await asyncio.wait_for(reading, IDLE_SECONDS)

"""Uploads when the disk is full: a clear answer, nothing left behind, and others go on."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Final

import pytest
import pytest_asyncio

from tests.integration.api.conftest import fresh_database
from tests.support import files
from tests.support.disks import only_room_for, small_disk
from tests.support.face import Client, Reply, serve_face
from tests.support.uploads import AUDIO, MEDIA, follow, left_behind, upload

pytestmark = pytest.mark.asyncio(loop_scope="module")

MEGABYTE: Final = 1024 * 1024
LARGE: Final = files.wav(seconds=200)
"""3 MB."""


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with small_disk(tmp_path_factory.mktemp("small"), 2 * MEGABYTE) as place:
        yield place


@pytest_asyncio.fixture(
    scope="module", loop_scope="module", params=["what is stored", "what is on its way"]
)
async def api(
    request: pytest.FixtureRequest,
    postgres_dsn: str,
    disk: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Client]:
    """One that keeps files, or writes uploads first, on the small disk, and the other elsewhere."""
    roomy = tmp_path_factory.mktemp("roomy")
    stores = request.param == "what is stored"
    blobs = (disk if stores else roomy) / "blobs"
    database = await fresh_database(postgres_dsn)
    async with serve_face(
        database, blob_url=f"file:{blobs}", directory=roomy if stores else disk
    ) as client:
        yield client


def is_refused(reply: Reply) -> bool:
    assert (reply.status, reply.code) == (503, "blob_store"), reply.content
    assert reply.json["error"]["message"].startswith("Files cannot be stored")
    return int(reply.headers["Retry-After"]) > 0


async def test_an_upload_that_does_not_fit(api: Client) -> None:
    key = {"Idempotency-Key": uuid.uuid4().hex}
    for _ in range(2):
        assert is_refused(await upload(api, AUDIO, LARGE, "a.wav", user="lara", headers=key))
        assert await left_behind(api, "lara") == []
    [failed, _] = [line for line in api.logged if line["level"] == "error"]
    assert "No space left on device" in str(failed["exc_info"])
    small = await upload(api, AUDIO, files.wav(), "a.wav", user="otto")
    assert small.status == 201, small.content
    assert (await follow(api, small.data["audio"]["url"])).content == files.wav()
    found = await api.call("GET", "/api/v1/audio/library?type=my", user="lara")
    assert found.data["pagination"]["total_items"] == 0


async def test_a_full_disk_and_room_again(api: Client, disk: Path) -> None:
    key = {"Idempotency-Key": uuid.uuid4().hex}
    stored = await upload(api, MEDIA, files.picture(), "before.png", user="mona")
    with only_room_for(disk):
        refused = await upload(api, MEDIA, files.picture(), "a.png", user="lena", headers=key)
        assert is_refused(refused)
        assert await left_behind(api, "lena") == []
        assert (await follow(api, stored.data["media"]["url"])).status == 200
        await api.make_scene(await api.make_video())
    reply = await upload(api, MEDIA, files.picture(), "a.png", user="lena", headers=key)
    assert reply.status == 201, reply.content
    assert "Idempotent-Replay" not in reply.headers


async def test_room_for_a_part_of_what_is_made_of_it(api: Client, disk: Path) -> None:
    sound = files.wav(seconds=30)
    with only_room_for(disk, len(sound)):
        assert is_refused(await upload(api, AUDIO, sound, "a.wav", user="paul"))
        # What was stored of it is removed, and no file is named by a row only.
        assert [name for name in await left_behind(api, "paul") if name != "filler"] == []

"""Renders whose layers name files on other servers, and uploads that are no good: each such layer
costs its film a placeholder and a warning, and nothing else."""

from __future__ import annotations

import asyncio
import uuid
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web

from persistence.blobs import Blob
from server.media.assets import FetchLimits
from server.worker import Handlers
from tests.integration.media.reading import frames
from tests.support.face import Client
from tests.support.files import picture
from tests.support.rendering import download, handlers, render
from tests.unit.media.test_fetch import HERE, answering, redirecting, serving

pytestmark = pytest.mark.asyncio(loop_scope="module")

LIMITS = FetchLimits(bytes=300_000, seconds=1.5, all_bytes=400_000, all_seconds=20)
LIST = b"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nhttp://127.0.0.1/secret.ts\n"
DRAWING = (
    b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'>"
    b"<image href='file:///etc/passwd'/></svg>"
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def known(api: Client, tmp_path_factory: pytest.TempPathFactory) -> Handlers:
    """A worker for which the tests' server is on the public internet, and nothing else is."""
    return await handlers(
        api,
        tmp_path_factory.mktemp("renders"),
        allowed=lambda address: address == HERE,
        limits=LIMITS,
    )


async def never(_: web.Request) -> web.Response:
    await asyncio.Event().wait()
    raise AssertionError


async def endless(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "image/png"})
    await response.prepare(request)
    await response.write(picture())
    while True:
        await response.write(bytes(50_000))


async def dripping(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "image/png"})
    await response.prepare(request)
    for byte in picture():
        await response.write(bytes([byte]))
        await asyncio.sleep(0.1)
    return response


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("missing", "404"),
        ("never", "too long"),
        ("dripping", "too long"),
        ("endless", "300,000 bytes"),
        ("page", "no format"),
        ("list", "no format"),
        ("drawing", "no format"),
        ("inward", "not"),
        ("torn", "damaged"),
        ("empty", "no format"),
    ],
)
async def test_a_link_that_is_no_good(
    api: Client, worker: None, tmp_path: Path, path: str, reason: str
) -> None:
    async with serving(
        never=never,
        dripping=dripping,
        endless=endless,
        page=answering(b"<!doctype html><h1>Not found</h1>", "text/html"),
        list=answering(LIST, "application/vnd.apple.mpegurl"),
        drawing=answering(DRAWING, "image/svg+xml"),
        inward=redirecting("http://10.0.0.5/secret.png"),
        torn=answering(picture()[:60]),
        empty=answering(b""),
    ) as port:
        await shows_a_placeholder(api, f"http://{HERE}:{port}/{path}", reason, tmp_path)


@pytest.mark.parametrize("link", ["http://10.0.0.5/a.png", "http://[::1]/a.png"])
async def test_a_private_address(api: Client, worker: None, tmp_path: Path, link: str) -> None:
    await shows_a_placeholder(api, link, "not", tmp_path)


async def test_all_files_together_have_a_limit(api: Client, worker: None) -> None:
    big = picture("BMP", (360, 250))  # of a format that is not taken; but it counts
    assert 200_000 < len(big) < LIMITS.bytes
    async with serving(one=answering(big), two=answering(big), three=answering(big)) as port:
        video = await api.make_video()
        scene = await api.make_scene(video, duration=0.2)
        for name in ("one", "two", "three"):
            link = f"http://{HERE}:{port}/{name}"
            await api.make_layer(scene, type="media", name=name, properties={"media_url": link})
        done = await render(api, video)
    assert done["status"] == "completed", done
    assert len(done["warnings"]) == 3
    assert sum("no format" in line for line in done["warnings"]) == 1


async def test_a_good_link_is_fetched_once(api: Client, worker: None, tmp_path: Path) -> None:
    asked = 0

    async def counted(request: web.Request) -> web.StreamResponse:
        nonlocal asked
        asked += 1
        return await answering(picture(size=(64, 36)))(request)

    async with serving(good=counted) as port:
        video = await api.make_video()
        for _ in range(3):
            scene = await api.make_scene(video, duration=0.2)
            link = f"http://{HERE}:{port}/good"
            await api.make_layer(scene, type="media", properties={"media_url": link})
        done = await render(api, video)
    assert (done["status"], done["warnings"], asked) == ("completed", [], 1)
    (tmp_path / "film.mp4").write_bytes((await download(api, done["output_url"])).content)
    film = frames(tmp_path / "film.mp4", 640, 360)
    assert film[0, 300, 600, 0] > 150
    assert film[0, 300, 600, 2] < 80


async def test_a_stored_file_that_is_corrupt(api: Client, worker: None, tmp_path: Path) -> None:
    """Uploads are looked into, so this one rotted on the disk."""
    media, blobs = uuid.uuid4(), api.parts.media.blobs
    broken = tmp_path / "broken.png"
    broken.write_bytes(picture()[:90] + b"rot" * 50)
    blob: Blob = await blobs.put_file(broken, "image/png")
    async with api.database.connection() as connection:
        await connection.execute(
            "INSERT INTO media_library (id, type, title, url, thumbnail_url, source, dimensions)"
            " VALUES ($1, 'image', 'Torn', $2, '', 'stock', '{\"width\": 64, \"height\": 48}')",
            *(media, blob.path),
        )
    video = await api.make_video()
    scene = await api.make_scene(video, duration=0.2)
    await api.make_layer(scene, type="media", name="Torn", properties={"media_id": str(media)})
    done = await render(api, video)
    assert done["status"] == "completed", done
    [warning] = done["warnings"]
    assert "“Torn” cannot be shown" in warning


async def shows_a_placeholder(api: Client, link: str, reason: str, directory: Path) -> None:
    """Render a video whose only layer has that link."""
    video = await api.make_video()
    scene = await api.make_scene(video, duration=0.2)
    await api.make_layer(scene, type="media", name="Window", properties={"media_url": link})
    done = await render(api, video)
    assert done["status"] == "completed", done
    [warning] = done["warnings"]
    assert warning.startswith("Scene 1: the layer “Window” has no file: ")
    assert reason in warning
    target = directory / "film.mp4"
    target.write_bytes((await download(api, done["output_url"])).content)
    film = frames(target, 640, 360)
    assert len(film) == 6
    assert film[3].std() > 5, "a placeholder that can be seen"

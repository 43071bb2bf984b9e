"""What workers do for the page."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Visit
from tests.support.server import COCUT, Api, Server, environment

WORK_MS = 90_000


@pytest.fixture(scope="module", autouse=True)
def worker(server: Server) -> Iterator[None]:
    """A worker beside the server."""
    command = [str(COCUT), "worker", "--data-dir", str(server.data_dir)]
    log = server.data_dir.with_name("worker.log")
    with log.open("ab") as out:
        process = subprocess.Popen(
            command, cwd=server.data_dir.parent, env=environment(), stdout=out, stderr=out
        )
    yield
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0, log.read_text()[-2000:]


async def make_film(api: Api) -> str:
    video = await api.make_video()
    scene = await api.make_scene(video, text="One word", duration=2)
    fields = {"text": "Hello", "font_size": 200, "color": "#FFFFFF"}
    await api.make_layer(scene, name="Title", properties=fields)
    return video


async def test_a_film_is_rendered_watched_and_downloaded(visit: Visit, api: Api) -> None:
    video = await make_film(api)
    alice = await visit("alice")
    await alice.open_video(video)
    await alice.button("Render").click()
    await expect(alice.dialog).to_contain_text("Nothing was rendered yet.")
    await alice.dialog.get_by_label("Quality").select_option("360p")
    await alice.dialog.get_by_role("button", name="Render").click()
    row = alice.dialog.get_by_role("list", name="Renders").get_by_role("listitem")
    await expect(row).to_have_count(1)
    await expect(row).to_contain_text("Ready", timeout=WORK_MS)
    async with alice.page.expect_download() as download:
        await row.get_by_role("link", name="Download").click()
    assert (await (await download.value).path()).read_bytes()[4:8] == b"ftyp"
    await row.get_by_role("button", name="Watch").click()
    film = alice.page.locator("video.film")
    await alice.page.wait_for_function("() => document.querySelector('.film')?.readyState >= 1")
    assert abs(await film.evaluate("(film) => film.duration") - 2) < 0.1
    assert await film.evaluate("(film) => film.videoHeight") == 360
    assert await film.evaluate("(film) => film.textTracks.length") <= 1

"""What workers do for the page."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Visit
from tests.support.server import Api, Server, worker_beside

WORK_MS = 90_000


@pytest.fixture(scope="module", autouse=True)
def worker(server: Server) -> Iterator[None]:
    """A worker beside the server."""
    with worker_beside(server):
        yield


async def make_film(api: Api) -> str:
    video = await api.make_video()
    scene = await api.make_scene(video, text="One word", duration=2)
    fields = {"text": "Hello", "font_size": 200, "color": "#FFFFFF"}
    await api.make_layer(scene, name="Title", properties=fields)
    await api.make_layer(scene, type="voiceover", name="Voice", properties={"text": ""})
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
    said = "() => document.querySelector('.film').textTracks[0]?.cues?.[0]?.text"
    await alice.page.wait_for_function(said)
    assert "One word" in await alice.page.evaluate(said)


async def test_a_picture_is_made_from_words_and_used(visit: Visit, api: Api) -> None:
    reply = await api.call("POST", "/videos", {"title": "Tall", "aspect_ratio": "9:16"})
    video = str(reply.data["video"]["id"])
    await api.make_scene(video, text="A scene", duration=3)
    alice = await visit("alice")
    page = alice.page
    await alice.open_video(video)
    await alice.button("Library").click()
    await page.get_by_label("Describe a picture").fill("A lighthouse by the sea at night")
    await page.get_by_label("Style of the picture").select_option("watercolor")
    await alice.button("Generate").click()
    made = page.locator(".library-item").filter(has_text="A lighthouse by the sea at night")
    await expect(made).to_contain_text("composed by rule", timeout=WORK_MS)
    await expect(made).to_contain_text("1080 \u00d7 1920")
    await expect(page.locator(".uploads li")).to_have_count(0)
    await page.get_by_label("Source").select_option(label="Generated")
    await expect(page.locator(".library-item")).to_have_count(1)
    await made.locator(".library-use").click()
    await expect(alice.bar("A lighthouse by the sea at night")).to_be_visible()
    await alice.saved()
    (scene,) = await api.scenes(video)
    (layer,) = scene["layers"]
    found = (await api.call("GET", "/media/library?source=ai")).data["media"]
    assert layer["properties"]["media_id"] == found[0]["id"]
    assert found[0]["tags"] == ["watercolor"]


async def test_a_voice_is_made_and_known_to_be_of_other_words(visit: Visit, api: Api) -> None:
    video = await api.make_video()
    scene = await api.make_scene(video, text="Spoken words", duration=3)
    await api.make_layer(scene, type="voiceover", name="Voice", properties={"text": ""})
    alice = await visit("alice")
    await alice.open_video(video)
    await alice.layer("Voice").locator(".layer-name").click()
    says = alice.page.get_by_role("region", name="Properties").get_by_role("status")
    await expect(says).to_contain_text("Make the voice")
    await alice.button("Make the voice").press("Enter")
    await expect(says).to_be_empty(timeout=WORK_MS)
    await expect(alice.button("Make the voice")).to_be_focused()
    await alice.narration(1).fill("Other words")
    await alice.layer("Voice").locator(".layer-name").click()
    await expect(says).to_contain_text("words have changed")

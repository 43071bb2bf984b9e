"""The libraries: found, heard, uploaded to, made from words, and used in a scene."""

from __future__ import annotations

import asyncio
import re
import uuid
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import FilePayload, Locator, Route, expect

from tests.browser.conftest import Visit
from tests.browser.person import WIDE, Person
from tests.browser.showpiece import picture, tune, upload
from tests.support import files
from tests.support.server import Api, Server


class Desk:
    """A scene open in the editor of somebody whose libraries are their own."""

    def __init__(self, person: Person, api: Api, user: str, video: str) -> None:
        self.person = person
        self.api = api
        self.user = user
        self.video = video

    @property
    def items(self) -> Locator:
        return self.person.page.locator(".library-item")

    async def open(self, tab: str) -> None:
        await self.person.button("Library").click()
        await self.person.page.get_by_role("tab", name=tab).click()
        await expect(self.person.page.locator(".library-items[aria-busy]")).to_have_count(0)

    async def layers(self) -> list[dict[str, Any]]:
        await self.person.saved()
        reply = await self.api.call("GET", f"/videos/{self.video}/document", user=self.user)
        path = f"/videos/{self.video}/scenes?min_seq={reply.seq}"
        scenes = (await self.api.call("GET", path, user=self.user)).data["scenes"]
        return list(scenes[0]["layers"])


@pytest_asyncio.fixture(loop_scope="session")
async def desk(visit: Visit, api: Api, request: Any) -> Desk:
    user = request.node.name.removeprefix("test_").replace("_", "-")
    reply = await api.call("POST", "/videos", {"title": "A video"}, user=user)
    video = str(reply.data["video"]["id"])
    fields = {"text": "A scene", "duration": 6}
    assert (await api.call("POST", f"/videos/{video}/scenes", fields, user=user)).status == 201
    person = await visit(user)
    await person.open_video(video)
    return Desk(person, api, user, video)


async def test_a_picture_is_uploaded_and_drawn(desk: Desk) -> None:
    page = desk.person.page
    await desk.open("Media")
    await page.get_by_label("Search the library").fill("sunset by the sea")
    await expect(page.get_by_text("Nothing is found.")).to_be_visible()
    await page.get_by_label("Search the library").fill("")
    file = FilePayload(name="My dusk.jpg", mimeType="image/jpeg", buffer=picture(480, 270))
    await page.get_by_label("Files to upload").set_input_files([file])
    mine = desk.items.filter(has_text="My dusk")
    await expect(mine).to_contain_text("480")
    loaded = "(image) => image.complete && image.naturalWidth > 0"
    await expect(mine.locator("img")).to_have_js_property("complete", True)
    assert await mine.locator("img").evaluate(loaded)
    await mine.get_by_role("button").click()
    await expect(desk.person.bar("My dusk")).to_be_visible()
    (layer,) = await desk.layers()
    assert layer["type"] == "media"
    assert layer["properties"]["media_type"] == "image"
    stored = layer["properties"]["media_url"]
    assert "/api/v1/blobs/" in stored
    black = "(canvas) => canvas.getContext('2d').getImageData(5, 5, 1, 1).data[2] === 0"
    while await page.locator(".stage-canvas").evaluate(black):
        await asyncio.sleep(0.05)


async def test_a_guests_upload_gets_over_the_end_of_its_token(
    visit: Visit, api: Api, server: Server
) -> None:
    video = await api.make_video("guest")
    guest = await visit("guest", token=server.token("guest"))
    await guest.page.evaluate("localStorage.setItem('cocut:token:guest', '1')")
    await guest.open_video(video)
    refused: list[str] = []

    async def refuse_once(route: Route) -> None:
        if refused:
            await route.continue_()
            return
        refused.append(route.request.headers["authorization"])
        error = {"code": "unauthenticated", "message": "The token has expired."}
        await route.fulfill(status=401, json={"success": False, "error": error})

    await guest.page.route("**/media/upload", refuse_once)
    await guest.button("Library").click()
    file = FilePayload(name="Late.jpg", mimeType="image/jpeg", buffer=picture(320, 180))
    await guest.page.get_by_label("Files to upload").set_input_files([file])
    await expect(guest.page.locator(".library-item", has_text="Late")).to_be_visible()
    await expect(guest.page.locator(".toast.error")).to_have_count(0)
    assert len(refused) == 1


async def test_files_are_dropped_in_and_a_bad_one_is_refused(desk: Desk) -> None:
    await desk.open("Media")
    drop = """([name, type, bytes]) => {
        const transfer = new DataTransfer()
        transfer.items.add(new File([new Uint8Array(bytes)], name, { type }))
        const panel = document.querySelector('.library-panel')
        for (const kind of ['dragover', 'drop']) {
            panel.dispatchEvent(new DragEvent(kind, {
                bubbles: true, cancelable: true, dataTransfer: transfer,
            }))
        }
    }"""
    content = list(picture(320, 180))
    await desk.person.page.evaluate(drop, ["Dropped.jpg", "image/jpeg", content])
    await expect(desk.items.filter(has_text="Dropped")).to_be_visible()
    await desk.person.page.evaluate(drop, ["Not a picture.jpg", "image/jpeg", [60, 104, 49]])
    await expect(desk.person.page.locator(".toast.error")).to_be_visible()
    await expect(desk.items).to_have_count(1)


async def test_an_upload_is_cancelled(desk: Desk) -> None:
    page = desk.person.page
    await desk.open("Audio")
    entered, release = asyncio.Event(), asyncio.Event()

    async def wait(route: Any) -> None:
        entered.set()
        await release.wait()
        await route.abort()

    await page.route("**/audio/upload", wait)
    file = FilePayload(name="Long.wav", mimeType="audio/wav", buffer=tune(1))
    await page.get_by_label("Files to upload").set_input_files([file])
    await entered.wait()
    await expect(page.get_by_role("progressbar", name="Uploading Long.wav")).to_be_attached()
    await desk.person.button("Cancel Long.wav").click()
    await expect(page.locator(".uploads li")).to_have_count(0)
    release.set()
    await expect(desk.items).to_have_count(0)


async def test_a_picture_that_is_being_made_is_cancelled(desk: Desk) -> None:
    person, page = desk.person, desk.person.page
    await desk.open("Media")
    await page.get_by_label("Describe a picture").fill("A red kite")
    async with page.expect_response("**/media/generate-ai") as asked:
        await person.button("Generate").click()
    job = (await (await asked.value).json())["data"]["job_id"]
    making = page.get_by_role("progressbar", name="Making A red kite")
    await expect(making).to_be_attached()
    await person.button("Cancel A red kite").click()
    await expect(making).to_have_count(0)
    reply = await desk.api.call("GET", f"/media/ai-status/{job}", user=desk.user)
    assert reply.data["status"] == "cancelled"
    await expect(page.locator(".toast")).to_have_count(0)
    # What was asked for stands there yet, to be changed and asked for again.
    await expect(page.get_by_label("Describe a picture")).to_have_value("A red kite")


async def test_an_avatar_with_a_film_moves(desk: Desk, tmp_path: Path) -> None:
    person, page = desk.person, desk.person.page
    content = files.encoded(tmp_path, "a.mp4", "color=lime:d=1:s=90x160:r=10")
    film = await upload(desk.api, "media", "Film.mp4", content, user=desk.user)
    still = await upload(desk.api, "media", "Still.jpg", picture(90, 160), user=desk.user)
    amy = {"id": str(uuid.uuid4()), "name": "Amy", "is_premium": False, "variations": []}
    amy |= {"thumbnail_url": still["url"], "preview_url": still["url"], "video_url": film["url"]}
    ben = {**amy, "id": str(uuid.uuid4()), "name": "Ben", "video_url": None}

    async def two(route: Route) -> None:
        data = {"avatars": [amy, ben], "pagination": {"total_pages": 1}}
        await route.fulfill(json={"success": True, "data": data})

    await page.route("**/api/v1/avatars?*", two)
    await person.add_layer("Avatar")
    await desk.items.filter(has_text="Amy").locator(".library-use").click()
    middle = """(canvas) => {
        const [x, y] = [canvas.width / 2, canvas.height / 2]
        const [red, green] = canvas.getContext('2d').getImageData(x, y, 1, 1).data
        return green > 200 && red < 60
    }"""
    stage = page.locator(".stage-canvas")
    while not await stage.evaluate(middle):
        await asyncio.sleep(0.05)
    (layer,) = await desk.layers()
    assert layer["properties"]["avatar_id"] == amy["id"]
    assert layer["properties"]["video_url"].partition("?")[0] == film["url"].partition("?")[0]
    await person.button("Choose avatar").click()
    await desk.items.filter(has_text="Ben").locator(".library-use").click()
    while await stage.evaluate(middle):
        await asyncio.sleep(0.05)
    (layer,) = await desk.layers()
    assert layer["properties"]["avatar_id"] == ben["id"]
    assert "video_url" not in layer["properties"]


async def test_sounds_are_heard_marked_and_used(desk: Desk) -> None:
    person, page = desk.person, desk.person.page
    for name in ("Calm.wav", "Storm.wav"):
        await upload(desk.api, "audio", name, tune(3), user=desk.user)
    await desk.open("Audio")
    await expect(desk.items).to_have_count(2)
    await expect(page.locator(".waveform")).to_have_count(2)
    drawn = "(canvas) => canvas.getContext('2d').getImageData(0, 0, 240, 48).data.some(Boolean)"
    while not await page.locator(".waveform").first.evaluate(drawn):
        await asyncio.sleep(0.05)
    await person.button("Listen to Calm").click()
    await expect(person.button("Stop Calm")).to_be_visible()
    await person.button("Listen to Storm").click()
    await expect(person.button("Listen to Calm")).to_be_visible()
    await person.button("Stop Storm").click()
    await expect(person.button("Listen to Storm")).to_be_visible()
    star = person.button("Favorite: Calm")
    await star.click()
    await expect(star).to_have_attribute("aria-pressed", "true")
    await page.get_by_label("Which").select_option(label="Favorites")
    await expect(desk.items).to_have_count(1)
    await expect(desk.items).to_contain_text("Calm")
    await desk.items.locator(".library-use").click()
    (layer,) = await desk.layers()
    assert (layer["type"], layer["name"]) == ("audio", "Calm")
    assert layer["properties"]["audio_url"].startswith("http")


async def test_what_is_chosen_goes_into_the_selected_layer(desk: Desk) -> None:
    await upload(desk.api, "media", "First.jpg", picture(320, 180), user=desk.user)
    await upload(desk.api, "media", "Second.jpg", picture(320, 180), user=desk.user)
    await desk.person.add_layer("Media")
    await expect(desk.person.page.locator(".source")).to_have_text("Nothing chosen yet")
    await desk.items.filter(has_text="First").locator(".library-use").click()
    await desk.person.button("Choose media").click()
    await desk.items.filter(has_text="Second").locator(".library-use").click()
    await expect(desk.person.bar("Second")).to_be_visible()
    await expect(desk.person.page.locator(".source")).to_have_text("Second")
    (layer,) = await desk.layers()
    assert layer["name"] == "Second"


async def test_a_library_has_pages(desk: Desk) -> None:
    small = picture(64, 36)
    for number in range(3):
        await upload(desk.api, "media", f"Picture {number}.jpg", small, user=desk.user)
    pages = re.compile(r"/media/library\?.*limit=24")

    async def shorten(route: Route) -> None:
        await route.continue_(url=route.request.url.replace("limit=24", "limit=2"))

    await desk.person.page.route(pages, shorten)
    await desk.open("Media")
    await expect(desk.items).to_have_count(2)
    await desk.person.dialog.get_by_role("button", name="Next").click()
    await expect(desk.items).to_have_count(1)
    await expect(desk.person.dialog).to_contain_text("2 of 2")


async def test_music_gives_way_to_speech_and_films_sound(desk: Desk, tmp_path: Path) -> None:
    page = desk.person.page
    content = files.encoded(tmp_path, "a.mp4", "testsrc=d=4:s=160x90:r=10", "sine=440:d=4")
    (scene,) = (await desk.api.call("GET", f"/videos/{desk.video}/scenes", user=desk.user)).data[
        "scenes"
    ]
    tone = await upload(desk.api, "audio", "Tone.wav", tune(4), user=desk.user)
    film = await upload(desk.api, "media", "Film.mp4", content, user=desk.user)
    address, moving = tone["url"].partition("?")[0], film["url"].partition("?")[0]
    for fields in (
        {"type": "audio", "properties": {"audio_url": address, "volume": 1}},
        {"type": "voiceover", "start_time": 1, "properties": {"audio_url": address}},
        {
            "type": "media",
            "properties": {"media_url": moving, "media_type": "video", "volume": 0.5},
        },
    ):
        path = f"/scenes/{scene['id']}/layers"
        given = {"name": "One", "start_time": 0, "duration": 4, **fields}
        assert (await desk.api.call("POST", path, given, user=desk.user)).status == 201
    await expect(page.locator(".layer-row")).to_have_count(3)
    await page.evaluate(
        """() => {
            window.sounding = new Set()
            const play = HTMLMediaElement.prototype.play
            HTMLMediaElement.prototype.play = function () {
                window.sounding.add(this)
                return play.call(this)
            }
        }"""
    )
    await desk.person.button("Play").click()
    await page.wait_for_function(
        """() => {
            const all = [...window.sounding]
            const film = all.find((one) => one.tagName === 'VIDEO')
            const volumes = all.filter((one) => one !== film).map((one) => one.volume)
            return film && !film.muted && volumes.some((one) => one === 1)
                && volumes.some((one) => Math.abs(one - 0.251) < 0.001)
                && Math.abs(film.volume - 0.1256) < 0.001
        }"""
    )


async def test_music_comes_back_between_words_that_are_far_apart(visit: Visit, api: Api) -> None:
    """Time stands still between steps, so that each moment's loudness is known."""
    video = await api.make_video()
    scene = await api.make_scene(video, text="", duration=6)
    tone = await upload(api, "audio", "Tone.wav", tune(5))
    address = tone["url"].partition("?")[0]
    words = [("One", 0, 0.3), ("two", 0.9, 1.0), ("three", 3, 3.5)]
    spoken = [{"text": text, "start": start, "end": end} for text, start, end in words]
    music = {"audio_url": address, "volume": 1}
    await api.make_layer(scene, type="audio", name="Music", duration=6, properties=music)
    voice = {"audio_url": address, "words": spoken}
    await api.make_layer(
        scene, type="voiceover", name="Voice", start_time=1, duration=1, properties=voice
    )
    alice = await visit("alice", size=WIDE)
    page = alice.page
    await page.clock.install()
    await alice.open_video(video)
    await expect(page.locator(".layer-row")).to_have_count(2)
    await page.evaluate(
        """() => {
            window.sounds = new Map()
            const volume = Object.getOwnPropertyDescriptor(HTMLMediaElement.prototype, 'volume')
            Object.defineProperty(HTMLMediaElement.prototype, 'volume', {
                ...volume,
                set(value) {
                    window.sounds.set(this, value)
                    volume.set.call(this, value)
                },
            })
        }"""
    )
    # Until both sounds are loaded.
    await alice.button("Play").click()
    await page.wait_for_function("() => window.sounds.size === 2")
    await alice.button("Pause").click()
    await page.get_by_role("slider", name="Time in the scene").press("Home")
    await page.clock.pause_at(await page.evaluate("Date.now() / 1000 + 1"))
    await page.evaluate("() => window.sounds.clear()")
    await alice.button("Play").click()
    now, heard = 0.0, {}
    for moment in (0.5, 1.5, 2.2, 3.0, 4.2, 4.95):
        await page.clock.run_for(round((moment - now) * 1000))
        now = moment
        heard[moment] = await page.evaluate("() => [...window.sounds.values()]")
    ducked = pytest.approx(0.251, abs=0.01)
    assert heard[0.5][0] == 1
    assert heard[1.5][0] == ducked, "a short pause between words lets nothing up"
    assert heard[2.2][0] == pytest.approx(0.251 + 0.749 * 0.4, abs=0.06)
    assert heard[3.0][0] == 1
    assert heard[4.2][0] == ducked
    assert {volumes[1] for moment, volumes in heard.items() if moment > 1} == {1}


async def test_what_is_premium_is_not_taken_on_the_free_tier(
    visit: Visit, api: Api, server: Server
) -> None:
    video = await api.make_video("frugal")
    await api.call("POST", f"/videos/{video}/scenes", {"text": ""}, user="frugal")
    await upload(api, "media", "Gem.jpg", picture(64, 36), user="frugal")
    person = await visit("frugal", token=server.token("frugal", tier="free"))

    async def make_premium(route: Route) -> None:
        reply = await route.fetch()
        found = await reply.json()
        found["data"]["media"][0]["is_premium"] = True
        await route.fulfill(response=reply, json=found)

    await person.page.route("**/media/library?*", make_premium)
    await person.open_video(video)
    await person.button("Library").click()
    item = person.page.locator(".library-item")
    await expect(item).to_contain_text("Pro")
    await item.locator(".library-use").click()
    await expect(person.page.locator(".toast.error")).to_contain_text("pro and business tiers")
    await person.page.keyboard.press("Escape")
    await expect(person.page.locator(".layer-row")).to_have_count(0)


async def test_voices_are_found_by_language(desk: Desk) -> None:
    page = desk.person.page
    await desk.open("Voices")
    language = page.get_by_label("Language", exact=True)
    await expect(language).to_have_value("en")
    await expect(desk.items.first).to_contain_text("English")
    listen = desk.items.first.get_by_role("button", name="Listen to")
    name = str(await listen.get_attribute("title")).removeprefix("Listen to ")
    await listen.click()
    await expect(desk.items.first.get_by_role("button", name=f"Stop {name}")).to_be_visible()
    await language.select_option(label="German")
    await expect(desk.items.first).to_contain_text("German")
    await language.select_option(label="All languages")
    await expect(desk.items).to_have_count(24)
    await desk.person.dialog.get_by_role("button", name="Next").click()
    await expect(desk.person.dialog).to_contain_text("2 of")


async def test_playing_sounds_and_goes_on_to_the_next_scene(desk: Desk) -> None:
    person, page = desk.person, desk.person.page
    await upload(desk.api, "audio", "Tone.wav", tune(2), user=desk.user)
    await desk.open("Audio")
    await desk.items.locator(".library-use").click()
    field = page.get_by_label("Seconds of scene 1")
    await field.fill("1")
    await field.press("Enter")
    await person.button("Add scene").click()
    await page.keyboard.press("Escape")
    # What the page plays is asked of the elements themselves, which are in no document.
    await page.evaluate(
        """() => {
            window.played = []
            const play = HTMLMediaElement.prototype.play
            HTMLMediaElement.prototype.play = function () {
                window.played.push(this.currentSrc)
                return play.call(this)
            }
        }"""
    )
    await page.locator(".scene-card").first.click(position={"x": 60, "y": 20})
    await person.button("Play").click()
    await expect(person.button("Pause")).to_be_visible()
    await page.wait_for_function("() => window.played.length > 0")
    assert "/api/v1/blobs/" in await page.evaluate("() => window.played[0]")
    current = page.locator(".scene-card[aria-current] .scene-number")
    await expect(current).to_have_text("2")
    await person.button("Pause").click()
    before = await page.locator(".stage-time").text_content()
    await person.button("Scene before").click()
    await expect(current).to_have_text("1")
    assert before != await page.locator(".stage-time").text_content()

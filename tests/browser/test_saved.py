"""What the page says of being saved is true, and being offline loses nothing."""

from __future__ import annotations

import asyncio
import re

import pytest
from playwright.async_api import Route, WebSocketRoute, expect

from tests.browser.conftest import Visit
from tests.browser.person import Person
from tests.browser.test_together import pair
from tests.support.server import Api

ACKNOWLEDGE = 102


class Held:
    """Holds back the server's acknowledgements."""

    def __init__(self) -> None:
        self._holding = False
        self._held: list[bytes | str] = []
        self._page: WebSocketRoute | None = None

    async def route(self, socket: WebSocketRoute) -> None:
        self._page = socket
        server = socket.connect_to_server()
        server.on_message(self._pass_on)

    def hold(self) -> None:
        self._holding = True

    def release(self) -> None:
        self._holding = False
        assert self._page is not None
        for message in self._held:
            self._page.send(message)
        self._held.clear()

    @property
    def count(self) -> int:
        return len(self._held)

    def _pass_on(self, message: bytes | str) -> None:
        assert self._page is not None
        acknowledges = isinstance(message, bytes) and message[0] == ACKNOWLEDGE
        if self._holding and acknowledges:
            self._held.append(message)
        else:
            self._page.send(message)


async def test_saved_is_said_only_after_the_acknowledgement(visit: Visit, api: Api) -> None:
    video = await api.make_video()
    await api.make_scene(video, text="")
    alice = await visit("alice", offline=False)
    held = Held()
    await alice.page.route_web_socket(re.compile("/ws/videos/"), held.route)
    await alice.open_video(video)
    held.hold()
    await alice.narration(1).fill("Is this safe?")
    await expect(alice.status).to_have_text("Saving…")
    while not held.count:
        await asyncio.sleep(0.01)
    # The edit is stored, and its echo is here; what is missing is the acknowledgement.
    assert (await api.scenes(video))[0]["text"] == "Is this safe?"
    await expect(alice.status).to_have_text("Saving…")
    held.release()
    await alice.saved()


async def test_edits_made_offline_merge_on_return(visit: Visit, api: Api) -> None:
    video, alice, bruno = await pair(visit, api, "shared")
    await alice.context.set_offline(True)
    await expect(alice.status).to_have_text("Offline")
    await expect(alice.page.get_by_role("alert").first).to_contain_text("kept in this browser")
    await alice.narration(1).press("End")
    await alice.page.keyboard.type(" offline")
    await expect(alice.status).to_have_text("Offline, kept here")
    await bruno.narration(1).press("Home")
    await bruno.page.keyboard.type("online ")
    await bruno.saved()
    assert (await api.scenes(video))[0]["text"] == "online shared"
    await alice.context.set_offline(False)
    await alice.saved()
    for person in (alice, bruno):
        await expect(person.narration(1)).to_have_value("online shared offline")
    assert (await api.scenes(video))[0]["text"] == "online shared offline"


async def page_kept(person: Person) -> None:
    """Wait until the page says that it opens without a connection."""
    await expect(person.status).to_have_attribute("title", re.compile("opens without a connection"))


async def test_offline_edits_survive_a_reload(visit: Visit, api: Api) -> None:
    video = await api.make_video()
    await api.make_scene(video, text="before")
    alice = await visit("alice", offline=True)
    await alice.open_video(video)
    await page_kept(alice)
    await alice.context.set_offline(True)
    await alice.narration(1).press("End")
    await alice.page.keyboard.type(", and after")
    await expect(alice.narration(1)).to_have_value("before, and after")
    await expect(alice.status).to_have_text("Offline, kept here")
    await alice.page.reload()
    await expect(alice.narration(1)).to_have_value("before, and after")
    await expect(alice.status).to_have_text("Offline, kept here")
    await page_kept(alice)
    assert (await api.scenes(video))[0]["text"] == "before"
    await alice.page.get_by_label("Narration of scene 1").press("End")
    await alice.page.keyboard.type(" the reload")
    await alice.context.set_offline(False)
    await alice.saved()
    assert (await api.scenes(video))[0]["text"] == "before, and after the reload"
    assert len(await api.scenes(video)) == 1


async def test_a_page_that_is_not_kept_says_so(visit: Visit, api: Api) -> None:
    video = await api.make_video()
    await api.make_scene(video, text="")
    alice = await visit("alice", offline=True)
    await alice.context.route("**/editor/vendor/collaboration.js", without_worker)
    await alice.open_video(video)
    await alice.page.wait_for_function(
        "async () => (await navigator.serviceWorker.getRegistrations()).length === 0"
        " && (await caches.keys()).length"
    )
    await expect(alice.status).not_to_have_attribute("title", re.compile("."))
    await alice.context.set_offline(True)
    await expect(alice.page.get_by_role("alert").first).to_contain_text("Leave this page open")


async def without_worker(route: Route) -> None:
    """Let the page have a file, and its service worker not."""
    if route.request.service_worker is None:
        await route.continue_()
    else:
        await route.abort()


async def test_a_browser_that_keeps_nothing_says_so(visit: Visit, api: Api) -> None:
    video = await api.make_video()
    await api.make_scene(video, text="")
    alice = await visit("alice", offline=False)
    await alice.context.add_init_script(
        "IDBFactory.prototype.open = () => { throw new Error('no store') }"
    )
    await alice.open_video(video)
    await alice.context.set_offline(True)
    await alice.narration(1).fill("Only here")
    await expect(alice.status).to_have_text("Offline, not kept")
    await expect(alice.page.get_by_role("alert").first).to_contain_text("keeps nothing")
    await alice.context.set_offline(False)
    await alice.saved()
    assert set(alice.problems) <= {"thrown: no store"}
    alice.problems.clear()
    assert (await api.scenes(video))[0]["text"] == "Only here"


async def test_what_is_already_stored_is_not_called_unsaved_after_a_reload(
    visit: Visit, api: Api
) -> None:
    video = await api.make_video()
    await api.make_scene(video, text="stored")
    alice = await visit("alice")
    await alice.open_video(video)
    await alice.page.reload()
    await alice.saved()
    await expect(alice.narration(1)).to_have_value("stored")


@pytest.mark.slow
async def test_a_connection_that_comes_and_goes(visit: Visit, api: Api) -> None:
    video, alice, bruno = await pair(visit, api, "")
    for turn in range(5):
        await alice.context.set_offline(True)
        await expect(alice.status).to_contain_text("Offline")
        await alice.narration(1).press("End")
        await alice.page.keyboard.type(f"a{turn} ")
        await bruno.narration(1).press("Home")
        await bruno.page.keyboard.type(f"b{turn} ")
        await alice.context.set_offline(False)
        await alice.saved()
    await bruno.saved()
    words = (await api.scenes(video))[0]["text"].split()
    assert sorted(words) == sorted(f"{who}{turn}" for who in "ab" for turn in range(5))
    await expect(alice.narration(1)).to_have_value(await bruno.narration(1).input_value())


async def test_a_server_that_is_away_is_not_called_offline(visit: Visit, api: Api) -> None:
    video = await api.make_video()
    await api.make_scene(video, text="Here")
    alice = await visit("alice", offline=False)  # a profile of its own: the route stays in it
    await alice.page.route_web_socket("**/ws/videos/**", lambda socket: socket.close(code=1013))
    await alice.open_video(video, ready=False)
    notice = alice.page.locator(".editor-notice")
    await expect(notice).to_contain_text("The server cannot be reached. Go on working")

"""Pictures of the page's main states, to be looked at: `python -m tests.browser.screenshots`."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, async_playwright, expect

from tests.browser.chromium import OPTIONS, chromium
from tests.browser.person import PHONE, Person, visiting
from tests.browser.showpiece import make_showpiece
from tests.support.server import COCUT, Api, Server, calling, environment, serving

TARGET = Path("build/screenshots")


class Album:
    """Takes the pictures."""

    def __init__(self, server: Server, browser: Browser, api: Api, only: str) -> None:
        self.server = server
        self.browser = browser
        self.api = api
        self.only = only

    async def take(self) -> None:
        """Take all of them."""
        self.video = await make_showpiece(self.api)
        await self.api.share(self.video, "bruno", "editor")
        await self.api.share(self.video, "vera", "viewer")
        for title, ratio in [("Spring menu", "9:16"), ("Team offsite recap", "1:1")]:
            fields = {"title": title, "aspect_ratio": ratio}
            await self.api.call("POST", "/videos", fields)
        for scheme in ("light", "dark"):
            await self._session(scheme)
        await self._phone()

    async def _session(self, scheme: str) -> None:
        async with AsyncExitStack() as stack:
            alice = await self._visit(stack, "alice", "Alice Moreau", color_scheme=scheme)
            bruno = await self._visit(stack, "bruno", "Bruno Okafor")
            await alice.open_list()
            await expect(alice.page.locator(".video-card")).to_have_count(3)
            await self._save(alice, f"{scheme}-videos")
            await alice.button("New video").click()
            await self._save(alice, f"{scheme}-new-video")
            await alice.page.keyboard.press("Escape")
            await alice.open_video(self.video)
            await bruno.open_video(self.video)
            await bruno.narration(1).click()
            await bruno.page.keyboard.press("Home")
            await bruno.page.keyboard.press("Shift+Control+ArrowRight")
            box = await bruno.page.locator(".stage-surface").bounding_box()
            assert box is not None
            await bruno.page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + 90)
            await alice.narration(1).click()
            await alice.page.get_by_role("slider", name="Time in the scene").focus()
            for _ in range(3):
                await alice.page.keyboard.press("PageDown")
            await expect(alice.page.locator(".caret-name")).to_be_visible()
            await expect(alice.page.locator(".pointer")).to_be_visible()
            await self._save(alice, f"{scheme}-editor")
            await alice.layer("Title").locator(".layer-name").click()
            await self._save(alice, f"{scheme}-properties")
            await alice.button("Add layer").click()
            await self._save(alice, f"{scheme}-add-layer")
            await alice.page.keyboard.press("Escape")
            await self._dialogs(alice, scheme)
            await alice.context.set_offline(True)
            await expect(alice.status).to_contain_text("Offline")
            await self._save(alice, f"{scheme}-offline")

    async def _dialogs(self, person: Person, scheme: str) -> None:
        for name in ("Library", "History", "Keyboard", "Share", "Render"):
            await person.button(name).first.click()
            await expect(person.dialog).to_be_visible()
            if name == "Library":
                for tab in ("Media", "Audio", "Voices", "Avatars"):
                    await person.page.get_by_role("tab", name=tab).click()
                    await person.page.wait_for_load_state("networkidle")
                    await self._save(person, f"{scheme}-library-{tab.lower()}")
            await person.page.wait_for_load_state("networkidle")
            await self._save(person, f"{scheme}-{name.lower()}")
            await person.page.keyboard.press("Escape")

    async def _phone(self) -> None:
        async with AsyncExitStack() as stack:
            shape: dict[str, Any] = {"size": PHONE, "device_scale_factor": 2, "has_touch": True}
            alice = await self._visit(stack, "alice", "Alice Moreau", is_mobile=True, **shape)
            await alice.open_list()
            await expect(alice.page.locator(".video-card")).to_have_count(3)
            await self._save(alice, "phone-videos")
            await alice.open_video(self.video)
            await self._save(alice, "phone-editor")
            vera = await self._visit(
                stack, "vera", "Vera", is_mobile=True, color_scheme="dark", **shape
            )
            await vera.open_video(self.video)
            await self._save(vera, "phone-dark-viewer")
            stranger = await visiting_here(stack, self, token=None)
            await stranger.open_list()
            await self._save(stranger, "guest")

    async def _visit(self, stack: AsyncExitStack, user: str, name: str, **options: Any) -> Person:
        return await visiting_here(stack, self, token=self.server.token(user, name=name), **options)

    async def _save(self, person: Person, name: str) -> None:
        if self.only in name:
            await person.page.wait_for_load_state("networkidle")
            await person.page.wait_for_timeout(250)  # pictures and transitions come to rest
            await person.page.screenshot(path=TARGET / f"{name}.png")


async def visiting_here(stack: AsyncExitStack, album: Album, **options: Any) -> Person:
    visit = visiting(album.browser, album.server.address, **options)
    return await stack.enter_async_context(visit)


async def main(server: Server, only: str = "") -> None:
    """Take those whose names contain `only`."""
    async with calling(server) as api, async_playwright() as playwright:
        program = chromium()
        browser = await playwright.chromium.launch(executable_path=program, args=list(OPTIONS))
        await Album(server, browser, api, only).take()
        await browser.close()


if __name__ == "__main__":
    TARGET.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as directory:
        data = Path(directory) / "data"
        with serving(data, "--guest") as serving_here:
            seed = [str(COCUT), "seed", "--data-dir", str(data)]
            subprocess.run(seed, env=environment(), cwd=directory, check=True)
            asyncio.run(main(serving_here, *sys.argv[1:]))

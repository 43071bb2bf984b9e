"""Somebody who has the editor page open, in a browser profile of their own."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final
from urllib.parse import urlsplit

from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Locator,
    Page,
    Request,
    expect,
)

WIDE: Final = (1280, 800)
PHONE: Final = (390, 844)
EXPECT_MS: Final = 10_000
_ANSWER: Final = re.compile(r"Failed to load resource: (the server responded|net::ERR_INTERNET)")
expect.set_options(timeout=EXPECT_MS)


class Person:
    """A browser context with one page, and what went wrong in it.

    Attributes:
        page: the page.
        context: the profile it is open in.
        problems: errors of scripts, refusals by the Content-Security-Policy, and requests that left
            the server's origin.
    """

    def __init__(self, context: BrowserContext, page: Page, address: str) -> None:
        self.context = context
        self.page = page
        self.address = address
        self.problems: list[str] = []
        self._watch(page)
        context.on("request", self._sent)

    async def open_list(self) -> None:
        """Open the list of videos, or whatever the server shows instead."""
        await self.page.goto(f"{self.address}/")

    async def open_video(self, video: str, *, ready: bool = True) -> None:
        """Open a video's editor; `ready` waits until it is live."""
        await self.page.goto(f"{self.address}/#/videos/{video}")
        if ready:
            await self.ready()

    async def ready(self) -> None:
        """Wait until the page has the document and is live."""
        await expect(self.status).to_have_attribute("data-state", re.compile("saved|viewing"))

    @property
    def status(self) -> Locator:
        """The mark that says whether all is saved."""
        return self.page.locator(".saved")

    @property
    def dialog(self) -> Locator:
        """The dialog on top."""
        return self.page.get_by_role("dialog").last

    @property
    def people(self) -> Locator:
        """The faces of the others."""
        return self.page.locator(".people").get_by_role("button")

    def button(self, name: str, *, exact: bool = True) -> Locator:
        return self.page.get_by_role("button", name=name, exact=exact)

    def narration(self, scene: int) -> Locator:
        return self.page.get_by_label(f"Narration of scene {scene}", exact=True)

    def layer(self, name: str) -> Locator:
        """A layer's row in the timeline."""
        named = self.page.locator(".layer-name", has_text=re.compile(f"^{re.escape(name)}$"))
        return self.page.locator(".layer-row").filter(has=named)

    def bar(self, name: str) -> Locator:
        """A layer's bar in the timeline."""
        return self.layer(name).locator(".bar-box")

    async def choose(self, menu: str, item: str) -> None:
        """Open a menu by its button's name, and choose from it."""
        await self.button(menu).click()
        await self.page.get_by_role("menuitem", name=item, exact=True).click()

    async def add_layer(self, kind: str) -> None:
        await self.choose("Add layer", kind)

    async def saved(self) -> None:
        """Wait until the page says that all is stored."""
        await expect(self.status).to_have_attribute("data-state", "saved")

    async def drag(self, target: Locator, dx: float, dy: float = 0, *, alt: bool = False) -> None:
        """Drag an element by its middle."""
        await target.scroll_into_view_if_needed()
        box = await target.bounding_box()
        assert box is not None
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        await self.drag_between((x, y), (x + dx, y + dy), alt=alt)

    async def drag_between(
        self, start: tuple[float, float], end: tuple[float, float], *, alt: bool = False
    ) -> None:
        mouse = self.page.mouse
        await mouse.move(*start)
        await mouse.down()
        if alt:
            await self.page.keyboard.down("Alt")
        await mouse.move(*end, steps=6)
        await mouse.up()
        if alt:
            await self.page.keyboard.up("Alt")

    def _watch(self, page: Page) -> None:
        page.on("pageerror", lambda error: self.problems.append(f"thrown: {error}"))
        page.on("console", self._said)

    def _said(self, message: ConsoleMessage) -> None:
        # What the server refuses is told to the user; the browser writes it down, too.
        if message.type == "error" and not _ANSWER.match(message.text):
            self.problems.append(f"console: {message.text}")

    def _sent(self, request: Request) -> None:
        url = urlsplit(request.url)
        here = urlsplit(self.address).netloc
        if url.scheme in ("http", "https", "ws", "wss") and url.netloc != here:
            self.problems.append(f"left the origin: {request.url}")


@asynccontextmanager
async def visiting(
    browser: Browser,
    address: str,
    *,
    token: str | None = None,
    size: Sequence[int] = WIDE,
    offline: bool = False,
    **options: Any,
) -> AsyncIterator[Person]:
    """Somebody with a fresh profile, signed in by `token` if there is one.

    Args:
        browser: where.
        address: the server's.
        token: what they signed in with before.
        size: of the window, in pixels.
        offline: whether the page is kept for when there is no connection.
        options: of the profile, as Playwright has them.

    Raises:
        AssertionError: something went wrong in the page meanwhile.
    """
    kept: list[Any] = [{"name": "cocut:token", "value": token}] if token else []
    context = await browser.new_context(
        service_workers="allow" if offline else "block",
        viewport={"width": size[0], "height": size[1]},
        storage_state={"cookies": [], "origins": [{"origin": address, "localStorage": kept}]},
        **options,
    )
    context.set_default_timeout(EXPECT_MS)
    try:
        person = Person(context, await context.new_page(), address)
        yield person
        assert not person.problems
    finally:
        await context.close()

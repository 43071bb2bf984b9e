"""Somebody who has the editor page open, in a browser profile of their own."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final
from urllib.parse import urlsplit

from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Error,
    Locator,
    Page,
    Request,
    expect,
)

WIDE: Final = (1280, 800)
PHONE: Final = (390, 844)
EXPECT_MS: Final = 30_000
_ANSWER: Final = re.compile(
    r"Failed to load resource: (the server responded|net::ERR_INTERNET)"
    r"|WebSocket connection to '[^']*' failed: .*net::ERR_INTERNET"
)
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
        page.on("pageerror", self._thrown)
        page.on("console", self._said)
        context.on("request", self._sent)

    async def begin(self, token: str | None) -> None:
        """Be signed in by `token`, or by nothing, when the page is opened."""
        if token is not None:
            await self.page.goto(f"{self.address}/editor/icon.svg")
            keep = "(token) => localStorage.setItem('cocut:token', token)"
            await self.page.evaluate(keep, token)

    async def end(self) -> None:
        """Leave the profile as if nobody had been there: nothing kept, nothing routed, online."""
        await self.page.unroute_all(behavior="ignoreErrors")
        await self.context.set_offline(False)
        await self.page.goto("about:blank")
        self.page.remove_listener("pageerror", self._thrown)
        self.page.remove_listener("console", self._said)
        self.context.remove_listener("request", self._sent)
        session = await self.context.new_cdp_session(self.page)
        everything = {"origin": self.address, "storageTypes": "all"}
        await session.send("Storage.clearDataForOrigin", everything)
        await session.detach()

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

    def _thrown(self, error: Error) -> None:
        self.problems.append(f"thrown: {error}")

    def _said(self, message: ConsoleMessage) -> None:
        # What the server refuses, and that there is no connection, is told to the user; the browser
        # writes it down, too.
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
    context = await browser.new_context(
        service_workers="allow" if offline else "block",
        viewport={"width": size[0], "height": size[1]},
        **options,
    )
    context.set_default_timeout(EXPECT_MS)
    try:
        person = Person(context, await context.new_page(), address)
        await person.begin(token)
        yield person
        assert not person.problems, person.problems
    finally:
        await context.close()


class Profiles:
    """Usual profiles that are emptied and used again: a new one takes as long as a short test."""

    def __init__(self, browser: Browser, address: str) -> None:
        self._browser = browser
        self._address = address
        self._free: list[tuple[BrowserContext, Page]] = []
        self._stack = AsyncExitStack()

    @asynccontextmanager
    async def lend(self, token: str | None) -> AsyncIterator[Person]:
        """As `visiting`, without options."""
        if self._free:
            person = Person(*self._free.pop(), self._address)
            for other in set(person.context.pages) - {person.page}:
                await other.close()
            # A page behind another tab is hardly drawn, even when that has been closed.
            await person.page.bring_to_front()
            await person.page.set_viewport_size({"width": WIDE[0], "height": WIDE[1]})
            await person.begin(token)
        else:
            fresh = visiting(self._browser, self._address, token=token)
            person = await self._stack.enter_async_context(fresh)
        yield person
        problems = list(person.problems)
        if person.page.is_closed():  # somebody who left
            assert not problems, problems
            return
        await person.end()
        person.problems.clear()
        self._free.append((person.context, person.page))
        assert not problems, problems

    async def close(self) -> None:
        await self._stack.aclose()

"""One server and one browser for all tests of the page; profiles for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from inspect import iscoroutinefunction
from pathlib import Path
from typing import Any, Protocol

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from tests.browser.chromium import OPTIONS, chromium
from tests.browser.person import Person, Profiles, visiting
from tests.support.server import Api, Server, calling, serving

# Playwright's objects belong to the loop that the browser was started in.
LOOP = pytest.mark.asyncio(loop_scope="session")
HERE = Path(__file__).parent


class Visit(Protocol):
    """Opens a profile: of `user`, of a guest (None), or with a token of its own.

    It is empty, but was used before; with options, such as `offline=False`, it is new.
    """

    async def __call__(self, user: str | None = ..., **options: Any) -> Person: ...


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        here = item.path.is_relative_to(HERE)
        if here and isinstance(item, pytest.Function) and iscoroutinefunction(item.obj):
            item.add_marker(LOOP, append=False)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    chromium()
    with serving(tmp_path_factory.mktemp("page") / "data", "--guest") as server:
        yield server


@pytest_asyncio.fixture(loop_scope="session")
async def api(server: Server) -> AsyncIterator[Api]:
    async with calling(server) as api:
        yield api


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        program = chromium()
        browser = await playwright.chromium.launch(executable_path=program, args=list(OPTIONS))
        yield browser
        await browser.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def profiles(server: Server, browser: Browser) -> AsyncIterator[Profiles]:
    profiles = Profiles(browser, server.address)
    yield profiles
    await profiles.close()


@pytest_asyncio.fixture(loop_scope="session")
async def visit(server: Server, browser: Browser, profiles: Profiles) -> AsyncIterator[Visit]:
    async with AsyncExitStack() as stack:

        async def visit(user: str | None = "alice", **options: Any) -> Person:
            token = options.pop("token", None)
            if user is not None and token is None:
                token = server.token(user, name=user.capitalize())
            if options:
                visiting_page = visiting(browser, server.address, token=token, **options)
            else:
                visiting_page = profiles.lend(token)
            return await stack.enter_async_context(visiting_page)

        yield visit

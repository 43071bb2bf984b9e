"""Who may do what in the page: viewers, those who were removed, and tokens that end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.async_api import Browser, expect

from tests.browser.conftest import Visit
from tests.browser.person import visiting
from tests.support.server import Api, Server, serving


@pytest.fixture(scope="module")
def closed_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server without guests."""
    with serving(tmp_path_factory.mktemp("closed") / "data") as server:
        yield server


async def test_a_viewer_watches(visit: Visit, api: Api) -> None:
    video = await api.make_video()
    scene = await api.make_scene(video, text="Look, do not touch")
    await api.make_layer(scene, name="Headline", properties={"text": "Hello"})
    await api.share(video, "vera", "viewer")
    vera, alice = await visit("vera"), await visit("alice")
    await vera.open_video(video)
    await alice.open_video(video)
    await expect(vera.status).to_have_text("Watching")
    await expect(vera.narration(1)).not_to_be_editable()
    for name in ("Add scene", "Add layer", "Share"):
        await expect(vera.button(name)).to_be_hidden()
    for name in ("Hide Headline", "Undo", "Redo"):
        await expect(vera.button(name)).to_be_disabled()
    await vera.bar("Headline").focus()
    for key in ("Delete", "ArrowRight", "Control+d", "Control+Enter"):
        await vera.page.keyboard.press(key)
    await vera.drag(vera.bar("Headline"), 60)
    await expect(alice.people).to_have_count(1)
    await alice.narration(1).fill("Changed while you look")
    await expect(vera.narration(1)).to_have_value("Changed while you look")
    (stored,) = await api.scenes(video)
    assert [layer["start_time"] for layer in stored["layers"]] == [0]
    await expect(vera.page.locator(".editor-notice")).to_be_hidden()


async def test_a_member_who_is_removed_is_told(visit: Visit, api: Api) -> None:
    video = await api.make_video()
    await api.make_scene(video, text="For members")
    await api.share(video, "bruno", "editor")
    bruno = await visit("bruno")
    await bruno.open_video(video)
    assert (await api.call("DELETE", f"/videos/{video}/members/bruno")).status == 200
    notice = bruno.page.locator(".editor-notice")
    await expect(notice).to_contain_text("not shared with you any more")
    await expect(bruno.status).to_have_text("Not saved")
    await notice.get_by_role("button", name="Back to the videos").click()
    await expect(bruno.page.get_by_role("heading", name="Videos")).to_be_visible()


async def test_an_editor_who_becomes_a_viewer_cannot_go_on(visit: Visit, api: Api) -> None:
    video = await api.make_video()
    await api.make_scene(video, text="Mine")
    await api.share(video, "bruno", "editor")
    bruno = await visit("bruno")
    await bruno.open_video(video)
    await expect(bruno.narration(1)).to_be_editable()
    await api.share(video, "bruno", "viewer")
    await bruno.narration(1).press("End")
    await bruno.page.keyboard.type("!")
    await expect(bruno.narration(1)).not_to_be_editable()
    await bruno.button("Show what is stored").click()
    await expect(bruno.narration(1)).to_have_value("Mine")
    await expect(bruno.status).to_have_text("Watching")
    assert (await api.scenes(video))[0]["text"] == "Mine"


async def test_a_deleted_video_is_said_to_be_gone(visit: Visit, api: Api) -> None:
    video = await api.make_video()
    alice = await visit("alice")
    await alice.open_video(video)
    assert (await api.call("DELETE", f"/videos/{video}")).status == 200
    await expect(alice.page.locator(".editor-notice")).to_contain_text("has been deleted")


async def test_a_token_that_ends_is_replaced_without_losing_a_word(
    visit: Visit, api: Api, server: Server
) -> None:
    video = await api.make_video()
    await api.make_scene(video, text="")
    alice = await visit("alice", token=server.token("alice", ttl_seconds=6))
    await alice.open_video(video)
    tab = await alice.context.new_page()
    await tab.goto(alice.page.url)
    await alice.narration(1).fill("Before it ended")
    dialog = alice.page.get_by_role("dialog", name="Your session has ended")
    await expect(dialog).to_be_visible()
    await expect(alice.page.locator(".editor-notice")).to_contain_text("session has ended")
    await dialog.get_by_label("Token").fill("no.token.atall")
    await dialog.get_by_role("button", name="Continue").click()
    await expect(dialog.get_by_role("alert")).to_contain_text("not a token")
    await dialog.get_by_label("Token").fill(server.token("alice"))
    await expect(tab.get_by_role("dialog", name="Your session has ended")).to_be_visible()
    await dialog.get_by_role("button", name="Continue").click()
    await alice.saved()
    # The other tab has it, too.
    await expect(tab.get_by_role("dialog")).to_have_count(0)
    await expect(tab.locator(".saved")).to_have_attribute("data-state", "saved")
    await alice.narration(1).press("End")
    await alice.page.keyboard.type(", and after")
    await alice.saved()
    assert (await api.scenes(video))[0]["text"] == "Before it ended, and after"


async def test_a_guest_whose_token_ends_without_a_server_goes_on(
    visit: Visit, api: Api, server: Server
) -> None:
    video = await api.make_video("guest")
    guest = await visit("guest", token=server.token("guest", ttl_seconds=3600, now=1_000_000))
    await guest.page.evaluate("localStorage.setItem('cocut:token:guest', '1')")
    token = "**/editor/token"
    await guest.page.route(token, lambda route: route.abort("internetdisconnected"))
    await guest.open_video(video, ready=False)
    await expect(guest.page.locator(".editor-notice")).to_contain_text("session has ended")
    await expect(guest.page.get_by_role("dialog")).to_have_count(0)
    await guest.page.unroute(token)
    await guest.saved()
    await expect(guest.page.locator(".editor-notice")).to_be_hidden()


async def test_signing_in_and_out_with_a_token(closed_server: Server, browser: Browser) -> None:
    async with visiting(browser, closed_server.address) as alice:
        await alice.open_list()
        field = alice.page.get_by_label("Token")
        await expect(field).to_be_focused()
        await field.fill(closed_server.token("alice", ttl_seconds=3600, now=1_000_000))
        await alice.button("Sign in").click()
        await expect(alice.page.get_by_role("alert")).to_have_text("This token has expired.")
        await field.fill(closed_server.token("alice", name="Alice"))
        await alice.button("Sign in").click()
        await expect(alice.page.get_by_role("heading", name="Videos")).to_be_visible()
        await alice.page.reload()
        await expect(alice.page.get_by_role("heading", name="Videos")).to_be_visible()
        await alice.choose("You are Alice", "Sign out")
        await expect(field).to_be_visible()

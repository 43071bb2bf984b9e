"""The list of videos: made, found, renamed, shared and deleted."""

from __future__ import annotations

from playwright.async_api import expect

from tests.browser.conftest import Visit
from tests.browser.showpiece import make_showpiece
from tests.support.server import Api


async def test_make_find_rename_and_delete(visit: Visit, api: Api) -> None:
    owner = await visit("olga")
    await owner.open_list()
    await expect(owner.page.get_by_text("There are no videos yet.")).to_be_visible()
    await owner.button("Create the first one").click()
    title = owner.dialog.get_by_label("Title")
    await expect(title).to_be_focused()
    await title.fill("Harbour tour")
    await owner.dialog.get_by_text("Tall").click()
    await owner.page.keyboard.press("Enter")
    await owner.ready()
    await expect(owner.page).to_have_title("Harbour tour · Cocut")
    await owner.button("All videos").click()
    await api.call("POST", "/videos", {"title": "Winter sale"}, user="olga")
    await owner.page.reload()
    cards = owner.page.locator(".video-card")
    await expect(cards).to_have_count(2)
    await owner.page.get_by_label("Search videos").fill("harbour")
    await expect(cards).to_have_count(1)
    await expect(cards).to_contain_text("Harbour tour")
    await owner.page.get_by_label("Search videos").fill("mountain")
    await expect(owner.page.get_by_text("No video has these words.")).to_be_visible()
    await owner.page.get_by_label("Search videos").fill("")
    await owner.choose("More for Harbour tour", "Rename")
    await owner.dialog.get_by_label("Title").fill("Harbour at night")
    await owner.page.keyboard.press("Enter")
    await expect(cards.filter(has_text="Harbour at night")).to_have_count(1)
    await owner.choose("More for Winter sale", "Delete")
    await owner.dialog.get_by_role("button", name="Cancel").click()
    await expect(cards).to_have_count(2)
    await owner.choose("More for Winter sale", "Delete")
    await owner.dialog.get_by_role("button", name="Delete").click()
    await expect(cards).to_have_count(1)
    (video,) = (await api.call("GET", "/videos", user="olga")).data["videos"]
    assert (video["title"], video["aspect_ratio"]) == ("Harbour at night", "9:16")


async def test_share_with_roles(visit: Visit, api: Api) -> None:
    video = await api.make_video("piet")
    owner, member = await visit("piet"), await visit("quentin")
    await owner.open_video(video)
    await owner.button("Share").click()
    await owner.dialog.get_by_label("User id").fill("quentin")
    await owner.dialog.get_by_label("Role of the new member").select_option(label="Can watch")
    await owner.page.keyboard.press("Tab")
    await owner.dialog.get_by_role("button", name="Add").click()
    role = owner.dialog.get_by_label("Role of quentin")
    await expect(role).to_have_value("viewer")
    await member.open_list()
    await expect(member.page.locator(".video-card")).to_contain_text("viewer")
    async with owner.page.expect_response(lambda reply: reply.request.method == "PUT"):
        await role.select_option(label="Can edit")
    await member.open_video(video)
    await expect(member.button("Add scene")).to_be_visible()
    await expect(member.button("Share")).to_be_hidden()
    await owner.dialog.get_by_role("button", name="Remove").click()
    await expect(role).to_have_count(0)
    await expect(member.page.locator(".editor-notice")).to_contain_text("not shared with you")


async def test_a_video_that_never_was_is_not_called_lost(visit: Visit) -> None:
    alice = await visit("alice")
    await alice.open_video("00000000-0000-4000-8000-000000000000", ready=False)
    await expect(alice.page.locator(".editor-notice")).to_contain_text("There is no such video")


async def test_the_title_is_renamed_in_the_editor_for_all(visit: Visit, api: Api) -> None:
    video = await api.make_video()
    await api.share(video, "bruno", "editor")
    alice, bruno = await visit("alice"), await visit("bruno")
    await alice.open_video(video)
    await bruno.open_video(video)
    await expect(bruno.button("A video")).to_be_disabled()
    await alice.button("A video").click()
    await alice.dialog.get_by_label("Title").fill("A better title")
    await alice.page.keyboard.press("Enter")
    await expect(bruno.button("A better title")).to_be_visible()
    await alice.saved()
    seq = (await api.call("GET", f"/videos/{video}/document")).seq
    reply = await api.call("GET", f"/videos/{video}?min_seq={seq}")
    assert reply.data["video"]["title"] == "A better title"


async def test_a_title_is_text_and_never_markup(visit: Visit, api: Api) -> None:
    title = "<img src=x onerror=alert(1)>"
    await api.call("POST", "/videos", {"title": title}, user="rosa")
    rosa = await visit("rosa")
    await rosa.open_list()
    await expect(rosa.page.locator(".video-title")).to_have_text(title)
    await expect(rosa.page.locator(".video-title img")).to_have_count(0)


async def test_a_card_shows_the_first_scene(visit: Visit, api: Api) -> None:
    await make_showpiece(api, user="tess")
    await api.call("POST", "/videos", {"title": "Empty"}, user="tess")
    tess = await visit("tess")
    await tess.open_list()
    film = tess.page.locator(".video-card", has_text="Tern launch film").locator("canvas")
    await expect(film).to_be_visible()
    await expect(tess.page.locator(".video-card canvas")).to_have_count(1)
    await tess.page.wait_for_function(
        "(canvas) => canvas.getContext('2d').getImageData(200, 20, 1, 1).data[2] > 60",
        arg=await film.element_handle(),
    )


async def test_pages_of_videos(visit: Visit, api: Api) -> None:
    for number in range(25):
        await api.call("POST", "/videos", {"title": f"Video {number}"}, user="stan")
    stan = await visit("stan")
    await stan.open_list()
    cards = stan.page.locator(".video-card")
    await expect(cards).to_have_count(24)
    await stan.button("Next").click()
    await expect(cards).to_have_count(1)
    await expect(stan.page.get_by_text("2 of 2")).to_be_visible()
    await stan.button("Previous").click()
    await expect(cards).to_have_count(24)

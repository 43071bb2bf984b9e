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
    await stan.button("Next").click()
    await expect(cards).to_have_count(1)
    await stan.button("More for", exact=False).click()
    await stan.page.get_by_role("menuitem", name="Delete").click()
    await stan.dialog.get_by_role("button", name="Delete").click()
    await expect(cards).to_have_count(24)  # the last page that there is now


async def test_one_video_is_made_however_often_the_button_is_pressed(
    visit: Visit, api: Api
) -> None:
    tilda = await visit("tilda")
    await tilda.open_list()
    await tilda.button("New video").click()
    await tilda.dialog.get_by_role("button", name="Create").dblclick()
    await tilda.ready()
    assert len((await api.call("GET", "/videos", user="tilda")).data["videos"]) == 1


async def test_a_menu_closes_by_its_button_and_by_the_keyboard(visit: Visit, api: Api) -> None:
    await api.make_video("tobi")
    tobi = await visit("tobi")
    await tobi.open_list()
    more = tobi.button("More for A video")
    menu = tobi.page.get_by_role("menu")
    for _ in range(2):
        await more.click()
        await expect(menu).to_be_visible()
        await more.click()
        await expect(menu).to_have_count(0)
    await more.click()
    await tobi.page.keyboard.press("Escape")
    await expect(menu).to_have_count(0)
    await expect(more).to_be_focused()
    await more.click()
    await tobi.page.mouse.click(5, 500)
    await expect(menu).to_have_count(0)


async def test_what_goes_wrong_in_a_dialog_is_said_on_top_of_it(visit: Visit, api: Api) -> None:
    video = await api.make_video("uma")
    uma = await visit("uma")
    await uma.open_video(video)
    await uma.button("Share").click()
    await uma.dialog.get_by_label("User id", exact=True).fill("uma")
    await uma.page.keyboard.press("Enter")
    said = uma.page.locator(".toast", has_text="owner")
    await expect(said).to_be_visible()
    await said.get_by_role("button", name="Dismiss").click()
    await expect(said).to_have_count(0)
    await uma.page.keyboard.press("Enter")
    await expect(said).to_be_visible()
    await uma.page.keyboard.press("Escape")
    await said.get_by_role("button", name="Dismiss").click()
    await expect(said).to_have_count(0)


async def test_many_members_have_pages_and_keep_the_focus(visit: Visit, api: Api) -> None:
    video = await api.make_video("vito")
    for number in range(51):
        path = f"/videos/{video}/members/member-{number:02}"
        reply = await api.call("PUT", path, {"role": "viewer"}, user="vito")
        assert reply.status in (200, 201)
    vito = await visit("vito")
    await vito.open_video(video)
    await vito.button("Share").click()
    members = vito.dialog.get_by_role("list", name="Members").get_by_role("listitem")
    await expect(members).to_have_count(50)
    role = vito.dialog.get_by_label("Role of member-03")
    await role.focus()
    await role.select_option(label="Can edit")
    await expect(vito.dialog.get_by_role("list", name="Members")).to_have_attribute(
        "aria-busy", "false"
    )
    await expect(role).to_be_focused()
    await vito.dialog.get_by_role("button", name="Next").click()
    await expect(members).to_have_count(2)
    for count in (1, 50):
        await vito.dialog.get_by_role("button", name="Remove", exact=False).first.press("Enter")
        await expect(members).to_have_count(count)
        await expect(vito.dialog.get_by_label("User id", exact=True)).to_be_focused()

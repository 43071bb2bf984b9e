"""Videos, who has a role on them, and the people behind the roles."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest

from collab.errors import Conflict, UserNotFound, VideoNotFound
from persistence.audit import Audit
from persistence.database import Database
from persistence.members import Members
from persistence.update_log import UpdateLog
from persistence.users import Users
from persistence.videos import Videos
from tests.support.videos import make_video


async def test_a_new_video_is_projected_and_its_log_begins(database: Database) -> None:
    video_id = await make_video(database, title="Grüße 🎬")
    video = await Videos(database).get(video_id, "ann")
    assert (video.title, video.role, video.owner_id) == ("Grüße 🎬", "owner", "ann")
    assert (video.seq, video.projected_seq, video.scene_count) == (1, 1, 0)
    assert [row.user_ids for row in await UpdateLog(database).read(video_id, 0)] == [["ann"]]


async def test_roles(database: Database) -> None:
    video_id = await make_video(database)
    videos, members = Videos(database), Members(database)
    await members.put(video_id, "bob", "editor", by="ann")
    await members.put(video_id, "cid", "viewer", by="ann")
    assert [await videos.role_of(video_id, sub) for sub in ("ann", "bob", "cid", "dan")] == [
        *("owner", "editor", "viewer"),
        None,
    ]
    assert await videos.roles_of(video_id, ["ann", "bob", "dan"]) == {
        "ann": "owner",
        "bob": "editor",
    }
    assert (await videos.get(video_id, "cid")).role == "viewer"
    assert (await videos.get(video_id, "dan")).role is None
    assert (await videos.access(video_id, "bob")).role == "editor"
    assert await videos.role_of(uuid4(), "ann") is None
    with pytest.raises(VideoNotFound):
        await videos.access(uuid4(), "ann")


async def test_each_change_of_members_raises_the_version(database: Database) -> None:
    video_id = await make_video(database)
    members, log = Members(database), UpdateLog(database)
    versions = [(await log.heads([video_id]))[video_id].access_version]
    for change in (
        lambda: members.put(video_id, "bob", "editor", by="ann"),
        lambda: members.put(video_id, "bob", "viewer", by="ann"),
        lambda: members.remove(video_id, "bob", by="ann"),
    ):
        await change()
        versions.append((await log.heads([video_id]))[video_id].access_version)
    assert versions == sorted(set(versions))
    rows = await Audit(database).of_video(video_id)
    assert [(row.action, row.actor, row.subject) for row in rows] == [
        ("member.put", "ann", "bob"),
        ("member.put", "ann", "bob"),
        ("member.remove", "ann", "bob"),
    ]


async def test_members_are_listed_after_the_owner(database: Database) -> None:
    await Users(database).ensure("ann", "business", "Ann")
    video_id = await make_video(database)
    members = Members(database)
    await members.put(video_id, "bob", "editor", by="ann")
    listed = await members.list(video_id)
    assert [(row.user_id, row.name, row.role) for row in listed] == [
        ("ann", "Ann", "owner"),
        ("bob", None, "editor"),
    ]


async def test_what_members_cannot_be(database: Database) -> None:
    video_id = await make_video(database)
    members = Members(database)
    with pytest.raises(Conflict):
        await members.put(video_id, "ann", "viewer", by="ann")
    with pytest.raises(Conflict):
        await members.remove(video_id, "ann", by="ann")
    with pytest.raises(UserNotFound):
        await members.remove(video_id, "nobody", by="ann")
    for attempt in (members.put(uuid4(), "bob", "viewer", by="ann"), members.list(uuid4())):
        with pytest.raises(VideoNotFound):
            await attempt
    assert await Audit(database).of_video(video_id) == []


async def test_the_list_is_of_ones_own_and_shared_videos(database: Database) -> None:
    videos = Videos(database)
    titles = ["Summer holiday", "Winter's holiday", "it's 100% v1.2", "Größe", "東京の夜"]
    ids = {title: await make_video(database, title=title) for title in titles}
    shared = await make_video(database, owner="bob", title="Bob's holiday")
    await make_video(database, owner="bob", title="Secret holiday")
    await Members(database).put(shared, "ann", "viewer", by="bob")
    page = await videos.list("ann", page=1, limit=4)
    assert (len(page.videos), page.total) == (4, 6)
    rest = await videos.list("ann", page=2, limit=4)
    assert (len(rest.videos), rest.total) == (2, 6)
    assert {v.id for v in page.videos + rest.videos} == {*ids.values(), shared}
    beyond = await videos.list("ann", page=9, limit=4)
    assert (beyond.videos, beyond.total) == ([], 6)

    async def found(search: str) -> set[str]:
        return {v.title for v in (await videos.list("ann", page=1, limit=20, search=search)).videos}

    assert await found("holi") == {"Summer holiday", "Winter's holiday", "Bob's holiday"}
    assert await found("HOLIDAY sum") == {"Summer holiday"}
    assert await found("v1.2") == {"it's 100% v1.2"}
    assert await found("größ") == {"Größe"}
    assert await found("東京") == {"東京の夜"}
    assert await found("winter's") == {"Winter's holiday"}
    for odd in ("'", "\\", "' & !x:*", "a\0b", "<->", ":*", "%", "| | ()"):
        assert await found(odd) in (set(), set(titles) | {"Bob's holiday"}), odd


async def test_deleting_ends_everything_but_the_audit(database: Database) -> None:
    video_id = await make_video(database)
    videos = Videos(database)
    await Members(database).put(video_id, "bob", "editor", by="ann")
    await videos.delete(video_id, by="ann")
    async with database.connection() as connection:
        for table in ("video_heads", "video_updates", "video_members", "scenes"):
            assert await connection.fetchval(f"SELECT count(*) FROM {table}") == 0, table
    assert [row.action for row in await Audit(database).of_video(video_id)][-1] == "video.delete"
    with pytest.raises(VideoNotFound):
        await videos.get(video_id, "ann")
    with pytest.raises(VideoNotFound):
        await videos.delete(video_id, by="ann")


async def test_deleting_while_others_append_does_not_deadlock(database: Database) -> None:
    video_id = await make_video(database)
    log = UpdateLog(database)
    results = await asyncio.gather(
        *(log.append(video_id, [(b"\0\0", ["ann"])]) for _ in range(10)),
        Videos(database).delete(video_id, by="ann"),
        *(log.append(video_id, [(b"\0\0", ["ann"])]) for _ in range(10)),
        return_exceptions=True,
    )
    assert all(r is None or isinstance(r, (int, VideoNotFound)) for r in results)
    async with database.connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM video_updates") == 0


async def test_people_are_made_once(database: Database) -> None:
    users = Users(database)
    ids = await asyncio.gather(
        *(users.id_of("ann") for _ in range(10)),
        *(users.ensure("ann", "pro", None) for _ in range(10)),
    )
    assert len(set(ids)) == 1
    assert await users.ensure("ann", "business", "Ann") == ids[0]
    assert await users.ensure("ann", "business", None) == ids[0]
    async with database.connection() as connection:
        row = await connection.fetchrow("SELECT sub, tier, name FROM users")
    assert tuple(row or ()) == ("ann", "business", "Ann")
    assert await users.id_of("Ann") != ids[0]

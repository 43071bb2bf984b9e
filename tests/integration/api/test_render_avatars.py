"""Renders of avatars that have a film beside their picture."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from tests.integration.media.reading import frames
from tests.support.face import Client
from tests.support.files import encoded, picture
from tests.support.rendering import download, render
from tests.support.uploads import MEDIA, upload

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def avatar(api: Client, directory: Path, film: bytes | None) -> str:
    """Store an avatar with a red picture, and a film; returns its id."""
    blobs, links = api.parts.media.blobs, []
    for name, content_type, content in (
        ("avatar.png", "image/png", picture()),
        ("avatar.mp4", "video/mp4", film),
    ):
        if content is not None:
            (directory / name).write_bytes(content)
            links.append((await blobs.put_file(directory / name, content_type)).path)
    made = uuid.uuid4()
    async with api.database.connection() as connection:
        await connection.execute(
            "INSERT INTO avatars (id, name, thumbnail_url, preview_url, video_url, source)"
            " VALUES ($1, 'Amy', '', $2, $3, 'stock')",
            *(made, links[0], links[1] if film is not None else None),
        )
    return str(made)


async def shown(
    api: Client, directory: Path, properties: dict[str, Any]
) -> tuple[npt.NDArray[np.uint8], list[str]]:
    """The colours in the middle of two seconds of an avatar, shape (60, 3); and the warnings."""
    video = await api.make_video()
    scene = await api.make_scene(video, duration=2)
    await api.make_layer(scene, type="avatar", name="Amy", duration=2, properties=properties)
    done = await render(api, video)
    assert done["status"] == "completed", done
    (directory / "film.mp4").write_bytes((await download(api, done["output_url"])).content)
    return frames(directory / "film.mp4", 640, 360)[:, 180, 400], done["warnings"]


async def test_the_film_is_shown_again_and_again(api: Client, worker: None, tmp_path: Path) -> None:
    """Half a second of green and half a second of blue, twice."""
    source = "color=lime:d=0.5:s=64x48:r=30[a];color=blue:d=0.5:s=64x48:r=30[b];[a][b]concat"
    film = encoded(tmp_path, "source.mp4", source)
    made = await avatar(api, tmp_path, film)
    colours, warnings = await shown(api, tmp_path, {"avatar_id": made.upper()})
    assert warnings == []
    found = "".join("rgb"[int(np.argmax(colour))] for colour in colours[7::15])
    assert found == "gbgb"


@pytest.mark.parametrize("film", [None, b"no film at all"])
async def test_the_picture_is_shown_where_there_is_no_film(
    api: Client, worker: None, tmp_path: Path, film: bytes | None
) -> None:
    made = await avatar(api, tmp_path, film)
    colours, warnings = await shown(api, tmp_path, {"avatar_id": made})
    assert (colours[:, 0] > 150).all()
    assert (colours[:, 2] < 80).all()
    if film is None:
        assert warnings == []
    else:
        [warning] = warnings
        begins = "Scene 1: the layer “Amy” shows its picture, not its film: "
        assert warning.startswith(begins)


async def test_a_picture_that_is_named_by_its_link_stays_one(
    api: Client, worker: None, tmp_path: Path
) -> None:
    film = encoded(tmp_path, "source.mp4", "color=lime:d=0.5:s=64x48:r=30")
    made = await avatar(api, tmp_path, film)
    async with api.database.connection() as connection:
        link = await connection.fetchval(
            "SELECT preview_url FROM avatars WHERE id = $1::text::uuid", made
        )
    colours, _ = await shown(api, tmp_path, {"avatar_url": f"https://video.example{link}"})
    assert (colours[:, 0] > 150).all()


async def test_what_a_layer_names_is_shown_to_who_sees_the_video(
    api: Client, tmp_path: Path
) -> None:
    film = encoded(tmp_path, "source.mp4", "color=lime:d=0.5:s=64x48:r=30")
    amy = await avatar(api, tmp_path, film)
    video = await api.make_video()
    place = f"/api/v1/videos/{video}"
    reply = await api.call("GET", f"{place}/avatars/{amy}")
    assert reply.status == 200
    assert {**reply.data["asset"], "url": "", "video_url": ""} == {
        "id": amy,
        "type": "image",
        "url": "",
        "video_url": "",
    }
    assert (await download(api, reply.data["asset"]["video_url"])).content == film
    assert (await download(api, reply.data["asset"]["url"])).content == picture()
    mine = await upload(api, MEDIA, picture(), "a.png")
    media = mine.data["media"]["id"]
    shown = await api.call("GET", f"{place}/media/{media}")
    assert (shown.data["asset"]["type"], shown.data["asset"]["video_url"]) == ("image", None)
    theirs = await api.make_video("bob")
    for path, user, code in (
        (f"/api/v1/videos/{theirs}/media/{media}", "bob", "media_not_found"),
        (f"{place}/media/{media}", "mallory", "video_not_found"),
        (f"{place}/media/{uuid.uuid4()}", "alice", "media_not_found"),
        (f"{place}/audio/{media}", "alice", "audio_not_found"),
        (f"{place}/avatars/nonsense", "alice", "avatar_not_found"),
    ):
        refused = await api.call("GET", path, user=user)
        assert (refused.status, refused.code) == (404, code)

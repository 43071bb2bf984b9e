"""What one door writes, the other shows: REST and y-websocket's provider on one video."""

from __future__ import annotations

from tests.e2e.node import NodeClients
from tests.support.server import Api


async def test_what_an_editor_writes_is_shown_by_rest(api: Api, clients: NodeClients) -> None:
    video = await api.make_video()
    editor = await clients.open(video)
    await editor.synced()
    ids = await editor.run(
        """
        const [sceneId, layerId] = [crypto.randomUUID(), crypto.randomUUID()]
        const first = scene(generateKeyBetween(null, null), 'Welcome')
        scenes.set(sceneId, first)
        first.get('layers').set(layerId, layer('a0', 'text', { text: 'Hello', size: 12 }))
        first.get('text').insert(7, ', everybody')
        return [sceneId, layerId]
        """
    )
    seen = await _shown(api, video, "Welcome, everybody")
    assert seen["id"] == ids[0]
    assert (seen["scene_number"], seen["duration"]) == (1, 5)
    [layer] = seen["layers"]
    assert (layer["id"], layer["type"], layer["name"]) == (ids[1], "text", "A text")
    assert (layer["start_time"], layer["duration"], layer["end_time"]) == (0, 2.5, 2.5)
    assert layer["properties"] == {"text": "Hello", "size": 12}


async def _shown(api: Api, video: str, text: str) -> dict[str, object]:
    """The only scene, once its text is this."""
    seq = 0
    while True:
        [*scenes] = await api.scenes(video, seq)
        if scenes and scenes[0]["text"] == text:
            return scenes[0]
        seq += 1

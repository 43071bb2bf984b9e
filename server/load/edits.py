"""The prepared video, and the edits: real Yjs updates, all made before the run.

An edit takes exactly one clock of its author, so that author and clock name it: edit `n` of a run
with `e` editors is clock `n // e` of editor `n % e`.
"""

from __future__ import annotations

import uuid
from random import Random
from typing import Any, Final

from pycrdt import Doc, Map, Text

from server.load.plan import Into

_FIELDS: Final = ("name", "start_time", "duration", "x", "y", "opacity", "scale", "rotation")
_OWN_FIELDS: Final = frozenset(("name", "start_time", "duration"))
_LETTERS: Final = "etaoin shrdlu "
_DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def client_ids(count: int, random: Random) -> list[int]:
    """Distinct client ids as Yjs makes them: 32 random bits.

    Maps in yrs hash them by their own value: consecutive ones would be another load.
    """
    return random.sample(range(1, 2**32), count)


def prepared_video(scenes: int, layers: int, random: Random) -> bytes:
    """A document of so many scenes with so many layers each, as one update."""
    doc: Doc[Any] = Doc(client_id=random.getrandbits(32))
    root = doc.get("scenes", type=Map)
    with doc.transaction():
        doc.get("video", type=Map)["title"] = "Load"
        for scene in range(scenes):
            root[fresh_id(random)] = Map(
                {
                    "order": _order_key(scene),
                    "text": Text(f"Scene {scene + 1}. "),
                    "duration": 5.0,
                    "is_expanded": True,
                    "layers": Map({fresh_id(random): _layer(n) for n in range(layers)}),
                }
            )
    return doc.get_update()


def author_updates(
    base: bytes, client: int, author: int, count: int, into: Into, random: Random
) -> list[bytes]:
    """What one editor writes: `count` updates, one clock each, on top of a document.

    Into scenes: two of three edits set a field or a property of a layer, the third types a
    character into the scene's text. Authors are spread over all layers, and then over fields.

    Args:
        base: the document that the author starts from, as one update.
        client: the author's client id.
        author: the author's number among those of this video.
        count: how many edits.
        into: the scenes, or a text of the author's own.
        random: for what is written.

    Raises:
        ValueError: edits into scenes, and the document has no scene with a layer and a text.
    """
    if not count:
        return []
    updates: list[bytes] = []
    doc: Doc[Any] = Doc(client_id=client)
    if into == "text":
        text = doc.get(f"load-{client}", type=Text)
        subscription = doc.observe(lambda event: updates.append(event.update))
        for _ in range(count):
            text += random.choice(_LETTERS)
    else:
        doc.apply_update(base)
        text, layer, name = _desk(doc, author)
        target = layer if name in _OWN_FIELDS else layer["properties"]
        subscription = doc.observe(lambda event: updates.append(event.update))
        for number in range(count):
            if number % 3 == 2:
                text += random.choice(_LETTERS)
            elif name == "name":
                target[name] = f"Layer {random.randrange(10_000)}"
            else:
                target[name] = random.randrange(1, 10_000) / 100
    doc.unobserve(subscription)
    return updates


def _desk(doc: Doc[Any], author: int) -> tuple[Text, Map[Any], str]:
    scenes = [
        scene
        for _, scene in sorted(doc.get("scenes", type=Map).items())
        if isinstance(scene, Map) and scene.get("layers") and isinstance(scene.get("text"), Text)
    ]
    if not scenes:
        raise ValueError("the video has no scene with a text and a layer to edit")
    author, at = divmod(author, len(scenes))
    layers = [layer for _, layer in sorted(scenes[at]["layers"].items())]
    author, place = divmod(author, len(layers))
    return scenes[at]["text"], layers[place], _FIELDS[author % len(_FIELDS)]


def _layer(number: int) -> Map[Any]:
    kind = ("text", "media", "audio", "shape", "effect")[number % 5]
    return Map(
        {
            "order": _order_key(number),
            "type": kind,
            "name": f"Layer {number + 1}",
            "enabled": True,
            "start_time": 0.0,
            "duration": 5.0,
            "properties": Map({"x": 0.5, "y": 0.5, "opacity": 1.0, "scale": 1.0, "rotation": 0.0}),
        }
    )


def _order_key(number: int) -> str:
    """The order key of the item `number` of a list that was written from first to last."""
    if number < 62:
        return "a" + _DIGITS[number]
    number -= 62
    return "b" + _DIGITS[number // 62] + _DIGITS[number % 62]


def fresh_id(random: Random) -> str:
    """A UUID in canonical form."""
    return str(uuid.UUID(int=random.getrandbits(128), version=4))

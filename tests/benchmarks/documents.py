"""Large documents, and documents with a long past."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any

from pycrdt import Doc, Map, Text, merge_updates

from collab.document import merge
from server.load.edits import author_updates, client_ids, fresh_id, prepared_video

if TYPE_CHECKING:
    from collections.abc import Iterator

MESSAGE = 4 * 1024 * 1024
CHARACTERS = 18_000
RUN = 40


def large_video(size: int, random: Random) -> Iterator[bytes]:
    """A video of about `size` bytes: scenes of five layers and 18,000 characters each, typed in
    runs of 40; as updates of at most some 4 MiB."""
    doc: Doc[Any] = Doc(client_id=random.getrandbits(32))
    updates: list[bytes] = []
    subscription = doc.observe(lambda event: updates.append(event.update))
    scenes = doc.get("scenes", type=Map)
    total = waiting = 0
    while total < size:
        with doc.transaction():
            text = Text()
            scenes[fresh_id(random)] = Map(
                {
                    "order": f"a{total:09d}1",
                    "text": text,
                    "duration": 5.0,
                    "layers": Map({fresh_id(random): _layer() for _ in range(5)}),
                }
            )
            for _ in range(CHARACTERS // RUN):
                text.insert(0, "".join(random.choices("etaoin shrdlu", k=RUN)))
        total += len(updates[-1])
        waiting += len(updates[-1])
        if waiting > MESSAGE or total >= size:
            yield merge_updates(*updates)
            updates.clear()
            waiting = 0
    doc.unobserve(subscription)


def _layer() -> Map[Any]:
    return Map({"order": "a0", "type": "text", "name": "Layer", "properties": Map({"x": 0.5})})


def video_with_past(clients: int, random: Random) -> tuple[bytes, bytes]:
    """A video of 20 scenes x 5 layers, and the same after so many clients made one change each."""
    base = prepared_video(20, 5, random)
    updates = [base]
    for number, client in enumerate(client_ids(clients, random)):
        past: Doc[Any] = Doc(client_id=client)
        past.get("past", type=Map)[str(number % 1000)] = number
        updates.append(past.get_update())
    return base, merge(updates) or base


def video_after(editors: int, edits: int, random: Random) -> bytes:
    """A video of 20 scenes x 5 layers that so many editors have each made some edits in."""
    base = prepared_video(20, 5, random)
    updates = [base]
    for number, client in enumerate(client_ids(editors, random)):
        updates += author_updates(base, client, number, edits, "scenes", random)
    return merge(updates) or base

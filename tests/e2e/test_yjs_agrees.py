"""P3: what the server takes of mutated updates, Yjs takes as well, and shows the same."""

from __future__ import annotations

import base64
import json
import math
import random
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from pycrdt import Map, Text

from collab.document import Document
from collab.errors import MalformedUpdate, MissingUpdates
from collab.surrogates import CutCharacters
from collab.update import read_state_vector, read_update
from tests.e2e.node import HERE, node
from tests.fuzz.test_mutations import LIMIT, mutated, real_updates

MUTATIONS = 40_000

Reader = Callable[[list[bytes]], dict[str, Any]]


@contextmanager
def yjs() -> Iterator[Reader]:
    with subprocess.Popen(
        node("reader.mjs"), cwd=HERE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None

        def read(updates: list[bytes]) -> dict[str, Any]:
            encoded = [base64.b64encode(update).decode() for update in updates]
            process.stdin.write(json.dumps(encoded) + "\n")  # type: ignore[union-attr]
            process.stdin.flush()  # type: ignore[union-attr]
            answer: dict[str, Any] = json.loads(process.stdout.readline())  # type: ignore[union-attr]
            return answer

        yield read
        process.stdin.close()


def plain(value: Any) -> Any:
    """A value as Yjs's JSON has it."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    if isinstance(value, bytes | bytearray):
        return {f"{place}": byte for place, byte in enumerate(value)}
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def shown(document: Document) -> dict[str, Any] | None:
    """What the server shows; None where Python has no value for it."""
    try:
        content = document.doc.get("map", type=Map).to_py()
    except ValueError:
        return None
    return {"map": plain(content), "text": str(document.doc.get("text", type=Text))}


def test_yjs_takes_what_the_server_takes() -> None:
    base, updates = real_updates()
    taken = same = continued = 0
    with yjs() as read:
        for stage in range(len(updates) + 1):
            before = [base, *updates[:stage]]
            document: Document | None = None
            for number in range(stage, MUTATIONS, len(updates) + 1):
                if document is None:
                    document = Document.load(1, LIMIT, base, updates[:stage])
                rng = random.Random(number)
                update = mutated(rng, rng.choice(before))
                document.begin_row()
                known = dict(document.ledger.state)
                try:
                    if not document.apply(update):
                        continue
                except (MalformedUpdate, MissingUpdates, CutCharacters):
                    continue
                document.settle()
                taken += 1
                found = read([*before, update])
                assert "threw" not in found, (number, found["threw"])
                assert not found["waits"], number
                vector = read_state_vector(base64.b64decode(found["vector"]))
                assert vector == document.ledger.state, number
                # An item that goes on where another one ended that it claims to be: forged.
                if any(s < known.get(c, 0) < e for c, s, e in read_update(update).blocks):
                    continued += 1
                elif (ours := shown(document)) is not None:
                    assert {"map": found["map"], "text": found["text"]} == ours, number
                    same += 1
                document.close()
                document = None
    assert taken > MUTATIONS / 200
    assert same > taken / 2

"""Frames as a server reads them."""

from __future__ import annotations

import random
from types import FunctionType

import pytest

from api import websocket
from api.websocket import BINARY, CLOSE, CONTINUATION, PING, TEXT, FrameReader, Message
from collab.errors import MalformedFrame, MessageTooBig
from tests.support.frames import client_frame

LIMIT = 1000


def read(reader: FrameReader, data: bytes) -> list[Message]:
    reader.feed(data)
    found = []
    while (message := reader.next()) is not None:
        found.append(message)
    return found


def test_frames_are_unmasked_by_compiled_code() -> None:
    compiled = websocket.websocket_mask  # type: ignore[attr-defined]
    assert not isinstance(compiled, FunctionType), (
        "this aiohttp has no compiled websocket_mask: install its wheel, or give api/websocket.py"
        " another compiled XOR; Python's takes 40 us for 32 KB"
    )


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, 200_000])
def test_a_message_of_any_length_is_unmasked(size: int) -> None:
    data = random.Random(size).randbytes(size)
    reader = FrameReader(200_000)
    assert read(reader, client_frame(BINARY, data)) == [Message(BINARY, data, size)]


@pytest.mark.parametrize("seed", range(20))
def test_it_does_not_matter_how_the_bytes_arrive(seed: int) -> None:
    rng = random.Random(seed)
    sent, stream = [], b""
    for _ in range(40):
        data = rng.randbytes(rng.choice((0, 3, 130, 900)))
        kind = rng.choice((BINARY, TEXT))
        sent.append((kind, data))
        cuts = sorted(rng.randrange(len(data) + 1) for _ in range(rng.randrange(3)))
        parts = [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]
        for number, part in enumerate(parts):
            last = number == len(parts) - 1
            stream += client_frame(kind if number == 0 else CONTINUATION, part, last=last, rng=rng)
            if not last and rng.random() < 0.3:
                stream += client_frame(PING, b"there?", rng=rng)
                sent.append((PING, b"there?"))
    # A message stands where its last fragment does.
    reader, found = FrameReader(LIMIT), []
    while stream:
        step = rng.choice((1, 2, 7, 100, 5000))
        found += read(reader, stream[:step])
        stream = stream[step:]
    got = [(message.kind, message.data) for message in found if message.kind != CONTINUATION]
    assert sorted(got) == sorted(sent)
    assert [m for m in got if m[0] != PING] == [m for m in sent if m[0] != PING]


def test_every_frame_is_shown_so_that_it_can_be_counted() -> None:
    reader = FrameReader(LIMIT)
    frames = client_frame(BINARY, b"ab", last=False) + client_frame(CONTINUATION, b"", last=False)
    assert read(reader, frames * 1 + client_frame(CONTINUATION, b"cde")) == [
        Message(CONTINUATION, b"", 2),
        Message(CONTINUATION, b"", 0),
        Message(BINARY, b"abcde", 3),
    ]


@pytest.mark.parametrize(
    "frames",
    [
        client_frame(BINARY, bytes(LIMIT + 1)),
        client_frame(BINARY, bytes(600), last=False) + client_frame(CONTINUATION, bytes(401)),
    ],
    ids=["whole", "in fragments"],
)
@pytest.mark.parametrize("step", [100, 10_000])
def test_a_message_over_the_limit_is_passed_over(frames: bytes, step: int) -> None:
    reader, stream, refused, found = FrameReader(LIMIT), frames, 0, []
    stream += client_frame(BINARY, bytes(LIMIT)) + client_frame(CLOSE, b"\x03\xe8")
    for at in range(0, len(stream), step):
        reader.feed(stream[at : at + step])
        while True:
            try:
                message = reader.next()
            except MessageTooBig:
                refused += 1
                continue
            if message is None:
                break
            found.append(message)
    assert refused == 1
    assert [m.kind for m in found if m.kind != CONTINUATION] == [BINARY, CLOSE]


def test_a_length_that_is_claimed_takes_no_memory() -> None:
    reader = FrameReader(LIMIT)
    reader.feed(b"\x82\xff\x7f" + b"\xff" * 7 + bytes(4))
    with pytest.raises(MessageTooBig):
        reader.next()
    assert reader.next() is None


@pytest.mark.parametrize(
    "frame",
    [
        b"\x82\x02ab",
        b"\xc2\x82" + bytes(6),
        client_frame(3, b""),
        client_frame(11, b""),
        client_frame(PING, bytes(126)),
        client_frame(PING, b"", last=False),
        client_frame(CONTINUATION, b""),
        client_frame(BINARY, b"", last=False) + client_frame(BINARY, b""),
    ],
    ids=[
        *("not masked", "a reserved bit", "a reserved opcode", "a reserved control opcode"),
        *("a long ping", "half a ping", "a fragment of nothing", "a message in another"),
    ],
)
def test_what_is_no_frame_of_a_client_is_malformed(frame: bytes) -> None:
    reader = FrameReader(LIMIT)
    reader.feed(frame)
    with pytest.raises(MalformedFrame):
        while reader.next() is not None:
            pass

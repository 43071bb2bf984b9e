from __future__ import annotations

import pytest

from server.load import frames
from server.load.frames import Message, Wire, client_frame, frame_size, state_vector


@pytest.mark.parametrize(
    ("size", "head"),
    [
        (0, b"\x82\x80"),
        (125, b"\x82\xfd"),
        (126, b"\x82\xfe\x00\x7e"),
        (65535, b"\x82\xfe\xff\xff"),
        (65536, b"\x82\xff\x00\x00\x00\x00\x00\x01\x00\x00"),
    ],
)
def test_client_frames_are_masked_with_zero(size: int, head: bytes) -> None:
    payload = b"x" * size
    assert client_frame(payload) == head + b"\0\0\0\0" + payload


@pytest.mark.parametrize(
    ("data", "sizes"),
    [
        (b"\x82", None),
        (b"\x82\x05", (2, 5)),
        (b"\x82\x7e\x01", None),
        (b"\x82\x7e\x01\x00", (4, 256)),
        (b"\x82\x7f" + (70000).to_bytes(8, "big"), (10, 70000)),
        (b"\x82\x7f\x00\x00", None),
    ],
)
def test_server_frames_are_measured(data: bytes, sizes: tuple[int, int] | None) -> None:
    assert frame_size(data, 0) == sizes
    assert frame_size(b"abc" + data, 3) == sizes


def test_y_websocket_names_the_document_in_the_path() -> None:
    wire = Wire("y-websocket", "ws://host:8080/ws/videos", "abc", "t/k")
    assert wire.handshake(1).startswith(b"GET /ws/videos/abc?token=t%2Fk HTTP/1.1\r\n")
    assert wire.hello() == client_frame(b"\0\0\1\0")
    assert wire.update(b"UP") == client_frame(b"\0\2\2UP")
    assert wire.step_2(b"UP") == client_frame(b"\0\1\2UP")
    assert wire.read(b"\0\2\2UP") == Message(frames.SYNC, frames.UPDATE, b"UP")
    assert wire.read(b"\1\2ab") == Message(frames.AWARENESS, -1, b"ab")


def test_hocuspocus_names_the_document_in_every_message() -> None:
    wire = Wire("hocuspocus", "ws://host:8080", "abc", "tok")
    assert wire.handshake(1).startswith(b"GET /?token=tok HTTP/1.1\r\n")
    assert wire.hello(b"\0") == (client_frame(b"\3abc\2\0\3tok") + client_frame(b"\3abc\0\0\1\0"))
    assert wire.update(b"UP") == client_frame(b"\3abc\0\2\2UP")
    assert wire.read(b"\3abc\0\1\2UP") == Message(frames.SYNC, frames.STEP_2, b"UP")
    assert wire.read(b"\3abc\4\0\1\0") == Message(frames.SYNC, frames.STEP_1, b"\0")
    assert wire.read(b"\3abc\x08\1") == Message(8)


def test_presence() -> None:
    frame = Wire("y-websocket", "ws://h", "v").presence(300, 2, {"a": 1})
    assert frame == client_frame(b"\1\x0c\1\xac\2\2\7" + b'{"a":1}')


def test_state_vectors() -> None:
    assert state_vector({5: 300}) == b"\1\5\xac\2"

"""Presence: rules W1... of `collab/SPEC.md`."""

from __future__ import annotations

import pytest

from collab.errors import MalformedFrame, MessageTooBig
from collab.presence import (
    BYTES_PER_SECOND,
    GONE,
    MAX_STATE_BYTES,
    Presence,
    read_states,
    write_states,
)

HERE = b'{"user":"a"}'


def states(payload: bytes | None) -> dict[int, tuple[int, bytes]]:
    assert payload is not None
    return {client: (clock, state) for client, clock, state in read_states(payload)}


def one(client: int, clock: int, state: bytes = HERE) -> bytes:
    return write_states([(client, clock, state)])


def test_the_last_state_wins() -> None:
    presence = Presence()
    for clock in range(1, 5):
        presence.receive(one(7, clock, b'{"n":%d}' % clock), owner=1, user="a")
    assert states(presence.send(0.0)) == {7: (4, b'{"n":4}')}
    assert presence.send(0.0) is None


def test_an_older_state_is_ignored() -> None:
    presence = Presence()
    presence.receive(one(7, 5), owner=1, user="a")
    presence.send(0.0)
    presence.receive(one(7, 4, b'{"old":1}'), owner=1, user="a")
    assert not presence.pending()


def test_what_the_provider_repeats_is_ignored() -> None:
    presence = Presence()
    presence.receive(one(7, 5), owner=1, user="a")
    sent = presence.send(0.0)
    assert sent is not None
    presence.receive(sent, owner=2, user="b")
    presence.receive(one(7, 9, b'{"forged":1}'), owner=2, user="b")
    assert not presence.pending()


def test_the_same_users_other_tab_does_not_take_over() -> None:
    presence = Presence()
    presence.receive(one(7, 5), owner=1, user="a")
    presence.send(0.0)
    presence.receive(one(7, 5), owner=2, user="a")
    presence.leave(2)
    assert not presence.pending()


def test_the_same_user_reclaims_after_a_reconnect() -> None:
    presence = Presence()
    presence.receive(one(7, 5), owner=1, user="a")
    presence.send(0.0)
    presence.receive(one(7, 6, b'{"x":1}'), owner=2, user="a")
    assert states(presence.send(0.0))[7][1] == b'{"x":1}'
    presence.leave(1)
    assert not presence.pending()


def test_leaving_removes_and_returning_is_seen_at_once() -> None:
    presence = Presence()
    presence.receive(one(7, 5), owner=1, user="a")
    presence.send(0.0)
    presence.leave(1)
    gone = states(presence.send(1.0))[7]
    assert gone[1] == GONE
    assert gone[0] > 5
    assert presence.everything() is None
    # The client itself does not count up when it reconnects: its state has the clock 5 again.
    presence.join(2)
    presence.receive(one(7, 5), owner=2, user="a")
    assert states(presence.send(2.0))[7][0] > gone[0]


def test_what_others_repeat_does_not_bring_back_who_is_gone() -> None:
    presence = Presence()
    for owner in (1, 2):
        presence.join(owner)
    presence.receive(one(7, 5), owner=1, user="a")
    presence.send(0.0)
    presence.leave(1)
    presence.receive(one(7, 5), owner=2, user="a")
    presence.send(1.0)
    presence.receive(one(7, 5), owner=2, user="a")
    assert presence.everything() is None
    presence.join(3)
    presence.receive(one(7, 5), owner=3, user="a")
    assert presence.everything() is not None


def test_presence_keeps_to_its_budget() -> None:
    presence = Presence()
    state = b'{"x":"' + b"y" * 500 + b'"}'
    sent = 0
    now = 0.0
    for tick in range(100):
        for client in range(1000):
            presence.receive(one(client, tick + 1, state), owner=client, user=f"u{client}")
        now += 0.1
        payload = presence.send(now)
        sent += len(payload or b"")
    assert sent <= (now + 1) * BYTES_PER_SECOND * 1.1
    assert sent >= now * BYTES_PER_SECOND * 0.5


def test_everybody_gets_a_turn() -> None:
    presence = Presence()
    state = b'{"x":"' + b"y" * 500 + b'"}'
    seen: set[int] = set()
    now = 0.0
    for tick in range(400):
        for client in range(500):
            presence.receive(one(client, tick + 1, state), owner=client, user=f"u{client}")
        now += 0.1
        payload = presence.send(now)
        seen.update(states(payload) if payload else ())
    assert seen == set(range(500))


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xff\xff\xff\x7f",
        b"\x01\x07",
        b"\x01\x07\x01\x09{",
        one(7, 1, b"{"),
        # Not UTF-8 as browsers read it: theirs would throw.
        one(7, 1, '{"name":"a"}'.encode("utf-16")),
        one(7, 1, '{"name":"a"}'.encode("utf-32-le")),
        one(7, 1, b'\xef\xbb\xbf{"name":"a"}'),
    ],
)
def test_malformed_presence_is_refused_whole(payload: bytes) -> None:
    presence = Presence()
    with pytest.raises(MalformedFrame):
        presence.receive(payload, owner=1, user="a")
    assert not presence.pending()


def test_a_huge_state_is_refused() -> None:
    with pytest.raises(MessageTooBig):
        Presence().receive(one(7, 1, b'"' + b"x" * MAX_STATE_BYTES + b'"'), owner=1, user="a")

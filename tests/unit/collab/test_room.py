"""The room: rules R1... of `collab/SPEC.md`."""

from __future__ import annotations

import random
from typing import Any

import pytest
from pycrdt import Doc, Map, Text

from collab import protocol
from collab.batch import Brought, Received, Requested
from collab.document import Document
from collab.errors import BadInput, BrokenDocument, DocumentTooBig, MalformedUpdate, MissingUpdates
from collab.history import SMALL_DOCUMENT_BYTES
from collab.presence import write_states
from collab.protocol import STEP_1, STEP_2, UPDATE
from collab.room import BACKLOG_BYTES, STUCK_SECONDS, WELCOME_BYTES, Room
from collab.session import Mode
from tests.support.channels import LIMIT, Editor, new_room, no_outcome, plain, turn


def add_scene(name: str, text: str = "") -> Any:
    def change(doc: Doc[Any]) -> None:
        doc.get("scenes", type=Map)[name] = Map({"text": Text(text)})

    return change


def mode_of(editor: Editor) -> Mode:
    """The session's mode at this moment."""
    return editor.session.mode


def was_aborted(editor: Editor) -> bool:
    """Whether the channel was ended at once."""
    return editor.channel.aborted


def test_an_edit_reaches_all_its_author_included() -> None:
    one, two = Editor(1), Editor(2)
    room = new_room(one, two)
    update = one.change(add_scene("a"))
    batch = turn(room, one.sends(update))
    assert batch.users == ["user-1"]
    assert one.channel.frames[-1] == two.channel.frames[-1] == b"".join(protocol.update(update))
    two.hears()
    assert two.scenes == {"a": {"text": ""}}


def test_a_batch_is_one_update() -> None:
    editors = [Editor(n) for n in range(1, 6)]
    room = new_room(*editors)
    batch = turn(room, *(e.sends(e.change(add_scene(f"s{n}"))) for n, e in enumerate(editors)))
    assert batch.edits == 5
    assert [len(e.channel.frames) for e in editors] == [2] * 5  # the greeting and one update
    for editor in editors:
        editor.hears()
        assert len(editor.scenes) == 5


def test_what_is_known_is_not_sent_again() -> None:
    one = Editor(1)
    room = new_room(one)
    update = one.change(add_scene("a"))
    turn(room, one.sends(update))
    assert turn(room, one.sends(update), one.sends(one.doc.get_update())).update is None
    assert room.seq == 1


def test_what_was_no_news_once_is_not_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    one = Editor(1)
    room = new_room(one)
    turn(room, one.sends(one.change(add_scene("a", "x" * 1000))))
    again = one.doc.get_update()
    assert turn(room, one.sends(again)).update is None
    monkeypatch.setattr("collab.document.read_update", None)
    assert turn(room, one.sends(bytes(again))).update is None


def test_nothing_is_visible_before_publish() -> None:
    one, two = Editor(1), Editor(2)
    room = new_room(one, two)
    frames = len(two.channel.frames)
    batch = room.take([one.sends(one.change(add_scene("a"))), two.asks()])
    assert batch.update is not None
    assert len(two.channel.frames) == frames
    assert batch.joins


def test_joining_gets_what_is_missing() -> None:
    one = Editor(1)
    room = new_room(one)
    for n in range(10):
        turn(room, one.sends(one.change(add_scene(f"s{n}"))))
    two = Editor(2)
    room.join(two.session)
    turn(room, two.asks())
    assert two.channel.frames[0][:2] == bytes((protocol.SYNC, STEP_1))
    assert two.channel.frames[1][:2] == bytes((protocol.SYNC, STEP_2))
    two.hears()
    assert two.scenes == one.scenes


def test_the_greeting_knows_what_the_room_has() -> None:
    one, two = Editor(1), Editor(2)
    room = new_room(one)
    turn(room, one.sends(one.change(add_scene("a", "x" * 100_000))))
    room.join(two.session)
    greeting = protocol.read_frame(two.channel.frames[0])
    assert isinstance(greeting, protocol.Join)
    assert len(one.doc.get_update(greeting.state_vector)) < 100


def test_all_who_join_share_one_encoding() -> None:
    one = Editor(1)
    room = new_room(one)
    turn(room, one.sends(one.change(add_scene("a", "x" * 2 * SMALL_DOCUMENT_BYTES))))
    joiners = [Editor(n) for n in range(2, 8)]
    for joiner in joiners:
        room.join(joiner.session)
        turn(room, joiner.asks(), one.sends(one.change(add_scene(f"s{joiner.session.id}"))))
    bases = {
        id(frame) for joiner in joiners for frame in joiner.channel.frames if frame[1] == STEP_2
    }
    assert len(bases) == 1
    for joiner in joiners:
        assert joiner.channel.frames[1][1] in (STEP_2, UPDATE)
        joiner.hears()
        assert joiner.scenes == one.scenes


def test_a_gap_is_asked_for_and_not_applied() -> None:
    one, two = Editor(1), Editor(2)
    room = new_room(one, two)
    one.change(add_scene("a"))
    later = one.change(add_scene("b"))
    batch = turn(room, one.sends(later))
    assert batch.update is None
    assert one.channel.frames[-1][:2] == bytes((protocol.SYNC, STEP_1))
    turn(room, one.sends(one.doc.get_update()))
    two.hears()
    assert set(two.scenes) == {"a", "b"}


def test_a_bad_frame_costs_its_sender_alone() -> None:
    good, bad = Editor(1), Editor(2)
    room = new_room(good, bad)
    batch = turn(
        room,
        bad.sends(b"\xff\xff\xff\x7f"),
        good.sends(good.change(add_scene("a"))),
        bad.sends(bad.change(add_scene("b"))),
    )
    assert isinstance(bad.channel.refused, BadInput)
    assert batch.edits == 1
    assert good.channel.refused is None
    assert room.document.doc.get("scenes", type=Map).to_py() == {"a": {"text": ""}}


@pytest.mark.parametrize(
    "frame", [b"", b"\x00", b"\x00\x05\x00", b"\x01\x09\x00", b"\x00\x02\x05a"]
)
def test_a_malformed_frame_is_refused(frame: bytes) -> None:
    editor = Editor(1)
    room = new_room(editor)
    turn(room, Received(editor.session, frame))
    assert isinstance(editor.channel.refused, BadInput)


@pytest.mark.parametrize("frame", [b"\x07", b"\x63abc", b"\x02\x00\x00"])
def test_an_unknown_type_is_ignored(frame: bytes) -> None:
    editor = Editor(1)
    room = new_room(editor)
    turn(room, Received(editor.session, frame))
    assert editor.channel.refused is None


def test_a_viewer_hears_once_and_stays() -> None:
    viewer, editor = Editor(1, may_edit=False), Editor(2)
    room = new_room(viewer, editor)
    for n in range(3):
        turn(room, viewer.sends(viewer.change(add_scene(f"v{n}"))))
    denials = [frame for frame in viewer.channel.frames if frame[:2] == b"\x02\x00"]
    assert len(denials) == 1
    assert room.document.doc.get("scenes", type=Map).to_py() == {}
    assert viewer.channel.refused is None
    turn(room, editor.sends(editor.change(add_scene("e"))))
    viewer.hears()
    assert "e" in viewer.scenes


def test_an_acknowledgement_comes_after_what_was_before_it() -> None:
    editor = Editor(1)
    room = new_room(editor)
    frame = bytes((protocol.ACKNOWLEDGE,)) + b"ref"
    batch = room.take(
        [editor.sends(editor.change(add_scene("a"))), Received(editor.session, frame)]
    )
    assert frame not in editor.channel.frames
    assert batch.update is not None
    room.publish(batch.update, 1)
    room.answer(batch)
    assert editor.channel.frames[-1] == frame


def test_an_edit_by_the_server_enters_like_any_other() -> None:
    editor = Editor(1)
    room = new_room(editor)
    batch = turn(room, Requested(add_scene("a"), "rest", no_outcome))
    assert batch.users == ["rest"]
    editor.hears()
    assert editor.scenes == {"a": {"text": ""}}


def test_an_edit_that_raises_changes_nothing_else() -> None:
    editor = Editor(1)
    room = new_room(editor)

    def fail(_: Doc[Any]) -> None:
        raise BadInput("no")

    batch = turn(
        room, Requested(fail, "rest", no_outcome), editor.sends(editor.change(add_scene("a")))
    )
    assert isinstance(batch.outcomes[0][1].error, BadInput)
    assert batch.edits == 1


def test_a_slow_editor_gets_one_merged_update_when_it_has_drained() -> None:
    fast, slow = Editor(1), Editor(2)
    room = new_room(fast, slow)
    slow.channel.stuck = True
    turn(room, fast.sends(fast.change(add_scene("big", "x" * (BACKLOG_BYTES + 1)))))
    assert mode_of(slow) is Mode.LAGGING
    frames = len(slow.channel.frames)
    for n in range(20):
        turn(room, fast.sends(fast.change(add_scene(f"s{n}"))))
    room.help_lagging(0.0)
    assert len(slow.channel.frames) == frames
    slow.channel.drain()
    room.help_lagging(1.0)
    assert len(slow.channel.frames) == frames + 1
    assert mode_of(slow) is Mode.LIVE
    slow.hears()
    assert slow.scenes == fast.scenes


def test_a_slow_editor_whose_past_is_forgotten_gets_the_document() -> None:
    fast, slow = Editor(1), Editor(2)
    room = new_room(fast, slow)
    slow.channel.stuck = True
    for n in range(8):
        turn(room, fast.sends(fast.change(add_scene(f"s{n}", "x" * BACKLOG_BYTES))))
    slow.channel.drain()
    room.help_lagging(1.0)
    slow.hears()
    assert slow.scenes == fast.scenes


def test_r7_who_does_not_take_up_answers_gets_no_more_until_it_has() -> None:
    author, asking = Editor(1), Editor(2)
    room = new_room(author, asking)
    turn(room, author.sends(author.change(add_scene("a", "x" * 2 * BACKLOG_BYTES))))
    asking.hears()
    asking.channel.stuck = True
    for _ in range(5):
        asking.session.asked += 1
        turn(room, asking.asks_with_nothing())
        turn(room, author.asks())
    assert asking.session.is_owed
    assert not author.session.is_owed
    assert asking.channel.waiting < 3 * BACKLOG_BYTES
    ahead = Editor(3)
    ahead.change(add_scene("unknown"))
    before = len(asking.channel.frames)
    later = ahead.change(add_scene("later"))
    turn(room, *(Received(asking.session, b"".join(protocol.update(later))) for _ in range(3)))
    assert len(asking.channel.frames) == before
    asking.channel.drain()
    room.help_lagging(1.0)
    while room.welcoming:
        room.welcome()
    asking.hears()
    assert [frame[:2] for frame in asking.channel.frames[before:]] == [b"\0\0", *[b"\0\1"] * 4]
    assert asking.session.asked == 0


def test_r7_presence_that_was_missed_while_lagging_is_told() -> None:
    author, slow = Editor(1), Editor(2)
    room = new_room(author, slow)
    slow.channel.stuck = True
    turn(room, author.sends(author.change(add_scene("a", "x" * 2 * BACKLOG_BYTES))))
    states = b"".join(protocol.awareness(write_states([(7, 1, b"{}")])))
    turn(room, Received(author.session, states))
    room.send_presence(0.0)
    assert slow.channel.frames[-1][0] == protocol.SYNC
    slow.channel.drain()
    room.help_lagging(1.0)
    assert slow.channel.frames[-1] == states


def test_those_who_ask_with_vectors_of_their_own_take_turns() -> None:
    author = Editor(1)
    crowd = [Editor(n) for n in range(2, 12)]
    room = new_room(author, *crowd)
    turn(room, author.sends(author.change(add_scene("a", "x" * (WELCOME_BYTES // 2)))))
    room.answer(room.take([one.asks_with_nothing(client=77 + one.session.id) for one in crowd]))
    rounds = 0
    while room.welcoming:
        before = sum(frame[:2] == b"\0\1" for one in crowd for frame in one.channel.frames)
        room.welcome()
        after = sum(frame[:2] == b"\0\1" for one in crowd for frame in one.channel.frames)
        assert 0 < after - before <= 2
        rounds += 1
    assert rounds == 5


def test_a_stuck_editor_is_given_up() -> None:
    fast, stuck = Editor(1), Editor(2)
    room = new_room(fast, stuck)
    stuck.channel.stuck = True
    turn(room, fast.sends(fast.change(add_scene("big", "x" * (BACKLOG_BYTES + 1)))))
    room.help_lagging(0.0)
    room.help_lagging(STUCK_SECONDS - 1)
    assert not was_aborted(stuck)
    room.help_lagging(STUCK_SECONDS + 1)
    assert was_aborted(stuck)
    assert stuck.session.id not in room.sessions


def test_a_broken_document_names_who_broke_it(monkeypatch: pytest.MonkeyPatch) -> None:
    good, bad = Editor(1), Editor(2)
    room = new_room(good, bad)
    poison = bad.change(add_scene("b"))
    items = [
        good.sends(good.change(add_scene("a"))),
        bad.sends(poison),
        good.sends(good.change(add_scene("c"))),
    ]
    apply = Document.apply

    def panic(self: Document, update: bytes) -> bool:
        if update == poison:
            raise BrokenDocument("pycrdt panicked")
        return apply(self, update)

    monkeypatch.setattr(Document, "apply", panic)
    with pytest.raises(BrokenDocument):
        room.take(items)
    room.document = Document(client_id=1, max_bytes=LIMIT)
    batch = turn(room, *items)
    assert batch.edits == 2
    assert isinstance(bad.channel.refused, MalformedUpdate)
    good.hears()
    assert set(room.document.doc.get("scenes", type=Map).to_py()) == {"a", "c"}


def test_a_document_past_its_limit_is_refused() -> None:
    editor, other = Editor(1), Editor(2)
    room = Room(Document(client_id=1, max_bytes=10_000), 0, plain)
    room.join(editor.session)
    room.join(other.session)
    turn(room, editor.sends(editor.change(add_scene("a", "x" * 20_000))))
    assert isinstance(editor.channel.refused, DocumentTooBig)
    turn(room, other.sends(other.change(add_scene("b", "y" * 5_000))))
    assert other.channel.refused is None


def test_overwritten_values_do_not_count_against_the_limit() -> None:
    editor = Editor(1)
    room = Room(Document(client_id=1, max_bytes=20_000), 0, plain)
    room.join(editor.session)
    for n in range(20):
        turn(
            room,
            editor.sends(
                editor.change(
                    lambda doc, n=n: doc.get("video", type=Map).update(  # type: ignore[misc]
                        {"title": f"{n}" * 2_000}
                    )
                )
            ),
        )
    assert editor.channel.refused is None


@pytest.mark.parametrize("seed", range(20))
def test_everybody_converges(seed: int) -> None:
    """R: any order, loss, duplication and reconnects end in one document."""
    rng = random.Random(seed)
    editors = [Editor(n) for n in range(1, 5)]
    room = new_room(*editors)
    unsent: dict[int, list[bytes]] = {editor.session.id: [] for editor in editors}
    for step in range(120):
        editor = rng.choice(editors)
        mine = unsent[editor.session.id]
        roll = rng.random()
        if roll < 0.5:
            mine.append(editor.change(add_scene(f"s{rng.randrange(12)}", f"{step}")))
        elif roll < 0.7 and mine:
            rng.shuffle(mine)
            items = [editor.sends(update) for update in mine for _ in range(rng.choice((1, 1, 2)))]
            turn(room, *items)
            mine.clear()
        elif roll < 0.8 and mine:
            mine.pop(rng.randrange(len(mine)))
        elif roll < 0.9:
            editor.hears()
        else:
            room.leave(editor.session)
            editor.session.mode = Mode.LIVE
            room.join(editor.session)
            turn(room, editor.asks(), editor.sends(editor.doc.get_update()))
            mine.clear()
    for editor in editors:
        turn(room, editor.asks(), editor.sends(editor.doc.get_update()))
    for editor in editors:
        turn(room, editor.asks())
        editor.hears()
        assert editor.channel.refused is None
        assert editor.scenes == room.document.doc.get("scenes", type=Map).to_py()
        assert editor.doc.get_state() == editors[0].doc.get_state() or len(
            editor.doc.get_state()
        ) == len(editors[0].doc.get_state())


def test_r6_an_update_of_the_server_is_taken_in_its_turn() -> None:
    one = Editor(1)
    room = new_room(one)
    update = one.change(add_scene("a"))
    [(_, outcome)] = (batch := turn(room, Brought(update, "user-9", no_outcome))).outcomes
    assert (outcome.error, batch.users) == (None, ["user-9"])
    assert turn(room, Brought(update, "user-9", no_outcome)).update is None


def test_r6_what_cannot_be_taken_of_the_server_costs_nobody_else() -> None:
    one, ahead = Editor(1), Editor(2)
    room = new_room(one)
    ahead.change(add_scene("unknown"))
    missing = ahead.change(add_scene("later"))
    batch = turn(
        room,
        Brought(b"\xff", "user-9", no_outcome),
        Brought(missing, "user-9", no_outcome),
        one.sends(one.change(add_scene("a"))),
    )
    assert [type(outcome.error) for _, outcome in batch.outcomes] == [
        MalformedUpdate,
        MissingUpdates,
    ]
    assert batch.users == ["user-1"]
    one.hears()
    assert set(one.scenes) == {"a"}

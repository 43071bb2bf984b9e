"""Order keys: rules O1 to O7 of collab/SPEC.md."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycrdt import Doc, Map

from collab.ordering import (
    LONG_KEY,
    MAX_KEY,
    UNORDERED,
    Ranking,
    Sibling,
    arrange,
    insert,
    is_order_key,
    keys_between,
    move,
    reorder,
    sort_key,
)

GOOD = ["a0", "a1", "Zz", "a0V", "b00", "z" + "z" * 26, "A" + "0" * 25 + "1", "a0" + "V" * 253]
BAD = [
    *["", "a", "0", "a00", "b0", "~", "a0 ", "a0-", "á0", "A" + "0" * 26, "a0\n", "a0" + "V" * 254],
    *[None, 1, 1.5, True, b"a0", ["a0"]],
]


@pytest.mark.parametrize("key", GOOD)
def test_o1_keys_of_the_scheme_are_good(key: str) -> None:
    assert is_order_key(key)
    assert key < UNORDERED


@pytest.mark.parametrize("key", BAD)
def test_o1_everything_else_is_malformed(key: Any) -> None:
    assert not is_order_key(key)


def test_o2_bytes_then_ids_and_malformed_last() -> None:
    siblings: list[Sibling] = [("d", None), ("c", "a1"), ("b", "a1"), ("a", None), ("e", "Zz")]
    assert [item for item, _ in in_order(siblings)] == ["e", "b", "c", "a", "d"]


def test_o3_the_scheme_is_that_of_the_npm_package() -> None:
    """What generateNKeysBetween of fractional-indexing 3.2.0 returns."""
    assert keys_between(None, None, 5) == ["a0", "a1", "a2", "a3", "a4"]
    assert keys_between("a4", None, 3) == ["a5", "a6", "a7"]
    assert keys_between(None, "a0", 2) == ["Zy", "Zz"]
    assert keys_between("a0", "a2", 3) == ["a0V", "a1", "a1V"]


@pytest.mark.parametrize(
    ("after", "before"), [("a1", "a1"), ("a2", "a1"), (None, "A" + "0" * 25 + "1")]
)
def test_o3_no_room_is_an_error(after: str | None, before: str | None) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        keys_between(after, before, 1)


def test_o4_one_write_where_there_is_room() -> None:
    siblings: list[Sibling] = [("a", "a0"), ("b", "a1"), ("c", None)]
    assert insert(siblings, "n", 1) == {"n": "Zz"}
    assert insert(siblings, "n", 2) == {"n": "a0V"}
    assert insert(siblings, "n", 3) == {"n": "a2"}
    assert insert([], "n", 7) == {"n": "a0"}


def test_o4_positions_are_cut() -> None:
    siblings: list[Sibling] = [("a", "a0"), ("b", "a1")]
    assert insert(siblings, "n", 1_000_000) == insert(siblings, "n", None) == {"n": "a2"}


def test_o5_between_equal_neighbours_both_get_keys() -> None:
    siblings: list[Sibling] = [("a", "a0"), ("b", "a1"), ("c", "a1"), ("d", "a2")]
    written = insert(siblings, "n", 3)
    assert_stands(siblings, written, ["a", "b", "n", "c", "d"])
    assert set(written) == {"b", "n", "c"}


def test_o5_after_malformed_neighbours_they_get_keys() -> None:
    siblings: list[Sibling] = [("x", "a0"), ("a", None), ("b", None), ("c", None)]
    written = insert(siblings, "n", 3)
    assert_stands(siblings, written, ["x", "a", "n", "b", "c"])
    assert set(written) == {"a", "n"}
    written = insert(siblings, "n", None)
    assert_stands(siblings, written, ["x", "a", "b", "c", "n"])


def test_o5_at_the_ends_of_the_scheme() -> None:
    smallest, largest = "A" + "0" * 25 + "1", "z" * 27
    siblings: list[Sibling] = [("a", smallest), ("b", largest)]
    assert_stands(siblings, insert(siblings, "n", 1), ["n", "a", "b"])
    assert_stands(siblings, insert(siblings, "n", 3), ["a", "b", "n"])


def test_o6_keys_stay_short_however_often_one_inserts_at_the_same_place() -> None:
    siblings: list[Sibling] = [("a", "a0"), ("b", "a1")]
    writes = 0
    for n in range(600):
        written = insert(siblings, f"n{n:05}", 2)
        writes += len(written)
        siblings = in_order([*siblings, (f"n{n:05}", None)], written)
        assert siblings[1][0] == f"n{n:05}"
    assert max(len(key or "") for _, key in siblings) <= LONG_KEY
    assert writes < 650


def test_o6_long_keys_give_way() -> None:
    siblings: list[Sibling] = [("a", "a0" + "V" * 200), ("b", "a0" + "V" * 200 + "1"), ("c", "a2")]
    written = insert(siblings, "n", 2)
    assert_stands(siblings, written, ["a", "n", "b", "c"])
    assert max(map(len, written.values())) <= LONG_KEY < MAX_KEY


def test_o7_the_listed_take_their_order_and_the_others_stay() -> None:
    siblings: list[Sibling] = [(item, f"a{n}") for n, item in enumerate("abcdef")]
    written = reorder(siblings, ["e", "b", "c"])
    assert_stands(siblings, written, ["a", "e", "b", "d", "c", "f"])
    assert len(written) == 2


def test_o7_as_few_writes_as_can_be() -> None:
    siblings: list[Sibling] = [(item, f"a{n}") for n, item in enumerate("abcdef")]
    assert reorder(siblings, ["b", "c", "d"]) == {}
    assert set(reorder(siblings, ["f", "a", "b", "c", "d", "e"])) == {"f"}
    assert set(move(siblings, "a", 6)) == {"a"}
    assert move(siblings, "c", 3) == {}


keys = st.one_of(
    st.none(),
    st.sampled_from([*GOOD, "a1", "a1", "a2"]),
    st.sampled_from(keys_between("a0", "a1", 9)),
)
families = st.dictionaries(st.text("abcdef", min_size=1, max_size=2), keys, max_size=12).map(
    lambda family: in_order(list(family.items()))
)


@settings(max_examples=150, deadline=None)
@given(families, st.one_of(st.none(), st.integers(1, 14)))
def test_o4_an_insert_stands_where_it_is_asked_to(
    siblings: list[Sibling], position: int | None
) -> None:
    written = insert(siblings, "new", position)
    wanted = [item for item, _ in siblings]
    wanted.insert(len(wanted) if position is None else position - 1, "new")
    assert_stands(siblings, written, wanted)


@settings(max_examples=150, deadline=None)
@given(families, st.randoms(use_true_random=False))
def test_o7_any_order_can_be_reached(siblings: list[Sibling], dice: random.Random) -> None:
    wanted = [item for item, _ in siblings]
    dice.shuffle(wanted)
    family = dict(siblings)
    written = arrange([(item, family[item]) for item in wanted])
    assert_stands(siblings, written, wanted)
    assert all(map(is_order_key, written.values()))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 9), st.integers(1, 12)), max_size=20))
def test_o7_two_people_who_move_at_once_agree(
    moves: list[tuple[int, int, int]],
) -> None:
    """Two documents, moves in both, merged after every third one: everybody has a place of its
    own, and both see the same order."""
    docs: list[Doc[Any]] = [Doc(client_id=1), Doc(client_id=2)]
    with docs[0].transaction():
        for n, key in enumerate(keys_between(None, None, 8)):
            docs[0].get("items", type=Map)[f"i{n}"] = key
    merge(docs)
    for step, (who, what, position) in enumerate(moves):
        items: Map[Any] = docs[who].get("items", type=Map)
        siblings = in_order(list(items.to_py().items()))  # type: ignore[union-attr]
        if what < len(siblings):
            written = move(siblings, siblings[what][0], position)
        else:
            written = insert(siblings, f"n{step:02}", position)
        with docs[who].transaction():
            items.update(written)
        if step % 3 == 2:
            merge(docs)
    merge(docs)
    one, other = (in_order(list(d.get("items", type=Map).to_py().items())) for d in docs)
    assert one == other
    assert all(is_order_key(key) for _, key in one)
    # Whoever comes next still gets every place.
    for position in range(1, len(one) + 2):
        wanted = [item for item, _ in one]
        wanted.insert(position - 1, "last")
        assert_stands(one, insert(one, "last", position), wanted)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.one_of(st.none(), st.integers(0, 5)))))
def test_a_ranking_is_sorted_and_says_what_moved(steps: list[tuple[str, int | None]]) -> None:
    ranking, family = Ranking(), dict[str, int]()
    for item, key in steps:
        if key is not None:
            assert ranking.place((key, item)) == (family.get(item) != key)
            family[item] = key
        elif item in family:
            ranking.remove(item)
            del family[item]
        assert list(ranking) == sorted(family, key=lambda one: (family[one], one))
        assert len(ranking) == len(family)
        assert (item in ranking) == (item in family)


def merge(docs: list[Doc[Any]]) -> None:
    one, other = docs
    other.apply_update(one.get_update(other.get_state()))
    one.apply_update(other.get_update(one.get_state()))


def in_order(siblings: list[Sibling], written: dict[str, str] | None = None) -> list[Sibling]:
    after = [(item, (written or {}).get(item, key)) for item, key in siblings]
    return sorted(after, key=lambda sibling: sort_key(sibling[1], sibling[0]))


def assert_stands(siblings: list[Sibling], written: dict[str, str], wanted: list[str]) -> None:
    """That writing the new keys puts the siblings into the wanted order."""
    family: dict[str, str | None] = {**dict(siblings), **written}
    assert [item for item, _ in in_order(list(family.items()))] == wanted

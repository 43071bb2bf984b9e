"""What a JSON body may hold."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.body import MAX_DEPTH, parse_json
from api.errors import InvalidFields, MalformedJson


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"nul",
        b"{'a': 1}",
        b'{"a": 1,}',
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": -Infinity}',
        b'"\xff"',
        b'\xef\xbb\xbf{"a": 1}',
        b'{"a": "\n"}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"[" * 500 + b"]" * 500,
        b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1),
        b"1" * 5_000,
    ],
    ids=lambda text: text[:12],
)
def test_malformed(text: bytes) -> None:
    with pytest.raises(MalformedJson):
        parse_json(text)


@pytest.mark.parametrize(
    ("text", "field"),
    [
        (b'{"a": "x\\u0000"}', "a"),
        (b'{"a": {"b": ["\\ud800"]}}', "a.b.0"),
        (b'{"a": {"\\udc00": 1}}', "a"),
        (b'{"a": 1e999}', "a"),
        (b'{"a": [1, -1e999]}', "a.1"),
        (b'{"a": 9223372036854775808}', "a"),
        (b'"\\u0000"', ""),
    ],
)
def test_what_cannot_be_stored_is_named(text: bytes, field: str) -> None:
    with pytest.raises(InvalidFields) as caught:
        parse_json(text)
    assert [detail["field"] for detail in caught.value.details] == [field]


def test_the_deepest_that_is_taken() -> None:
    assert parse_json(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)


def test_pairs_of_surrogates_are_characters() -> None:
    assert parse_json(b'"\\ud83c\\udfac"') == "\N{CLAPPER BOARD}"


def test_a_body_full_of_faults_names_a_few() -> None:
    with pytest.raises(InvalidFields) as caught:
        parse_json(b"[" + b",".join([b'"\\u0000"'] * 10_000) + b"]")
    assert len(caught.value.details) == 20


@given(st.binary(max_size=200))
def test_bytes_are_parsed_or_refused(text: bytes) -> None:
    with contextlib.suppress(MalformedJson, InvalidFields):
        parse_json(text)

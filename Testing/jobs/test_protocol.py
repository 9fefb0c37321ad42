"""Bytes to messages and back."""

from __future__ import annotations

import itertools
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from XRayLib.jobs import protocol
from XRayLib.jobs.protocol import BrokenLine, LineDecoder, encode

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@given(st.lists(st.dictionaries(st.text(), values, max_size=4), max_size=5), st.lists(st.integers(0, 400), max_size=8))
def test_messages_survive_any_cutting_of_the_stream(messages: list[dict], cuts: list[int]) -> None:
    stream = b"".join(encode(message) for message in messages)
    bounds = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    decoder = LineDecoder()
    decoded = [m for low, high in itertools.pairwise(bounds) for m in decoder.feed(stream[low:high])]
    assert decoded == messages


@given(st.binary(max_size=200))
def test_garbage_never_raises_and_never_hides_the_next_message(garbage: bytes) -> None:
    decoder = LineDecoder()
    decoder.feed(garbage)
    assert decoder.feed(b"\n" + encode({"event": "x"}))[-1] == {"event": "x"}


@pytest.mark.parametrize("line", [b"{", b"[1]", b"\xff\xfe", b"[" * 100_000, b'"text"'])
def test_a_line_that_is_no_object_is_reported(line: bytes) -> None:
    (broken,) = LineDecoder().feed(line + b"\n")
    assert isinstance(broken, BrokenLine)
    assert len(broken.start) <= 200


def test_an_endless_line_is_skipped_without_being_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "MAX_LINE_BYTES", 1000)
    decoder = LineDecoder()
    for _ in range(50):
        assert decoder.feed(b"x" * 100) == []
    assert sum(map(len, decoder._pieces)) == 0
    broken, message = decoder.feed(b"end\n" + encode({"a": 1}))
    assert isinstance(broken, BrokenLine)
    assert message == {"a": 1}


def test_encoding_refuses_what_json_has_not() -> None:
    with pytest.raises(ValueError):
        encode({"value": math.nan})


def test_encoding_refuses_what_the_other_side_would_skip(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "MAX_LINE_BYTES", 1000)
    with pytest.raises(ValueError, match="too long"):
        encode({"value": "x" * 1000})


def test_a_message_is_one_line_of_ascii() -> None:
    line = encode({"text": "Zwei\nZeilen, größer\u2028"})
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert json.loads(line.decode("ascii"))["text"] == "Zwei\nZeilen, größer\u2028"

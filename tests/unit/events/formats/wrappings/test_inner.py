"""Lines that stand in several records: in bounded memory, and told once."""

from __future__ import annotations

import json

import pytest

from events.errors import EventsError
from events.formats.wrappings.inner import Inner, Partials, Unfinished
from events.formats.wrappings.unwrapping import Unwrapper
from tests.support import wrapped


class Block:
    """The records of one writer, taken one by one."""

    def __init__(self, state=None):
        self.told = []
        self.inner = Inner(lambda at, why: self.told.append((at, why)), source="a.log")
        self.partials = Partials(state)

    def __call__(self, text, at, *, ends=False):
        take = self.partials.end if ends else self.partials.begin
        take("w", text, at, self.inner)

    @property
    def lines(self):
        return list(zip(self.inner.offsets, self.inner.lines, strict=True))


def test_a_line_begins_where_its_first_piece_does():
    block = Block()
    block(b"ab", 10)
    block(b"cd", 20)
    assert block.partials.unfinished() == [Unfinished("a.log", 10, 4)]
    block(b"e\nf\n\ng", 30, ends=True)
    assert block.lines == [(10, b"abcde"), (30, b"f"), (30, b"g")]
    assert block.partials.unfinished() == []
    assert not block.partials


def test_of_a_line_that_began_in_an_earlier_file_the_place_is_told_in_words():
    block = Block()
    block(b"ab", 10)
    block.partials.enter(0, "b.log")
    block.partials.lose("w", 5, block.inner, "gone", goes_on=True)
    assert block.told == [(5, "gone (the line begins in a.log, byte 10)")]
    assert block.partials.unfinished() == [], "it was told"

    later = Block({"w": (10, "ab")})
    later.partials.enter(3, "b.log")
    assert later.partials.unfinished() == [Unfinished("", None, 2)]
    assert later.partials.state() == {"w": (-1, "ab")}
    later.partials.lose("w", 5, later.inner, "gone", goes_on=False)
    assert later.told == [(5, "gone (the line begins in an earlier file)")]


def test_a_whole_object_is_no_rest_of_a_line_whose_end_never_came():
    block = Block()
    block(b'{"a":"', 10)
    block.partials.enter(0, "b.log")
    block(b'{"b":1}\n{"c":1}', 0, ends=True)
    assert block.lines == [(0, b'{"b":1}'), (0, b'{"c":1}')]
    missing = "the rest of this line is missing: a whole one stands in its place"
    assert block.told == [(0, f"{missing} (the line begins in a.log, byte 10)")]
    assert not block.partials


@pytest.mark.parametrize(
    ("begin", "rest"),
    [
        (b'{"a":', b'{"b":1}}'),
        (b'{"a":"', b'{x"}'),
        (b'{"a"', b'{"b":1'),
        (b" ", b'{"b":1}'),
        (b"", b'{"b":1}'),
        (b"words ", b"words"),
    ],
)
def test_a_rest_belongs_to_its_line_unless_it_is_an_object_and_the_line_is_none(begin, rest):
    block = Block()
    block(begin, 10)
    block(rest, 20, ends=True)
    assert (block.lines, block.told) == ([(10, begin + rest)], [])


def test_what_is_passed_over_in_a_shared_log_is_not_told_when_its_rest_is_missing():
    block = Block()
    block.inner = Inner(block.inner.report, is_shared=True)
    block(b"words ", 10)
    block(b'{"b":1}', 20, ends=True)
    assert (block.lines, block.told) == ([(20, b'{"b":1}')], [])


def test_a_file_that_is_renamed_while_it_is_read_is_told_by_its_new_name():
    block = Block()
    block(b"ab", 10)
    block.partials.enter(15, "a.log.1")
    assert block.partials.unfinished() == [Unfinished("a.log.1", 10, 2)]


def test_a_line_that_gets_too_long_is_told_once_and_not_given():
    block = Block()
    for at in range(30):
        block(b"x" * 100_000, at)
    block(b"x\n{}", 30, ends=True)
    assert [at for at, _ in block.told] == [0]
    assert block.lines == [(30, b"{}")]


def test_of_many_writers_only_the_latest_are_waited_for():
    unwrapper = Unwrapper("journald")
    reported: list[int] = []
    begun = b"".join(
        b'{"MESSAGE":"{%d","_LINE_BREAK":"line-max","_STREAM_ID":"%d"}\n' % (n, n)
        for n in range(20)
    )
    unwrapper.lines(begun, 0, lambda at, _: reported.append(at))
    assert len(reported) == 4
    assert reported[0] == 0
    ended = b"".join(b'{"MESSAGE":"{z","_STREAM_ID":"%d"}\n' % n for n in range(20))
    lines = unwrapper.lines(ended).data.splitlines()
    assert lines == [b"{z"] * 4 + [b"{%d{z" % n for n in range(4, 20)]
    assert unwrapper.state() is None


def test_what_waits_goes_through_json():
    line = b'{"e":"\xe2\x82\xac' + b"x" * 20_000 + b'"}'
    first, second = wrapped.cri([line]).splitlines(keepends=True)
    before = Unwrapper("cri")
    assert before.lines(first, 70) == Unwrapper("cri").lines(b"")
    after = Unwrapper("cri", json.loads(json.dumps(before.state())))
    result = after.lines(second, 70 + len(first))
    assert (result.data, result.offsets) == (line + b"\n", [70])
    assert after.state() is None


@pytest.mark.parametrize("state", [7, [1], {"stdout": 1}, {"stdout": [1, "€"]}, {"a": ["x", "y"]}])
def test_a_damaged_state_is_said(state):
    with pytest.raises(EventsError, match="cannot be read"):
        Unwrapper("cri", state)

"""Lines inside of containers' and systems' logs."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import pytest

from events.formats.names import WRAPPINGS
from events.formats.presets import load_preset
from events.formats.translator import Translator
from events.formats.wrappings.unwrapping import Unwrapper
from events.limits import MAX_LINE_BYTES
from tests.support import wrapped
from tests.support.unwrapped import unwrap

DATA = Path(__file__).parents[4] / "data"
SIDEKIQ = (DATA / "sidekiq-6.4.1-sample.jsonl").read_bytes().splitlines()
FORMS = sorted(wrapped.EACH)
SPLITTING = ("docker", "cri", "journald")


def long_line(size, **fields):
    line = json.dumps({"msg": "x", **fields, "pad": ""}).encode()
    return line[:-2] + b"p" * (size - len(line)) + line[-2:]


def test_all_wrappings_are_tried_here():
    assert {wrapping for wrapping, _ in wrapped.EACH.values()} == set(WRAPPINGS)


@pytest.mark.parametrize("form", FORMS)
def test_what_is_inside_is_given_as_it_was(form):
    wrapping, wrap = wrapped.EACH[form]
    data = wrap(SIDEKIQ)
    lines, offsets, invalid = unwrap(wrapping, data, offset=1000)
    assert (lines, invalid) == (SIDEKIQ, [])
    begins = [0, *(at + 1 for at in range(len(data) - 1) if data[at] == 10)]
    assert offsets == [1000 + begin for begin in begins]


@pytest.mark.parametrize("form", FORMS)
def test_a_wrapped_log_tells_of_the_same_outcomes(form):
    wrapping, wrap = wrapped.EACH[form]
    inner = Unwrapper(wrapping).lines(wrap(SIDEKIQ)).data
    mapping = load_preset("sidekiq")
    plain = Translator(mapping).lines(b"\n".join([*SIDEKIQ, b""]))
    assert plain
    assert Translator(mapping).lines(inner) == plain


@pytest.mark.parametrize("form", SPLITTING)
@pytest.mark.parametrize("size", [16_383, 16_384, 16_385, 49_152, 100_000, 900_000])
def test_lines_that_were_split_are_joined(form, size):
    wrapping, wrap = wrapped.EACH[form]
    expected = [b'{"a":1}', long_line(size), b'{"a":2}']
    lines, offsets, invalid = unwrap(wrapping, wrap(expected))
    assert (lines, invalid) == (expected, [])
    assert offsets[1] == len(wrap(expected[:1]))


@pytest.mark.parametrize("form", SPLITTING)
def test_two_writers_whose_records_are_mixed(form):
    wrapping, wrap = wrapped.EACH[form]
    one, other = long_line(150_000, who=1), long_line(150_001, who=2)
    streams = ("stdout", "stderr")
    records = [
        wrap([line], stream).splitlines(keepends=True)
        for line, stream in zip((one, other), streams, strict=True)
    ]
    mixed = b"".join(a + b for a, b in zip(*records, strict=True))
    assert unwrap(wrapping, mixed)[0] == [one, other]


@pytest.mark.parametrize("form", ["cri", "journald"])
def test_a_character_that_was_split_is_whole_again(form):
    wrapping, wrap = wrapped.EACH[form]
    line = ('{"e":"' + "é€" * 30_000 + '"}').encode()
    for shift in range(5):
        expected = [b" " * shift + line]
        assert unwrap(wrapping, wrap(expected))[0] == expected


@pytest.mark.parametrize("form", FORMS)
def test_zero_bytes_before_a_record_are_passed_over(form):
    wrapping, wrap = wrapped.EACH[form]
    record = wrap([b"{}"])
    data = b"\0\0" + record + record + b"\0\0\0" + record
    lines, offsets, invalid = unwrap(wrapping, data, 10)
    assert (lines, invalid) == ([b"{}"] * 3, [])
    assert offsets == [12, 12 + len(record), 15 + 2 * len(record)]


@pytest.mark.parametrize("form", SPLITTING)
def test_a_joined_line_may_be_as_long_as_any_other(form):
    wrapping, wrap = wrapped.EACH[form]
    longest = long_line(MAX_LINE_BYTES - 1)
    assert unwrap(wrapping, wrap([longest]))[0] == [longest]
    too_long = wrap([b"{}", long_line(MAX_LINE_BYTES), b"{ }"])
    lines, _, [(at, reason)] = unwrap(wrapping, too_long)
    assert lines == [b"{}", b"{ }"]
    assert at == len(wrap([b"{}"]))
    assert reason == "a line of several records is longer than the limit of 1 MiB"


@pytest.mark.parametrize("form", SPLITTING)
def test_a_line_without_end_is_passed_over_in_bounded_memory(form):
    wrapping, wrap = wrapped.EACH[form]
    part = wrap([b"x" * 100_000]).splitlines(keepends=True)[0]
    unwrapper = Unwrapper(wrapping)
    reported: list[int] = []

    tracemalloc.start()
    try:
        for number in range(2_000):
            unwrapper.lines(part, number * len(part), lambda at, _: reported.append(at))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4 << 20
    assert reported == [0]
    assert len(json.dumps(unwrapper.state())) < 1000

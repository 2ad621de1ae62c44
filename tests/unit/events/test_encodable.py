from __future__ import annotations

import json
import sys
from datetime import UTC, date, datetime, time, tzinfo
from decimal import Decimal
from enum import Enum, IntEnum
from pathlib import PurePosixPath
from uuid import UUID

import pytest

from events.codec import decode, encode
from events.encodable import MAX_PLAIN_VALUES, MAX_VALUES, is_plain, to_plain
from events.limits import MAX_DEPTH, MAX_LINE_BYTES

SUCCEEDED = {
    "event": "job.succeeded",
    "v": 1,
    "stream": "nas-1-x7f2",
    "seq": 17,
    "timestamp": "2026-11-24T12:00:00.123456Z",
    "job_id": 42,
    "duration_ns": 1_534_000_000,
    "confidence": "high",
}
FAILED = {
    "event": "job.failed",
    "v": 1,
    "stream": "nas-1-x7f2",
    "seq": 18,
    "timestamp": "2026-11-24T12:00:02.000001Z",
    "job_id": 43,
    "error_type": "PlexNotFound",
    "to_dlq": True,
}


class Colour(Enum):
    RED = "red"


class Raising(Enum):
    ODD = 1

    @property
    def value(self):
        raise ValueError


class Level(IntEnum):
    HIGH = 3


class Text(str):
    __slots__ = ()

    def __str__(self):
        raise ValueError


class Number(int):
    def __int__(self):
        raise ValueError

    __str__ = __repr__ = __format__ = __int__


class Fraction(float):
    def __float__(self):
        raise ValueError


class Mapped(dict):
    def items(self):
        raise ValueError

    copy = keys = __iter__ = items


class Listed(list):
    def __iter__(self):
        raise ValueError


class Zone(tzinfo):
    def utcoffset(self, _moment):
        raise ValueError


class Named(type):
    @property
    def __name__(cls):
        raise ValueError


class Unnamed(metaclass=Named):
    def __repr__(self):
        raise ValueError

    __str__ = __hash__ = __repr__


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, None),
        (2**63 - 1, 2**63 - 1),
        (2**64 - 1, 2**64 - 1),
        (2**64, "18446744073709551616"),
        (-(2**63) - 1, "-9223372036854775809"),
        (float("nan"), "NaN"),
        ([1.5, float("inf"), float("-inf")], [1.5, "Infinity", "-Infinity"]),
        ("caf\udce9", "caf\\udce9"),
        ({"\ud800": "\udfff"}, {"\\ud800": "\\udfff"}),
        ((1, [2]), [1, [2]]),
        ({3}, [3]),
        (frozenset({"x"}), ["x"]),
        ({1: 1, None: 2, 2.5: 3, False: 4}, {"1": 1, "None": 2, "2.5": 3, "False": 4}),
        ({(1,): 1, UUID(int=1): 2}, {"<tuple>": 1, "00000000-0000-0000-0000-000000000001": 2}),
        ({1: "number", "1": "text"}, {"1": "text"}),
        ({"1": "text", 1: "number"}, {"1": "text"}),
        (b"a\xff", "a\\xff"),
        (bytearray(b"a"), "a"),
        (Colour.RED, "red"),
        (Raising.ODD, 1),
        (Level.HIGH, 3),
        (Text("text"), "text"),
        (Number(5), 5),
        (Number(2**70), "1180591620717411303424"),
        (Fraction(0.5), 0.5),
        (Mapped(a=1), {"a": 1}),
        (Listed([1]), [1]),
        (datetime(2026, 1, 1, tzinfo=UTC), "2026-01-01T00:00:00+00:00"),
        (datetime(2026, 1, 1, tzinfo=Zone()), "<datetime>"),
        (date(2026, 1, 1), "2026-01-01"),
        (time(1, 2), "01:02:00"),
        (PurePosixPath("/media/\udce9"), "/media/\\udce9"),
        (Decimal("1.50"), "1.50"),
        (UUID(int=2), "00000000-0000-0000-0000-000000000002"),
        (object(), "<object>"),
        (Unnamed(), "<Unnamed>"),
        (Unnamed, "<Named>"),
        (iter([1]), "<list_iterator>"),
    ],
    ids=lambda value: f"{type(value)}",
)
def test_what_becomes_of_values_that_json_cannot_hold(value, written):
    line = encode({"event": "worker.odd", "value": value})
    assert json.loads(line) == {"event": "worker.odd", "value": written}


def test_a_very_long_integer_takes_no_long_time():
    written = json.loads(encode({"event": "x", "value": 10**100_000}))["value"]
    assert written.startswith("0x")
    assert int(written.partition("…")[0], 16) == 10**100_000


def test_what_is_nested_too_deep_is_cut_off():
    value = []
    for _ in range(1000):
        value = [value]
    line = encode({"event": "job.failed", "exception": value, "timestamp": "2026-01-01T00:00:00Z"})
    assert "nested too deep" in line.decode()
    assert decode(line).event == "job.failed"


def test_what_is_in_itself_ends():
    ring = {}
    ring["left"] = ring["right"] = ring
    line = encode({"event": "worker.odd", "ring": ring})
    assert len(line) <= MAX_LINE_BYTES
    assert decode(line).event == "worker.odd"


def test_doubled_again_and_again():
    value = ["x"]
    for _ in range(100):
        value = [value, value]
    assert decode(encode({"event": "worker.odd", "value": value})).event == "worker.odd"


def test_of_too_many_values_the_first_are_kept():
    found = json.loads(encode({"event": "x", "list": [0] * 2 * MAX_VALUES, "after": {"a": 1}}))
    assert found["list"][MAX_VALUES - 1 :] == [0, "…(cut)"]
    assert found["after"] == {"…(cut)": None}


def test_the_longest_texts_are_cut():
    fields = FAILED | {"error": "é" * 2_000_000, "other": "y" * 1000}
    found = json.loads(encode(fields))
    assert found["error"].startswith("é" * 1000)
    assert found["error"].endswith(" bytes)")
    assert found["other"] == "y" * 1000
    assert {name: found[name] for name in fields if name != "error"} == {
        name: fields[name] for name in fields if name != "error"
    }


def test_a_text_that_grows_when_it_is_escaped_is_cut_further():
    line = encode(FAILED | {"error": "\x00" * 1_000_000})
    assert MAX_LINE_BYTES // 4 < len(line) <= MAX_LINE_BYTES
    assert decode(line).seq == 18


def test_of_too_many_fields_the_largest_are_left_out():
    small = {f"small{number}": "s" * 200 for number in range(3)}
    large = {f"large{number}": ["x" * 200] * 2_000 for number in range(4)}
    found = json.loads(encode(FAILED | small | large))
    assert found["fields_left_out"] == 2
    assert small.items() <= found.items()
    assert FAILED.items() <= found.items()


def test_a_field_of_the_format_leaves_a_mark():
    long_list = [["x" * 200] * 3_000] * 2
    line = encode(SUCCEEDED | {"confidence": long_list, "exception": long_list})
    found = decode(line)
    assert found.confidence != "high"
    assert "cut" in str(found.confidence)
    assert "cut" in str(found.exception)


def test_an_event_that_cannot_be_looked_at_keeps_its_name_and_the_rest():
    deep = ()  # no plain type: it is to be copied
    for _ in range(190):
        deep = {"a": deep}

    def at(depth, event):
        if depth:
            return at(depth - 1, event)
        return encode({"event": event, "n": 3, "deep": deep, "timestamp": "2026-01-01T00:00:00Z"})

    frames = sys.getrecursionlimit() - 250
    other, outcome = (json.loads(at(frames, event)) for event in ("worker.odd", "job.skipped"))
    assert (other["event"], other["name"], other["n"]) == ("event_unencodable", "worker.odd", 3)
    assert other["deep"] == outcome["deep"] == "<dict>"
    assert (outcome["event"], outcome["n"]) == ("job.skipped", 3)


def test_a_value_that_cannot_be_looked_at_tells_its_type():
    deep = []
    for _ in range(190):
        deep = [deep]

    def at(depth):
        return at(depth - 1) if depth else to_plain(deep)

    assert to_plain(deep) == deep
    assert at(sys.getrecursionlimit() - 250) == "<list>"


def test_plain_events_are_told_from_others():
    trace = [{"exc_type": "E", "frames": [{"lineno": 1, "name": None}], "is_cause": True, "n": 1.5}]
    assert is_plain({"exception": trace})
    for odd in (Text("a"), (), object(), b"a", Level.HIGH):
        assert not is_plain({"exception": [{"frames": [{"name": odd}]}]})


def test_what_holds_itself_is_not_plain_and_takes_no_time():
    ring = []
    ring += [ring, ring]
    assert not is_plain({"ring": ring})
    deep = []
    for _ in range(MAX_DEPTH - 2):
        deep = [deep]
    assert is_plain({"deep": deep})
    assert not is_plain({"deep": [deep]})
    assert not is_plain({"long": [0] * MAX_PLAIN_VALUES})

"""Lines inside of containers' and systems' logs."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import pytest

from events.errors import EventsError
from events.formats.names import WRAPPINGS
from events.formats.presets import load_preset
from events.formats.translator import Translator
from events.formats.wrappings.unwrapping import Unwrapper
from events.model import MAX_LINE_BYTES
from tests.support import wrapped

DATA = Path(__file__).parents[4] / "data"
SIDEKIQ = (DATA / "sidekiq-6.4.1-sample.jsonl").read_bytes().splitlines()
FORMS = sorted(wrapped.EACH)
SPLITTING = ("docker", "cri", "journald")
TIME = b"2016-10-06T00:17:09.669794202Z"


def unwrap(wrapping, data, offset=0):
    """The inner lines, their places, and what was invalid."""
    found: list[tuple[int, str]] = []
    unwrapper = Unwrapper(wrapping)
    result = unwrapper.lines(data, offset, lambda at, reason: found.append((at, reason)))
    assert result.data.count(b"\n") == len(result.offsets)
    assert unwrapper.state() is None
    return result.data.split(b"\n")[:-1], result.offsets, found


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


@pytest.mark.parametrize(
    ("wrapping", "data", "lines"),
    [
        ("docker", rb'{"log":"{}\n{\"a\":1}\n","stream":"stdout"}', [b"{}", b'{"a":1}']),
        ("docker", rb'{"log":"{}\n\n \n","time":"","attrs":{"x":[1]}}', [b"{}"]),
        ("docker", rb'{"log":"{}\r\n","stream":"stderr"}', [b"{}\r"]),
        ("docker", rb'{"log":"\n","stream":"stdout"}', []),
        ("docker", rb'{"log":"","stream":"stdout"}', []),
        ("docker", rb'{"log":"\u00e9\n"}', ["é".encode()]),
        ("cri", TIME + b" stdout F", []),
        ("cri", TIME + b" stdout F ", []),
        ("cri", TIME + b" stdout F \x0c", [b"\x0c"]),
        ("cri", TIME + b" stderr F:x:y {} {}", [b"{} {}"]),
        ("cri", b"2016-10-06T00:17:09+01:00 stdout F  x", [b" x"]),
        ("cri", TIME + b" stdout F \xff", [b"\xff"]),
        ("journald", b'{"MESSAGE":"{a\\n{b\\n"}', [b"{a", b"{b"]),
        ("journald", b'{"MESSAGE":[123,125,255]}', [b"{}\xff"]),
        ("journald", b'{"MESSAGE":["{a",[123,99],"{d"]}', [b"{a", b"{c", b"{d"]),
        ("journald", b'{"MESSAGE":[[123,10,123]]}', [b"{", b"{"]),
        ("journald", b'{"MESSAGE":[]}', []),
        ("journald", b'{"MESSAGE":""}', []),
        ("journald", b'{"_PID":"1"}', []),
        ("journald", b'{"MESSAGE":"{x","_LINE_BREAK":"eof"}', [b"{x"]),
        ("syslog", b"<34>1 2026-11-24T12:00:00Z - - - - - {}", [b"{}"]),
        ("syslog", b"<191>1 - - - - - -", []),
        ("syslog", b"1 2026-11-24T12:00:00Z host app 1 id [a][b] {}", [b"{}"]),
        ("syslog", b"<34>2026-11-24T12:00:00+01:00 host app: {}", [b"{}"]),
        ("syslog", b"2026-11-24T12:00:00+0100 host app[1]: {}", [b"{}"]),
        ("syslog", b"Nov  4 12:00:00.123 host app/sub.x[1]: {}", [b"{}"]),
        ("syslog", b"Nov 24 12:00:00 host user.info app[1]: {}", [b"{}"]),
        ("syslog", b"Nov 24 12:00:00 host a::b[main]: {}", [b"{}"]),
        ("syslog", b"Nov 24 12:00:00 host app: @cee: {}", [b" {}"]),
        ("syslog", b"Nov 24 12:00:00 host @cee:{}", [b"{}"]),
        ("syslog", b'Nov 24 12:00:00 host app:{"a": "b: c"}', [b'{"a": "b: c"}']),
        ("syslog", b'Nov 24 12:00:00 host {"a": "b: c"}', [b'{"a": "b: c"}']),
        ("syslog", b"Nov 24 12:00:00 host app: not json: {}", []),
    ],
)
def test_what_a_record_holds(wrapping, data, lines):
    assert unwrap(wrapping, data + b"\n") == (lines, [0] * len(lines), [])


@pytest.mark.parametrize(
    ("wrapping", "line", "reason"),
    [
        ("docker", b'{"event":"job.succeeded"}', "no record of Docker's json-file"),
        ("docker", b'{"log":7}', "no record of Docker's json-file"),
        ("docker", b'{"log":"\\ud800\\n"}', "no record of Docker's json-file"),
        ("docker", b'{"log":"x\\n","stream":"third"}', "no record of Docker's json-file"),
        ("docker", b'{"log":"x\\n"', "no record of Docker's json-file"),
        ("docker", b'{"log":"x\\n","x":' + b"[" * 99_999, "no record of Docker's json-file"),
        ("docker", b'{"log":"\xff\\n"}', "no record of Docker's json-file"),
        ("cri", b'{"a":1}', "no record of a Kubernetes container's log"),
        ("cri", TIME + b" stdin F x", "no record of a Kubernetes container's log"),
        ("cri", TIME + b" stdout Fx x", "no record of a Kubernetes container's log"),
        ("cri", b" ".join([b"now", b"stdout", b"F", b"x"]), "no record of a Kubernetes"),
        ("journald", b"Nov 24 12:00:00 host app: x", "no record of the systemd journal"),
        ("journald", b"[]", "no record of the systemd journal"),
        ("journald", b'{"MESSAGE":null}', "leaves out long ones without --all"),
        ("journald", b'{"MESSAGE":{"a":1}}', "neither a text nor a list of bytes"),
        ("journald", b'{"MESSAGE":[1,256]}', "neither a text nor a list of bytes"),
        ("journald", b'{"MESSAGE":[1.5]}', "neither a text nor a list of bytes"),
        ("journald", b'{"MESSAGE":[[[1]]]}', "neither a text nor a list of bytes"),
        ("syslog", b'{"a":1}', "no syslog line"),
        ("syslog", b"<34>1 yesterday host app 1 - - {}", "no syslog line"),
        ("syslog", b"<34>1 - host app 1 - [open {}", "no syslog line"),
        ("syslog", b"Nov 24 12:00 host app: {}", "no syslog line"),
    ],
)
def test_what_is_not_so_wrapped_is_reported(wrapping, line, reason):
    good = wrapped.EACH["rfc3164" if wrapping == "syslog" else wrapping][1]([b"{}"])
    lines, _, [(at, why)] = unwrap(wrapping, good + b"\n \n" + line + b"\n" + good, offset=10)
    assert lines == [b"{}", b"{}"]
    assert at == 10 + len(good) + 3
    assert reason in why


@pytest.mark.parametrize("form", FORMS)
def test_zero_bytes_before_a_record_are_passed_over(form):
    wrapping, wrap = wrapped.EACH[form]
    record = wrap([b"{}"])
    data = b"\0\0" + record + record + b"\0\0\0" + record
    lines, offsets, invalid = unwrap(wrapping, data, 10)
    assert (lines, invalid) == ([b"{}"] * 3, [])
    assert offsets == [12, 12 + len(record), 15 + 2 * len(record)]


def test_the_journals_own_output():
    """Of systemd 252: three lines of Sidekiq, then one of 5 KB, one in three records, two more."""
    data = (DATA / "journald-252-sample.jsonl").read_bytes()
    lines, _, invalid = unwrap("journald", data)
    assert lines == [*SIDEKIQ[:3], b'{"n":3,"bell":"\x07"}', b'{"n":4}']
    begins = [data.find(record) for record in data.splitlines() if b'"MESSAGE":null' in record]
    assert len(begins) == 4
    assert [at for at, _ in invalid] == begins[:2], "each line is told of once"


def test_a_line_of_which_one_piece_is_left_out_is_told_of_once():
    def record(message, *, goes_on):
        found = {"MESSAGE": message, "_STREAM_ID": "s"}
        if goes_on:
            found["_LINE_BREAK"] = "line-max"
        return json.dumps(found).encode() + b"\n"

    for pieces in ([None, "b", "c"], ["a", None, "c"], ["a", "b", None], [None] * 3):
        records = [record(each, goes_on=at < 2) for at, each in enumerate(pieces)]
        lines, _, [(at, _)] = unwrap("journald", b"".join(records) + record("{}", goes_on=False))
        assert (lines, at) == ([b"{}"], 0)


def test_of_several_messages_those_that_can_be_had_are_given():
    lines, offsets, invalid = unwrap("journald", b'{"MESSAGE":["{a",null,7,"{b"]}\n', 5)
    assert (lines, offsets) == ([b"{a", b"{b"], [5, 5])
    assert [at for at, _ in invalid] == [5, 5]


@pytest.mark.parametrize(
    ("wrapping", "data", "kept"),
    [
        ("journald", b'{"MESSAGE":"Started app"}', []),
        ("journald", b'{"MESSAGE":[115,0]}', []),
        ("syslog", b"Nov 24 12:00:00 host CRON[1]: (root) CMD (true)", []),
        ("docker", b'{"log":"Listening\\n"}', [b"Listening"]),
        ("cri", TIME + b" stdout F Listening", [b"Listening"]),
    ],
)
def test_text_of_other_programs_is_passed_over_where_they_share_a_log(wrapping, data, kept):
    lines, _, invalid = unwrap(wrapping, data + b"\n")
    assert (lines, invalid) == (kept, [])


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


def test_hostile_heads_are_told_in_time_that_grows_with_their_length():
    """A minute would pass if the expression went back; this is a matter of milliseconds."""
    for middle in (b'[a "' * 200_000, b'"\\' * 300_000, b"[" * 900_000, b"a" * 900_000, b": " * 9):
        line = b"<34>1 - host app 1 - [" + middle + b"\n"
        assert unwrap("syslog", line)[0] == []
        assert len(unwrap("syslog", b"Nov 24 12:00:00 host " + middle + b"\n")[0]) <= 1

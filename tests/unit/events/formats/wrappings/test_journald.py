"""Records of ``journalctl -o json``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support import wrapped
from tests.support.unwrapped import unwrap

DATA = Path(__file__).parents[4] / "data"
SIDEKIQ = (DATA / "sidekiq-6.4.1-sample.jsonl").read_bytes().splitlines()


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (b'{"MESSAGE":"{a\\n{b\\n"}', [b"{a", b"{b"]),
        (b'{"MESSAGE":[123,125,255]}', [b"{}\xff"]),
        (b'{"MESSAGE":["{a",[123,99],"{d"]}', [b"{a", b"{c", b"{d"]),
        (b'{"MESSAGE":[[123,10,123]]}', [b"{", b"{"]),
        (b'{"MESSAGE":[]}', []),
        (b'{"MESSAGE":""}', []),
        (b'{"_PID":"1"}', []),
        (b'{"MESSAGE":"{x","_LINE_BREAK":"eof"}', [b"{x"]),
    ],
)
def test_what_a_record_holds(data, lines):
    assert unwrap("journald", data + b"\n") == (lines, [0] * len(lines), [])


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"Nov 24 12:00:00 host app: x", "no record of the systemd journal"),
        (b"[]", "no record of the systemd journal"),
        (b'{"MESSAGE":null}', "leaves out long ones without --all"),
        (b'{"MESSAGE":{"a":1}}', "neither a text nor a list of bytes"),
        (b'{"MESSAGE":[1,256]}', "neither a text nor a list of bytes"),
        (b'{"MESSAGE":[1.5]}', "neither a text nor a list of bytes"),
        (b'{"MESSAGE":[[[1]]]}', "neither a text nor a list of bytes"),
    ],
)
def test_what_is_no_record_is_reported(line, reason):
    good = wrapped.EACH["journald"][1]([b"{}"])
    data = good + b"\n \n" + line + b"\n" + good
    lines, _, [(at, why)] = unwrap("journald", data, offset=10)
    assert lines == [b"{}", b"{}"]
    assert at == 10 + len(good) + 3
    assert reason in why


@pytest.mark.parametrize(
    ("data", "kept"),
    [
        (b'{"MESSAGE":"Started app"}', []),
        (b'{"MESSAGE":[115,0]}', []),
    ],
)
def test_text_that_is_no_object_is_passed_over_as_programs_share_the_log(data, kept):
    lines, _, invalid = unwrap("journald", data + b"\n")
    assert (lines, invalid) == (kept, [])


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

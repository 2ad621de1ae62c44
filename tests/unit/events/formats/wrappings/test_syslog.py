"""Lines of a syslog, in their several forms."""

from __future__ import annotations

import pytest

from tests.support import wrapped
from tests.support.unwrapped import unwrap


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (b"<34>1 2026-11-24T12:00:00Z - - - - - {}", [b"{}"]),
        (b"<191>1 - - - - - -", []),
        (b"1 2026-11-24T12:00:00Z host app 1 id [a][b] {}", [b"{}"]),
        (b"<34>2026-11-24T12:00:00+01:00 host app: {}", [b"{}"]),
        (b"2026-11-24T12:00:00+0100 host app[1]: {}", [b"{}"]),
        (b"Nov  4 12:00:00.123 host app/sub.x[1]: {}", [b"{}"]),
        (b"Nov 24 12:00:00 host user.info app[1]: {}", [b"{}"]),
        (b"Nov 24 12:00:00 host a::b[main]: {}", [b"{}"]),
        (b"Nov 24 12:00:00 host app: @cee: {}", [b" {}"]),
        (b"Nov 24 12:00:00 host @cee:{}", [b"{}"]),
        (b'Nov 24 12:00:00 host app:{"a": "b: c"}', [b'{"a": "b: c"}']),
        (b'Nov 24 12:00:00 host {"a": "b: c"}', [b'{"a": "b: c"}']),
        (b"Nov 24 12:00:00 host app: not json: {}", []),
    ],
)
def test_what_a_record_holds(data, lines):
    assert unwrap("syslog", data + b"\n") == (lines, [0] * len(lines), [])


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"a":1}', "no syslog line"),
        (b"<34>1 yesterday host app 1 - - {}", "no syslog line"),
        (b"<34>1 - host app 1 - [open {}", "no syslog line"),
        (b"Nov 24 12:00 host app: {}", "no syslog line"),
    ],
)
def test_what_is_no_record_is_reported(line, reason):
    good = wrapped.EACH["rfc3164"][1]([b"{}"])
    data = good + b"\n \n" + line + b"\n" + good
    lines, _, [(at, why)] = unwrap("syslog", data, offset=10)
    assert lines == [b"{}", b"{}"]
    assert at == 10 + len(good) + 3
    assert reason in why


@pytest.mark.parametrize(
    ("data", "kept"),
    [
        (b"Nov 24 12:00:00 host CRON[1]: (root) CMD (true)", []),
    ],
)
def test_text_that_is_no_object_is_passed_over_as_programs_share_the_log(data, kept):
    lines, _, invalid = unwrap("syslog", data + b"\n")
    assert (lines, invalid) == (kept, [])


def test_hostile_heads_are_told_in_time_that_grows_with_their_length():
    """A minute would pass if the expression went back; this is a matter of milliseconds."""
    for middle in (b'[a "' * 200_000, b'"\\' * 300_000, b"[" * 900_000, b"a" * 900_000, b": " * 9):
        line = b"<34>1 - host app 1 - [" + middle + b"\n"
        assert unwrap("syslog", line)[0] == []
        assert len(unwrap("syslog", b"Nov 24 12:00:00 host " + middle + b"\n")[0]) <= 1

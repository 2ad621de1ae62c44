"""Records of a Kubernetes container's log."""

from __future__ import annotations

import pytest

from tests.support import wrapped
from tests.support.unwrapped import unwrap

TIME = b"2016-10-06T00:17:09.669794202Z"


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (TIME + b" stdout F", []),
        (TIME + b" stdout F ", []),
        (TIME + b" stdout F \x0c", [b"\x0c"]),
        (TIME + b" stderr F:x:y {} {}", [b"{} {}"]),
        (b"2016-10-06T00:17:09+01:00 stdout F  x", [b" x"]),
        (TIME + b" stdout F \xff", [b"\xff"]),
    ],
)
def test_what_a_record_holds(data, lines):
    assert unwrap("cri", data + b"\n") == (lines, [0] * len(lines), [])


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"a":1}', "no record of a Kubernetes container's log"),
        (TIME + b" stdin F x", "no record of a Kubernetes container's log"),
        (TIME + b" stdout Fx x", "no record of a Kubernetes container's log"),
        (b" ".join([b"now", b"stdout", b"F", b"x"]), "no record of a Kubernetes"),
    ],
)
def test_what_is_no_record_is_reported(line, reason):
    good = wrapped.EACH["cri"][1]([b"{}"])
    data = good + b"\n \n" + line + b"\n" + good
    lines, _, [(at, why)] = unwrap("cri", data, offset=10)
    assert lines == [b"{}", b"{}"]
    assert at == 10 + len(good) + 3
    assert reason in why


@pytest.mark.parametrize(
    ("data", "kept"),
    [
        (TIME + b" stdout F Listening", [b"Listening"]),
    ],
)
def test_text_that_is_no_object_is_given_as_the_log_is_of_one_program(data, kept):
    lines, _, invalid = unwrap("cri", data + b"\n")
    assert (lines, invalid) == (kept, [])

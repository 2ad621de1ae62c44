"""Records of Docker's json-file."""

from __future__ import annotations

import pytest

from tests.support import wrapped
from tests.support.unwrapped import unwrap


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (rb'{"log":"{}\n{\"a\":1}\n","stream":"stdout"}', [b"{}", b'{"a":1}']),
        (rb'{"log":"{}\n\n \n","time":"","attrs":{"x":[1]}}', [b"{}"]),
        (rb'{"log":"{}\r\n","stream":"stderr"}', [b"{}\r"]),
        (rb'{"log":"\n","stream":"stdout"}', []),
        (rb'{"log":"","stream":"stdout"}', []),
        (rb'{"log":"\u00e9\n"}', ["é".encode()]),
    ],
)
def test_what_a_record_holds(data, lines):
    assert unwrap("docker", data + b"\n") == (lines, [0] * len(lines), [])


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"event":"job.succeeded"}', "no record of Docker's json-file"),
        (b'{"log":7}', "no record of Docker's json-file"),
        (b'{"log":"\\ud800\\n"}', "no record of Docker's json-file"),
        (b'{"log":"x\\n","stream":"third"}', "no record of Docker's json-file"),
        (b'{"log":"x\\n"', "no record of Docker's json-file"),
        (b'{"log":"x\\n","x":' + b"[" * 99_999, "no record of Docker's json-file"),
        (b'{"log":"\xff\\n"}', "no record of Docker's json-file"),
    ],
)
def test_what_is_no_record_is_reported(line, reason):
    good = wrapped.EACH["docker"][1]([b"{}"])
    data = good + b"\n \n" + line + b"\n" + good
    lines, _, [(at, why)] = unwrap("docker", data, offset=10)
    assert lines == [b"{}", b"{}"]
    assert at == 10 + len(good) + 3
    assert reason in why


@pytest.mark.parametrize(
    ("data", "kept"),
    [
        (b'{"log":"Listening\\n"}', [b"Listening"]),
    ],
)
def test_text_that_is_no_object_is_given_as_the_log_is_of_one_program(data, kept):
    lines, _, invalid = unwrap("docker", data + b"\n")
    assert (lines, invalid) == (kept, [])

"""Lines of other programs become outcomes as their mapping says."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from msgspec import UNSET

from events.formats.toml.mapping_file import parse_mapping
from events.formats.translator import Compiled, Translator

SIMPLE = """
name = "simple"
[[outcomes]]
is = "succeeded"
when = { msg = "ok" }
[[outcomes]]
is = "failed"
when = { msg = "bad" }
[[outcomes]]
is = "dead"
when = { msg = "lost" }
[[outcomes]]
is = "skipped"
when = { msg = "none" }
[fields]
timestamp = "at"
duration = { field = "took", unit = "us" }
error_type = "error"
"""


@pytest.fixture
def simple():
    return Translator(parse_mapping(SIMPLE, "simple.toml"))


def test_the_four_ways_to_end(simple):
    found = simple.lines(b'{"msg":"ok"}\n{"msg":"bad"}\n{"msg":"lost"}\n{"msg":"none"}\n')
    assert [(each.event, each.to_dlq) for each in found] == [
        ("job.succeeded", False),
        ("job.failed", False),
        ("job.failed", True),
        ("job.skipped", False),
    ]


def test_fields_come_in_our_units(simple):
    (found,) = simple.lines(b'{"msg":"ok","at":"2026-11-24T13:00:00.5+01:00","took":12}\n')
    assert found.timestamp == datetime(2026, 11, 24, 12, 0, 0, 500_000, UTC)
    assert found.duration_ns == 12_000


def test_what_is_missing_is_not_invented(simple):
    (found,) = simple.lines(b'{"msg":"bad"}\n')
    assert (found.timestamp, found.duration_ns, found.error_type) == (UNSET, UNSET, "unknown")
    assert found.stream is UNSET
    assert found.seq is UNSET


def test_other_lines_are_ignored_and_invalid_ones_reported_with_their_place(simple):
    told = []
    data = b'{"msg":"start"}\n\n \r\nnoise\n{"msg":"ok","took":-1}\n{"msg":"ok"}\n'
    found = simple.lines(data, 100, lambda offset, reason: told.append((offset, reason)))
    assert len(found) == 1
    assert [offset for offset, _ in told] == [
        100 + data.index(b"noise"),
        100 + data.index(b'{"msg":"ok","took"'),
    ]
    assert told[0][1].startswith("not JSON: ")
    assert told[1][1] == "duration: took: a time is not below 0, as -1 is"


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"msg":"ok"', "not JSON: Expecting ',' delimiter (character 12)"),
        (b"[]", "JSON, but no object"),
        (b'{"msg":"ok","x":"\xff"}', "not UTF-8 at byte 17"),
        (b'{"msg":"ok","x":"\\udc00"}', "holds half a surrogate pair, which is no Unicode text"),
        (b'{"msg":"ok","x":' + b"[" * 200 + b"]" * 200 + b"}", "nested deeper than 200"),
        (b'{"msg":"ok","x":NaN}', "not JSON: NaN is no number there"),
        (b'{"msg":"ok","took":"1"}', "duration: took: a number is wanted, not the text '1'"),
        (b'{"msg":"ok","took":1e999}', "duration: took: a number is wanted, not the text '1e999'"),
        (
            b'{"msg":"ok","at":"yesterday"}',
            "timestamp: at: the text 'yesterday' is no time with an offset as RFC 3339 has it",
        ),
        (
            b'{"msg":"ok","at":"9999-12-31T23:59:59-01:00"}',
            "timestamp: at: before the year 1 or after 9999 in UTC",
        ),
        (b'{"msg":"bad","error":["x"]}', "error_type: error: a text is wanted, not a list"),
    ],
)
def test_lines_that_are_invalid_spoil_no_others(line, reason, fast):
    mapping = parse_mapping(SIMPLE, "simple.toml")
    told = []
    good = b'{"msg":"ok","took":5}\n'
    found = Translator(mapping, compiled=Compiled(mapping, fast=fast)).lines(
        good + line + b"\n" + good, 7, lambda offset, why: told.append((offset, why))
    )
    assert [each.duration_ns for each in found] == [5000, 5000]
    assert told == [(7 + len(good), reason)]


def test_errors_are_looked_for_in_failures_only(simple):
    (found,) = simple.lines(b'{"msg":"ok","error":["x"]}\n')
    assert found.error_type == "unknown"


def test_times_stop_at_the_largest(simple):
    (found,) = simple.lines(b'{"msg":"ok","took":%d}\n' % 10**25)
    assert found.duration_ns == 2**63 - 1


def test_large_blocks_keep_their_order_and_places(simple):
    lines = [b'{"msg":"ok","took":%d}\n' % number for number in range(20_000)]
    lines[12_345] = b"noise\n"
    lines[15_000] = b'{"msg":"bad"}\n'
    told = []
    found = simple.lines(b"".join(lines), 0, lambda offset, _: told.append(offset))
    expected = [number * 1000 for number in range(20_000) if number not in {12_345, 15_000}]
    assert [each.duration_ns for each in found if each.duration_ns is not UNSET] == expected
    assert found[14_999].event == "job.failed"
    assert told == [sum(map(len, lines[:12_345]))]


def test_sums_say_the_same_as_the_outcomes(simple):
    data = b'{"msg":"ok","took":5,"at":"2026-11-24T12:00:00Z"}\n{"msg":"bad","error":"E"}\nnoise\n'
    told = []
    sums = simple.sums(data, report=lambda offset, _: told.append(offset))
    assert (sums.succeeded, sums.failed, sums.dead, sums.high) == (1, 1, 0, 1)
    assert sums.errors == {"E": 1}
    assert sorted(sums.latency_ns) == [0, 5000]
    assert sums.earliest == sums.newest == datetime(2026, 11, 24, 12, tzinfo=UTC)
    assert len(told) == 1


def test_line_by_line_the_outcomes_are_the_same_and_say_which_line_they_are_of():
    data = b'{"msg":"ok","id":1}\nnoise\n{"msg":"bad","id":2}\n{"msg":"why","id":2,"e":"E"}\n'
    mapping = parse_mapping(
        SIMPLE
        + """
[[companions]]
position = "after"
of = ["failed"]
same = ["id"]
when = { msg = "why" }
within_lines = 9
[companions.fields]
error_type = "e"
""",
        "simple.toml",
    )
    alone, told = Translator(mapping), []
    found = [alone.line(line, lambda *why: told.append(why)) for line in data.splitlines()[:3]]
    assert [[each.line for each in settled] for settled in found] == [[1], [], []]
    assert [offset for offset, _ in told] == [0]
    assert [(each.line, each.outcome.error_type) for each in alone.unsettled()] == [(3, "unknown")]
    found.append(alone.line(data.splitlines()[3]))
    all_of_them = [each.outcome for settled in found for each in settled]
    assert all_of_them == Translator(mapping).lines(data)
    assert found[-1][0].line == 3
    assert alone.unsettled() == []

"""Lines of other programs become outcomes as their mapping says."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from msgspec import UNSET

from events.formats.mapping_file import parse_mapping
from events.formats.translator import Translator

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

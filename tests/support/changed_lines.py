"""Hypothesis strategies for lines of all sorts, mixed: valid, changed, invalid, out of order."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from tests.support.event_lines import (
    as_line,
    invalid_lines,
    loose_outcomes,
    outcomes,
    spoilt_outcomes,
    streams,
)

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn

KEYS = [
    *("event", "v", "stream", "seq", "timestamp", "retry_at", "attempt", "duration_ns", "wait_ns"),
    *("confidence", "error_type", "to_dlq", "warnings", "duration", "level", "job_id", "kind"),
    *("scene_id", "error", "policy", "exception", "trace_id", "epoch", "host", "pid", "version"),
    *("", "other", "\\u0065vent", "é"),
]
VALUES = [
    *("0", "1", "2", "-1", "-0", "01", "1.0", "1e3", "1e999", "0.", ".5", "-5.5E-3", "NaN"),
    *("9223372036854775807", "9223372036854775808", "99999999999999999999"),
    *("null", "true", "false", "tru", "nul", "[]", "{}", '[1,{"a":[]}]', "[1,]", '{"a":1,}'),
    *('""', '"x"', '"high"', '"h\\u0069gh"', '"\\ud800"', '"\\ud83d\\ude00"', '"é"', '"\\x"'),
    *('"job.succeeded"', '"job.failed"', '"job.skipped"', '"stream.opened"', '"a\tb"', '"\\/"'),
    *('"2024-02-29T23:59:59.5Z"', '"2026-02-29T00:00:00Z"', '"2026-11-24T12:00:60Z"'),
    *('"2026-11-24t12:00:00z"', '"0001-01-01T00:00:00Z"', '"0000-01-01T00:00:00Z"'),
    *('"9999-12-31T23:59:59.999999Z"', '"2026-11-24T12:00:00.1234567Z"', '"2026-11-24 12:00Z"'),
    *('"2026-11-24T12:00:00-00:00"', '"1969-12-31T23:59:59Z"', '"2026-13-01T00:00:00Z"'),
    "[" * 70 + "]" * 70,
]


@st.composite
def changed(draw: DrawFn, line: bytes) -> bytes:
    """A line with a field that is another, doubled or gone, with blanks, or with a byte changed."""
    fields = {f'"{key}"': json.dumps(value) for key, value in json.loads(line).items()}
    how = draw(st.integers(0, 3))
    if how == 0:
        fields[draw(st.sampled_from([*fields, f'"{draw(st.sampled_from(KEYS))}"']))] = draw(
            st.sampled_from(VALUES)
        )
    elif how == 1:
        del fields[draw(st.sampled_from([*fields]))]
    pairs = [f"{key}:{value}" for key, value in fields.items()]
    if how == 2:
        pairs.append(f'"{draw(st.sampled_from(KEYS))}":{draw(st.sampled_from(VALUES))}')
        pairs = draw(st.permutations(pairs))
    comma = draw(st.sampled_from([",", ", ", " ,\t"]))
    text = f"{{{comma.join(pairs)}}}".encode()
    if how == 3:
        at = draw(st.integers(0, len(text) - 1))
        new = draw(st.binary(max_size=2).filter(lambda new: b"\n" not in new))
        text = text[:at] + new + text[at + draw(st.integers(0, 2)) :]
    return text + draw(st.sampled_from([b"", b" ", b"\r", b"x"])) + b"\n"


@st.composite
def lines(draw: DrawFn) -> list[bytes]:
    """Lines of some streams: as they were written, changed, invalid, again, out of order."""
    events = [*draw(streams("a")), *draw(streams("b", max_size=4))]
    events += draw(st.lists(loose_outcomes(), max_size=2))
    events += draw(st.lists(outcomes("a", draw(st.integers(0, 12))), max_size=2))
    found = [as_line(event, ascii_only=draw(st.booleans())) for event in events]
    found += draw(st.lists(invalid_lines() | spoilt_outcomes("a", 3), max_size=2))
    found += draw(st.lists(st.sampled_from([b"\n", b" \t\n"]), max_size=1))
    is_mixed = draw(st.booleans())
    if found and is_mixed:
        found += draw(st.lists(st.sampled_from(found), max_size=3))
        found = draw(st.permutations(found))
    valid = [place for place, line in enumerate(found) if line.startswith(b"{") and _is_json(line)]
    for place in draw(st.sets(st.sampled_from(valid), max_size=3)) if valid else ():
        found[place] = draw(changed(found[place]))
    return [line.rstrip(b"\n").replace(b"\n", b"") + b"\n" for line in found]


def _is_json(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False

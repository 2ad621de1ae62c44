"""Exported outcomes, read again in the format that they were written in, add up to the same."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from events.clock import format_timestamp
from events.codec import decode
from events.formats.export.exporter import Exporter
from events.formats.presets import load_preset
from events.formats.translator import Translator
from events.model import FIRST_US, LAST_US, OUTCOMES
from projections.tallying import tally_outcomes
from tests.support.strategies import durations_ns

names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters=".\n"), min_size=1)


@st.composite
def outcomes(draw, events=sorted(OUTCOMES)):  # noqa: B008 - a constant, never changed
    event = draw(st.sampled_from(events))
    fields = {
        "event": event,
        "timestamp": format_timestamp(draw(st.integers(FIRST_US, LAST_US))),
        "job_id": draw(st.integers(-(2**63), 2**63 - 1)),
        "attempt": draw(st.integers(1, 2**63 - 1)),
    }
    optional = {
        "kind": st.text(st.characters(exclude_categories=["Cs"])),
        "duration_ns": durations_ns(),
        "wait_ns": durations_ns(),
        "duration": st.floats(0, 1e9),
        "warnings": st.integers(0, 9),
    }
    if event == "job.succeeded":
        optional["confidence"] = st.sampled_from(["high", "low", "guess"])
    if event == "job.failed":
        optional |= {
            "error_type": names,
            "error": st.text(st.characters(exclude_categories=["Cs"])),
        }
        optional["to_dlq"] = st.booleans()
    fields |= draw(st.fixed_dictionaries({}, optional=optional))
    return decode(json.dumps(fields).encode())


def read_again(lines, preset):
    mapping = load_preset(preset)
    exporter = Exporter(mapping)
    written = [exporter.line(line) for line in lines]
    assert None not in written
    invalid: list[str] = []
    found = Translator(mapping).lines(b"".join(written), 0, lambda _, why: invalid.append(why))
    assert (invalid, len(found)) == ([], len(lines))
    return found


@given(st.lists(outcomes(["job.succeeded", "job.failed"]), max_size=6))
def test_ecs_tells_of_the_same_attempts_times_and_errors(lines):
    again = read_again(lines, "ecs")
    ours, theirs = tally_outcomes(lines), tally_outcomes(again)
    for name in ("succeeded", "failed", "errors", "time_ns", "latency_ns"):
        assert getattr(ours, name) == getattr(theirs, name), name
    assert [line.timestamp for line in lines] == [line.timestamp for line in again]


@given(st.lists(outcomes(), max_size=6))
def test_structlog_tells_of_all_that_counts(lines):
    again = read_again(lines, "structlog")
    assert tally_outcomes(again) == tally_outcomes(lines)
    assert [line.timestamp for line in lines] == [line.timestamp for line in again]
    assert [str(line.job_id) for line in lines] == [line.job for line in again]

from __future__ import annotations

import pytest
from msgspec import UNSET

from events.errors import InvalidLineError
from events.formats.lines.building import build, changes_by, kind_of, take
from events.formats.mapping import ENDINGS, Companion, Mapping, Source

MAPPING = Mapping(
    "m",
    fields=(
        ("duration", (Source(("ms",), unit="ms"),)),
        ("error_type", (Source(("err",)),)),
        ("job", (Source(("id",)),)),
    ),
    dimensions=(("queue", (Source(("q",)),)), ("duration", (Source(("ms",)),))),
)


@pytest.mark.parametrize("kind", ENDINGS)
def test_an_outcome_is_of_its_kind(kind):
    outcome = build(MAPPING, kind, {}.get)
    assert kind_of(outcome) == kind
    assert (outcome.duration_ns, outcome.job, outcome.dimensions) == (UNSET, "", {})


def test_fields_and_what_is_kept_beside_them():
    line = {"ms": 5, "id": 7, "err": "E", "q": [1]}
    outcome = build(MAPPING, "failed", line.get)
    assert (outcome.duration_ns, outcome.job, outcome.error_type) == (5_000_000, "7", "E")
    assert outcome.dimensions == {"queue": "[1]", "duration": 5}


def test_errors_are_of_failures_only():
    line = {"err": ["no text"]}
    assert build(MAPPING, "succeeded", line.get).error_type == "unknown"
    with pytest.raises(InvalidLineError, match="error_type: err: a text is wanted, not a list"):
        build(MAPPING, "dead", line.get)
    assert take(MAPPING.fields, line.get, failed=False) == {}


def test_what_a_companion_changes():
    companion = Companion(
        "after", ("failed",), (), (), within_lines=1, kind="dead", fields=MAPPING.fields
    )
    assert changes_by(companion, {"ms": 1, "err": "E"}.get) == {
        "duration_ns": 1_000_000,
        "error_type": "E",
        "event": "job.failed",
        "to_dlq": True,
    }

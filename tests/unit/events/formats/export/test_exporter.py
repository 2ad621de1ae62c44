"""Our outcomes as another program's lines."""

from __future__ import annotations

import json
import logging

import ecs_logging
import msgspec
import pytest

from events.codec import decode
from events.formats.export.exporter import Exporter, ExportError
from events.formats.outcome import Foreign
from events.formats.presets import load_preset
from events.formats.recognition import Recognised, recognise
from events.formats.toml.mapping_file import read_mapping
from events.formats.translator import Translator
from events.limits import MAX_LINE_BYTES
from events.model import MAX_COUNT, Line

TIMESTAMP = "2026-11-24T12:00:02.000001Z"
SUCCEEDED = {
    "event": "job.succeeded",
    "timestamp": TIMESTAMP,
    "level": "info",
    "job_id": 42,
    "kind": "metadata",
    "attempt": 2,
    "duration_ns": 1_534_000_001,
    "wait_ns": 20_000_000,
    "confidence": "guess",
    "trace_id": "0af7651916cd43dd8448eb211c80319c",
    "span_id": "b7ad6b7169203331",
}
FAILED = {
    "event": "job.failed",
    "timestamp": TIMESTAMP,
    "job_id": 43,
    "duration_ns": 900_000,
    "error_type": "PlexNotFound",
    "error": "no item for /media/a.mkv",
}


def outcome(fields: dict[str, object], **more: object) -> Line:
    return decode(json.dumps(fields | more).encode())


def exported(line: Line, mapping="ecs") -> dict[str, object]:
    """The one object that is written, its keys in order."""
    exporter = Exporter(load_preset(mapping) if isinstance(mapping, str) else mapping)
    data = exporter.line(line)
    assert data is not None
    assert data.count(b"\n") == 1
    found: dict[str, object] = json.loads(data)
    return found


def again(line: Line, mapping="ecs") -> Foreign:
    """What the format's reader makes of the line."""
    mapping = load_preset(mapping) if isinstance(mapping, str) else mapping
    data = Exporter(mapping).line(line)
    [found] = Translator(mapping).lines(data, 0, pytest.fail)
    return found


@pytest.fixture
def made(tmp_path):
    def make(text: str):
        path = tmp_path / "mapping.toml"
        path.write_text(f'name = "own"\n{text}')
        return read_mapping(path)

    return make


# ECS ----------------------------------------------------------------------------------------------


def test_an_ecs_line_is_as_elastics_own_loggers_begin_it():
    record = logging.LogRecord("sync", logging.INFO, "sync.py", 7, "synced", (), None)
    theirs = json.loads(ecs_logging.StdlibFormatter().format(record))
    ours = exported(outcome(SUCCEEDED))
    assert list(ours)[:4] == list(theirs)[:4]
    assert ours["ecs.version"] == theirs["ecs.version"]
    assert type(ours["@timestamp"]) is type(theirs["@timestamp"])


def test_a_success_in_ecs():
    assert exported(outcome(SUCCEEDED)) == {
        "@timestamp": TIMESTAMP,
        "log.level": "info",
        "message": "metadata job 42 succeeded",
        "ecs.version": "1.6.0",
        "trace.id": SUCCEEDED["trace_id"],
        "span.id": SUCCEEDED["span_id"],
        "event": {
            "outcome": "success",
            "duration": 1_534_000_001,
            "id": "42",
            "action": "metadata",
        },
    }


def test_a_failure_in_ecs():
    assert exported(outcome(FAILED)) == {
        "@timestamp": TIMESTAMP,
        "log.level": "warning",
        "message": "job 43 failed: PlexNotFound: no item for /media/a.mkv",
        "ecs.version": "1.6.0",
        "event": {"outcome": "failure", "duration": 900_000, "id": "43"},
        "error": {"type": "PlexNotFound", "message": "no item for /media/a.mkv"},
    }


def test_a_death_is_a_failure_where_the_format_knows_no_more():
    found = exported(outcome(FAILED, to_dlq=True, error="", duration_ns=0))
    assert found["event"] == {"outcome": "failure", "duration": 0, "id": "43"}
    assert found["error"] == {"type": "PlexNotFound"}
    assert (found["log.level"], found["message"]) == (
        "error",
        "job 43 failed for good: PlexNotFound",
    )


def test_what_the_format_cannot_tell_of_is_not_written():
    skipped = outcome({"event": "job.skipped", "timestamp": TIMESTAMP})
    assert Exporter(load_preset("ecs")).line(skipped) is None
    assert exported(skipped, "structlog")["event"] == "job.skipped"


def test_a_line_with_nothing_but_its_outcome():
    bare = outcome({"event": "job.succeeded", "timestamp": TIMESTAMP})
    assert exported(bare) == {
        "@timestamp": TIMESTAMP,
        "log.level": "info",
        "message": "job succeeded",
        "ecs.version": "1.6.0",
        "event": {"outcome": "success"},
    }


def test_ecs_is_recognised_again():
    data = Exporter(load_preset("ecs")).line(outcome(SUCCEEDED))
    assert data is not None
    assert recognise(data) == Recognised("ecs", None)


def test_seconds_are_written_as_the_nanoseconds_that_they_count_for():
    fields = {"event": "job.succeeded", "timestamp": TIMESTAMP, "duration": 0.1}
    assert exported(outcome(fields))["event"] == {"outcome": "success", "duration": 100_000_000}


def test_no_line_is_longer_than_the_limit_or_breaks_the_log():
    huge = "\x01" * 140_000
    line = outcome(FAILED, error=huge, error_type=huge[:5000], kind="k" * 40_000, level="\n" * 9999)
    data = Exporter(load_preset("ecs")).line(line)
    assert data is not None
    assert len(data) <= MAX_LINE_BYTES
    [found] = Translator(load_preset("ecs")).lines(data, 0, pytest.fail)
    assert found.error == "\x01" * 32_768


# Other formats ------------------------------------------------------------------------------------


def test_structlog_is_read_as_it_was():
    found = again(outcome(SUCCEEDED), "structlog")
    assert (found.event, found.job, found.kind, found.attempt) == (
        "job.succeeded",
        "42",
        "metadata",
        2,
    )
    assert (found.duration_ns, found.wait_ns) == (1_534_000_001, 20_000_000)
    assert found.confidence == "guess"
    dead = again(outcome(FAILED, to_dlq=True), "structlog")
    assert (dead.to_dlq, dead.error_type, dead.error) == (
        True,
        FAILED["error_type"],
        FAILED["error"],
    )


def test_oban_has_microseconds_and_no_bare_error_type():
    found = exported(outcome(FAILED, duration_ns=1500, to_dlq=True), "oban")
    assert (found["source"], found["state"], found["duration"]) == ("oban", "discard", 1.5)
    assert found["error"] == FAILED["error"]
    assert again(outcome(FAILED, wait_ns=7000), "oban").wait_ns == 7000
    assert again(outcome(FAILED), "oban").error_type == "unknown"


def test_a_format_in_which_lines_belong_together_cannot_be_written():
    with pytest.raises(
        ExportError, match=r"^lines of format 'sidekiq' cannot be written: .*several"
    ):
        Exporter(load_preset("sidekiq"))


OUTCOMES = """
[[outcomes]]
is = "succeeded"
when = { state = ["ok", "fine"], "a.b" = 1, gone = { exists = false } }
[[outcomes]]
is = "failed"
when = { ok = false }
"""


def test_the_conditions_of_an_outcome_are_made_true(made):
    mapping = made(OUTCOMES + '[detect]\napp = "x"\n')
    assert exported(outcome(SUCCEEDED), mapping) == {"state": "ok", "a": {"b": 1}, "app": "x"}
    assert exported(outcome(FAILED), mapping) == {"ok": False, "app": "x"}


@pytest.mark.parametrize(
    ("unit", "written"),
    [
        ('"rfc3339"', TIMESTAMP),
        ('"ns"', 1_795_521_602_000_001_000),
        ('"us"', 1_795_521_602_000_001),
        ('"ms"', 1_795_521_602_000.001),
        ('"s"', 1_795_521_602.000001),
    ],
)
def test_times_have_the_unit_of_the_mapping(made, unit, written):
    mapping = made(OUTCOMES + f'[fields]\ntimestamp = {{ field = "at", unit = {unit} }}\n')
    assert exported(outcome(FAILED), mapping) == {"ok": False, "at": written}
    assert again(outcome(FAILED), mapping).timestamp == outcome(FAILED).timestamp


def test_a_field_is_written_at_the_first_place_that_is_free(made):
    mapping = made(
        OUTCOMES
        + '[fields]\njob = ["list.0.id", "ok.id", "ok"]\nkind = ["state", "what.kind"]\n'
        + 'error = "ok"\n'
    )
    found = exported(outcome(FAILED, kind="k"), mapping)
    assert found == {"ok": False, "ok.id": "43", "state": "k"}


def test_what_only_an_expression_or_two_moments_tell_is_left_out(made):
    mapping = made(
        OUTCOMES
        + "[fields]\nerror_type = { field = \"text\", regex = '^E: (.*)' }\n"
        + 'duration = { from = "begin", to = "end", unit = "s" }\nkind = { value = "fixed" }\n'
    )
    assert exported(outcome(FAILED, kind="k"), mapping) == {"ok": False}


def test_dimensions_are_written_where_they_are_known(made):
    mapping = made(OUTCOMES + '[dimensions]\nqueue = "labels.queue"\n')
    line = Foreign(event="job.failed", job="j-7", dimensions={"queue": "low", "other": 1})
    assert exported(line, mapping) == {"ok": False, "labels": {"queue": "low"}}
    assert exported(outcome(FAILED), mapping) == {"ok": False}


@pytest.mark.parametrize("asked", ["{ matches = '^x' }", "{ exists = true }"])
def test_a_rule_that_asks_for_what_nobody_can_make_up(made, asked):
    rule = f'[[outcomes]]\nis = "failed"\nwhen = {{ "msg.text" = {asked} }}\n'
    with pytest.raises(ExportError, match=r"is told by .* at 'msg\.text', which is no field"):
        Exporter(made(rule))
    mapping = made(rule + '[fields]\nkind = "msg.text"\n')
    assert exported(outcome(FAILED, kind="xy"), mapping) == {"msg": {"text": "xy"}}
    assert Exporter(mapping).line(outcome(FAILED)) is None


def test_an_earlier_rule_that_would_take_the_line_is_seen(made):
    mapping = made(
        '[[outcomes]]\nis = "skipped"\nwhen = { s = "x" }\n'
        '[[outcomes]]\nis = "failed"\nwhen = { s = ["x", "y"] }\n'
    )
    assert Exporter(mapping).line(outcome(FAILED)) is None


def test_the_longest_times_are_written():
    longest = outcome(SUCCEEDED, duration_ns=MAX_COUNT, wait_ns=MAX_COUNT)
    assert again(longest).duration_ns == MAX_COUNT
    assert again(longest, "structlog").wait_ns == MAX_COUNT
    assert again(longest, "oban").duration_ns == MAX_COUNT


def test_a_confidence_that_is_no_text_counts_as_low():
    odd = msgspec.structs.replace(outcome(SUCCEEDED), confidence={"a": 10**99})
    assert exported(odd, "structlog")["confidence"] == "low"

"""The formats that come with the program are understood as their programs write them."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime

import ecs_logging
import pytest
import structlog

from events.formats.names import PRESETS
from events.formats.presets import load_preset, preset_text
from events.formats.toml.mapping_file import MappingError
from events.formats.translator import Translator


def translated(preset: str, *lines: object, reasons: list[str] | None = None):
    data = b"".join(
        (line if isinstance(line, bytes) else json.dumps(line).encode()) + b"\n" for line in lines
    )
    kept = [] if reasons is None else reasons
    found = Translator(load_preset(preset)).lines(data, report=lambda _, why: kept.append(why))
    if reasons is None:
        assert kept == []
    return found


def ends(found) -> list[str]:
    return ["dead" if each.to_dlq else each.event.removeprefix("job.") for each in found]


@pytest.mark.parametrize("name", PRESETS)
def test_presets_are_there_and_named_as_they_are_called(name):
    assert load_preset(name).name == name
    assert load_preset(name) is load_preset(name)
    assert load_preset(name).description
    assert load_preset(name).detect
    assert preset_text(name).startswith(f'name = "{name}"\n')


def test_there_is_no_other_preset():
    with pytest.raises(MappingError, match="no preset 'nginx'; there are ecs, oban"):
        load_preset("nginx")


def oban(**more: object) -> dict[str, object]:
    return {
        "time": "2026-11-24T12:00:00.123456Z",
        "source": "oban",
        "event": "job:stop",
        "state": "success",
        "duration": 12,
        "queue_time": 3000,
        "id": 7,
        "attempt": 2,
        "max_attempts": 20,
        "worker": "App.Sync",
        "queue": "default",
        **more,
    }


def test_oban():
    (found,) = translated("oban", oban())
    assert found.timestamp == datetime(2026, 11, 24, 12, 0, 0, 123456, UTC)
    assert (found.duration_ns, found.wait_ns) == (12_000, 3_000_000)
    assert (found.job, found.kind, found.attempt) == ("7", "App.Sync", 2)
    assert found.dimensions == {"queue": "default"}


def test_the_ends_of_oban():
    states = ["success", "failure", "discard", "cancelled", "snoozed"]
    lines = [
        oban(state=state, event="job:exception" if state in {"failure", "discard"} else "job:stop")
        for state in states
    ]
    found = translated(
        "oban", oban(event="job:start", state="executing"), *lines, {"source": "oban"}
    )
    assert ends(found) == ["succeeded", "failed", "dead", "skipped", "skipped"]


@pytest.mark.parametrize(
    ("error", "error_type", "message"),
    [
        ("** (RuntimeError) boom", "RuntimeError", "boom"),
        (
            "** (DBConnection.ConnectionError) tcp\nclosed",
            "DBConnection.ConnectionError",
            "tcp\nclosed",
        ),
        ("something else", "unknown", "something else"),
        (None, "unknown", ""),
    ],
)
def test_errors_of_oban(error, error_type, message):
    (found,) = translated("oban", oban(event="job:exception", state="failure", error=error))
    assert (found.error_type, found.error) == (error_type, message)


def test_ecs_as_its_own_formatter_writes_it():
    render = ecs_logging.StructlogFormatter()
    lines = [
        render(logging.getLogger(), "info", fields).encode()
        for fields in (
            {"event": "done", "event.outcome": "success", "event.duration": 12},
            {"event": "done", "event.outcome": "failure", "error.type": "app.errors.NotFound"},
            {"event": "done", "event.outcome": "unknown"},
            {"event": "nothing"},
        )
    ]
    found = translated("ecs", *lines)
    assert ends(found) == ["succeeded", "failed"]
    assert found[0].duration_ns == 12
    assert found[0].timestamp.tzinfo is not None
    assert found[1].error_type == "NotFound"


def test_ecs_nested_and_dotted_and_both():
    nested = {
        "@timestamp": "2026-11-24T12:00:00Z",
        "event": {"outcome": "failure", "duration": 5, "action": "sync"},
        "error": {"type": "KeyError", "message": "x"},
    }
    dotted = {
        "@timestamp": "2026-11-24T12:00:00Z",
        "event.outcome": "failure",
        "event.duration": 5,
        "event.action": "sync",
        "error.type": "KeyError",
        "error.message": "x",
    }
    both = {**nested, "event.outcome": "success", "event.duration": 9, "error.type": "E"}
    halves = {
        **{key: nested[key] for key in ("@timestamp", "event")},
        "error.type": "KeyError",
        "error.message": "x",
    }
    first, *others = translated("ecs", nested, dotted, both, halves, *[dotted] * 3, nested)
    assert (first.duration_ns, first.kind, first.error_type, first.error) == (
        5,
        "sync",
        "KeyError",
        "x",
    )
    assert others == [first] * 7


def _traceback():
    try:
        return 1 / 0
    except ZeroDivisionError as error:
        return error.__traceback__


def log_of(renderer_input, **fields: object) -> bytes:
    out: list[str] = []
    logger = structlog.wrap_logger(
        structlog.testing.CapturingLogger(),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            renderer_input,
            structlog.processors.JSONRenderer(),
            lambda _, __, text: out.append(text) or {"event": text},
        ],
    )
    error = LookupError("no item:\nfor it")
    error.__traceback__ = _traceback()
    logger.error("job_failed", exc_info=error, **fields)
    return out[0].encode()


@pytest.mark.parametrize(
    "renderer_input",
    [structlog.processors.format_exc_info, structlog.processors.dict_tracebacks],
    ids=["text", "structured"],
)
def test_structlog_tells_the_error_in_its_traceback(renderer_input):
    (found,) = translated("structlog", log_of(renderer_input, duration_ms=1.5, job_id=3))
    assert (found.event, found.error_type) == ("job.failed", "LookupError")
    assert (found.duration_ns, found.job) == (1_500_000, "3")
    assert found.timestamp.year >= 2026


@pytest.mark.parametrize(
    ("event", "end"),
    [
        ("job.succeeded", "succeeded"),
        ("job_succeeded", "succeeded"),
        ("task finished", None),
        ("job.failed", "failed"),
        ("job_dead", "dead"),
        ("job.skipped", "skipped"),
        ("request_finished", None),
    ],
)
def test_the_ends_of_structlog(event, end):
    assert ends(translated("structlog", {"event": event})) == ([] if end is None else [end])


@pytest.mark.parametrize(
    ("fields", "ns"),
    [
        ({"duration_ns": 1}, 1),
        ({"duration_us": 1}, 1_000),
        ({"duration_ms": 0.5}, 500_000),
        ({"duration_s": 0.001}, 1_000_000),
        ({"duration": 2}, 2_000_000_000),
        ({"elapsed": 0.25, "duration": None}, 250_000_000),
    ],
)
def test_the_durations_of_structlog(fields, ns):
    (found,) = translated("structlog", {"event": "job.succeeded", **fields})
    assert found.duration_ns == ns


def test_our_own_way_to_say_dead_is_understood_by_structlogs_preset():
    assert ends(translated("structlog", {"event": "job.failed", "to_dlq": True})) == ["dead"]
    assert ends(translated("structlog", {"event": "job.failed", "to_dlq": False})) == ["failed"]

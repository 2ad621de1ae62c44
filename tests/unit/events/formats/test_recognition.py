"""What a log is, by its first lines."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import ecs_logging
import pytest
import structlog

from events.formats.names import PRESETS
from events.formats.recognition import Recognised, recognise
from tests.support import wrapped
from tests.support.lines import event_line, outcome_line

DATA = Path(__file__).parents[3] / "data"
SIDEKIQ = (DATA / "sidekiq-6.4.1-sample.jsonl").read_bytes().splitlines()


def ecs() -> list[bytes]:
    record = logging.LogRecord("sync", logging.INFO, "sync.py", 7, "synced", (), None)
    return [ecs_logging.StdlibFormatter().format(record).encode()] * 3


def structured() -> list[bytes]:
    stamp = structlog.processors.TimeStamper(fmt="iso", utc=True)
    render = structlog.processors.JSONRenderer()
    event = stamp(None, "info", {"event": "job_succeeded", "level": "info", "duration_s": 1.5})
    return [str(render(None, "info", event)).encode()] * 3


def oban() -> list[bytes]:
    job = {"source": "oban", "event": "job:stop", "worker": "Sync", "state": "success", "id": 1}
    return [json.dumps(job).encode(), json.dumps(job | {"event": "job:start"}).encode()]


def native() -> list[bytes]:
    return [
        event_line(0, event="stream.opened", epoch="x7f2").strip(),
        outcome_line(1, level="info").strip(),
        event_line(2).strip(),
    ]


LOGS = {"native": native(), "ecs": ecs(), "oban": oban(), "structlog": structured()}
LOGS["sidekiq"] = SIDEKIQ


def joined(lines) -> bytes:
    return b"".join(line + b"\n" for line in lines)


def test_every_format_is_tried_here():
    assert set(LOGS) == {"native", *PRESETS}


@pytest.mark.parametrize("format_", LOGS)
def test_a_log_by_itself(format_):
    assert recognise(joined(LOGS[format_])) == Recognised(format_, None)


@pytest.mark.parametrize("format_", LOGS)
@pytest.mark.parametrize("form", sorted(wrapped.EACH))
def test_a_wrapped_log(format_, form):
    wrapping, wrap = wrapped.EACH[form]
    assert recognise(wrap(LOGS[format_])) == Recognised(format_, wrapping)


def test_our_outcomes_without_stream_are_ours_if_they_name_their_version():
    outcome = {"event": "job.failed", "timestamp": "2026-11-24T12:00:00Z", "level": "warning"}
    assert recognise(joined([json.dumps(outcome | {"v": 1}).encode()])) == Recognised(
        "native", None
    )
    assert recognise(joined([json.dumps(outcome).encode()])) == Recognised("structlog", None)


def test_what_fits_most_lines_is_chosen():
    others = [b"Listening on port 80", b"", b"{}", b"[]", b'{"event":["job.failed"],"v":1}']
    assert recognise(joined([*others, *LOGS["ecs"][:1]])) == Recognised("ecs", None)
    assert recognise(joined([*LOGS["ecs"][:1], *oban()])) == Recognised("oban", None)
    assert recognise(wrapped.docker([*LOGS["ecs"][:1], *oban()])) == Recognised("oban", "docker")
    system = wrapped.rfc3164([b"a session was opened"] * 150 + LOGS["ecs"])
    assert recognise(system) == Recognised("ecs", "syslog")


def test_only_the_first_lines_are_looked_at():
    text = [b"plain text"]
    assert recognise(joined([*text * 199, *oban()])) == Recognised("oban", None)
    assert recognise(joined([*text * 200, *oban()])) is None
    assert recognise(joined([*[b"  "] * 200, *oban()])) == Recognised("oban", None)


def test_a_line_that_was_split_shows_what_it_is():
    long = json.dumps({"ecs.version": "1.6.0", "message": "m" * 100_000}).encode()
    assert recognise(wrapped.cri([long])) == Recognised("ecs", "cri")


@pytest.mark.parametrize(
    "sample",
    [
        b"",
        b"\n",
        b"hello\n",
        b"{}\n[]\n1\nnull\n",
        b"\xff\xfe\0\n",
        wrapped.docker([b"hello", b"{}"]),
        b'{"stream":"a"}\n{"seq":1}\n{"stream":"a","seq":true}\n{"stream":1,"seq":1}\n',
        joined(oban()[:1])[:-1],
        b'{"v":1,"event":"worker.started"}\n',
    ],
)
def test_what_fits_nothing(sample):
    assert recognise(sample) is None

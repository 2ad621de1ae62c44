from __future__ import annotations

import errno
import itertools
import json
import os
import subprocess
import sys
import textwrap
import threading

import pytest
import structlog

from events.clock import format_timestamp
from events.codec import decode
from events.emitter import RESERVED, Emitter
from events.errors import LogWriteError
from events.exceptions import describe
from events.filesystem import RealFileSystem
from events.log.writer import StreamWriter
from events.model import Failed, Skipped, Succeeded
from events.redaction import MASK, Redactor
from tests.support.faulty_filesystem import FaultyFileSystem
from tests.support.forking import in_forked_child
from tests.support.held_clock import HeldClock

STREAM = "nas-1-x7f2"
NOON_US = 1_795_521_600_000_000  # 2026-11-24T12:00:00Z
OPENED = {"queue_id": "q1", "host": "nas", "pid": 7, "version": "0.1.0"}
ATTEMPT = {"job_id": 42, "kind": "metadata", "scene_id": 7, "attempt": 1}


class Rig:
    """An emitter over a real writer, and what stands in the log."""

    def __init__(self, folder, *, next_seq=0, fs=None, redactor=None, **settings):
        self.folder = folder
        self.clock = HeldClock(NOON_US)
        self.fs = fs or RealFileSystem()
        self.writer = StreamWriter(folder, next_seq=next_seq, fs=self.fs)
        self.emitter = Emitter(
            self.writer,
            stream=STREAM,
            epoch="e1",
            opened=OPENED,
            clock=self.clock,
            redactor=redactor or Redactor(),
            **settings,
        )

    def text(self):
        return b"".join(path.read_bytes() for path in sorted(self.folder.glob("*.jsonl")))

    def events(self):
        return [json.loads(line) for line in self.text().split(b"\n")[:-1]]

    def commit_one(self, event):
        """What the log says of one outcome."""
        self.emitter.outcome(event)
        self.emitter.commit()
        return self.events()[-1]


@pytest.fixture
def make_rig(tmp_path):
    rigs = []

    def make(**settings):
        folder = tmp_path / f"stream{len(rigs)}"
        folder.mkdir()
        rigs.append(Rig(folder, **settings))
        return rigs[-1]

    yield make
    for rig in rigs:
        rig.writer.close()


@pytest.fixture
def rig(make_rig):
    return make_rig()


@pytest.fixture
def _structlog_restored():
    yield
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


# What the lines say


def test_a_success_is_the_line_of_the_format(rig):
    rig.clock.us += 123456
    event = Succeeded(**ATTEMPT, duration_ns=1_534_000_000, wait_ns=20_000_000)
    assert rig.commit_one(event) == {
        "event": "job.succeeded",
        "v": 1,
        "stream": "nas-1-x7f2",
        "seq": 1,
        "timestamp": "2026-11-24T12:00:00.123456Z",
        "level": "info",
        "job_id": 42,
        "kind": "metadata",
        "scene_id": 7,
        "attempt": 1,
        "duration_ns": 1_534_000_000,
        "wait_ns": 20_000_000,
        "confidence": "high",
    }


def test_a_failure_is_the_line_of_the_format(rig):
    rig.clock.us += 2_000_001
    event = Failed(
        job_id=43,
        kind="metadata",
        scene_id=8,
        attempt=2,
        duration_ns=900_000,
        wait_ns=31_000_000_000,
        error_type="PlexNotFound",
        error="no item for /media/a.mkv",
        retry_at_us=NOON_US + 41_500_000,
    )
    assert rig.commit_one(event) == {
        "event": "job.failed",
        "v": 1,
        "stream": "nas-1-x7f2",
        "seq": 1,
        "timestamp": "2026-11-24T12:00:02.000001Z",
        "level": "warning",
        "job_id": 43,
        "kind": "metadata",
        "scene_id": 8,
        "attempt": 2,
        "duration_ns": 900_000,
        "wait_ns": 31_000_000_000,
        "error_type": "PlexNotFound",
        "error": "no item for /media/a.mkv",
        "to_dlq": False,
        "retry_at": "2026-11-24T12:00:41.500000Z",
    }


def test_the_reserved_fields_come_first_as_one_reads_a_line(rig):
    found = rig.commit_one(Skipped(**ATTEMPT))
    assert list(found)[:6] == ["event", "v", "stream", "seq", "timestamp", "level"]


def test_timestamps_follow_the_clock_both_ways(rig):
    told = []
    for step in (0, 1, 999_998, 1, -3_600_000_000, 10**18, -(10**20)):
        rig.clock.us += step
        told.append(rig.emitter.outcome(Skipped(**ATTEMPT)))
    rig.emitter.commit()
    assert [format_timestamp(at_us) for _, at_us in told] == [
        event["timestamp"] for event in rig.events()[1:]
    ]
    assert [event["timestamp"] for event in rig.events()[1:]] == [
        "2026-11-24T12:00:00.000000Z",
        "2026-11-24T12:00:00.000001Z",
        "2026-11-24T12:00:00.999999Z",
        "2026-11-24T12:00:01.000000Z",
        "2026-11-24T11:00:01.000000Z",
        "9999-12-31T23:59:59.999999Z",
        "0001-01-01T00:00:00.000000Z",
    ]


# Epochs and order


def test_nothing_is_written_before_the_first_outcome(rig):
    rig.emitter.emit("worker.started", concurrency=4)
    rig.emitter.commit()
    assert list(rig.folder.iterdir()) == []


def test_the_first_outcome_brings_stream_opened_and_what_was_held_back(make_rig):
    rig = make_rig(next_seq=100)
    started = {"concurrency": 4, "tags": ["a"]}
    rig.emitter.emit("worker.started", **started)
    started["tags"].append("later")
    rig.clock.us += 60_000_000
    assert rig.emitter.outcome(Skipped(**ATTEMPT)).seq == 102
    rig.emitter.emit("batch.summary", level="warning", text="1/1")
    assert rig.emitter.outcome(Skipped(**ATTEMPT)).seq == 104
    assert rig.text() == b""
    assert (rig.emitter.stream, rig.emitter.next_seq) == (STREAM, 105)
    rig.emitter.commit()
    events = rig.events()
    assert [(event["seq"], event["event"]) for event in events] == [
        (100, "stream.opened"),
        (101, "worker.started"),
        (102, "job.skipped"),
        (103, "batch.summary"),
        (104, "job.skipped"),
    ]
    assert events[0] == OPENED | {
        "event": "stream.opened",
        "v": 1,
        "stream": STREAM,
        "seq": 100,
        "timestamp": "2026-11-24T12:01:00.000000Z",
        "level": "info",
        "epoch": "e1",
    }
    assert events[1]["timestamp"] == "2026-11-24T12:00:00.000000Z"
    assert (events[1]["concurrency"], events[1]["tags"]) == (4, ["a"])
    assert events[3]["level"] == "warning"
    assert (rig.folder / "00000000000000000100.jsonl").exists()


def test_an_outcome_goes_through_outcome_only(rig):
    with pytest.raises(ValueError, match="outcome"):
        rig.emitter.emit("job.succeeded")


def test_other_events_cannot_change_the_reserved_fields(rig):
    rig.emitter.outcome(Skipped(**ATTEMPT))
    odd = {"v": 9, "stream": "b", "seq": 99, "timestamp": "never", "event": "job.failed", "self": 1}
    rig.emitter.emit("worker.odd", **odd)
    rig.emitter.commit()
    assert rig.events()[-1] == {
        "event": "worker.odd",
        "v": 1,
        "stream": STREAM,
        "seq": 2,
        "timestamp": "2026-11-24T12:00:00.000000Z",
        "level": "info",
        "self": 1,
    }


def test_the_context_is_in_every_event_but_cannot_say_what_an_outcome_says(make_rig):
    context = dict.fromkeys(RESERVED, True) | {"rack": 3, "self": "me", "api_key": "hunter2"}
    rig = make_rig(context=context | {"host": "nas", 7: "seven", "odd": object()})
    found = rig.commit_one(Skipped(**ATTEMPT))
    assert decode(json.dumps(found).encode()).event == "job.skipped"
    said = {
        "rack": 3,
        "self": "me",
        "api_key": MASK,
        "host": "nas",
        "7": "seven",
        "odd": "<object>",
    }
    assert said.items() <= found.items()
    plain = {"event", "v", "stream", "seq", "timestamp", "level", "duration_ns", *ATTEMPT}
    assert found.keys() == plain | said.keys()
    assert said.items() <= rig.events()[0].items()


def test_events_from_many_threads_are_numbered_without_a_hole(rig):
    def work():
        for _ in range(50):
            rig.emitter.emit("worker.odd")
            rig.emitter.outcome(Skipped(**ATTEMPT))
            rig.emitter.commit()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [event["seq"] for event in rig.events()] == list(range(401))


# Commits


def test_a_commit_is_one_write_and_one_sync(make_rig):
    fs = FaultyFileSystem()
    rig = make_rig(fs=fs)
    for _ in range(3):
        rig.emitter.outcome(Skipped(**ATTEMPT))
    rig.emitter.commit()
    rig.emitter.commit()
    assert (fs.count("write"), fs.count("sync")) == (1, 1)
    assert len(rig.events()) == 4


@pytest.mark.parametrize("operation", ["write", "sync"])
def test_a_failed_commit_is_told_and_no_later_one_succeeds(make_rig, operation):
    rig = make_rig(fs=FaultyFileSystem(faults={(operation, 1): errno.ENOSPC}))
    rig.emitter.outcome(Skipped(**ATTEMPT))
    for _ in range(2):
        with pytest.raises(LogWriteError):
            rig.emitter.commit()
    rig.emitter.outcome(Skipped(**ATTEMPT))
    with pytest.raises(LogWriteError):
        rig.emitter.commit()


# Nothing beside the outcome path can break it


def drop(_logger, _method, _event):
    raise structlog.DropEvent


@pytest.mark.usefixtures("_structlog_restored")
def test_after_a_failed_commit_a_renewed_emitter_goes_on_in_a_new_epoch(make_rig):
    rig = make_rig(fs=FaultyFileSystem(faults={("sync", 2): errno.EIO}))
    rig.commit_one(Succeeded(**ATTEMPT))
    rig.emitter.outcome(Skipped(**ATTEMPT))
    with pytest.raises(LogWriteError):
        rig.emitter.commit()
    rig.emitter.emit("meanwhile")
    with pytest.raises(LogWriteError):
        rig.emitter.commit()
    rig.writer = rig.writer.renew()
    rig.emitter.renew(rig.writer, "e2")
    rig.emitter.emit("held.back")
    rig.commit_one(Succeeded(**ATTEMPT))
    events = rig.events()
    # What was not synced stands twice; each number is one event.
    assert [event["seq"] for event in events] == [0, 1, 2, 2, 3, 4, 5, 6]
    assert events[2] == events[3]
    assert [event["event"] for event in events[3:]] == [
        "job.skipped", "meanwhile", "stream.opened", "held.back", "job.succeeded",
    ]  # fmt: skip
    assert [e["epoch"] for e in events if e["event"] == "stream.opened"] == ["e1", "e2"]


def test_an_emitter_that_was_renewed_before_its_first_outcome_opens_once(make_rig):
    rig = make_rig()
    rig.emitter.emit("held.back")
    rig.writer = rig.writer.renew()
    rig.emitter.renew(rig.writer, "e2")
    rig.commit_one(Succeeded(**ATTEMPT))
    assert [(e["event"], e.get("epoch")) for e in rig.events()] == [
        ("stream.opened", "e2"), ("held.back", None), ("job.succeeded", None),
    ]  # fmt: skip


def test_a_handler_that_configures_structlog_changes_nothing(make_rig):
    def configure():
        structlog.configure(
            processors=[structlog.contextvars.merge_contextvars, drop],
            wrapper_class=structlog.make_filtering_bound_logger(50),
            logger_factory=structlog.ReturnLoggerFactory(),
            cache_logger_on_first_use=True,
        )

    before = make_rig()
    wanted = before.commit_one(Succeeded(**ATTEMPT))
    before.emitter.emit("worker.odd")
    configure()
    assert before.commit_one(Succeeded(**ATTEMPT)) == wanted | {"seq": 3}
    assert [event["event"] for event in before.events()][2] == "worker.odd"
    after = make_rig()
    assert after.commit_one(Succeeded(**ATTEMPT)) == wanted


@pytest.mark.usefixtures("_structlog_restored")
def test_a_handler_that_binds_context_variables_changes_nothing(make_rig):
    rig = make_rig()
    wanted = rig.commit_one(Succeeded(**ATTEMPT))
    structlog.contextvars.bind_contextvars(
        seq=99, to_dlq=True, event="job.failed", stream="b", v=2, confidence="low", x=1
    )
    structlog.configure(processors=[structlog.contextvars.merge_contextvars])
    assert rig.commit_one(Succeeded(**ATTEMPT)) == wanted | {"seq": 2}
    assert make_rig().commit_one(Succeeded(**ATTEMPT)) == wanted


def test_a_handler_that_forks_changes_nothing(rig):
    rig.emitter.outcome(Skipped(**ATTEMPT))
    child = os.fork()
    if child == 0:
        os._exit(3)
    os.waitpid(child, 0)
    rig.emitter.commit()
    assert [event["seq"] for event in rig.events()] == [0, 1]


def test_a_forked_child_cannot_commit(rig):
    rig.emitter.outcome(Skipped(**ATTEMPT))
    assert in_forked_child(rig.emitter.commit).startswith("LogWriteError: a forked child")
    assert rig.text() == b""
    rig.emitter.commit()
    assert len(rig.events()) == 2


class Failing(Redactor):
    def text(self, text):
        raise RuntimeError(text)

    def value(self, value):
        raise RuntimeError(value)


def test_a_redactor_that_raises_masks_and_loses_nothing(make_rig):
    rig = make_rig(redactor=Failing(), context={"rack": "hunter2"})
    rig.emitter.emit("worker.odd", secret="hunter2")
    trace = [{"exc_value": "hunter2"}]
    failed = rig.commit_one(
        Failed(**ATTEMPT, error_type="Odd", error="hunter2", exception=trace, to_dlq=True)
    )
    assert failed["error"] == failed["exception"] == failed["error_type"] == MASK
    assert failed["to_dlq"] is True
    assert rig.commit_one(Succeeded(**ATTEMPT, confidence="hunter2"))["confidence"] == MASK
    assert b"hunter2" not in rig.text()
    assert [event["event"] for event in rig.events()] == [
        "stream.opened",
        "worker.odd",
        "job.failed",
        "job.succeeded",
    ]


def test_secrets_are_masked_in_outcomes_and_other_events(rig):
    url = "GET /?X-Plex-Token=hunter2&a=1"
    trace = [{"exc_type": "E", "exc_value": url, "frames": [{"filename": url, "lineno": 1}]}]
    rig.emitter.outcome(Failed(**ATTEMPT, error_type="E", error=url, exception=trace))
    rig.emitter.outcome(Succeeded(**(ATTEMPT | {"kind": url}), confidence=url))
    rig.emitter.emit("worker.odd", url=url, password="hunter2", nested=[{"token": 5}])
    rig.emitter.commit()
    _, failed, succeeded, odd = rig.events()
    assert b"hunter2" not in rig.text()
    masked = f"GET /?X-Plex-Token={MASK}&a=1"
    assert failed["error"] == failed["exception"][0]["exc_value"] == masked
    assert failed["exception"][0]["frames"] == [{"filename": masked, "lineno": 1}]
    assert succeeded["confidence"] == succeeded["kind"] == odd["url"] == masked
    assert (odd["password"], odd["nested"]) == (MASK, [{"token": MASK}])


def test_a_failure_is_redacted_only_once(rig):
    class Watching(Redactor):
        def __init__(self):
            super().__init__()
            self.seen = []

        def text(self, text):
            self.seen.append(text)
            return super().text(text)

    redactor = Watching()
    emitter = Emitter(
        rig.writer, stream="s", epoch="e", opened={}, clock=rig.clock, redactor=redactor
    )
    name, message, trace = describe(ValueError("password=hunter2"), redactor)
    told = {"error_type": name, "error": message, "exception": trace}
    seen = redactor.seen.copy()
    emitter.outcome(Failed(**ATTEMPT, **told, is_redacted=True))
    assert redactor.seen == [*seen, ATTEMPT["kind"]]
    emitter.outcome(Failed(**ATTEMPT, **told))
    assert len(redactor.seen) > len(seen) + 2
    emitter.commit()
    redacted, again = rig.events()[1:]
    assert redacted == again | {"seq": 1}
    assert "is_redacted" not in redacted


def test_what_tells_one_history_from_another_is_never_masked(make_rig):
    rig = make_rig(redactor=Redactor(extra_patterns=["e1|q1|nas|7|0.1.0"]))
    rig.emitter.outcome(Skipped(**ATTEMPT))
    rig.emitter.commit()
    opened = rig.events()[0]
    assert {name: opened[name] for name in (*OPENED, "epoch", "stream")} == OPENED | {
        "epoch": "e1",
        "stream": STREAM,
    } | {"host": MASK}


def test_counts_of_errors_are_no_secrets_whatever_the_errors_are_called(rig):
    counts = {"InvalidTokenError": 1, "AuthError": 2, "auth": 3}
    rig.emitter.outcome(Skipped(**ATTEMPT))
    rig.emitter.emit("batch.summary", errors_by_type=counts)
    rig.emitter.commit()
    assert rig.events()[-1]["errors_by_type"] == counts


class Unknown:
    def __repr__(self):
        raise ValueError


@pytest.mark.parametrize(
    "odd", ["\ud800", "x" * 3_000_000, "\x00\n\u2028", "", Unknown(), 2**70, float("nan")]
)
def test_an_outcome_of_any_values_is_counted(rig, odd):
    events = [
        Failed(
            job_id=1, kind=odd, attempt=1, error_type=odd, error=odd, policy=odd, exception=[odd]
        ),
        Succeeded(job_id=2**70, kind="x", attempt=2**70, wait_ns=-1, confidence=odd),
    ]
    for event in events:
        rig.emitter.outcome(event)
    rig.emitter.emit("worker.odd", odd=odd, nested={"odd": [odd]})
    rig.emitter.commit()
    lines = rig.text().split(b"\n")[:-1]
    # A kind that is no text at all is a mistake of the caller's; its line still takes up its seq.
    assert [json.loads(line)["seq"] for line in lines] == [0, 1, 2, 3]
    if isinstance(odd, str):
        assert [decode(line).seq for line in lines] == [0, 1, 2, 3]


def test_structlog_is_loaded_with_the_first_emitter_only():
    code = """
        import sys
        from events.emitter import Emitter
        assert "structlog" not in sys.modules
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True)


def test_a_handler_in_a_process_of_its_own_cannot_silence_the_log(tmp_path):
    """All at once, as a hostile handler would do it, in a fresh interpreter."""
    code = f"""
        import os, sys, logging
        from pathlib import Path
        import structlog
        from events.clock import SystemClock
        from events.emitter import Emitter
        from events.filesystem import RealFileSystem
        from events.log.writer import StreamWriter
        from events.model import Succeeded
        from events.redaction import Redactor

        def drop(*_):
            raise structlog.DropEvent

        def handler():
            structlog.configure(
                processors=[drop], wrapper_class=structlog.make_filtering_bound_logger(50)
            )
            structlog.contextvars.bind_contextvars(seq=5, to_dlq=True, event="x", stream="y")
            logging.disable(logging.CRITICAL)
            if os.fork() == 0:
                sys.exit(0)
            os.wait()

        writer = StreamWriter(Path({str(tmp_path)!r}), next_seq=0, fs=RealFileSystem())
        emitter = Emitter(writer, stream="a", epoch="e", opened={{}}, clock=SystemClock(),
                          redactor=Redactor())
        for job in range(3):
            emitter.outcome(Succeeded(job_id=job, kind="k", attempt=1))
            handler()
            emitter.commit()
        writer.close()
    """
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], check=True, capture_output=True
    )
    assert run.stdout == b""
    lines = [decode(line) for line in (tmp_path / f"{0:020}.jsonl").read_bytes().split(b"\n")[:-1]]
    assert [line.seq for line in lines] == [0, 1, 2, 3]
    assert [line.event for line in lines[1:]] == ["job.succeeded"] * 3
    assert not any(line.to_dlq for line in lines)
    assert [line.job_id for line in itertools.islice(lines, 1, None)] == [0, 1, 2]

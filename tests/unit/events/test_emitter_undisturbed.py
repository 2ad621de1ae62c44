"""What handlers, forks and failed commits cannot do to the log."""

from __future__ import annotations

import errno
import itertools
import json
import os
import subprocess
import sys
import textwrap

import pytest
import structlog

from events.codec import decode
from events.errors import LogWriteError
from events.model import Failed, Skipped, Succeeded
from tests.support.emitter_rig import ATTEMPT
from tests.support.faulty_filesystem import FaultyFileSystem
from tests.support.forking import in_forked_child


@pytest.fixture
def _structlog_restored():
    yield
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def drop(_logger, _method, _event):
    raise structlog.DropEvent


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


@pytest.mark.usefixtures("_structlog_restored")
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

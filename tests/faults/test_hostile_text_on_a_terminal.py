"""What a terminal obeys, in every text that anybody else may write, shown by every command.

In a pipe nothing obeyed may come through at all; on a terminal only what rich makes of our own
styles (``ESC [ ... m``, and the moving of the live lines).
"""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING, Any

import pytest

from events.model import Line
from sync_queue.dlq import DeadLetterQueue
from sync_queue.jobs import NewJob
from sync_queue.queue import JobQueue
from tests.support.data_folders import event, opened, write_log
from tests.support.forked_command import forked

if TYPE_CHECKING:
    from pathlib import Path

# A title, a cleared screen, 8-bit CSI, overwriting a line, text backwards, other line ends.
EVIL = "\x1b]0;OWNED\x07\x1b[2J\x9b31m\r\x08\x7f\u202e\u2028\x00E[bold]V"
OBEYED = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
OWN_STYLE = re.compile(r"\x1b\[[0-9;]*m")
SEQS = range(1, 60)


def evil_events() -> list[dict[str, Any]]:
    """Events with the text in each field that takes one, and in places that nobody knows."""
    texts = [name for name in Line.__struct_fields__ if isinstance(getattr(Line(), name), str)]
    made: list[dict[str, Any]] = [opened() | {"epoch": EVIL, "host": EVIL, "version": EVIL}]
    for name in ["job.failed", "job.succeeded", "job.skipped", "worker.odd", EVIL]:
        for to_dlq in (False, True):
            fields = {text: EVIL for text in texts if text != "event"}
            fields |= {"exception": [{"exc_type": EVIL}], EVIL: EVIL, "nested": {EVIL: [EVIL]}}
            made.append(event(len(made), name, **fields, to_dlq=to_dlq))
    return made


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = tmp_path_factory.mktemp("evil")
    data = place / "data"
    invalid = json.dumps({"event": "job.failed", "stream": EVIL, "seq": 3, "v": 9})
    write_log(data, *evil_events(), invalid, f"{EVIL} is no JSON", '{"event":')
    job = {"scene_id": 1, "update_type": EVIL, "data": {EVIL: EVIL}, "job_key": EVIL, "job_id": 1}
    with JobQueue(data) as queue:
        queue.enqueue_many([NewJob(1, kind=EVIL, data={EVIL: EVIL}, job_key=EVIL)])
    letters = DeadLetterQueue(data)
    letters.add(job, type(EVIL.replace("\0", ""), (ValueError,), {})(EVIL), 3)
    letters.add(job, KeyError(EVIL), 3)
    assert forked("rebuild", cwd=place).status == 0
    (place / "jobs.jsonl").write_text(json.dumps({EVIL: 1}) + "\n")
    (place / "other.json").write_text(json.dumps({"streams": {EVIL: {}}, "schema": 1, "fold": 1}))
    (place / "odd.toml").write_text(json.dumps(EVIL) + " = 1\n")
    (place / "sync.py").write_text("def handle(job):\n    pass\n")
    return place


COMMANDS = (
    ("show",), ("verify",), ("verify", "--strict"), ("rebuild",), ("replay",),
    ("replay", "--strict"), ("tail", "--lines", "99"), ("tail", "--full"),
    ("dlq", "list"), ("dlq", "summary"), ("dlq", "show", "1"), ("dlq", "show", "2"),
    ("dlq", "retry", "--all", "--dry-run"), ("dlq", "purge", "--all", "--dry-run"),
    ("dlq", "retry", "--type", EVIL.replace("\0", "")), ("dlq", "show", "\x1b[2J"),
    ("enqueue", "jobs.jsonl"), ("merge", "data/stats.json"), ("merge", "other.json"),
    ("show", "--config", "odd.toml"), (EVIL.replace("\0", ""),), ("show", "--\x1b[2J"),
    ("run", "--handler", "exec:\x1b[2Jno"), ("run", "--handler", "\x1b[2J:x"),
)  # fmt: skip
WITH_JSON = (
    ("show",), ("verify",), ("replay",), ("dlq", "list"), ("dlq", "summary"), ("dlq", "show", "1"),
    ("merge", "data/stats.json"),
)  # fmt: skip


def pretend_terminal() -> None:
    """Let rich take what is written to for a terminal (in a child, whose streams are its own)."""
    for stream in (sys.stdout, sys.stderr):
        stream.isatty = lambda: True  # type: ignore[method-assign]  # that is the pretence


@pytest.mark.parametrize(
    "args", COMMANDS, ids=lambda args: " ".join(args)[:30].encode("ascii", "ignore").decode()
)
def test_a_pipe_gets_nothing_that_a_terminal_obeys(args: tuple[str, ...], place: Path) -> None:
    ran = forked(*args, cwd=place)
    assert ran.status in {0, 1, 2}
    assert not OBEYED.findall(ran.out + ran.err)
    assert "defect of syncstats" not in ran.err


@pytest.mark.parametrize(
    "args", COMMANDS, ids=lambda args: " ".join(args)[:30].encode("ascii", "ignore").decode()
)
def test_a_terminal_gets_our_own_styles_only(args: tuple[str, ...], place: Path) -> None:
    ran = forked(*args, cwd=place, before=pretend_terminal)
    own = OWN_STYLE.sub("", ran.out + ran.err)
    for hidden in ("\x1b[?25l", "\x1b[?25h", "\x1b[2K", "\x1b[1A", "\r"):  # of a progress bar
        own = own.replace(hidden, "")
    assert not OBEYED.findall(own), own


@pytest.mark.parametrize("args", WITH_JSON, ids=" ".join)
def test_json_is_ascii(args: tuple[str, ...], place: Path) -> None:
    ran = forked(*args, "--json", cwd=place)
    assert ran.out.isascii()
    assert not OBEYED.findall(ran.out)
    assert "OWNED" in ran.out or args == ("verify",)


def test_it_is_shown_and_not_left_out(place: Path) -> None:
    shown = forked("tail", "--full", cwd=place).out
    assert "\\x1b]0;OWNED\\x07\\x1b[2J\\x9b31m\\x0d\\x08\\x7f\\u202e\\u2028\\x00E[bold]V" in shown
    assert "\\x1b]0;OWNED" in forked("dlq", "show", "1", cwd=place).out

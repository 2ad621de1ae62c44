"""An emitter over a real writer."""

from __future__ import annotations

import json

from events.emitter import Emitter
from events.filesystem import RealFileSystem
from events.log.writer import StreamWriter
from events.redaction import Redactor
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

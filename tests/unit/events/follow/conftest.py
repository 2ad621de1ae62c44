"""A folder of logs, and somebody who follows them."""

from __future__ import annotations

import msgspec
import pytest

from events.filesystem import REAL
from events.follow.watch import FileRecord, Named, Watch
from events.log.reader import Block
from tests.support.following.file_times import LONG_AGO_US, stamp
from tests.support.held_clock import HeldClock


class Follower:
    """Takes what a watch hands out, and starts it again."""

    def __init__(self, folder, fs=REAL):
        self.folder = folder
        self.fs = fs
        self.log = folder / "app.log"
        self.clock = HeldClock(LONG_AGO_US)
        self.named = [self.log]
        self.pattern = "other*"
        self.unsearchable = None
        self.told = []
        self.reads = []
        self.watch = None
        self.options = {}
        self.saved = b"[]", None

    def find(self):
        if self.unsearchable is not None:
            raise self.unsearchable
        globbed = sorted(self.folder.glob(self.pattern))
        return [Named(path, True) for path in [*self.named, *globbed]]

    def start(self, records=(), *, follow=True, **options):
        self.options = {"follow": follow, **options}
        self.watch = Watch(
            self.find,
            fs=self.fs,
            clock=self.clock,
            records=records,
            notice=self.told.append,
            **self.options,
        )
        return self

    def restart(self):
        """Go on from what is saved now."""
        self.save()
        self.start_again()

    def save(self):
        """Save what is known, as a state does."""
        records = msgspec.json.encode(msgspec.to_builtins(self.watch.records()))
        self.saved = records, self.watch.searched_us

    def start_again(self):
        """Go on from what was saved last."""
        records, searched_us = self.saved
        self.watch.close()
        options = {**self.options, "searched_us": searched_us}
        self.start(msgspec.json.decode(records, type=list[FileRecord]), **options)

    def look(self, after_s=0.0):
        """The lines that are handed out after so long, as one text."""
        stamp(self.folder, self.clock)
        self.clock.move_s(after_s)
        reads = list(self.watch.look())
        self.reads += reads
        return b"".join(read.block.data for read in reads if isinstance(read.block, Block))

    def settled(self):
        """What is handed out until nothing is undecided."""
        return b"".join(self.look(2.5) for _ in range(3))


@pytest.fixture
def follower(tmp_path):
    follower = Follower(tmp_path)
    yield follower
    if follower.watch is not None:
        follower.watch.close()

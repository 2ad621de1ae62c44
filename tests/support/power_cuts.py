"""A command on the real disk, its power cut at any moment, and what a reboot finds.

strace records what the code asks of the disk. From that, the states are made that a power cut may
leave at each moment, a sample by seed where there are very many; and the code goes on from each.
SQLite's files are taken as they are at the moment (see `tests.support.disk_states`).
"""

from __future__ import annotations

import os
import re
import shutil
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from events.filesystem import REAL, boot_id
from events.log.owner import OWNER_NAME, read_owner, write_owner
from projections.runner import Runner
from projections.snapshot import parse_snapshot
from tests.support.command import COMMAND
from tests.support.disk_states import content_of, states_of
from tests.support.strace import record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tests.support.strace import Event


SEED = 20261124
MOST = 120
SEGMENTS = r"events/[^/]+/\d+\.jsonl"
"""The segments' files, as a pattern of paths."""
JOBS = ["ok", "low", "permanent", "flaky", "skip", "never", "big error", "ok"]
RUN = (
    *(*COMMAND, "run", "--handler", "tests.support.worked_jobs:handle", "--drain", "--wait"),
    *("--retry-base", "0.001", "--retry-cap", "0.002", "--retry-tries", "2"),
    *("--not-found-base", "0.001", "--not-found-cap", "0.002", "--not-found-tries", "2"),
    *("--segment-bytes", "1500", "--batch", "3", "--concurrency", "1", "--data"),
)


@dataclass(frozen=True)
class Scene:
    """What was in a folder, what a command did to it, and what it left.

    Attributes:
        data: Where states are built.
        before: What there was.
        events: What was done.
        whole: The segments as they were at last, by path below the data folder.
        jobs: How many jobs were enqueued.
    """

    data: Path
    before: Mapping[str, bytes | None]
    events: Sequence[Event]
    whole: Mapping[str, bytes]
    jobs: int = 0

    @classmethod
    def of(cls, folder, data, *command, jobs=0):
        before = content_of(data)
        events = record(command, data, cwd=folder)
        return cls(folder / "states" / "D", before, events, segments(data), jobs)

    def states(self, most=MOST):
        """The states of all moments; of too many, evenly chosen ones."""
        states = list(states_of(self.events, self.before, Random(SEED)))
        step = max(len(states) / most, 1)
        return [states[int(number * step)] for number in range(min(most, len(states)))]

    def without_sync_of(self, pattern):
        """The same, had the code left out the syncs of these files or folders."""
        events = [
            event
            for event in self.events
            if event.call.name != "sync" or not re.fullmatch(pattern, event.call.path)
        ]
        assert len(events) < len(self.events)
        return replace(self, events=events)


def segments(data):
    return {
        str(path.relative_to(data)): path.read_bytes()
        for path in sorted(data.glob("events/*/*.jsonl"))
    }


def reboot(state, data, *, same_place):
    """Make the folder as it is found; ``same_place``: its streams are owned as they were."""
    shutil.rmtree(data, ignore_errors=True)
    state.build(data)
    for owner in data.glob(f"events/*/{OWNER_NAME}"):
        if same_place and read_owner(owner.parent, REAL) is not None:
            owner.unlink()
            write_owner(owner.parent, REAL, boot_id())


def assert_log_is_a_prefix(scene, state, where):
    """Every whole line is one that was written, and none before it is missing."""
    if state.has_hole:
        return
    for path, text in segments(scene.data).items():
        lines = text[: text.rfind(b"\n") + 1]
        assert scene.whole[path].startswith(lines), (where, path)


def assert_stats_are_not_ahead(data, where):
    """stats.json is whole, and a place that the log has."""
    notices: list[str] = []
    if (data / "stats.json").exists():
        parse_snapshot((data / "stats.json").read_bytes(), where)
    Runner(data, notice=notices.append).start()
    assert notices == [], where


@contextmanager
def states_in_memory(folder: Path) -> Iterator[None]:
    """Let all happen in a folder, and what jobs leave when they are run again be left there.

    What is recorded happens on the disk. Where memory can be had as one, states are built there:
    their thousands of syncs are not what is tested.
    """
    memory = Path("/dev/shm")
    with ExitStack() as stack:
        if os.access(memory, os.W_OK):
            built = stack.enter_context(TemporaryDirectory(prefix="syncstats-", dir=memory))
            (folder / "states").symlink_to(built)
        else:
            (folder / "states").mkdir()
        yield

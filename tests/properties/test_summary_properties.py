"""Whatever becomes of segments and of their summaries, a rebuild makes what one without makes."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from events.filesystem import RealFileSystem
from events.log.segment import list_segments
from projections.runner import Runner
from projections.summaries import drafts as summary_drafts
from projections.verify import verify
from tests.support.log_world import KINDS, STREAMS, LogWorld
from tests.support.pruned_logs import replayed
from tests.support.summed_logs import rebuilt, summary_files, told_by

streams = st.sampled_from(STREAMS)
suffixes = st.sampled_from([None, None, ".gz", ".zst"])
kinds = st.lists(st.integers(0, KINDS - 1), min_size=1, max_size=4)
# Mostly lines of which none is invalid: a segment with such a line has no summary.
sound = st.lists(st.sampled_from([0, 1, 2, 3]), min_size=1, max_size=4)
fills = st.tuples(st.just("fill"), streams, st.one_of(sound, sound, sound, kinds), suffixes)
writing = st.one_of(
    fills,
    fills,
    st.tuples(st.just("skip"), streams),
    st.tuples(st.just("repeat"), streams),
)
numbers = st.integers(0, 50)
shares = st.floats(0, 1)
spoiling = st.one_of(
    st.tuples(st.just("remove"), numbers),
    st.tuples(st.just("cut"), numbers, shares),
    st.tuples(st.just("flip"), numbers, shares, st.integers(1, 255)),
    st.tuples(st.just("digit"), numbers, shares),
    st.tuples(st.just("swap"), numbers, numbers),
    st.tuples(st.just("mix"), numbers, numbers),
)
changing = st.one_of(
    st.tuples(st.just("change"), streams, numbers),
    st.tuples(st.just("lose"), streams, numbers),
    st.tuples(st.just("put twice"), streams, numbers),
    st.tuples(st.just("touch"), streams, numbers),
    st.tuples(st.just("torn"), streams, numbers),
)


class Spoiler:
    """Does to a data folder what nobody should."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.fs = RealFileSystem()
        self.time_ns = 1_000_000_000

    def segment(self, stream: str, number: int) -> Path | None:
        folder = self.data / "events" / stream
        listed = list_segments(folder, self.fs) if folder.exists() else []
        return listed[number % len(listed)].path if listed else None

    def touch(self, path: Path) -> None:
        """Another time than ever before: two changes may come faster than a disk's clock ticks."""
        self.time_ns += 1_000
        os.utime(path, ns=(self.time_ns, self.time_ns))

    def change_segment(self, what: str, stream: str, number: int) -> None:
        path = self.segment(stream, number)
        if path is None:
            return
        if what == "lose":
            path.unlink()
            return
        if what == "put twice":
            path = Path(shutil.copy(path, path.with_name(f"{number:020d}{path.name[20:]}~")))
            path = path.replace(path.with_name(path.name[:-1]))
        elif path.name.endswith(".jsonl"):
            text = path.read_bytes()
            changes = {
                "change": text.replace(b'"attempt": 1', b'"attempt": 2', 1),
                "torn": text + b'{"event":',
                "touch": text,
            }
            path.write_bytes(changes[what])
        self.touch(path)

    def spoil(self, what: str, number: int, *more: Any) -> None:
        """Spoil a file of summaries."""
        files = summary_files(self.data)
        if not files:
            return
        path = files[number % len(files)]
        text = path.read_bytes()
        if what == "remove":
            path.unlink()
        elif what == "cut":
            path.write_bytes(text[: int(more[0] * len(text))])
        elif what == "flip" and text:
            at = min(int(more[0] * len(text)), len(text) - 1)
            path.write_bytes(text[:at] + bytes([text[at] ^ more[1]]) + text[at + 1 :])
        elif what == "digit":
            digits = [at for at, byte in enumerate(text) if byte in b"0123456789"] or [0]
            at = digits[min(int(more[0] * len(digits)), len(digits) - 1)]
            path.write_bytes(text[:at] + b"%d" % (at % 10) + text[at + 1 :])
        elif what == "swap":
            other = files[more[0] % len(files)]
            path.write_bytes(other.read_bytes())
            other.write_bytes(text)
        elif what == "mix":
            other = files[more[0] % len(files)].read_bytes()
            path.write_bytes(b"".join(text.splitlines(True)[:1] + other.splitlines(True)[1:]))


def check(data: Path) -> None:
    """What a rebuild makes and tells is what stands in the log; twice, the second by what it made.

    And a check of the log finds no summary wrong that a rebuild would believe.
    """
    if not any(list_segments(folder, RealFileSystem()) for folder in data.glob("events/*")):
        return
    for _ in range(2):
        assert rebuilt(data) == replayed(data / "events").to_bytes()
        assert told_by(data) == told_by_all(data)
        assert verify(data).wrong_summaries == verify(data).differences == ()


def told_by_all(data: Path) -> list[str]:
    """What a rebuild of the same log tells that knows no summaries."""
    aside = data / "aside"
    if (data / "summaries").exists():
        (data / "summaries").rename(aside)
    try:
        return told_by(data, summed=False)
    finally:
        shutil.rmtree(data / "summaries", ignore_errors=True)
        if aside.exists():
            aside.rename(data / "summaries")


@settings(deadline=None)
@given(
    st.lists(writing, min_size=3, max_size=12),
    st.lists(
        st.lists(st.one_of(spoiling, changing, changing, writing), min_size=1, max_size=4),
        min_size=1,
        max_size=3,
    ),
    st.integers(1, 4),
)
@example([("fill", "a", [1], None)] * 6, [[("change", "a", 3)]], 4)
@example([("fill", "a", [1], None)] * 6, [[("mix", 0, 1), ("touch", "a", 0)]], 2)
@example([("fill", "a", [1], None)] * 6, [[("cut", 0, 0.7), ("touch", "a", 0)]], 4)
def test_what_a_rebuild_makes_is_the_fold_of_all_lines(
    begin: list[Any], rounds: list[list[Any]], group: int
) -> None:
    usual = summary_drafts.GROUP_SEGMENTS
    summary_drafts.GROUP_SEGMENTS = group  # several files, though there are few segments
    try:
        with tempfile.TemporaryDirectory() as folder:
            world = LogWorld(Path(folder), loses=True)
            spoiler = Spoiler(world.data)
            for steps in (begin, *rounds):
                for step, *arguments in steps:
                    if step in {"fill", "skip", "repeat"}:
                        getattr(world, step)(*arguments)
                    elif step in {"change", "lose", "put twice", "touch", "torn"}:
                        spoiler.change_segment(step, *arguments)
                    else:
                        spoiler.spoil(step, *arguments)
                check(world.data)
    finally:
        summary_drafts.GROUP_SEGMENTS = usual


@settings(max_examples=40, deadline=None)
@given(
    st.lists(writing, min_size=2, max_size=12),
    st.lists(st.tuples(streams, st.integers(0, 6)), max_size=3),
)
def test_so_it_is_where_stats_end_anywhere(begin: list[Any], back: list[Any]) -> None:
    """A runner goes on from a stats.json that ends in the midst of sealed segments."""
    with tempfile.TemporaryDirectory() as folder:
        world = LogWorld(Path(folder))
        done = []
        for step, *arguments in begin:
            getattr(world, step)(*arguments)
            if len(done) < len(back):
                done.append(world.save(0))
        for path in summary_files(world.data)[::2]:
            path.unlink()
        runner = Runner(world.data)
        runner.start()
        runner.catch_up()
        runner.save()
        check(world.data)

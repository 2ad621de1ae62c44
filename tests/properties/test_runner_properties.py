"""However runners, rebuilds and the log's files interleave, stats.json is a fold of the log."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from events.log.segment import list_segments
from projections.replay import replay
from projections.runner import Runner
from projections.verify import verify
from tests.support.held_clock import HeldClock
from tests.support.log_folders import QuickFileSystem, append, compress, segment
from tests.support.outcome_lines import failed, opened, skipped, succeeded

STREAMS = ("a", "b")


class Folder:
    """A data folder, two runners on it, and what may happen to them."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.fs = QuickFileSystem()
        self.next = dict.fromkeys(STREAMS, 0)
        self.tail = dict.fromkeys(STREAMS, 0)
        self.notices: list[str] = []
        self.runners = [self.runner(), self.runner()]

    def runner(self) -> Runner:
        runner = Runner(self.data, fs=self.fs, clock=HeldClock(), notice=self.notices.append)
        runner.start()
        return runner

    def append(self, stream: str, kind: int) -> None:
        seq = self.next[stream]
        line = [
            opened(seq, f"epoch{seq}", stream),
            succeeded(seq, stream, duration_ns=seq * 1000),
            failed(seq, stream, to_dlq=seq % 2 == 0),
            skipped(seq, stream),
            succeeded(seq, stream, duration_ns="soon"),  # invalid, and takes its seq up
            b"not json\n",
            b"\n",
            succeeded(max(seq - 1, 0), stream),  # often a duplicate
            b'{"unfinished":',
        ][kind]
        self.mend(stream)
        append(segment(self.data, stream, self.tail[stream]), line)
        if kind < 5:
            self.next[stream] += 1

    def mend(self, stream: str) -> None:
        """Cut an unfinished line off, as a new writer would."""
        path = segment(self.data, stream, self.tail[stream])
        if path.exists():
            text = path.read_bytes()
            path.write_bytes(text[: text.rfind(b"\n") + 1])

    def rotate(self, stream: str, suffix: str | None) -> None:
        """Begin a new segment, at times an empty one; and compress the one before."""
        self.mend(stream)
        path = segment(self.data, stream, self.tail[stream])
        if not path.exists() or self.next[stream] == self.tail[stream]:
            return
        if suffix is not None:
            compress(path, suffix)
        else:
            segment(self.data, stream, self.next[stream]).touch()
        self.tail[stream] = self.next[stream]

    def save(self, number: int) -> None:
        self.runners[number].catch_up()
        self.runners[number].save()
        self.check()

    def restart(self, number: int) -> None:
        self.runners[number] = self.runner()

    def delete(self) -> None:
        (self.data / "stats.json").unlink(missing_ok=True)

    def rebuild(self) -> None:
        Runner(self.data, fs=self.fs, notice=self.notices.append).rebuild()
        self.check()

    def check(self) -> None:
        """stats.json is the log replayed, to the byte."""
        (self.data / "queue.db").touch()
        again = replay([str(self.data)], stdin=io.BytesIO(), fs=self.fs).snapshot
        path = self.data / "stats.json"
        if path.exists() or again.streams:
            assert path.read_bytes() == again.to_bytes()
        found = verify(self.data, fs=self.fs)
        assert found.differences == ()
        assert found.behind == 0


streams = st.sampled_from(STREAMS)
runners = st.integers(0, 1)
appends = st.tuples(st.just("append"), streams, st.integers(0, 8))
steps = st.one_of(
    appends,
    appends,
    appends,
    st.tuples(st.just("rotate"), streams, st.sampled_from([None, ".gz", ".zst"])),
    st.tuples(st.just("save"), runners),
    st.tuples(st.just("save"), runners),
    st.tuples(st.just("restart"), runners),
    st.tuples(st.just("delete")),
    st.tuples(st.just("rebuild")),
)


@settings(max_examples=100, deadline=None)
@given(st.lists(steps, max_size=30))
def test_stats_are_the_fold_of_the_log_whatever_happens(program: list[Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = Folder(Path(folder))
        for step, *arguments in program:
            getattr(world, step)(*arguments)
        before = list(world.notices)
        world.save(0)
        world.restart(1)
        world.save(1)
        world.rebuild()

        assert before == world.notices == [], "nothing had to be mended"
        assert [p.name for p in world.data.iterdir() if "stats.json." in p.name] == []


@settings(max_examples=40, deadline=None)
@given(st.lists(appends, min_size=1, max_size=20), st.data())
def test_a_cut_log_is_folded_again(program: list[Any], data: Any) -> None:
    """The log loses its end, as after a power failure, and is written on."""
    with tempfile.TemporaryDirectory() as folder:
        world = Folder(Path(folder))
        for _, *arguments in program:
            world.append(*arguments)
        world.save(0)
        for stream in STREAMS:
            for each in list_segments(segment(world.data, stream).parent, world.fs):
                size = data.draw(st.integers(0, each.path.stat().st_size))
                each.path.write_bytes(each.path.read_bytes()[:size])
                world.mend(stream)
        if data.draw(st.booleans()):
            world.restart(0)
        world.save(0)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(streams, st.integers(0, 12), st.integers(1, 4)), min_size=1, max_size=30),
    st.randoms(use_true_random=False),
)
def test_replay_does_not_depend_on_order_files_or_repeats(lines: list[Any], rng: Any) -> None:
    numbered = [
        succeeded(seq, stream, duration_ns=seq * 7) if seq % 4 else opened(seq, f"e{seq}", stream)
        for stream, seq in sorted({(stream, seq) for stream, seq, _ in lines})
    ]
    repeated = numbered + [rng.choice(numbered) for _ in lines]
    rng.shuffle(repeated)
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / f"{n}.jsonl" for n in range(3)]
        for line in repeated:
            append(rng.choice(files), line)
        (one := Path(folder) / "one").write_bytes(b"".join(numbered))
        some = [str(path) for path in files if path.exists()]
        rng.shuffle(some)
        shuffled = replay(some, stdin=io.BytesIO()).snapshot
        plain = replay([str(one)], stdin=io.BytesIO()).snapshot

    assert shuffled.total() == plain.total()
    assert shuffled.duplicates == len(repeated) - len(numbered)
    assert {n: e.seen for n, e in shuffled.streams.items()} == {
        n: e.seen for n, e in plain.streams.items()
    }
    assert {n: e.epochs for n, e in shuffled.streams.items()} == {
        n: e.epochs for n, e in plain.streams.items()
    }

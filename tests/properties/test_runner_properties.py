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
from tests.support.log_folders import append, segment
from tests.support.log_world import STREAMS, LogWorld
from tests.support.outcome_lines import opened, succeeded

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
        world = LogWorld(Path(folder))
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
        world = LogWorld(Path(folder), loses=True)
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

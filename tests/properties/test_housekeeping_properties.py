"""However a log is rotated, compressed and pruned, and wherever that is cut short, nothing counts
less or twice."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from projections.pruned import Keep
from tests.support.log_world import KINDS, STREAMS, LogWorld

streams = st.sampled_from(STREAMS)
runners = st.integers(0, 1)
lives = st.none() | st.integers(0, 12)
keeps = (
    st.none()
    | st.builds(lambda seconds: Keep(age_s=float(seconds)), st.integers(1, 9))
    | st.builds(lambda size: Keep(size=size), st.integers(1, 2000))
)
appends = st.tuples(st.just("append"), streams, st.integers(0, KINDS - 1))
suffixes = st.sampled_from([None, None, ".gz", ".zst"])
rotations = st.tuples(st.just("rotate"), streams, suffixes)
fills = st.tuples(
    st.just("fill"),
    streams,
    st.lists(st.integers(0, KINDS - 1), min_size=1, max_size=5),
    suffixes,
)
prunes = st.builds(
    lambda keep, day, life, pack: ("prune", keep, day, life, pack or keep is None),
    keeps,
    st.integers(0, 30),
    lives,
    st.booleans(),
)
steps = st.one_of(
    appends,
    fills,
    fills,
    fills,
    fills,
    rotations,
    st.tuples(st.just("skip"), streams),
    st.tuples(st.just("repeat"), streams),
    st.tuples(st.just("lease"), streams, st.none() | st.integers(0, 5)),
    st.tuples(st.just("compress"), streams, lives),
    prunes,
    prunes,
    prunes,
    st.tuples(st.just("save"), runners),
    st.tuples(st.just("restart"), runners),
    st.tuples(st.just("delete")),
    st.tuples(st.just("rebuild")),
    st.tuples(st.just("replay")),
)


@settings(deadline=None)
@given(st.lists(fills, min_size=2, max_size=5), st.lists(steps, min_size=2, max_size=30))
def test_counts_are_those_of_all_lines_ever_written(begin: list[Any], program: list[Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = LogWorld(Path(folder))
        for step, *arguments in (*begin, *program):
            if step == "prune":
                keep, day, life, pack = arguments
                world.prune(keep, day, life, pack=pack)
            else:
                getattr(world, step)(*arguments)
        world.save(0)
        world.prune(None, 0, None, pack=True)
        world.restart(1)
        world.save(1)
        world.rebuild()

        assert world.notices == [], "nothing had to be mended"
        assert [p.name for p in world.data.iterdir() if "stats.json." in p.name] == []
        left = [p.name for p in world.data.rglob("*.tmp") if p.parent != world.data]
        assert left == []

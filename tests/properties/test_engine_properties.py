"""Replay on an engine gives what replay in one process gives: the same bytes, the same problems."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.engines import partitions
from projections.errors import SourceError, StrictError, SummaryError
from projections.replay import replay
from tests.support.engines import Here, replay_here
from tests.support.log_folders import append, compress, segment
from tests.support.outcome_lines import failed, opened, skipped, succeeded
from tests.support.pruned_logs import prune_to

SEQS = st.integers(0, 9)
FIRSTS = [0, 3, 6]
STREAMS = st.sampled_from(["a", "b"])


@st.composite
def lines(draw, streams=STREAMS):
    """One line: of a stream, without one, or no event at all."""
    stream, seq = draw(streams), draw(SEQS)
    return draw(
        st.sampled_from(
            [
                opened(seq, "e0", stream),
                opened(seq, draw(st.sampled_from(["e1", "e2"])), stream),
                succeeded(seq, stream),
                succeeded(seq, stream, confidence="low", attempt=2, at=seq * 3),
                failed(seq, stream),
                failed(seq, stream, to_dlq=True, error_type=f"E{seq}"),
                skipped(seq, stream),
                succeeded(seq, stream, duration_ns="no number"),
                succeeded(None, None),
                b"no JSON\n",
                b"\n",
            ]
        )
    )


def runs(stream):
    """Lines of a stream as a worker writes them, from some seq on."""

    def of(first, count):
        return [opened(first, f"e{first}", stream)] + [
            succeeded(first + 1 + n, stream) for n in range(count)
        ]

    return st.builds(of, SEQS, st.integers(0, 12))


TAILS = st.sampled_from([b"", b"", b'{"event":"job.succ'])
SUFFIXES = st.sampled_from(["", "", ".gz", ".zst"])


@st.composite
def worlds(draw):
    """Write files into a folder; gives a function that does, and what to name."""
    files = []
    for number in range(draw(st.integers(1, 4))):
        text = draw(st.one_of(st.lists(lines(), max_size=12), STREAMS.flatmap(runs)))
        files.append((f"{number}.jsonl", text, draw(TAILS), draw(SUFFIXES)))
    segments = []
    for data, stream, first in draw(
        st.sets(
            st.tuples(st.sampled_from(["d1", "d2"]), STREAMS, st.sampled_from(FIRSTS)),
            max_size=6,
        )
    ):
        inside = st.one_of(st.lists(lines(st.just(stream)), max_size=8), runs(stream))
        segments.append(((data, stream, first), draw(inside), draw(TAILS), draw(SUFFIXES)))
    there = sorted({place[:2] for place, *_ in segments})
    pruned = [(*where, draw(st.sampled_from(FIRSTS))) for where in there]
    named = ["files", "d1", "d2"]
    return files, segments, pruned, draw(st.permutations(named)), draw(st.integers(1, 3))


def write(root, files, segments, pruned):
    (root / "files").mkdir()
    for name, text, tail, suffix in files:
        path = append(root / "files" / name, *text, tail)
        if suffix:
            compress(path, suffix)
    for (data, stream, first), text, tail, suffix in segments:
        path = append(segment(root / data, stream, first), *text, tail)
        if suffix:
            compress(path, suffix)
    for data, stream, end in pruned:
        if any(place[:2] == (data, stream) and place[2] < end for place, *_ in segments):
            prune_to(root / data, end, stream)


def answer(call):
    """What a replay gives, or says."""
    problems = []
    try:
        replayed = call(problems.append)
    except (SourceError, StrictError, SummaryError) as error:
        return type(error), str(error)
    shown = problems[: min(len(problems), 20)]
    return replayed.snapshot.to_bytes(), replayed.incomplete_lines, [*map(str, shown)]


@pytest.mark.parametrize("strict", [False, True])
@given(world=worlds(), seed=st.integers(0, 1 << 16))
def test_an_engine_gives_the_bytes_and_the_problems_of_one_process(world, seed, strict):
    files, segments, pruned, named, how_many = world
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(partitions, "LEAST_BYTES", 64)
        root = Path(folder)
        write(root, files, segments, pruned)
        paths = [str(root / name) for name in named[:how_many] if (root / name).exists()]
        if not paths or (root / "files" in map(Path, paths) and not files):
            return
        here = answer(
            lambda problem: replay(paths, stdin=io.BytesIO(), strict=strict, problem=problem)
        )
        engine = Here(workers=3, seed=seed)
        there = answer(lambda problem: replay_here(engine, *paths, strict=strict, problem=problem))
        assert there == here

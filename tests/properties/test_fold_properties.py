"""What a log adds up to depends neither on the order of its lines nor on how they are cut."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from projections.fold import Fold
from projections.seqs import SeqSet, holes
from projections.snapshot import Snapshot, parse_snapshot
from tests.support.outcome_lines import failed, line, opened, skipped, succeeded
from worker.stats import SyncStats

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn


@st.composite
def outcome(draw: DrawFn, stream: str | None, seq: int | None) -> bytes:
    """An outcome, or now and then another event or a line that is invalid."""
    fields: dict[str, Any] = {
        "duration_ns": draw(st.integers(0, 10**12)),
        "attempt": draw(st.integers(1, 3)),
        "at": draw(st.integers(0, 10**6)) / 1000,
    }
    if draw(st.booleans()):
        fields["wait_ns"] = draw(st.integers(0, 10**12))
    kind = draw(st.integers(0, 9))
    if kind < 5:
        confidence = draw(st.sampled_from(["high", "low", None]))
        return succeeded(seq, stream, confidence=confidence, **fields)
    if kind < 7:
        error_type = draw(st.sampled_from(["PlexNotFound", "A", "B", "C"]))
        return failed(seq, stream, to_dlq=draw(st.booleans()), error_type=error_type, **fields)
    if kind == 7:
        return skipped(seq, stream, **fields)
    if kind == 8 and stream is not None and seq is not None:
        return opened(seq, f"epoch{seq}", stream)
    return succeeded(seq, stream, **(fields | {"duration_ns": "soon"}))


@st.composite
def logs(draw: DrawFn) -> list[bytes]:
    """The lines of a few streams, some missing; and some that are no events."""
    lines: list[bytes] = []
    for stream in ("a", "b"):
        seqs = draw(st.lists(st.integers(0, 25), unique=True, max_size=20))
        lines += [draw(outcome(stream, seq)) for seq in sorted(seqs)]
    lines += [draw(outcome(None, None)) for _ in range(draw(st.integers(0, 2)))]
    lines += draw(st.lists(st.sampled_from([b"not json\n", b"[]\n", b"\xff\n", b"\n"]), max_size=3))
    lines += [line("worker.started", None) for _ in range(draw(st.integers(0, 1)))]
    return lines


def fold(lines: list[bytes]) -> Snapshot:
    folded = Fold()
    folded.lines(b"".join(lines))
    return Snapshot(folded.entries())


@given(logs(), st.randoms(use_true_random=False))
def test_the_order_of_lines_does_not_matter(lines: list[bytes], rng: Any) -> None:
    shuffled = list(lines)
    rng.shuffle(shuffled)

    assert fold(shuffled).to_bytes() == fold(lines).to_bytes()


@given(logs(), st.data())
def test_how_lines_are_cut_into_blocks_does_not_matter(lines: list[bytes], data: Any) -> None:
    folded = Fold()
    rest = list(lines)
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        folded.lines(b"".join(rest[:size]))
        rest = rest[size:]
        if data.draw(st.booleans()):  # a restart between two blocks
            folded = Fold(parse_snapshot(Snapshot(folded.entries()).to_bytes(), "").streams)

    assert Snapshot(folded.entries()).to_bytes() == fold(lines).to_bytes()


@given(logs(), st.randoms(use_true_random=False))
def test_lines_seen_again_change_nothing_but_the_count_of_duplicates(
    lines: list[bytes], rng: Any
) -> None:
    numbered = [each for each in lines if b'"seq"' in each and b'"soon"' not in each]
    again = list(numbered) + [rng.choice(numbered) for _ in range(5) if numbered]
    rng.shuffle(again)

    once, twice = fold(numbered), fold(again)

    assert twice.duplicates == len(again) - len(numbered)
    assert twice.total() == once.total()
    assert {n: e.seen for n, e in twice.streams.items()} == {
        n: e.seen for n, e in once.streams.items()
    }


@given(logs(), st.data())
def test_folding_a_concatenation_is_merging_the_folds(lines: list[bytes], data: Any) -> None:
    cut = data.draw(st.integers(0, len(lines)))
    left, right = fold(lines[:cut]), fold(lines[cut:])

    assert SyncStats.merge(left.total(), right.total()) == fold(lines).total()


@given(logs())
def test_a_snapshot_survives_being_written_and_read(lines: list[bytes]) -> None:
    snapshot = fold(lines)

    again = parse_snapshot(snapshot.to_bytes(), "stats.json")

    assert again == snapshot
    assert again.to_bytes() == snapshot.to_bytes()


@given(st.lists(st.integers(0, 60)))
def test_a_set_of_seqs_is_a_set(numbers: list[int]) -> None:
    seqs = SeqSet()
    model: set[int] = set()
    for number in numbers:
        assert seqs.add(number) == (number not in model)
        model.add(number)

    spans = seqs.spans()
    assert {n for start, end in spans for n in range(start, end)} == model
    assert all(a_end < b_start for (_, a_end), (b_start, _) in pairwise(spans))
    missing = {n for start, end in holes(spans) for n in range(start, end)}
    assert missing == set(range(seqs.end)) - model

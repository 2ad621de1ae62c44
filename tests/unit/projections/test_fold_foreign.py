"""Lines of other programs are folded under the name that is given, and add up."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

from msgspec import UNSET

from events.clock import EPOCH
from events.model import Line
from projections.entry import LOOSE, entry_from_dict
from projections.fold import Fold
from projections.snapshot import Snapshot
from tests.support.outcome_lines import failed, line, succeeded


def fold(*lines: bytes, folder: str | None = None) -> Snapshot:
    folded = Fold()
    folded.lines(b"".join(lines), folder=folder)
    return Snapshot(folded.entries())


def outcome(event: str = "job.succeeded", at_us: int | None = None, **fields: Any) -> Line:
    timestamp = UNSET if at_us is None else EPOCH + timedelta(microseconds=at_us)
    return Line(event=event, timestamp=timestamp, **fields)


def test_outcomes_of_another_program_count_where_they_are_told_to() -> None:
    folded = Fold()
    folded.foreign("app", [outcome(at_us=5), outcome("job.failed", error_type="X")], lines=7)
    folded.foreign("app", [outcome("job.skipped", at_us=3)], lines=2, invalid=1)
    entry = folded.entry("app")

    assert (entry.stats.jobs_processed, entry.stats.jobs_skipped) == (2, 1)
    assert entry.stats.errors_by_type == {"X": 1}
    assert (entry.seen, entry.position.seq, entry.gaps) == (((0, 9),), 9, ())
    assert (entry.invalid_lines, entry.duplicates) == (1, 0)
    assert (entry.as_of_us, entry.stats.session_start) == (5, 0.000003)


def test_an_outcome_without_a_time_moves_no_moment() -> None:
    folded = Fold()
    folded.foreign("app", [outcome()], lines=1)

    assert folded.entry("app").as_of_us is None
    assert folded.entry("app").stats.session_start == math.inf
    folded.foreign("app", [outcome(at_us=7), outcome()], lines=2)
    assert folded.entry("app").as_of_us == 7
    assert folded.entry("app").stats.jobs_processed == 3


def test_lines_without_a_stream_that_is_named_take_no_numbers() -> None:
    folded = Fold()
    folded.foreign(LOOSE, [outcome(at_us=1)], lines=4, invalid=2)
    entry = folded.entry(LOOSE)

    assert (entry.seen, entry.invalid_lines, entry.stats.jobs_processed) == ((), 2, 1)


def test_lines_without_seq_are_numbered_under_the_name_that_is_given() -> None:
    folded = Fold()
    folded.lines(
        b"".join(
            (
                succeeded(None, None),
                succeeded(0),  # of stream a
                b"not json\n",
                line("worker.started", None, None),  # carried, and nobody's
                b"\n",
                failed(None, None),
            )
        ),
        loose="log",
    )
    folded.overlong(0, 2_000_000, loose="log")
    mine = folded.entry("log")

    assert (mine.seen, mine.gaps, mine.invalid_lines) == (((0, 4),), (), 2)
    assert mine.stats.jobs_processed == 2
    assert folded.entry("a").stats.jobs_processed == 1
    assert folded.end("log") == 4


def test_who_goes_on_with_a_log_is_noted() -> None:
    folded = Fold()
    folded.foreign("log", [], lines=3)
    folded.open("log", "e0", 0)
    folded.foreign("log", [outcome(at_us=1)], lines=1)
    folded.open("log", "e1", 3)

    assert folded.entry("log").epochs == (("e0", 0), ("e1", 3))
    assert entry_from_dict("log", folded.entry("log").to_dict()) == folded.entry("log")


def test_pieces_of_another_programs_log_add_up_to_the_whole() -> None:
    outcomes = [outcome(at_us=n, duration_ns=n) for n in (5, 3, 9)]
    whole, pieces = Fold(), Fold()
    whole.foreign("log", outcomes, lines=3)
    for each in outcomes:
        pieces.foreign("log", [each], lines=1)

    assert whole.entry("log") == pieces.entry("log")


def test_what_lines_without_a_stream_add_up_to_is_absorbed_too() -> None:
    folded = Fold(fold(succeeded(None, None), failed(None, None)).streams)
    assert folded.absorb(LOOSE, fold(succeeded(None, None)).streams[LOOSE])

    whole = fold(*[succeeded(None, None)] * 2, failed(None, None))
    assert Snapshot(folded.entries()) == whole

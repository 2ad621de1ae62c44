from __future__ import annotations

from projections.engines.partial import KEPT, Found, Notes, Partial, empty, join, merge
from projections.entry import FOLD_VERSION, LOOSE, MAX_EPOCHS
from projections.fold import Fold
from projections.problems import Problem
from tests.support.outcome_lines import opened, succeeded


def entry(*lines, stream="a", place=None):
    fold = Fold()
    fold.lines(b"".join(lines))
    if place is not None:
        fold.place(stream, *place)
    return fold.entry(stream)


def problem(n, *, incomplete=False):
    return Problem("x", n, n * 10, "why", incomplete)


FIRST = [opened(0, "e0"), succeeded(1), succeeded(2)]
THEN = [opened(3, "e3"), succeeded(4)]


def test_lines_that_follow_one_another_add_up_in_any_order():
    whole = entry(*FIRST, *THEN)
    assert join("a", entry(*FIRST), entry(*THEN)) == whole
    assert join("a", entry(*THEN), entry(*FIRST)) == whole


def test_the_place_is_that_of_the_last_line_that_was_read():
    first, then = entry(*FIRST, place=(0, 300)), entry(*THEN, place=(3, 200))

    assert join("a", first, then).position.segment == 3
    assert join("a", first, entry(*THEN)).position.offset == 300
    assert join("a", entry(*FIRST), entry(*THEN)).position.segment is None


def test_lines_that_were_all_read_before_are_duplicates():
    joined = join("a", entry(*FIRST, *THEN), entry(*THEN, *THEN[1:]))

    assert joined == entry(*FIRST, *THEN, *THEN, *THEN[1:])
    assert joined.duplicates == 3


def test_what_was_read_before_in_part_or_only_later_cannot_be_told():
    assert join("a", entry(*FIRST), entry(*FIRST[1:], *THEN)) is None
    assert join("a", entry(*FIRST), entry(*FIRST, *THEN)) is None


def test_another_history_cannot_be_told():
    assert join("a", entry(*FIRST), entry(opened(0, "other"))) is None
    assert join("a", entry(*FIRST), entry(succeeded(0))) is None
    assert join("a", entry(*FIRST), entry(opened(1, "other"))) is None


def test_openings_that_may_have_been_forgotten_cannot_be_compared():
    many = [opened(n, f"e{n}") for n in range(MAX_EPOCHS)]

    assert join("a", entry(*many[:-1]), entry(many[0])) is not None
    assert join("a", entry(*many), entry(many[0])) is None


def test_lines_without_a_stream_add_up():
    one, two = (entry(*[succeeded(None, None)] * n, stream=LOOSE) for n in (1, 2))

    assert join(LOOSE, one, two).stats.jobs_succeeded == 3


def test_a_stream_that_clashes_stays_so_and_keeps_all_its_homes():
    parts = [
        Partial({"a": entry(*FIRST)}, {"a": (0,)}),
        Partial({"a": entry(*FIRST[1:], *THEN)}, {"a": (1,)}),
        Partial({"a": entry(succeeded(5)), "b": entry(stream="b")}, {"a": (2,), "b": (2,)}),
    ]
    for whole in (merge(parts), merge([parts[0], merge(parts[1:])])):
        assert whole.clashes == {"a"}
        assert whole.homes == {"a": (0, 1, 2), "b": (2,)}
    assert merge([]) == empty()


def test_a_result_of_another_version_is_seen_wherever_it_stands():
    own, other = empty(), Partial({}, {}, version=FOLD_VERSION + 1)

    for parts in ([own, other], [other, own], [own, other, own]):
        assert merge(parts).version == FOLD_VERSION + 1


def test_the_first_problems_are_kept_and_all_are_counted():
    many = Notes(tuple(Found(problem(n)) for n in range(15)), None, invalid=15)
    both = many.then(many)

    assert len(both.found) == KEPT
    assert both.invalid == 30


def test_nothing_is_noticed_after_a_file_that_cannot_be_read():
    failed = Notes(invalid=1, failure="damaged")
    later = Notes(invalid=5, failure="damaged, too")

    assert failed.then(later) == failed
    assert Notes(invalid=2).then(failed).failure == "damaged"
    assert Notes(invalid=2).then(failed).invalid == 3


def test_a_line_is_numbered_by_those_of_the_spans_before_it():
    notes = Notes(lines=(("x", 0, 10), ("x", 500, 7), ("x", 900, 3), ("y", 0, 100)))

    assert notes.numbered(Found(problem(2), 900)).line == 19
    assert notes.numbered(Found(problem(2), 0)).line == 2
    assert notes.numbered(Found(problem(2))).line == 2

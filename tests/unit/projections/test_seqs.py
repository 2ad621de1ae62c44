from __future__ import annotations

import pytest

from projections.seqs import SeqSet, holes, union


def test_numbers_in_a_row_are_one_span() -> None:
    seqs = SeqSet()

    assert [seqs.add(n) for n in range(5)] == [True] * 5
    assert seqs.spans() == ((0, 5),)
    assert seqs.end == 5


def test_a_number_is_new_once() -> None:
    seqs = SeqSet([(2, 4)])

    assert not seqs.add(2)
    assert not seqs.add(3)
    assert seqs.add(4)
    assert seqs.spans() == ((2, 5),)


@pytest.mark.parametrize(
    ("start", "number", "spans"),
    [
        ([], 7, ((7, 8),)),
        ([(5, 6)], 3, ((3, 4), (5, 6))),
        ([(5, 6)], 4, ((4, 6),)),
        ([(0, 2), (3, 5)], 2, ((0, 5),)),
        ([(0, 2), (9, 10)], 5, ((0, 2), (5, 6), (9, 10))),
        ([(0, 2), (9, 10)], 2, ((0, 3), (9, 10))),
    ],
)
def test_a_number_joins_what_it_touches(
    start: list[tuple[int, int]], number: int, spans: tuple[tuple[int, int], ...]
) -> None:
    seqs = SeqSet(start)

    assert seqs.add(number)
    assert seqs.spans() == spans
    assert number in seqs


def test_membership() -> None:
    seqs = SeqSet([(2, 4), (6, 7)])

    assert [n for n in range(9) if n in seqs] == [2, 3, 6]


def test_an_empty_set_ends_at_zero() -> None:
    assert SeqSet().end == 0
    assert SeqSet().spans() == ()


@pytest.mark.parametrize("spans", [[(3, 3)], [(-1, 2)], [(0, 2), (2, 3)], [(5, 6), (1, 2)]])
def test_spans_that_are_no_set_are_refused(spans: list[tuple[int, int]]) -> None:
    with pytest.raises(ValueError, match="sorted, apart and not empty"):
        SeqSet(spans)


def test_holes_are_counted_from_zero() -> None:
    assert holes([]) == ()
    assert holes([(0, 5)]) == ()
    assert holes([(2, 5), (7, 8)]) == ((0, 2), (5, 7))


def test_union_covers_both() -> None:
    assert union([(0, 2), (8, 9)], [(1, 4), (4, 5)]) == ((0, 5), (8, 9))

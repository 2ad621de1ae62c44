"""The compiled kernel, what stands in for it, and the fold make the same of any lines."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.support.changed_lines import lines
from tests.support.kernel_lines import (
    by_columns,
    folded,
    folded_file,
    needs_kernel,
    with_kernel,
    without_kernel,
)
from tests.support.outcome_lines import succeeded

FOLDERS = st.sampled_from([None, "a", "other"])
LOOSE_NAMES = st.sampled_from(["", "ingest-1"])
USUAL = [succeeded(100 + seq) for seq in range(80)]
JUMPING = [succeeded(1000 + 2 * n, "other") for n in range(300)]
"""So many short runs that what follows is joined, where it is much of this kind."""


@given(lines(), FOLDERS, LOOSE_NAMES, st.data())
def test_the_kernel_makes_the_same_of_any_lines(found, folder, loose, data):
    needs_kernel()
    cut = data.draw(st.integers(0, len(found)))
    blocks = [b"".join(found[:cut]), b"".join(found[cut:])]
    by_kernel = folded(blocks, with_kernel, folder=folder, loose=loose)
    assert by_kernel == folded(blocks, without_kernel, folder=folder, loose=loose)


@given(lines(), st.sampled_from([None, "other"]), LOOSE_NAMES, st.integers(0, 100))
def test_the_kernel_makes_the_same_of_lines_that_it_joins(found, folder, loose, more):
    needs_kernel()
    text = b"".join([*JUMPING, *found, *JUMPING[:more], *found])
    expected = folded([text], without_kernel, folder=folder, loose=loose)
    assert folded([text], with_kernel, folder=folder, loose=loose) == expected


@given(lines(), FOLDERS, LOOSE_NAMES, st.data())
def test_columns_make_the_same_of_any_lines(found, folder, loose, data):
    """Also among so many usual ones that the odd lines are sorted out."""
    usual = USUAL[: data.draw(st.sampled_from([0, len(USUAL)]))]
    place = data.draw(st.integers(0, len(usual)))
    found = [*usual[:place], *found, *usual[place:]]
    cut = data.draw(st.integers(0, len(found)))
    blocks = [b"".join(found[:cut]), b"".join(found[cut:])]
    by_column = folded(blocks, by_columns, folder=folder, loose=loose)
    assert by_column == folded(blocks, without_kernel, folder=folder, loose=loose)


@given(lines(), FOLDERS, LOOSE_NAMES, st.integers(1, 300), st.data())
def test_the_kernel_makes_the_same_of_the_parts_of_a_file(found, folder, loose, room, data):
    needs_kernel()
    text = b"".join(found)
    cuts = data.draw(st.lists(st.integers(0, len(text)), max_size=4))
    by_kernel = folded_file(text, cuts, room=room, folder=folder, loose=loose)
    assert by_kernel == folded([text], without_kernel, folder=folder, loose=loose)

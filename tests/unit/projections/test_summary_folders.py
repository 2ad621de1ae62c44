"""A stream that lies in several folders, each with a summary of its own."""

from __future__ import annotations

import io

import pytest

from projections.errors import SourceError
from projections.replay import replay
from tests.support.log_folders import append, segment
from tests.support.pruned_logs import (
    SEGMENTS,
    PruningWhenRead,
    prune_to,
    replayed,
)


@pytest.fixture
def copy(data):
    """Another folder with the same log."""
    copy = data.parent / "copy"
    for first, lines in SEGMENTS.items():
        append(segment(copy, first=first), *lines)
    return copy


def counts(snapshot):
    entry = snapshot.streams["a"]
    return snapshot.total(), entry.seen, entry.epochs, entry.duplicates, entry.invalid_lines


@pytest.mark.parametrize("ends", [(3, None), (6, 3), (3, 6), (9, 9)])
def test_a_stream_in_two_folders_counts_once(data, copy, ends):
    both = counts(replayed(data, copy))
    for each, end in zip((data, copy), ends, strict=True):
        if end is not None:
            prune_to(each, end)
    assert counts(replayed(data, copy)) == both
    assert counts(replayed(copy, data)) == both


def test_a_folder_that_holds_what_was_pruned_elsewhere(data, copy):
    """The lines were moved to an archive before they were pruned here."""
    alone = counts(replayed(data))
    prune_to(data, 6)
    for first in (6, 9):
        segment(copy, first=first).unlink()
    total, seen, epochs, *_ = counts(replayed(copy, data))
    assert (total, seen, epochs) == alone[:3]


def test_two_summaries_of_different_parts_add_up(data, copy):
    alone = counts(replayed(data))
    for first in (0, 3):
        segment(copy, first=first).unlink()
    append(segment(copy, first=0), b"not json\n")
    prune_to(copy, 9)
    prune_to(data, 6)
    for first in (6, 9):
        segment(data, first=first).unlink()
    total, seen, *_ = counts(replayed(copy, data))
    assert (total, seen) == alone[:2]


def test_two_summaries_that_hold_some_of_each_other_are_refused(data, copy):
    segment(copy, first=0).unlink()
    segment(data, first=6).unlink()
    prune_to(copy, 9)
    prune_to(data, 6)
    with pytest.raises(SourceError, match="pruned of another folder of stream 'a' only in part"):
        replayed(data, copy)


def test_a_log_and_a_loose_file_that_holds_what_was_pruned(data):
    loose = append(data.parent / "old.jsonl", *SEGMENTS[0], *SEGMENTS[3])
    total, seen, epochs, *_ = counts(replayed(data))
    prune_to(data, 6)
    again = replayed(data, loose)
    assert counts(again)[:3] == (total, seen, epochs)
    assert again.streams["a"].position.segment is None


def test_a_prune_of_one_of_two_folders_while_they_are_read_is_told(data, copy):
    fs = PruningWhenRead(data, segment(data, first=3).name, 9)
    with pytest.raises(SourceError, match="cannot be read"):
        replay([str(data), str(copy)], stdin=io.BytesIO(), fs=fs)

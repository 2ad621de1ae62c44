"""Summaries of segments that are compressed, or stand beside that file, or are pruned."""

from __future__ import annotations

import pytest

from events.filesystem import RealFileSystem
from events.log.sealing import compress_segment
from events.log.segment import list_segments
from projections.prune import prune
from projections.pruned import Keep
from projections.runner import Runner
from tests.support.log_folders import compress, segment
from tests.support.pruned_logs import prune_to
from tests.support.summed_logs import (
    LAST,
    read_by_rebuild,
    rebuilt,
    summary_files,
    summed,
    write_segments,
)


@pytest.fixture
def data(tmp_path):
    return summed(tmp_path / "data")


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_a_compressed_segment_is_another_file(data, suffix):
    compress(segment(data, first=4), suffix)
    assert read_by_rebuild(data) == [LAST, f"4.jsonl{suffix}"]
    assert read_by_rebuild(data) == [LAST]


def test_so_is_a_plain_one_that_is_beside_it_again(data):
    text = segment(data, first=4).read_bytes()
    compress(segment(data, first=4), ".zst")
    rebuilt(data)
    segment(data, first=4).write_bytes(text)
    assert read_by_rebuild(data) == [LAST, "4.jsonl"]


def test_a_damaged_compressed_segment_is_told_as_without_summaries(data):
    packed = compress(segment(data, first=4), ".zst")
    packed.write_bytes(packed.read_bytes()[:-8])
    with pytest.raises(Exception, match="cannot be read to its end") as with_:
        Runner(data).rebuild()
    with pytest.raises(Exception, match="cannot be read to its end") as without:
        Runner(data, summed=False).rebuild()
    assert str(with_.value) == str(without.value)


def test_pruned_segments_are_not_looked_for(data):
    before = rebuilt(data)
    prune_to(data, 8)
    assert read_by_rebuild(data) == [LAST]
    assert rebuilt(data) == before


def test_a_prune_sums_up_what_it_compresses_and_drops_what_it_removes(tmp_path):
    write_segments(tmp_path, 4)
    before = rebuilt(tmp_path)
    (path,) = summary_files(tmp_path)
    prune(tmp_path, None, compress=True, lease_seq={}.get)
    assert read_by_rebuild(tmp_path) == ["16.jsonl"]
    assert b'"segment":8,' in path.read_bytes()
    prune(tmp_path, Keep(size=0), lease_seq={}.get)
    assert summary_files(tmp_path) == []
    assert rebuilt(tmp_path) == before


def test_a_compressed_twin_made_by_us_is_summed_up_too(data):
    fs = RealFileSystem()
    for each in list_segments(segment(data).parent, fs)[:-1]:
        compress_segment(each, fs)
    rebuilt(data)
    assert read_by_rebuild(data) == [LAST]

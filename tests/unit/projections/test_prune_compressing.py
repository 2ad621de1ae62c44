"""What a prune compresses, and segments that are there in two forms."""

from __future__ import annotations

import pytest

from projections.pruned import Keep
from projections.runner import Runner
from projections.verify import verify
from tests.support.faulty_filesystem import FaultyFileSystem
from tests.support.log_folders import append, compress, segment
from tests.support.prunable_folders import DAY, replayed


def test_all_but_the_last_segments_are_compressed(folder):
    before = replayed(folder.data)
    done = folder.prune(compress=True)
    assert folder.names("b") == [f"{20:020d}.jsonl.zst", f"{30:020d}.jsonl"]
    assert done.streams["a"].compressed_segments == 4
    assert done.streams["b"].compressed_segments == 1
    saved = sum(report.saved_bytes for report in done.streams.values())
    assert saved == done.bytes_before - done.bytes_after > 0
    assert replayed(folder.data) == (folder.data / "stats.json").read_bytes() == before
    again = folder.prune(compress=True)
    assert again.bytes_before == again.bytes_after == folder.bytes()


def test_what_compressing_saves_need_not_be_removed(folder):
    size = folder.bytes() // 2
    folder.prune(Keep(size=size), compress=True)
    assert folder.firsts("a") == [0, 10, 20, 30, 40]
    assert folder.bytes() <= size


def test_what_is_too_old_is_not_compressed_before_it_goes(folder):
    fs = FaultyFileSystem()
    folder.prune(Keep(age_s=1.5 * DAY), compress=True, day=5, fs=fs)
    written = [name for call, name in fs.calls if call == "write_new"]
    assert written == []
    assert folder.names("a") == [f"{40:020d}.jsonl", "summary.json"]


def test_an_error_while_compressing_is_told_and_the_others_go_on(folder):
    (folder.data / "events" / "a" / f"{10:020d}.jsonl.zst").mkdir()
    done = folder.prune(compress=True)
    assert done.streams["a"].error is not None
    assert not done.ok
    assert done.streams["b"].compressed_segments == 1
    assert replayed(folder.data) == (folder.data / "stats.json").read_bytes()


def test_a_backup_that_was_copied_over_compressed_segments_takes_no_line_back(folder):
    text = segment(folder.data, first=10).read_bytes()
    folder.prune(compress=True)
    before = replayed(folder.data)
    append(segment(folder.data, first=10), text[: len(text) // 2])
    assert [gap.stream for gap in verify(folder.data).gaps] == ["a", "b"]
    done = folder.prune(compress=True)
    assert done.ok
    assert done.bytes_before - done.bytes_after == done.streams["a"].saved_bytes
    assert replayed(folder.data) == (folder.data / "stats.json").read_bytes() == before
    assert [gap.stream for gap in verify(folder.data).gaps] == ["b"], "as it was made"


@pytest.mark.parametrize("suffix", [".zst", ".gz"])
@pytest.mark.parametrize("keep", [Keep(age_s=2.5 * DAY), Keep(size=1)])
def test_a_segment_whose_other_file_holds_more_is_not_pruned(folder, suffix, keep):
    text = segment(folder.data, first=10).read_bytes()
    compress(segment(folder.data, first=10), suffix)
    Runner(folder.data).rebuild()
    before = replayed(folder.data)
    append(segment(folder.data, first=10), text[: len(text) // 2])
    done = folder.prune(keep)
    prune = f"`syncstats prune --compress --data {folder.data}`"
    assert f"{prune} removes such a one" in done.streams["a"].error
    assert folder.firsts("a") == [10, 10, 20, 30, 40]
    folder.prune(compress=True)
    assert folder.prune(keep).ok
    assert folder.firsts("a")[0] >= 30
    assert replayed(folder.data) == before

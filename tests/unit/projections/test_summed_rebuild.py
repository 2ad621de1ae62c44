"""A rebuild takes summaries of sealed segments where they fit, and reads the other segments."""

from __future__ import annotations

import errno
import json
import os
import zlib
from typing import TYPE_CHECKING

import pytest

from events.filesystem import RealFileSystem
from events.log.sealing import HOUSEKEEPING_LOCK, compress_segment
from events.log.segment import list_segments
from projections.entry import FOLD_VERSION
from projections.prune import prune
from projections.pruned import Keep
from projections.runner import Runner
from projections.summary_drafts import GROUP_SEGMENTS
from tests.support.log_folders import append, compress, segment
from tests.support.outcome_lines import opened, succeeded
from tests.support.pruned_logs import prune_to, replayed
from tests.support.summed_logs import (
    ReadingFileSystem,
    read_by_rebuild,
    rebuilt,
    rebuilt_and_read,
    summary_files,
    told_by,
    write_segments,
)

if TYPE_CHECKING:
    from pathlib import Path

LAST = "20.jsonl"


@pytest.fixture
def data(tmp_path):
    """Five sealed segments of four lines (0, 4, 8, 12, 16) and a last one, and their summaries."""
    data = tmp_path / "data"
    write_segments(data, 5)
    _, read = rebuilt_and_read(data)
    assert read == ["0.jsonl", "12.jsonl", "16.jsonl", LAST, "4.jsonl", "8.jsonl"]
    return data


def touch(path: Path) -> None:
    """Let a file have been written to just now."""
    os.utime(path, ns=(1, path.stat().st_mtime_ns + 1))


def in_place(path: Path, old: bytes, new: bytes) -> None:
    """Change a file's bytes, not its size."""
    assert len(old) == len(new)
    text = path.read_bytes()
    assert old in text
    path.write_bytes(text.replace(old, new))
    touch(path)


# What is read -------------------------------------------------------------------------------------


def test_of_sealed_segments_with_summaries_nothing_is_read(data):
    assert read_by_rebuild(data) == [LAST]


def test_nor_is_any_of_several_files_of_them(tmp_path, monkeypatch):
    monkeypatch.setattr("projections.summary_drafts.GROUP_SEGMENTS", 3)
    write_segments(tmp_path, 8)
    write_segments(tmp_path, 2, "b")
    rebuilt(tmp_path)
    assert [path.name.lstrip("0") for path in summary_files(tmp_path)] == [
        ".json",  # of "a"
        "12.json",
        "24.json",
        ".json",  # of "b"
    ]
    assert read_by_rebuild(tmp_path) == ["32.jsonl", "8.jsonl"]
    assert GROUP_SEGMENTS > 3


def test_without_summaries_all_is_read_and_they_are_made_anew(data):
    before = [path.read_bytes() for path in summary_files(data)]
    for path in summary_files(data):
        text = path.read_bytes()
        path.write_bytes(text.replace(b'"jobs_failed":5', b'"jobs_failed":6'))
    _, read = rebuilt_and_read(data, summed=False)
    assert len(read) == 6
    assert [path.read_bytes() for path in summary_files(data)] == before


@pytest.mark.parametrize("first", [0, 8, 16])
def test_only_a_segment_that_was_changed_is_read(data, first):
    in_place(segment(data, first=first), b'"job_id": 2', b'"job_id": 3')
    assert read_by_rebuild(data) == sorted([f"{first}.jsonl", LAST])
    assert read_by_rebuild(data) == [LAST], "its summary was made anew"


def test_a_file_put_in_a_segments_place_is_another_one(data):
    path = segment(data, first=4)
    status = path.stat()
    copy = path.with_name("copy")
    copy.write_bytes(path.read_bytes().replace(b'"job_id": 2', b'"job_id": 3'))
    os.utime(copy, ns=(status.st_atime_ns, status.st_mtime_ns))
    copy.replace(path)
    assert read_by_rebuild(data) == [LAST, "4.jsonl"]


def test_a_longer_or_shorter_segment_is_read(data):
    append(segment(data, first=4), succeeded(7, duration_ns=5))
    text = segment(data, first=8).read_bytes()
    segment(data, first=8).write_bytes(text[:-30])
    assert read_by_rebuild(data) == [LAST, "4.jsonl", "8.jsonl"]


def test_a_segment_that_is_gone_makes_a_gap_and_no_other_is_read(data):
    segment(data, first=8).unlink()
    assert read_by_rebuild(data) == [LAST]
    assert json.loads(rebuilt(data))["gaps"] == 1


def test_a_new_segment_is_read_once(data):
    append(segment(data, first=24), opened(24, "e24"), succeeded(25))
    assert read_by_rebuild(data) == [LAST, "24.jsonl"]
    assert read_by_rebuild(data) == ["24.jsonl"]


def test_the_newest_segment_is_read_though_there_is_a_summary_of_it(data):
    """As after the one behind it was lost: it is written to now."""
    segment(data, first=20).unlink()
    assert read_by_rebuild(data) == ["16.jsonl"]
    append(segment(data, first=16), succeeded(20))
    assert read_by_rebuild(data) == ["16.jsonl"]


def test_a_segment_with_an_invalid_line_is_read_each_time_to_tell_of_it(data):
    append(segment(data, first=8), b"not json\n")
    assert read_by_rebuild(data) == [LAST, "8.jsonl"]
    assert read_by_rebuild(data) == [LAST, "8.jsonl"]
    (told,) = told_by(data)
    assert told.startswith(f"{segment(data, first=8)}, line 5, byte ")


def test_lines_that_stand_in_two_segments_count_once(data):
    """As after a failed sync, when the writer has written them again."""
    again = segment(data, first=8).read_bytes().splitlines(keepends=True)[-1]
    path = segment(data, first=12)
    path.write_bytes(again + path.read_bytes())
    touch(path)
    for _ in range(2):
        assert read_by_rebuild(data) == ["12.jsonl", LAST]
        found = json.loads((data / "stats.json").read_bytes())
        assert (found["duplicates"], found["jobs_processed"]) == (1, 18)


def test_a_whole_segment_that_stands_twice_counts_once(data):
    path = segment(data, first=9)
    path.write_bytes(segment(data, first=8).read_bytes())
    for _ in range(2):
        assert read_by_rebuild(data) == [LAST, "9.jsonl"]
        assert json.loads((data / "stats.json").read_bytes())["duplicates"] == 4


def test_an_empty_and_a_torn_sealed_segment_change_nothing(data):
    append(segment(data, first=21))
    append(segment(data, first=22), b'{"event":"job.succeeded",')
    append(segment(data, first=23), b"\n\n")
    append(segment(data, first=24), opened(24, "e24"))
    before = replayed(data / "events").to_bytes()
    assert rebuilt(data) == before
    assert read_by_rebuild(data) == ["24.jsonl"]


def test_a_sealed_segment_without_a_line_leaves_the_place_where_it_was(data):
    append(segment(data, first=22), b'{"event":"job.succeeded",')
    append(segment(data, first=24))
    before = replayed(data / "events").to_bytes()
    for _ in range(2):
        assert rebuilt(data) == before
    append(segment(data, first=24), opened(24, "e24"))
    runner = Runner(data)
    runner.start()
    runner.catch_up()
    runner.save()
    assert (data / "stats.json").read_bytes() == replayed(data / "events").to_bytes()


def test_stats_can_be_gone_on_from_whatever_was_summed(data):
    append(segment(data, first=20), succeeded(24))
    runner = Runner(data)
    runner.start()
    runner.catch_up()
    runner.save()
    assert (data / "stats.json").read_bytes() == replayed(data / "events").to_bytes()


def test_stats_that_are_gone_are_made_from_summaries_too(data):
    (data / "stats.json").unlink()
    runner = Runner(data, fs=(fs := ReadingFileSystem()))
    runner.start()
    runner.catch_up()
    runner.save()
    assert {name.lstrip("0") for name in fs.opened} == {LAST}
    assert (data / "stats.json").read_bytes() == replayed(data / "events").to_bytes()


# Other files of one segment -----------------------------------------------------------------------


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


# Summaries that cannot be believed ----------------------------------------------------------------


def spoilt(path: Path, how: str) -> None:
    text = path.read_bytes()
    head, *rest = text.splitlines(keepends=True)
    other = json.loads(head)["summary"]
    changes = {
        "empty": b"",
        "cut": text[:-10],
        "cut in its first line": head[:-10],
        "no JSON": b"\xff" * 40,
        "deep": b"[" * 100_000,
        "another number": text.replace(b'"jobs_failed":', b'"jobs_failed":1'),
        "another moment": text.replace(b'"as_of":"2026', b'"as_of":"2025'),
        "another size": text.replace(b'"size":', b'"size":1'),
        "older fold": signed(other | {"fold": FOLD_VERSION - 1}, rest),
        "newer layout": signed(other | {"schema": 99}, rest),
        "another stream": signed(other | {"stream": "b"}, rest),
        "no segments": signed(other | {"files": []}, rest),
        "other things": signed({"schema": "one"}, rest),
        "other lines": head + signed([], []) + signed({"segment": 4, "entry": 0}, rest[2:]),
        "no entry": signed(other | {"entry": {}}, rest),
        "lines of each other": head + b"".join(reversed(rest)),
    }
    path.write_bytes(changes[how])


def signed(content: object, rest: list[bytes]) -> bytes:
    """A first line with a checksum that is right, and the others."""
    data = json.dumps(content).encode()
    return b'{"crc32":%d,"summary":%b}\n' % (zlib.crc32(data), data) + b"".join(rest)


@pytest.mark.parametrize(
    ("how", "read"),
    [
        ("empty", 6),
        ("cut", 1),
        ("cut in its first line", 6),
        ("no JSON", 6),
        ("deep", 6),
        ("another number", 6),
        ("another moment", 6),
        ("another size", 6),
        ("older fold", 6),
        ("newer layout", 6),
        ("another stream", 6),
        ("no segments", 6),
        ("other things", 6),
        ("other lines", 1),
        ("no entry", 1),
        ("lines of each other", 1),
    ],
)
def test_it_is_as_if_it_were_not_there_and_made_anew(data, how, read):
    (path,) = summary_files(data)
    before = path.read_bytes()
    spoilt(path, how)
    assert len(read_by_rebuild(data)) == read
    if read > 1:
        assert path.read_bytes() == before


@pytest.mark.parametrize("how", ["cut", "lines of each other", "other lines", "no entry"])
def test_a_damaged_line_costs_no_more_than_its_segment(data, how):
    (path,) = summary_files(data)
    spoilt(path, how)
    touch(segment(data, first=0))
    read = read_by_rebuild(data)
    assert (
        read
        == {
            "cut": ["0.jsonl", "16.jsonl", LAST],
            "lines of each other": ["0.jsonl", "12.jsonl", "16.jsonl", LAST, "4.jsonl"],
            "other lines": ["0.jsonl", LAST, "4.jsonl"],
            "no entry": ["0.jsonl", LAST],
        }[how]
    )
    assert read_by_rebuild(data) == [LAST]


def test_files_that_nobody_of_us_wrote_are_left_alone(data):
    folder = summary_files(data)[0].parent
    (folder / "notes.txt").write_text("mine")
    (folder / f"{4:020d}.json").mkdir()
    assert read_by_rebuild(data) == [LAST]
    assert (folder / "notes.txt").read_text() == "mine"


def test_all_may_be_removed(data):
    for path in summary_files(data):
        path.unlink()
    (data / "summaries" / "a").rmdir()
    (data / "summaries").rmdir()
    assert len(read_by_rebuild(data)) == 6


# Where they cannot be written ---------------------------------------------------------------------


class NoSummaries(RealFileSystem):
    """Refuses to write summaries."""

    def make_folder(self, path, mode=0o700):
        if "summaries" in str(path):
            raise OSError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        super().make_folder(path, mode)


def test_it_is_said_once_and_all_else_goes_on(tmp_path):
    write_segments(tmp_path, 2)
    write_segments(tmp_path, 2, "b")
    told = []
    runner = Runner(tmp_path, fs=NoSummaries(), notice=told.append)
    for _ in range(2):
        runner.rebuild()
    assert (tmp_path / "stats.json").read_bytes() == replayed(tmp_path / "events").to_bytes()
    (said,) = told
    assert "the summaries of segments cannot be written" in said
    assert "nothing is lost" in said


def test_a_prune_says_so_too(tmp_path):
    write_segments(tmp_path, 2)
    told = []
    prune(
        tmp_path,
        None,
        compress=True,
        lease_seq={}.get,
        fs=NoSummaries(),
        notice=told.append,
    )
    (said,) = told
    assert said.startswith("the summaries of segments cannot be written")
    assert len([*segment(tmp_path).parent.glob("*.zst")]) == 2


@pytest.mark.parametrize("name", ["summaries", "summaries/a"])
def test_they_are_not_written_through_a_link(tmp_path, name):
    data = tmp_path / "data"
    write_segments(data, 2)
    (tmp_path / "elsewhere").mkdir()
    (data / name).parent.mkdir(exist_ok=True)
    (data / name).symlink_to(tmp_path / "elsewhere")
    told = []
    Runner(data, notice=told.append).rebuild()
    assert "is a symbolic link" in told[0]
    assert [*(tmp_path / "elsewhere").rglob("*.json")] == []


def test_nor_while_somebody_compresses_or_prunes(tmp_path):
    write_segments(tmp_path, 2)
    with RealFileSystem().lock(tmp_path / HOUSEKEEPING_LOCK):
        rebuilt(tmp_path)
    assert summary_files(tmp_path) == []


def test_their_files_are_for_their_owner_alone(data):
    assert (data / "summaries").stat().st_mode & 0o777 == 0o700
    assert summary_files(data)[0].stat().st_mode & 0o777 == 0o600


def test_nothing_is_made_where_no_segment_is_sealed(tmp_path):
    append(segment(tmp_path), succeeded(0))
    rebuilt(tmp_path)
    assert not (tmp_path / "summaries").exists()


def test_a_segment_that_changes_while_it_is_summed_up_has_no_summary(tmp_path):
    write_segments(tmp_path, 1)

    class Changing(RealFileSystem):
        def open_read(self, path):
            if path == segment(tmp_path):
                touch(path)
            return super().open_read(path)

    rebuilt(tmp_path, fs=Changing())
    assert summary_files(tmp_path) == []


@pytest.mark.parametrize("time", [1, 2])
def test_one_that_is_compressed_while_it_is_summed_up_is_read_whole_without(tmp_path, time):
    write_segments(tmp_path, 1)
    expected = rebuilt(tmp_path, summed=False)
    for path in summary_files(tmp_path):
        path.unlink()
    notices = []

    class Compressing(RealFileSystem):
        opened = 0

        def open_read(self, path):
            self.opened += path == segment(tmp_path)
            if path == segment(tmp_path) and self.opened == time:
                compress(path)
            return super().open_read(path)

    assert rebuilt(tmp_path, fs=Compressing(), notice=notices.append) == expected
    assert summary_files(tmp_path) == []
    assert notices == []


def test_a_compressed_twin_made_by_us_is_summed_up_too(data):
    fs = RealFileSystem()
    for each in list_segments(segment(data).parent, fs)[:-1]:
        compress_segment(each, fs)
    rebuilt(data)
    assert read_by_rebuild(data) == [LAST]

from __future__ import annotations

import gzip
import io
import os
import threading

import pytest
import zstandard

from projections.errors import SourceError, StrictError
from projections.replay import replay
from projections.runner import Runner
from tests.support.log_folders import append, compress, segment
from tests.support.outcome_lines import failed, opened, succeeded

LINES = [opened(0, "e0"), succeeded(1), failed(2), succeeded(3)]
TEXT = b"".join(LINES)


def fold(*paths, stdin=b"", **options):
    return replay([str(path) for path in paths], stdin=io.BytesIO(stdin), **options)


@pytest.fixture
def data(tmp_path):
    data = tmp_path / "data"
    append(segment(data), *LINES[:2])
    append(segment(data, first=2), *LINES[2:])
    append(segment(data, "b"), opened(0, "x", "b"), succeeded(1, "b"))
    return data


def test_a_data_folder_gives_what_stats_json_holds(data):
    (data / "events" / "c").mkdir()
    segment(data, "d").touch()
    Runner(data).rebuild()

    snapshot = fold(data).snapshot
    assert (data / "stats.json").read_bytes() == snapshot.to_bytes()
    assert set(snapshot.streams) == {"a", "b"}
    assert fold(data / "events").snapshot == snapshot


def test_a_stream_alone_gives_the_same_entry_as_with_the_others(data):
    alone = fold(data / "events" / "a").snapshot

    assert alone.streams == {"a": fold(data).snapshot.streams["a"]}
    assert alone.streams["a"].position.offset == len(LINES[2] + LINES[3])


def test_files_give_the_same_stats_and_no_place(data, tmp_path):
    (tmp_path / "x").write_bytes(TEXT)
    loose = fold(tmp_path / "x").snapshot.streams["a"]
    mixed = fold(tmp_path / "x", data).snapshot.streams["a"]

    assert loose.stats == mixed.stats == fold(data).snapshot.streams["a"].stats
    for entry in (loose, mixed):
        assert (entry.position.segment, entry.position.offset) == (None, None)
        assert (entry.position.epoch, entry.position.seq) == ("e0", 4)
    assert mixed.duplicates == 4


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(
    "after",
    [[opened(4, "e9"), succeeded(5)], [succeeded(4), opened(5, "e9")]],
    ids=["late", "early"],
)
def test_two_histories_of_one_stream_are_refused_whichever_comes_first(
    data, tmp_path, after, turned
):
    """A backup was restored and written on: neither hides what only the other holds."""
    other = tmp_path / "other"
    append(segment(other), *LINES, *after)
    append(segment(data, first=4), opened(4, "e1"), succeeded(5), succeeded(6))
    paths = (other, data) if turned else (data, other)
    with pytest.raises(SourceError, match="two histories of stream 'a', which differ at seq"):
        fold(*paths)


def test_an_odd_opening_in_one_folder_is_a_duplicate_and_no_more(data):
    append(segment(data, first=4), opened(3, "e9"), opened(0, "e8"), succeeded(4))
    snapshot = fold(data).snapshot
    assert (snapshot.duplicates, snapshot.total().jobs_processed) == (2, 5)


def test_two_folders_of_one_stream_are_both_read_from_their_start(data, tmp_path):
    """A copy that was written on; its segments were cut at other places."""
    copy = tmp_path / "copy"
    append(segment(copy), *LINES, succeeded(4))
    entry = fold(data, copy).snapshot.streams["a"]

    assert entry.seen == ((0, 5),)
    assert (entry.duplicates, entry.invalid_lines) == (4, 0)
    assert entry.position.segment is None
    assert fold(copy, data).snapshot.streams["a"] == entry


def test_standard_input():
    replayed = fold("-", stdin=TEXT + b"not json\n" + b'{"unfinished')

    assert replayed.snapshot.total().jobs_processed == 3
    assert replayed.snapshot.invalid_lines == 1
    assert replayed.incomplete_lines == 1


def test_lines_without_stream_are_summed():
    snapshot = fold("-", stdin=succeeded(None, None) * 2).snapshot

    assert set(snapshot.streams) == {""}
    assert snapshot.total().jobs_processed == 2


def test_the_lines_of_a_process_substitution(tmp_path):
    """`syncstats replay <(zcat x.gz)` gives the name of a pipe."""
    read_end, write_end = os.pipe()
    os.write(write_end, TEXT)
    os.close(write_end)
    snapshot = fold(f"/dev/fd/{read_end}").snapshot
    os.close(read_end)
    assert snapshot.total().jobs_processed == 3

    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=lambda: (tmp_path / "pipe").write_bytes(TEXT))
    writer.start()
    assert fold(tmp_path / "pipe").snapshot == snapshot
    writer.join()


def test_a_pipe_among_files_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "x.jsonl")
    with pytest.raises(SourceError, match=r"x\.jsonl is no regular file"):
        fold(tmp_path)


@pytest.mark.parametrize(
    ("suffix", "pack"), [(".gz", gzip.compress), (".zst", zstandard.compress)], ids=["gz", "zst"]
)
def test_compressed_files_of_several_parts(tmp_path, suffix, pack):
    whole = pack(b"".join(LINES[:2])) + pack(b"") + pack(b"".join(LINES[2:]))
    path = tmp_path / f"x.jsonl{suffix}"
    path.write_bytes(whole)
    assert fold(path).snapshot.streams["a"].seen == ((0, 4),)

    path.write_bytes(whole[:-3])
    with pytest.raises(SourceError, match=r"^\S+ cannot be decompressed to its end"):
        fold(path)
    path.write_bytes(b"plain")
    with pytest.raises(SourceError, match="damaged"):
        fold(path)


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_compressed_segments_are_their_stream(data, suffix):
    before = fold(data).snapshot
    compress(segment(data), suffix, keep=True)
    assert fold(data).snapshot == before
    segment(data).unlink()
    assert fold(data).snapshot == before


def test_strict_stops_at_the_first_invalid_line(data):
    append(segment(data, "b"), b"bad\n", b"worse\n")
    told = []
    with pytest.raises(StrictError) as caught:
        fold(data, strict=True, problem=told.append)

    offset = len(opened(0, "x", "b") + succeeded(1, "b"))
    assert f"{segment(data, 'b')}, line 3, byte {offset}: not JSON" in str(caught.value)
    assert told == []


def test_strict_bears_an_unfinished_line():
    told = []
    replayed = fold("-", stdin=TEXT + b"unfinished", strict=True, problem=told.append)

    assert replayed.incomplete_lines == 1
    assert [p.source for p in told] == ["standard input"]


def test_what_is_told_meanwhile(data):
    told, read = [], []
    append(segment(data, "b"), b"bad\n")
    fold(data, problem=told.append, progress=read.append)

    assert [p.line for p in told] == [3]
    assert sum(read) == sum(path.stat().st_size for path in data.rglob("*.jsonl"))


def test_what_cannot_be_read_is_told_by_its_name(tmp_path):
    class Full:
        """Standard input on a disk that fails."""

        def seekable(self):
            return False

        def read1(self, _size):
            raise OSError(5, "Input/output error")

    with pytest.raises(SourceError, match="standard input cannot be read: Input/output error"):
        replay(["-"], stdin=Full())
    with pytest.raises(SourceError, match="does not exist"):
        fold(tmp_path / "none")


def test_a_line_too_long_is_not_held(tmp_path):
    import tracemalloc

    path = tmp_path / "x"
    with path.open("wb") as file:
        file.write(b"x")  # zero bytes before a line would be passed over
        file.truncate(60_000_000)
    append(path, b"\n", succeeded(0))
    tracemalloc.start()
    snapshot = fold(path).snapshot
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert snapshot.invalid_lines == 1
    assert snapshot.total().jobs_processed == 1
    assert peak < 20_000_000

"""Segments are summed up when they are sealed, beside the worker that keeps stats.json."""

from __future__ import annotations

import errno
import os

import pytest

from events.filesystem import RealFileSystem
from events.log.sealing import HOUSEKEEPING_LOCK
from projections.compressing import Compressor
from projections.keeper import Keeper
from projections.runner import Runner
from projections.summaries.summariser import Summariser
from tests.support.log_folders import append, segment
from tests.support.outcome_lines import opened, succeeded
from tests.support.summed_logs import read_by_rebuild, summary_files, write_segments


class Full(RealFileSystem):
    """Cannot write summaries while it is full."""

    full = False

    def replace_file(self, path, data, mode=None):
        if self.full and path.parent.parent.name == "summaries":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        super().replace_file(path, data, mode)


class Worker:
    """A log that grows, and who keeps its stats."""

    def __init__(self, data, *, compress=False):
        self.data = data
        self.fs = Full()
        self.errors: list[Exception] = []
        self.first = 0
        options = {"fs": self.fs, "failed": self.errors.append}
        self.keeper = Keeper(
            data,
            Runner(data, fs=self.fs),
            fs=self.fs,
            compressor=Compressor(data, **options) if compress else None,
            summariser=Summariser(data, compressed=compress, **options),
        )

    def write(self, lines=4, stream="a"):
        """Begin a segment; the one before is full now. Its lines come one after the other."""
        for seq in range(self.first, self.first + lines):
            line = succeeded(seq, stream) if seq else opened(seq, "e", stream)
            append(segment(self.data, stream, self.first), line)
            self.keeper.step()
        self.first += lines

    def summed(self):
        """Which segments have a summary."""
        text = b"".join(path.read_bytes().splitlines()[0] for path in summary_files(self.data))
        numbers = [part.split(b",")[0] for part in text.split(b'{"segment":')[1:]]
        return [int(number) for number in numbers]


@pytest.fixture
def worker(tmp_path):
    return Worker(tmp_path)


def test_a_segment_is_summed_up_when_the_next_is_begun(worker):
    worker.write()
    assert worker.summed() == []
    worker.write()
    assert worker.summed() == [0]
    for _ in range(5):
        worker.write()
    assert worker.summed() == [0, 4, 8, 12, 16, 20]
    assert len(summary_files(worker.data)) == 1
    assert read_by_rebuild(worker.data) == ["24.jsonl"]


def test_those_of_several_streams_are_one_at_a_step(worker):
    worker.write()
    worker.first = 0
    worker.write(stream="b")
    for stream in ("a", "b"):
        append(segment(worker.data, stream, 4), succeeded(4, stream))
    worker.keeper.step()
    assert worker.summed() == [0]
    worker.keeper.step()
    assert worker.summed() == [0, 0]


def test_what_was_sealed_before_is_left_to_a_rebuild(tmp_path):
    write_segments(tmp_path, 3)
    Runner(tmp_path).rebuild()
    for path in summary_files(tmp_path):
        path.unlink()
    worker = Worker(tmp_path)
    worker.keeper.step()
    worker.first = 16
    worker.write()
    worker.write()
    assert worker.summed() == [12, 16]
    assert read_by_rebuild(tmp_path) == ["0.jsonl", "20.jsonl", "4.jsonl", "8.jsonl"]


def test_segments_that_were_never_followed_are_summed_up_when_they_are_folded(worker):
    write_segments(worker.data, 3)
    worker.keeper.step()
    assert worker.summed() == [0, 4, 8]


def test_one_that_is_compressed_is_summed_up_after_that(tmp_path):
    worker = Worker(tmp_path, compress=True)
    for _ in range(4):
        worker.write()
    assert worker.summed() == [0, 4, 8]
    assert read_by_rebuild(tmp_path) == ["12.jsonl"]
    assert len([*segment(tmp_path).parent.glob("*.zst")]) == 3


def test_nothing_is_done_while_another_compresses_or_prunes(worker):
    with worker.fs.lock(worker.data / HOUSEKEEPING_LOCK):
        worker.write()
        worker.write()
        assert worker.summed() == []
    worker.keeper.step()
    assert worker.summed() == [0]


def test_an_error_is_told_once_and_the_rest_goes_on(worker):
    worker.fs.full = True
    for _ in range(3):
        worker.write()
    (error,) = worker.errors
    assert isinstance(error, OSError)
    worker.fs.full = False
    worker.write()
    assert worker.summed() == [8]
    assert read_by_rebuild(worker.data) == ["0.jsonl", "12.jsonl", "4.jsonl"]


def test_a_segment_with_an_invalid_line_is_passed_over(worker):
    worker.write()
    append(segment(worker.data), b"not json\n")
    worker.write()
    worker.write()
    assert worker.summed() == [4]


def test_one_that_has_a_summary_is_not_read_again(worker):
    worker.write()
    worker.write()
    again = Summariser(worker.data, fs=worker.fs)
    runner = Runner(worker.data)
    runner.start()
    again.step(runner.snapshot)
    before = summary_files(worker.data)[0].stat().st_ino
    segment(worker.data, first=4)
    append(segment(worker.data, first=8), succeeded(8))
    runner.catch_up()
    again.step(runner.snapshot)
    worker.keeper.step()
    after = summary_files(worker.data)[0].stat().st_ino
    assert before != after
    worker.keeper.step()
    assert summary_files(worker.data)[0].stat().st_ino == after
    assert worker.summed() == [0, 4]

"""The outcomes of a stream from a number on are read from its segments, in order."""

from __future__ import annotations

import gzip

import pytest

from events.log.recovery import read_outcomes
from events.log.segment import segment_name
from tests.support.faulty_filesystem import FaultyFileSystem
from tests.support.lines import event_line, outcome_line

FIRST = segment_name(0)


@pytest.fixture
def fs():
    return FaultyFileSystem()


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "s").mkdir()
    return tmp_path / "s"


def lines(*numbers):
    return b"".join(map(outcome_line, numbers))


class TestReadOutcomes:
    def seqs(self, folder, from_seq, fs):
        return [line.seq for line in read_outcomes(folder, from_seq, fs)]

    def test_outcomes_alone_in_the_order_of_the_files(self, folder, fs):
        (folder / FIRST).write_bytes(
            event_line(0, event="stream.opened")
            + outcome_line(1)
            + outcome_line(2, event="job.failed", to_dlq=True, error_type="X")
            + b"damaged\n"
            + outcome_line(4, event="job.skipped")
            + outcome_line(4, stream="other")
            + b'{"event":"job.succeeded","timestamp":"2026-01-01T00:00:00Z"}\n'
            + outcome_line(3)
            + outcome_line(5)[:-1]
        )
        found = list(read_outcomes(folder, 0, fs))
        assert [(line.seq, line.event) for line in found] == [
            (1, "job.succeeded"),
            (2, "job.failed"),
            (4, "job.skipped"),
            (3, "job.succeeded"),
        ]
        assert (found[1].to_dlq, found[1].error_type) == (True, "X")
        assert self.seqs(folder, 3, fs) == [4, 3]

    def test_segments_wholly_below_are_not_opened(self, folder, fs):
        (folder / f"{FIRST}.gz").write_bytes(gzip.compress(lines(0, 1)))
        (folder / segment_name(2)).write_bytes(lines(2, 3))
        (folder / segment_name(4)).write_bytes(lines(4))
        assert self.seqs(folder, 3, fs) == [3, 4]
        assert [name for operation, name in fs.calls if operation == "open_read"] == [
            segment_name(2),
            segment_name(4),
        ]
        assert self.seqs(folder, 0, fs) == [0, 1, 2, 3, 4]
        assert self.seqs(folder, 2, fs) == [2, 3, 4]
        assert fs.count("open_read") == 2 + 3 + 2
        assert self.seqs(folder, 99, fs) == []

    def test_nothing_below_is_needed(self, folder, fs):
        (folder / f"{segment_name(2)}.gz").write_bytes(gzip.compress(lines(2, 3)))
        (folder / segment_name(4)).write_bytes(lines(4))
        assert self.seqs(folder, 0, fs) == self.seqs(folder, 2, fs) == [2, 3, 4]
        (folder / f"{segment_name(2)}.gz").unlink()
        assert self.seqs(folder, 4, fs) == [4]

    def test_a_stream_without_segments(self, folder, fs):
        assert self.seqs(folder, 0, fs) == []

    def test_a_line_over_the_limit_is_passed_over(self, folder, fs):
        too_long = outcome_line(1, note="x" * (1 << 20))
        (folder / FIRST).write_bytes(lines(0) + too_long + lines(2))
        assert self.seqs(folder, 0, fs) == [0, 2]

    def test_leaving_it_early_closes_its_file(self, folder, fs):
        (folder / FIRST).write_bytes(lines(0, 1))
        walk = read_outcomes(folder, 0, fs)
        assert next(walk).seq == 0
        walk.close()
